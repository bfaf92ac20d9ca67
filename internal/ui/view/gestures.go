// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"assist/internal/screen"
)

// wheelUnits is what the toolkit gives for one notch of the wheel where its own
// events are all there is.
const wheelUnits = 25

// The pane is all that the toolkit may give to a widget under mouse and keyboard.
var (
	_ desktop.Hoverable  = (*pane)(nil)
	_ desktop.Mouseable  = (*pane)(nil)
	_ desktop.Cursorable = (*pane)(nil)
	_ desktop.Keyable    = (*pane)(nil)
	_ fyne.Tabbable      = (*pane)(nil)
	_ fyne.Draggable     = (*pane)(nil)
	_ fyne.Scrollable    = (*pane)(nil)
)

// follow notes where the mouse is and returns the host pixel below it. While a
// button is down a mouse that leaves the pictures stays on the edge of the one
// where it was pressed.
func (p *pane) follow(e fyne.PointEvent) (screen.MonitorID, image.Point, bool) {
	origin := e.AbsolutePosition.Subtract(e.Position)
	p.origin = image.Pt(p.pixels(origin.X), p.pixels(origin.Y))
	p.hover = image.Pt(p.pixels(e.AbsolutePosition.X), p.pixels(e.AbsolutePosition.Y)).Sub(p.origin)
	return p.under()
}

// catchUp takes a move that the toolkit has yet to tell, from the mouse's place in
// device pixels of the window: what follows must happen there.
func (p *pane) catchUp(at image.Point) {
	if at = at.Sub(p.origin); at == p.hover {
		return
	}
	p.hover = at
	if id, host, ok := p.under(); ok {
		p.hands.move(id, host)
	}
}

// under returns the host pixel below the mouse.
func (p *pane) under() (screen.MonitorID, image.Point, bool) {
	s, ok := spotAt(p.spots, p.hover)
	if !ok && p.hands.holding() {
		s, ok = spotOf(p.spots, p.target)
	}
	if !ok {
		return 0, image.Point{}, false
	}
	return s.id, s.toHost(p.hover), true
}

// MouseIn implements desktop.Hoverable.
func (p *pane) MouseIn(e *desktop.MouseEvent) {
	p.inside = true
	p.moveCursor()
	p.MouseMoved(e)
}

// MouseMoved implements desktop.Hoverable.
func (p *pane) MouseMoved(e *desktop.MouseEvent) { p.move(e.PointEvent) }

func (p *pane) move(e fyne.PointEvent) {
	if id, at, ok := p.follow(e); ok {
		p.hands.move(id, at)
		return
	}
	p.hands.hidePointer()
}

// MouseOut implements desktop.Hoverable.
func (p *pane) MouseOut() {
	p.inside = false
	p.hands.hidePointer()
	p.moveCursor()
}

// Dragged implements fyne.Draggable: the toolkit tells a move with a button down
// this way, also outside the pane.
func (p *pane) Dragged(e *fyne.DragEvent) { p.move(e.PointEvent) }

// DragEnd implements fyne.Draggable.
func (p *pane) DragEnd() {}

// MouseDown implements desktop.Mouseable.
func (p *pane) MouseDown(e *desktop.MouseEvent) {
	if c := fyne.CurrentApp().Driver().CanvasForObject(p); c != nil {
		c.Focus(p)
	}
	p.follow(e.PointEvent)
	p.press(wireButton(e.Button), true)
}

// MouseUp implements desktop.Mouseable.
func (p *pane) MouseUp(e *desktop.MouseEvent) {
	p.follow(e.PointEvent)
	p.press(wireButton(e.Button), false)
}

// press tells of a button where the mouse is. A release is never left out: when
// the monitor it was pressed on has gone, everything is released.
func (p *pane) press(n uint8, down bool) bool {
	id, at, ok := p.under()
	switch {
	case n == 0:
		return false
	case !ok && down:
		return false
	case !ok:
		p.hands.letGo()
		return true
	case down:
		p.target = id
	}
	p.hands.button(id, at, n, down)
	return true
}

// wireButton is the number on the wire of one of the toolkit's three buttons.
func wireButton(b desktop.MouseButton) uint8 {
	switch b {
	case desktop.MouseButtonPrimary:
		return 1
	case desktop.MouseButtonTertiary:
		return 2
	case desktop.MouseButtonSecondary:
		return 3
	}
	return 0
}

// Scrolled implements fyne.Scrollable.
func (p *pane) Scrolled(e *fyne.ScrollEvent) {
	if !p.hands.wheel(-float64(e.Scrolled.DX)/wheelUnits, -float64(e.Scrolled.DY)/wheelUnits) {
		p.wheel(e)
	}
}

// tap is the way of what the toolkit does not tell.
func (p *pane) tap() mouseTap {
	return mouseTap{
		button: func(at image.Point, n uint8, down bool) bool {
			if !p.inside {
				return false
			}
			p.catchUp(at)
			return p.press(n, down)
		},
		wheel: func(at image.Point, dx, dy float64) bool {
			if !p.inside || p.hands.mode != modeDrive {
				return false
			}
			p.catchUp(at)
			return p.hands.wheel(dx, dy)
		},
	}
}

// Cursor implements desktop.Cursorable.
func (p *pane) Cursor() desktop.Cursor { return p.look.local(p.hands.mode, p.idle()) }

// AcceptsTab implements fyne.Tabbable: while driving Tab goes to the host, else it
// leaves the pane.
func (p *pane) AcceptsTab() bool { return p.hands.mode == modeDrive }

// FocusGained implements fyne.Focusable.
func (p *pane) FocusGained() {}

// FocusLost implements fyne.Focusable: nothing stays down at a host whose
// technician looks elsewhere.
func (p *pane) FocusLost() { p.hands.letGo() }

// KeyDown implements desktop.Keyable.
func (p *pane) KeyDown(e *fyne.KeyEvent) { p.hands.key(e.Physical.ScanCode, true) }

// KeyUp implements desktop.Keyable.
func (p *pane) KeyUp(e *fyne.KeyEvent) {
	if p.hands.key(e.Physical.ScanCode, false) {
		p.chord()
	}
}

// TypedKey implements fyne.Focusable; KeyDown has it already.
func (p *pane) TypedKey(*fyne.KeyEvent) {}

// TypedRune implements fyne.Focusable; the host's layout makes the characters.
func (p *pane) TypedRune(rune) {}
