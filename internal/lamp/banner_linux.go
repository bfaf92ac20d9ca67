// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"bytes"
	"fmt"
	"image"
	"time"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/screen"
	"assist/internal/x11"
)

// bannerEvents is what a banner's window wants to be told of.
const bannerEvents = xproto.EventMaskButtonPress | xproto.EventMaskButtonRelease | xproto.EventMaskButton1Motion |
	xproto.EventMaskVisibilityChange | xproto.EventMaskStructureNotify

// maxRequest is how many bytes of pixels go into one request.
const maxRequest = 200_000

// banner is the two windows of one monitor.
type banner struct {
	monitor screen.Monitor
	artist  *artist
	win     xproto.Window
	frame   xproto.Window
	pixmap  xproto.Pixmap
	gc      xproto.Gcontext
	place   image.Rectangle // where it must be, on the desktop

	shown   *image.RGBA // what the pixmap holds
	buttons []button
	pressed action
	drag    *drag
	gaze    gaze
}

// gripTime is how long a hand may rest before its drag is over: less than injected
// movements are held off after the person's last one, so those never drag a banner.
const gripTime = 1500 * time.Millisecond

// drag is a banner being moved: the place of the pointer on it, and when it moved.
type drag struct {
	grip image.Point
	last time.Time
}

// spot is where along the edges of its monitor a banner is.
type spot struct {
	set    bool
	bottom bool
	along  float64 // 0 at the left, 1 at the right
}

// on is a spot's place for a banner of this size.
func (s spot) on(m image.Rectangle, size image.Point) image.Rectangle {
	if !s.set {
		s.along = 0.5
	}
	at := m.Min.Add(image.Pt(int(s.along*float64(m.Dx()-size.X)+0.5), 0))
	if s.bottom {
		at.Y = m.Max.Y - size.Y
	}
	return image.Rectangle{Min: at, Max: at.Add(size)}
}

func (st *stage) newBanner(m screen.Monitor) (*banner, error) {
	a, err := st.artist(m)
	if err != nil {
		return nil, err
	}
	size := image.Pt(min(a.px(bannerWidth), m.Bounds.Dx()), min(a.px(bannerHeight), m.Bounds.Dy()))
	b := &banner{monitor: m, artist: a, place: st.spots[m.ID].on(m.Bounds, size)}
	if err := st.buildFrame(b); err != nil {
		return nil, err
	}
	return b, st.build(b)
}

// build makes the banner's window and shows it.
func (st *stage) build(b *banner) error {
	st.free(b)
	var err error
	if b.win, err = st.window(xrect(b.place), 0, bannerEvents); err != nil {
		return err
	}
	if b.gc, err = xproto.NewGcontextId(st.c.X); err != nil {
		return err
	}
	xproto.CreateGC(st.c.X, b.gc, xproto.Drawable(b.win), 0, nil)
	if b.pixmap, err = xproto.NewPixmapId(st.c.X); err != nil {
		return err
	}
	xproto.CreatePixmap(st.c.X, st.c.Screen.RootDepth, b.pixmap, xproto.Drawable(b.win),
		uint16(b.place.Dx()), uint16(b.place.Dy()))
	b.shown, b.drag, b.pressed = nil, nil, actNone
	st.draw(b, time.Now())
	if err := xproto.MapWindowChecked(st.c.X, b.win).Check(); err != nil {
		return fmt.Errorf("show the banner: %w", err)
	}
	return nil
}

// free gives back what the server holds for drawing a banner.
func (st *stage) free(b *banner) {
	if b.pixmap != 0 {
		xproto.FreePixmap(st.c.X, b.pixmap)
		xproto.FreeGC(st.c.X, b.gc)
		b.pixmap, b.gc = 0, 0
	}
}

// buildFrame makes the thin click-through frame round the monitor.
func (st *stage) buildFrame(b *banner) error {
	r := b.monitor.Bounds
	var err error
	if b.frame, err = st.window(xrect(r), pixel(st.ground()), 0); err != nil {
		return err
	}
	w, h, t := uint16(r.Dx()), uint16(r.Dy()), uint16(b.artist.px(frameWidth))
	shape.Rectangles(st.c.X, shape.SoSet, shape.SkBounding, 0, b.frame, 0, 0, []xproto.Rectangle{
		{Width: w, Height: t}, {Y: int16(h - t), Width: w, Height: t},
		{Width: t, Height: h}, {X: int16(w - t), Width: t, Height: h},
	})
	st.clickThrough(b.frame)
	xproto.MapWindow(st.c.X, b.frame)
	return nil
}

func xrect(r image.Rectangle) xproto.Rectangle {
	return xproto.Rectangle{X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy())}
}

// ground is the colour of the banner and the frame now.
func (st *stage) ground() [3]uint8 {
	c := colours(driven(st.lit.wished().status)).ground
	return [3]uint8{c.R, c.G, c.B}
}

func pixel(c [3]uint8) uint32 { return uint32(c[0])<<16 | uint32(c[1])<<8 | uint32(c[2]) }

// paint draws every banner and colours every frame.
func (st *stage) paint() {
	now := time.Now()
	st.painted = now.Unix()
	ground := pixel(st.ground())
	for _, b := range st.banners {
		if st.draw(b, now) {
			xproto.ChangeWindowAttributes(st.c.X, b.frame, xproto.CwBackPixel, []uint32{ground})
			xproto.ClearArea(st.c.X, false, b.frame, 0, 0, 0, 0)
		}
	}
}

// draw brings a banner's pixmap up to date, touching only what differs, and
// reports whether its colour changed. How many monitors there are is in the words, too: follow
// paints all banners anew when that changes.
func (st *stage) draw(b *banner, now time.Time) bool {
	w := st.lit.wished()
	img, buttons := b.artist.banner(scene{
		status: w.status, texts: st.look.texts.on(len(st.layout)), now: now, pressed: b.pressed, width: b.place.Dx(),
	})
	b.buttons = buttons
	changed := differing(b.shown, img)
	recoloured := b.shown == nil || !bytes.Equal(b.shown.Pix[:4], img.Pix[:4])
	if changed.Empty() {
		b.shown = img
		return false
	}
	b.gaze.before, b.gaze.drawn = b.shown, now
	b.shown = img
	st.put(xproto.Drawable(b.pixmap), b.gc, img, changed)
	// The pixmap is the window's background, so the server itself repaints what
	// was uncovered, even while we hang.
	xproto.ChangeWindowAttributes(st.c.X, b.win, xproto.CwBackPixmap, []uint32{uint32(b.pixmap)})
	r := xrect(changed)
	xproto.ClearArea(st.c.X, false, b.win, r.X, r.Y, r.Width, r.Height)
	return recoloured
}

// put writes a part of a picture into a drawable.
func (st *stage) put(d xproto.Drawable, gc xproto.Gcontext, img *image.RGBA, r image.Rectangle) {
	rows := max(1, maxRequest/(4*r.Dx()))
	for y := r.Min.Y; y < r.Max.Y; y += rows {
		h := min(rows, r.Max.Y-y)
		data := make([]byte, 0, 4*r.Dx()*h)
		for row := y; row < y+h; row++ {
			i := img.PixOffset(r.Min.X, row)
			for _, end := i, i+4*r.Dx(); i < end; i += 4 {
				data = append(data, img.Pix[i+2], img.Pix[i+1], img.Pix[i], 0)
			}
		}
		xproto.PutImage(st.c.X, xproto.ImageFormatZPixmap, d, gc, uint16(r.Dx()), uint16(h),
			int16(r.Min.X), int16(y), 0, st.c.Screen.RootDepth, data)
	}
}

// mouse acts on the first button of the mouse: a press and a release on the same
// button of the banner push it; elsewhere a press drags the banner.
func (b *banner) mouse(st *stage, e x11.Event) {
	m := xproto.MotionNotifyEventNew(e[:]).(xproto.MotionNotifyEvent)
	on := image.Pt(int(m.EventX), int(m.EventY))
	switch {
	case e.Code() == xproto.MotionNotify:
		b.dragged(st, image.Pt(int(m.RootX), int(m.RootY)))
		return
	case m.Detail != xproto.ButtonIndex1:
		return
	case e.Code() == xproto.ButtonPress:
		if st.told = uint32(m.Time); st.told == st.done {
			return // acted upon already
		}
		if b.pressed = b.hit(on); b.pressed == actNone {
			b.drag = &drag{grip: on, last: time.Now()}
		}
	default:
		act := b.pressed
		b.pressed, b.drag = actNone, nil
		if act != actNone && act == b.hit(on) {
			st.act(act)
		}
	}
	st.draw(b, time.Now())
}

func (b *banner) hit(p image.Point) action {
	for _, button := range b.buttons {
		if p.In(button.rect) {
			return button.act
		}
	}
	return actNone
}

// dragged follows a hand that moves the banner and has not rested.
func (b *banner) dragged(st *stage, to image.Point) {
	if b.drag == nil {
		return
	}
	if time.Since(b.drag.last) > gripTime {
		b.drag = nil
		return
	}
	b.drag.last = time.Now()
	b.move(st, to)
}

// move slides the banner along the top or the bottom edge, whichever is nearer.
func (b *banner) move(st *stage, to image.Point) {
	m, size := b.monitor.Bounds, b.place.Size()
	s := spot{set: true, bottom: to.Y > (m.Min.Y+m.Max.Y)/2}
	if room := m.Dx() - size.X; room > 0 {
		s.along = float64(max(0, min(to.X-b.drag.grip.X-m.Min.X, room))) / float64(room)
	}
	place := s.on(m, size)
	if place == b.place {
		return
	}
	st.spots[b.monitor.ID] = s
	b.place = place
	b.gaze.moved = time.Now()
	st.replace(b)
}

// replace puts the banner's window where it belongs.
func (st *stage) replace(b *banner) {
	xproto.ConfigureWindow(st.c.X, b.win,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight|xproto.ConfigWindowBorderWidth,
		[]uint32{uint32(b.place.Min.X), uint32(b.place.Min.Y), uint32(b.place.Dx()), uint32(b.place.Dy()), 0})
}

// act calls whom the button is for; nothing they do can hold up the banner.
func (st *stage) act(a action) {
	f := map[action]func(){
		actCut: st.o.OnCut, actPause: st.o.OnPause, actTakeBack: st.o.OnTakeBack, actResume: st.o.OnResume,
	}[a]
	if f != nil {
		go f()
	}
}
