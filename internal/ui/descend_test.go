// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// descend lists an object and all below it, in the order of the focus.
func descend(o fyne.CanvasObject) []fyne.CanvasObject {
	if o == nil || !o.Visible() {
		return nil
	}
	out := []fyne.CanvasObject{o}
	var inner []fyne.CanvasObject
	switch o := o.(type) {
	case *fyne.Container:
		inner = o.Objects
	case *container.Scroll:
		inner = []fyne.CanvasObject{o.Content}
	case *press:
		inner = []fyne.CanvasObject{o.content}
	}
	for _, i := range inner {
		if i != nil {
			out = append(out, descend(i)...)
		}
	}
	return out
}
