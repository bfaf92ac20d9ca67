// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// pressKind is how a press looks.
type pressKind uint8

const (
	pressPlain   pressKind = iota // outlined
	pressPrimary                  // the one main action of a screen
	pressDanger                   // Disconnect, and nothing else
	pressQuiet                    // like a link
	pressTab                      // one of the places
	pressChoice                   // one of a few values, side by side
	pressTile                     // a large surface with a content of its own
)

// press is everything that can be pressed: buttons, tabs, choices and tiles. Space and
// Enter press it, but for one that asks whether it may: that takes Space alone. A key that it does not know
// goes to the window's own handler, so that Esc works wherever the focus is.
type press struct {
	widget.DisableableWidget
	label   string
	icon    fyne.Resource
	kind    pressKind
	content fyne.CanvasObject // of a tile, in place of the label
	tapped  func()
	allow   func(Act, fyne.CanvasObject) bool // asked before each press, when there is one; Enter is none then
	chosen  bool                              // of a tab or a choice
	focused bool
	hovered bool
}

// newPress is a press with a label.
func newPress(label string, kind pressKind, tapped func()) *press {
	p := &press{label: label, kind: kind, tapped: tapped}
	p.ExtendBaseWidget(p)
	return p
}

// newTile is a press with a content; name says it to a screen reader.
func newTile(name string, content fyne.CanvasObject, tapped func()) *press {
	p := &press{label: name, kind: pressTile, content: content, tapped: tapped}
	p.ExtendBaseWidget(p)
	return p
}

// with adds an icon.
func (p *press) with(icon fyne.Resource) *press {
	p.icon = icon
	return p
}

// setLabel costs nothing when the label is the same.
func (p *press) setLabel(s string) {
	if p.label != s {
		p.label = s
		p.Refresh()
	}
}

// choose marks the tab or choice that is the one of now.
func (p *press) choose(on bool) {
	if p.chosen != on {
		p.chosen = on
		p.Refresh()
	}
}

// enable is Enable or Disable.
func (p *press) enable(on bool) {
	switch {
	case on && p.Disabled():
		p.Enable()
	case !on && !p.Disabled():
		p.Disable()
	}
}

// Tapped implements fyne.Tappable.
func (p *press) Tapped(*fyne.PointEvent) { p.act(ActClick) }

// act does what the press is for.
func (p *press) act(by Act) {
	if p.Disabled() || p.tapped == nil || p.allow != nil && !p.allow(by, p) {
		return
	}
	p.tapped()
}

// TypedKey implements fyne.Focusable.
func (p *press) TypedKey(e *fyne.KeyEvent) {
	enter := e.Name == fyne.KeyReturn || e.Name == fyne.KeyEnter
	if e.Name == fyne.KeySpace || enter && p.allow == nil {
		p.act(ActSpace)
		return
	}
	bubble(p, e)
}

// bubble hands a key that a widget does not use to its window.
func bubble(o fyne.CanvasObject, e *fyne.KeyEvent) {
	c := fyne.CurrentApp().Driver().CanvasForObject(o)
	if c == nil {
		return
	}
	if f := c.OnTypedKey(); f != nil {
		f(e)
	}
}

// TypedRune implements fyne.Focusable.
func (p *press) TypedRune(rune) {}

// FocusGained implements fyne.Focusable. What the pointer is on is in sight, and must not move
// away below a click.
func (p *press) FocusGained() {
	p.focused = true
	p.Refresh()
	if !p.hovered {
		reveal(p)
	}
}

// FocusLost implements fyne.Focusable.
func (p *press) FocusLost() { p.focused = false; p.Refresh() }

// MouseIn implements desktop.Hoverable.
func (p *press) MouseIn(*desktop.MouseEvent) { p.hovered = true; p.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (p *press) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (p *press) MouseOut() { p.hovered = false; p.Refresh() }

// Cursor implements desktop.Cursorable.
func (p *press) Cursor() desktop.Cursor {
	if p.Disabled() || p.tapped == nil {
		return desktop.DefaultCursor
	}
	return desktop.PointerCursor
}

// AccessibilityLabel implements fyne.Accessible.
func (p *press) AccessibilityLabel() string { return p.label }

// AccessibilityRole implements fyne.Accessible.
func (p *press) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer implements fyne.Widget.
func (p *press) CreateRenderer() fyne.WidgetRenderer { return newPressRenderer(p) }
