// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/screen"
)

// sprite is the technician's pointer: a small shaped window that lets every
// click through.
type sprite struct {
	win    xproto.Window
	label  string
	artist *artist
	tip    image.Point
	mapped bool
	at     image.Point // of the tip, on the desktop
}

// point brings the technician's pointer to where it should be.
func (st *stage) point() {
	w := st.lit.wished()
	m, ok := st.layout.Find(w.point.monitor)
	inside := ok && w.point.at.In(image.Rectangle{Max: m.Bounds.Size()})
	if !w.point.visible || !inside || !w.status.Rights.Has(consent.RightPoint) || w.status.Paused != consent.PauseNone {
		st.hideSprite()
		return
	}
	if err := st.drawSprite(m, w.status.Who.Name); err != nil {
		st.log.Warn("cannot show the technician's pointer", "err", err)
		return
	}
	s := &st.sprite
	if at := m.Bounds.Min.Add(w.point.at); at != s.at || !s.mapped {
		s.at = at
		place := at.Sub(s.tip)
		xproto.ConfigureWindow(st.c.X, s.win, xproto.ConfigWindowX|xproto.ConfigWindowY,
			[]uint32{uint32(int32(place.X)), uint32(int32(place.Y))})
	}
	if !s.mapped {
		s.mapped = true
		st.restack() // below the banners before it shows
		xproto.MapWindow(st.c.X, s.win)
	}
}

func (st *stage) hideSprite() {
	if st.sprite.mapped {
		xproto.UnmapWindow(st.c.X, st.sprite.win)
		st.sprite.mapped = false
	}
}

// drawSprite makes the pointer's window for this name and size, unless it is there.
func (st *stage) drawSprite(m screen.Monitor, label string) error {
	a, err := st.artist(m)
	if err != nil {
		return err
	}
	if st.sprite.win != 0 && st.sprite.label == label && st.sprite.artist == a {
		return nil
	}
	st.destroy(st.sprite.win)
	img, tip := a.pointer(label)
	opaque(img)
	win, err := st.window(xrect(img.Rect), 0, 0)
	if err != nil {
		return err
	}
	st.sprite = sprite{win: win, label: label, artist: a, tip: tip}
	pixmap, err := xproto.NewPixmapId(st.c.X)
	if err != nil {
		return err
	}
	gc, err := xproto.NewGcontextId(st.c.X)
	if err != nil {
		return err
	}
	xproto.CreatePixmap(st.c.X, st.c.Screen.RootDepth, pixmap, xproto.Drawable(win), uint16(img.Rect.Dx()), uint16(img.Rect.Dy()))
	xproto.CreateGC(st.c.X, gc, xproto.Drawable(win), 0, nil)
	st.put(xproto.Drawable(pixmap), gc, img, img.Rect)
	xproto.ChangeWindowAttributes(st.c.X, win, xproto.CwBackPixmap, []uint32{uint32(pixmap)})
	xproto.FreePixmap(st.c.X, pixmap)
	xproto.FreeGC(st.c.X, gc)
	shape.Rectangles(st.c.X, shape.SoSet, shape.SkBounding, 0, win, 0, 0, solid(img))
	st.clickThrough(win)
	st.tell()
	return nil
}

// opaque keeps the smoothed edges light: shaped windows know no half tones. The
// marks of what is there and what is not stay in the fourth byte.
func opaque(img *image.RGBA) {
	for i := 0; i < len(img.Pix); i += 4 {
		for j := i; j < i+3; j++ {
			img.Pix[j] += 255 - img.Pix[i+3]
		}
	}
}

// solid covers the pixels of a picture that are more there than not.
func solid(img *image.RGBA) []xproto.Rectangle {
	var rects []xproto.Rectangle
	for y := range img.Rect.Dy() {
		start := -1
		for x := range img.Rect.Dx() + 1 {
			in := x < img.Rect.Dx() && img.Pix[img.PixOffset(x, y)+3] >= 128
			if in && start < 0 {
				start = x
			}
			if !in && start >= 0 {
				rects = append(rects, xproto.Rectangle{X: int16(start), Y: int16(y), Width: uint16(x - start), Height: 1})
				start = -1
			}
		}
	}
	return rects
}
