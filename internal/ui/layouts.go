// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// stack lays objects below each other, each as wide as there is room. A wrapped text
// knows its height only once it has its width, so each object is measured again after
// it was given one.
type stack struct{ gap float32 }

// newStack is a container of objects below each other.
func newStack(gap float32, objs ...fyne.CanvasObject) *fyne.Container {
	return container.New(&stack{gap: gap}, objs...)
}

func (s *stack) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	y := float32(0)
	for _, o := range objs {
		if !o.Visible() {
			continue
		}
		h := fit(o, size.Width)
		o.Move(fyne.NewPos(0, y))
		y += h + s.gap
	}
}

func (s *stack) MinSize(objs []fyne.CanvasObject) fyne.Size {
	m := fyne.NewSize(0, -s.gap)
	for _, o := range objs {
		if o.Visible() {
			c := o.MinSize()
			m = fyne.NewSize(fyne.Max(m.Width, c.Width), m.Height+s.gap+c.Height)
		}
	}
	return m.Max(fyne.Size{})
}

// fit gives an object a width and the height that it then asks for, which it returns.
func fit(o fyne.CanvasObject, width float32) float32 {
	h := o.MinSize().Height
	o.Resize(fyne.NewSize(width, h))
	if now := o.MinSize().Height; now != h {
		h = now
		o.Resize(fyne.NewSize(width, h))
	}
	return h
}

// row lays objects beside each other, centred on their height. The object at grow takes
// the width that is left; -1: none does.
type row struct {
	gap  float32
	grow int
}

// newRow is a container of objects beside each other.
func newRow(gap float32, grow int, objs ...fyne.CanvasObject) *fyne.Container {
	return container.New(&row{gap: gap, grow: grow}, objs...)
}

// space takes the room left in a row.
func space() fyne.CanvasObject { return canvas.NewRectangle(color.Transparent) }

func (r *row) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	spare := size.Width - r.MinSize(objs).Width
	x := float32(0)
	for i, o := range objs {
		if !o.Visible() {
			continue
		}
		w := o.MinSize().Width
		if i == r.grow {
			w += fyne.Max(spare, 0)
		}
		h := fit(o, w)
		o.Move(fyne.NewPos(x, (size.Height-h)/2))
		x += w + r.gap
	}
}

func (r *row) MinSize(objs []fyne.CanvasObject) fyne.Size {
	m := fyne.NewSize(-r.gap, 0)
	for _, o := range objs {
		if o.Visible() {
			c := o.MinSize()
			m = fyne.NewSize(m.Width+r.gap+c.Width, fyne.Max(m.Height, c.Height))
		}
	}
	return m.Max(fyne.Size{})
}

// flow is a row that breaks into lines when it is too narrow.
type flow struct {
	gap  float32
	wide float32 // the width of the last layout
}

// newFlow is a container that breaks into lines.
func newFlow(gap float32, objs ...fyne.CanvasObject) *fyne.Container {
	return container.New(&flow{gap: gap}, objs...)
}

func (f *flow) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	f.wide = size.Width
	f.place(objs, func(o fyne.CanvasObject, at fyne.Position) {
		o.Resize(o.MinSize())
		o.Move(at)
	})
}

func (f *flow) MinSize(objs []fyne.CanvasObject) fyne.Size {
	if f.wide == 0 { // one line for now, and no wider than the widest
		m := (&stack{}).MinSize(objs)
		return fyne.NewSize(m.Width, (&row{}).MinSize(objs).Height)
	}
	return f.place(objs, func(fyne.CanvasObject, fyne.Position) {})
}

// place calls put for each visible object and returns the room needed.
func (f *flow) place(objs []fyne.CanvasObject, put func(fyne.CanvasObject, fyne.Position)) fyne.Size {
	var at fyne.Position
	var line, widest float32
	for _, o := range objs {
		if !o.Visible() {
			continue
		}
		m := o.MinSize()
		if at.X > 0 && at.X+m.Width > f.wide {
			at = fyne.NewPos(0, at.Y+line+f.gap)
			line = 0
		}
		put(o, at)
		at.X += m.Width + f.gap
		line = fyne.Max(line, m.Height)
		widest = fyne.Max(widest, m.Width)
	}
	return fyne.NewSize(widest, at.Y+line)
}

// pair is a name and its value: a third and two thirds of the width.
type pair struct{}

func (*pair) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	left := size.Width / 3
	fit(objs[0], left-8)
	fit(objs[1], size.Width-left)
	objs[0].Move(fyne.NewPos(0, 0))
	objs[1].Move(fyne.NewPos(left, 0))
}

func (*pair) MinSize(objs []fyne.CanvasObject) fyne.Size {
	a, b := objs[0].MinSize(), objs[1].MinSize()
	return fyne.NewSize(a.Width+b.Width+8, fyne.Max(a.Height, b.Height))
}

// column centres one object, no wider than limit, with a margin round it.
type column struct{ limit, margin float32 }

func (c *column) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	w := fyne.Min(size.Width-2*c.margin, c.limit)
	for _, o := range objs {
		fit(o, w)
		o.Move(fyne.NewPos((size.Width-w)/2, c.margin))
	}
}

func (c *column) MinSize(objs []fyne.CanvasObject) fyne.Size {
	var m fyne.Size
	for _, o := range objs {
		m = m.Max(o.MinSize())
	}
	return m.AddWidthHeight(2*c.margin, 2*c.margin)
}

// inset is a margin, wide at left and right, high above and below.
type inset struct{ wide, high float32 }

func (i *inset) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		o.Resize(size.SubtractWidthHeight(2*i.wide, 2*i.high))
		o.Move(fyne.NewPos(i.wide, i.high))
	}
}

func (i *inset) MinSize(objs []fyne.CanvasObject) fyne.Size {
	var m fyne.Size
	for _, o := range objs {
		m = m.Max(o.MinSize())
	}
	return m.AddWidthHeight(2*i.wide, 2*i.high)
}

// newPage is one scrolled column, for the body of the main window.
func newPage(objs ...fyne.CanvasObject) fyne.CanvasObject {
	gap := theme.Size(sizeGap)
	body := container.New(&column{limit: 48 * theme.Size(theme.SizeNameText), margin: gap * 1.25}, newStack(gap, objs...))
	return container.NewVScroll(body)
}
