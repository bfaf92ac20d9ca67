// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !ci && (linux || windows || darwin)

package view

import (
	"image"

	"fyne.io/fyne/v2"
	"github.com/go-gl/glfw/v3.4/glfw"
)

// mouseTap takes what the toolkit does not tell: buttons 4 and 5, and the wheel
// without its acceleration. Each is told where in the window the mouse is, since the
// toolkit tells moves later than these, and returns false to leave the event to it.
type mouseTap struct {
	button func(at image.Point, n uint8, down bool) bool
	wheel  func(at image.Point, dx, dy float64) bool // in notches, positive down and right
}

// tapMouse puts t before the toolkit's own callbacks of a shown window. It is
// called on the toolkit's goroutine, where the callbacks run too.
func tapMouse(w fyne.Window, t mouseTap) {
	ctx, ok := w.(interface{ RunWithContext(func()) })
	if !ok {
		return
	}
	ctx.RunWithContext(func() {
		g := glfw.GetCurrentContext()
		if g == nil {
			return
		}
		var click glfw.MouseButtonCallback
		click = g.SetMouseButtonCallback(func(g *glfw.Window, b glfw.MouseButton, a glfw.Action, m glfw.ModifierKey) {
			extra := b == glfw.MouseButton4 || b == glfw.MouseButton5
			if extra && t.button(mouseAt(g), uint8(b-glfw.MouseButton4)+4, a == glfw.Press) || click == nil {
				return
			}
			click(g, b, a, m)
		})
		var scroll glfw.ScrollCallback
		scroll = g.SetScrollCallback(func(g *glfw.Window, x, y float64) {
			if t.wheel(mouseAt(g), -x, -y) || scroll == nil {
				return
			}
			scroll(g, x, y)
		})
	})
}

// mouseAt is where the mouse is, cut to whole device pixels as the toolkit does.
func mouseAt(g *glfw.Window) image.Point {
	x, y := g.GetCursorPos()
	return image.Pt(int(x), int(y))
}

// pollInput has the callbacks of all windows called for what waits. It is called on
// the toolkit's goroutine.
func pollInput() { glfw.PollEvents() }
