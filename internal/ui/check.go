// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// check is a box with a word beside it. Space toggles it; before each change allow is
// asked, when there is one.
type check struct {
	widget.DisableableWidget
	label   string
	on      bool
	off     fyne.Resource
	ticked  fyne.Resource
	allow   func(Act, fyne.CanvasObject) bool
	changed func(bool)
	focused bool
}

// newCheck is a box; changed is told of each change by the person.
func (a *App) newCheck(label string, on bool, changed func(bool)) *check {
	c := &check{label: label, on: on, off: a.icon("box"), ticked: a.icon("boxed"), changed: changed}
	c.ExtendBaseWidget(c)
	return c
}

// Tapped implements fyne.Tappable.
func (c *check) Tapped(*fyne.PointEvent) { c.act(ActClick) }

// act changes the box.
func (c *check) act(by Act) {
	if c.Disabled() || c.allow != nil && !c.allow(by, c) {
		return
	}
	c.on = !c.on
	c.Refresh()
	if c.changed != nil {
		c.changed(c.on)
	}
}

// TypedKey implements fyne.Focusable.
func (c *check) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeySpace {
		c.act(ActSpace)
		return
	}
	bubble(c, e)
}

// TypedRune implements fyne.Focusable.
func (c *check) TypedRune(rune) {}

// FocusGained implements fyne.Focusable.
func (c *check) FocusGained() { c.focused = true; c.Refresh() }

// FocusLost implements fyne.Focusable.
func (c *check) FocusLost() { c.focused = false; c.Refresh() }

// Cursor implements desktop.Cursorable.
func (c *check) Cursor() desktop.Cursor { return desktop.PointerCursor }

// AccessibilityLabel implements fyne.Accessible.
func (c *check) AccessibilityLabel() string { return c.label }

// AccessibilityRole implements fyne.Accessible.
func (c *check) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer implements fyne.Widget.
func (c *check) CreateRenderer() fyne.WidgetRenderer {
	r := &checkRenderer{
		c:     c,
		ring:  canvas.NewRectangle(color.Transparent),
		box:   canvas.NewImageFromResource(nil),
		label: canvas.NewText("", color.Black),
	}
	r.box.FillMode = canvas.ImageFillContain
	r.paint()
	return r
}

type checkRenderer struct {
	c     *check
	ring  *canvas.Rectangle
	box   *canvas.Image
	label *canvas.Text
}

// side is the width of the box itself.
func (r *checkRenderer) side() float32 { return r.c.Theme().Size(theme.SizeNameText) * 1.5 }

func (r *checkRenderer) MinSize() fyne.Size {
	m := r.label.MinSize()
	return fyne.NewSize(m.Width+r.side()*1.3, fyne.Max(m.Height, r.side())+ringWidth)
}

func (r *checkRenderer) Layout(size fyne.Size) {
	m, side := r.label.MinSize(), r.side()
	r.ring.Resize(fyne.NewSize(r.MinSize().Width+2*ringWidth, size.Height))
	r.ring.Move(fyne.NewPos(-ringWidth, 0))
	r.box.Resize(fyne.NewSquareSize(side))
	r.box.Move(fyne.NewPos(-side/8, (size.Height-side)/2)) // the drawing has a margin of an eighth
	r.label.Resize(m)
	r.label.Move(fyne.NewPos(side*1.15, (size.Height-m.Height)/2))
}

func (r *checkRenderer) Refresh() {
	r.paint()
	r.Layout(r.c.Size())
	for _, o := range r.Objects() {
		o.Refresh()
	}
}

// paint takes over the state and the colours of now.
func (r *checkRenderer) paint() {
	th, v := r.c.Theme(), fyne.CurrentApp().Settings().ThemeVariant()
	r.label.Text, r.label.TextSize = r.c.label, th.Size(theme.SizeNameText)
	r.label.Color = th.Color(theme.ColorNameForeground, v)
	ink, res := colorMuted, r.c.off
	if r.c.on {
		ink, res = theme.ColorNamePrimary, r.c.ticked
	}
	if r.c.Disabled() {
		ink = theme.ColorNameDisabled
	}
	r.box.Resource = theme.NewColoredResource(res, ink)
	r.ring.StrokeColor, r.ring.StrokeWidth, r.ring.CornerRadius = color.Transparent, 2, 6
	if r.c.focused {
		r.ring.StrokeColor = th.Color(colorRing, v)
	}
}

func (r *checkRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ring, r.box, r.label}
}

func (r *checkRenderer) Destroy() {}
