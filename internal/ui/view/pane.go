// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"assist/internal/screen"
)

// desk is what a pane needs of its window.
type desk interface {
	// scale is the number of device pixels in a unit of the toolkit.
	scale() float32
	// placed is called after the pane has laid out its pictures anew.
	placed(spots []spot)
}

// pane shows the pictures of one or more monitors, edge to edge, and takes the
// mouse and the keyboard for them.
type pane struct {
	widget.BaseWidget
	desk   desk
	hands  *hands
	look   *pointer
	chord  func()                    // the release chord was struck
	wheel  func(e *fyne.ScrollEvent) // the host does not take the wheel
	shown  screen.Layout             // the monitors on this pane
	actual bool                      // 1:1, else fitted
	idle   func() bool               // mouse and keyboard are held back
	spots  []spot
	ground []*canvas.Rectangle // around the pictures; under them it would cost as much as they do
	images map[screen.MonitorID]*canvas.Image
	cursor *canvas.Image // the host's pointer
	origin image.Point   // of the pane in the window, in device pixels
	hover  image.Point   // last place of the mouse, in device pixels of the pane
	inside bool          // the mouse is over the pane
	target screen.MonitorID
}

func newPane(d desk, h *hands, look *pointer) *pane {
	p := &pane{desk: d, hands: h, look: look, images: map[screen.MonitorID]*canvas.Image{},
		chord: func() {}, wheel: func(*fyne.ScrollEvent) {}, idle: func() bool { return false },
		cursor: newPicture()}
	p.cursor.Hide()
	p.ExtendBaseWidget(p)
	return p
}

// newPicture is an image that costs the least: no smoothing by the processor.
func newPicture() *canvas.Image {
	return &canvas.Image{FillMode: canvas.ImageFillStretch, ScaleMode: canvas.ImageScaleFastest}
}

// set says which monitors to show, and how large.
func (p *pane) set(shown screen.Layout, actual bool) {
	if p.shown.Equal(shown) && p.actual == actual {
		return
	}
	p.shown, p.actual = shown, actual
	for id := range p.images {
		if _, ok := shown.Find(id); !ok {
			delete(p.images, id)
		}
	}
	for _, m := range shown {
		if p.images[m.ID] == nil {
			p.images[m.ID] = newPicture()
		}
	}
	p.Refresh()
}

// MinSize implements fyne.CanvasObject: at 1:1 all host pixels have room, so that
// the scroll bars appear.
func (p *pane) MinSize() fyne.Size {
	if !p.actual {
		return fyne.NewSize(1, 1)
	}
	size := union(p.shown).Size()
	return fyne.NewSize(p.units(size.X), p.units(size.Y))
}

// units converts device pixels to the toolkit's units.
func (p *pane) units(px int) float32 { return float32(px) / p.desk.scale() }

// pixels converts the toolkit's units to device pixels, as its painter does.
func (p *pane) pixels(units float32) int {
	return int(math.Round(float64(units * p.desk.scale())))
}

// place lays the pictures out on an area in the toolkit's units.
func (p *pane) place(size fyne.Size) {
	area := image.Pt(p.pixels(size.Width), p.pixels(size.Height))
	p.spots = spread(area, p.shown, p.actual)
	around := []image.Rectangle{{Max: area}}
	for _, s := range p.spots {
		p.fit(p.images[s.id], s.rect)
		around = minus(around, s.rect)
	}
	p.fill(around)
	p.moveCursor()
	p.desk.placed(p.spots)
}

// fill lays the ground on these rectangles of device pixels.
func (p *pane) fill(around []image.Rectangle) {
	for len(p.ground) < len(around) {
		p.ground = append(p.ground, canvas.NewRectangle(color.Gray{0x18}))
	}
	for i, g := range p.ground {
		if i < len(around) {
			p.fit(g, around[i])
		}
		show(g, i < len(around))
	}
}

// fit puts an object on a rectangle of device pixels.
func (p *pane) fit(o fyne.CanvasObject, r image.Rectangle) {
	o.Move(fyne.NewPos(p.units(r.Min.X), p.units(r.Min.Y)))
	o.Resize(fyne.NewSize(p.units(r.Dx()), p.units(r.Dy())))
}

// reshape takes over a new shape of the host's pointer.
func (p *pane) reshape() {
	if p.look.host != nil {
		p.cursor.Image = p.look.host.img
		p.cursor.Refresh()
	}
}

// moveCursor puts the host's pointer where it is, or hides it: it is left out
// while the technician's own mouse wears its shape.
func (p *pane) moveCursor() {
	at, own := p.look.place, p.inside && p.hands.mode == modeDrive && !p.idle()
	s, ok := spotOf(p.spots, at.Monitor)
	if !ok || !at.Visible || own || p.look.host == nil {
		show(p.cursor, false) // hiding it again would have the whole window painted
		return
	}
	size := p.look.host.img.Rect.Size()
	r := image.Rectangle{Max: size}.Add(s.toPane(at.At)).Sub(p.look.host.hot)
	p.fit(p.cursor, r)
	show(p.cursor, true)
}

// CreateRenderer implements fyne.Widget.
func (p *pane) CreateRenderer() fyne.WidgetRenderer { return &paneRenderer{p} }

type paneRenderer struct{ p *pane }

func (r *paneRenderer) Layout(size fyne.Size) { r.p.place(size) }
func (r *paneRenderer) MinSize() fyne.Size    { return r.p.MinSize() }
func (r *paneRenderer) Refresh()              { r.p.place(r.p.Size()) }
func (r *paneRenderer) Destroy()              {}

// Objects lists the ground, the pictures in the order of their monitors, and the
// pointer over them.
func (r *paneRenderer) Objects() []fyne.CanvasObject {
	var list []fyne.CanvasObject
	for _, g := range r.p.ground {
		list = append(list, g)
	}
	for _, m := range r.p.shown {
		if img := r.p.images[m.ID]; img != nil {
			list = append(list, img)
		}
	}
	return append(list, r.p.cursor)
}
