// SPDX-License-Identifier: Apache-2.0

//go:build testdoor

package view

import (
	"fmt"
	"strings"
)

// DoorID tells tests, which are built with a tag, where the pictures of the
// monitors lie: "pane", then id=x,y,w,h in device pixels of the pane for each.
func (p *pane) DoorID() string {
	parts := []string{"pane"}
	for _, s := range p.spots {
		r := s.rect
		parts = append(parts, fmt.Sprintf("%d=%d,%d,%d,%d", s.id, r.Min.X, r.Min.Y, r.Dx(), r.Dy()))
	}
	return strings.Join(parts, " ")
}

// DoorID names the closing note and the text to type.
func (f *field) DoorID() string { return "note" }

// DoorButton names the button that ends.
func (b *redButton) DoorButton() string { return b.label }
