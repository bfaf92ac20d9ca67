// SPDX-License-Identifier: Apache-2.0

package view

import (
	"math"

	"fyne.io/fyne/v2"
)

// frame lays the session window out: toolbar, picture, status line; in full
// screen the picture alone, with a thin tab at the top that unfolds the toolbar
// over it. Its objects are, in this order: picture, status line, toolbar, tab.
type frame struct {
	full, open bool
	scale      func() float32
}

// MinSize implements fyne.Layout.
func (f *frame) MinSize(o []fyne.CanvasObject) fyne.Size {
	bar, status := o[2].MinSize(), o[1].MinSize()
	return fyne.NewSize(max(bar.Width, status.Width), bar.Height+status.Height+100)
}

// Layout implements fyne.Layout. Heights end on whole device pixels, so that the
// pictures' pixels meet the screen's.
func (f *frame) Layout(o []fyne.CanvasObject, size fyne.Size) {
	picture, status, bar, tab := o[0], o[1], o[2], o[3]
	top, bottom := f.snap(bar.MinSize().Height), f.snap(status.MinSize().Height)
	bar.Resize(fyne.NewSize(size.Width, top))
	bar.Move(fyne.NewPos(0, 0))
	if !f.full {
		top, bottom = min(top, size.Height), min(bottom, size.Height)
		picture.Move(fyne.NewPos(0, top))
		picture.Resize(fyne.NewSize(size.Width, max(size.Height-top-bottom, 1)))
		status.Move(fyne.NewPos(0, size.Height-bottom))
		status.Resize(fyne.NewSize(size.Width, bottom))
	} else {
		picture.Move(fyne.NewPos(0, 0))
		picture.Resize(size)
		y := float32(0)
		if f.open {
			y = top
		}
		min := tab.MinSize()
		tab.Resize(min)
		tab.Move(fyne.NewPos(f.snap((size.Width-min.Width)/2), y))
	}
	show(status, !f.full)
	show(bar, !f.full || f.open)
	show(tab, f.full)
}

// snap rounds a length up to whole device pixels.
func (f *frame) snap(v float32) float32 {
	s := float64(f.scale())
	return float32(math.Ceil(float64(v)*s-1e-3) / s)
}

// show shows or hides an object, when it is not so already.
func show(o fyne.CanvasObject, on bool) {
	if on == o.Visible() {
		return
	}
	if on {
		o.Show()
	} else {
		o.Hide()
	}
}
