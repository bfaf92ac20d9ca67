// SPDX-License-Identifier: Apache-2.0

//go:build !cgo || ci || !(linux || windows || darwin)

package view

import (
	"image"

	"fyne.io/fyne/v2"
)

// mouseTap takes what the toolkit does not tell; here there is no way to.
type mouseTap struct {
	button func(at image.Point, n uint8, down bool) bool
	wheel  func(at image.Point, dx, dy float64) bool
}

// tapMouse leaves the mouse to the toolkit: buttons 4 and 5 are lost, and the
// wheel comes through pane.Scrolled.
func tapMouse(fyne.Window, mouseTap) {}

// pollInput does nothing: the toolkit looks by itself.
func pollInput() {}
