// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"assist/internal/screen"
)

// stage is a pane with its scroll bars and its veil, in a window of the toolkit.
type stage struct {
	win    fyne.Window
	pane   *pane
	scroll *container.Scroll
	veil   *veil
	root   *fyne.Container
	spots  func([]spot)        // told of each layout
	direct presenter           // nil: pictures go the toolkit's way
	over   []fyne.CanvasObject // what may hide a part of the pictures
}

func newStage(win fyne.Window, h *hands, look *pointer, spots func([]spot)) *stage {
	s := &stage{win: win, spots: spots, veil: newVeil()}
	s.pane = newPane(s, h, look)
	s.scroll = container.NewScroll(s.pane)
	s.pane.wheel = s.scroll.Scrolled
	s.root = container.NewStack(s.scroll, s.veil.root)
	return s
}

// show says which monitors to show, and brings the scroll bars up to date.
func (s *stage) show(l screen.Layout, actual bool) {
	s.pane.set(l, actual)
	s.scroll.Refresh()
}

// scale implements desk.
func (s *stage) scale() float32 { return s.win.Canvas().Scale() }

// placed implements desk.
func (s *stage) placed(spots []spot) { s.spots(spots) }

// focus gives the keyboard to the pane.
func (s *stage) focus() { s.win.Canvas().Focus(s.pane) }

// leave lets go of everything large: the toolkit remembers what belonged to a window
// for a minute after it is gone.
func (s *stage) leave() {
	s.dropDirect()
	for _, img := range s.pane.images {
		img.Image = nil
	}
	clear(s.pane.images)
}

// veil lies over a frozen picture: grey, with the cause in words.
type veil struct {
	root *fyne.Container
	grey *canvas.Rectangle
	card *canvas.Rectangle
	text *canvas.Text
}

func newVeil() *veil {
	v := &veil{
		grey: canvas.NewRectangle(color.NRGBA{0x50, 0x50, 0x50, 0xb0}),
		card: canvas.NewRectangle(color.NRGBA{0x18, 0x18, 0x18, 0xf0}),
		text: canvas.NewText("", color.White),
	}
	v.card.CornerRadius = 8
	v.text.TextSize = theme.Size(theme.SizeNameSubHeadingText)
	v.text.Alignment = fyne.TextAlignCenter
	line := container.NewPadded(container.NewPadded(container.NewPadded(v.text)))
	v.root = container.NewStack(v.grey, container.NewCenter(container.NewStack(v.card, line)))
	v.root.Hide()
	return v
}

// say shows a text over the picture, greyed or not; an empty one clears it.
func (v *veil) say(text string, grey bool) {
	if text == "" {
		if v.root.Visible() {
			v.text.Text = ""
			v.root.Hide()
		}
		return
	}
	if v.root.Visible() && v.text.Text == text && v.grey.Visible() == grey {
		return
	}
	v.text.Text = text
	v.grey.Hidden = !grey
	v.root.Show()
	v.root.Refresh()
}
