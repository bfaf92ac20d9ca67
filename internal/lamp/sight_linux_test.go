// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"encoding/binary"
	"image"
	"log/slog"
	"testing"
	"time"

	"github.com/jezek/xgb/composite"
	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/x11/x11test"
)

// compositing makes redirection usable for a desk.
func (d *desk) compositing() {
	d.t.Helper()
	_, _, err := d.c.Extension("Composite")
	d.check(err)
	_, err = composite.QueryVersion(d.c.X, 0, 4).Reply()
	d.check(err)
}

// overlay puts up a window that no other can be above.
func (d *desk) overlay(r image.Rectangle) {
	d.t.Helper()
	d.compositing()
	o, err := composite.GetOverlayWindow(d.c.X, d.c.Root).Reply()
	d.check(err)
	id, err := xproto.NewWindowId(d.c.X)
	d.check(err)
	d.check(xproto.CreateWindowChecked(d.c.X, 24, id, o.OverlayWin, int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0,
		xproto.WindowClassInputOutput, 0, xproto.CwBackPixel, []uint32{0x123456}).Check())
	d.check(xproto.MapWindowChecked(d.c.X, id).Check())
}

// silent wants the lamp to stop beating for longer than any watchdog waits.
func (r *rig) silent(t *testing.T) {
	t.Helper()
	eventually(t, "the lamp stops beating", func() bool {
		from := r.beats.Load()
		<-time.After(600 * time.Millisecond)
		return r.beats.Load() == from
	})
}

// often does something every few milliseconds until it is told to stop.
func often(do func()) (stop func()) {
	halt, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			do()
			select {
			case <-halt:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { close(halt); <-over }
}

// TestNoBeatWhileRedirected: the windows are all in place, but drawn elsewhere.
func TestNoBeatWhileRedirected(t *testing.T) {
	x11test.Start(t, "900x400", "+extension", "Composite")
	r := lightUp(t)
	r.compositing()
	r.beating()
	stop := often(func() {
		for _, w := range r.banners() {
			composite.RedirectWindow(r.c.X, w, composite.RedirectManual)
		}
		r.c.X.Sync()
	})
	r.silent(t)
	stop()
	r.beating() // in a window made anew
	if c := r.pixel(image.Pt(450, 2)); c != amber {
		t.Errorf("banner is %06x", c)
	}
}

// TestNoBeatUnderOverlay: the overlay is above every window, and in no list of them.
func TestNoBeatUnderOverlay(t *testing.T) {
	x11test.Start(t, "900x400", "+extension", "Composite")
	r := lightUp(t)
	r.beating()
	r.overlay(image.Rect(0, 0, 900, 40))
	r.silent(t)
	r.check(composite.ReleaseOverlayWindowChecked(r.c.X, r.c.Root).Check())
	r.beating()
}

// TestNoBeatWhilePainted: another program paints over all of it, or over its words.
func TestNoBeatWhilePainted(t *testing.T) {
	for name, area := range map[string]xproto.Rectangle{
		"all": {Width: 900, Height: 40}, "the words": {X: 30, Width: 250, Height: 40},
	} {
		t.Run(name, func(t *testing.T) {
			x11test.Start(t, "900x400")
			r := lightUp(t)
			r.beating()
			gc, err := xproto.NewGcontextId(r.c.X)
			r.check(err)
			xproto.CreateGC(r.c.X, gc, xproto.Drawable(r.c.Root), xproto.GcForeground, []uint32{amber})
			stop := often(func() {
				for _, w := range r.banners() {
					xproto.PolyFillRectangle(r.c.X, xproto.Drawable(w), gc, []xproto.Rectangle{area})
				}
				r.c.X.Sync()
			})
			r.silent(t)
			stop()
			r.beating()
		})
	}
}

// TestMendsWhatHides: each of these is done once, and undone by the lamp.
func TestMendsWhatHides(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	all := image.Rect(0, 0, 900, 400)
	text, err := r.c.Atom(opacity)
	r.check(err)
	fill := func(w xproto.Window, r *rig) {
		xproto.ChangeWindowAttributes(r.c.X, w, xproto.CwBackPixel, []uint32{0x808080})
		xproto.ClearArea(r.c.X, false, w, 0, 0, 0, 0)
	}
	transparent := func(w xproto.Window) bool {
		p, err := xproto.GetProperty(r.c.X, false, w, text, xproto.AtomCardinal, 0, 1).Reply()
		return err == nil && p.ValueLen != 0
	}
	frame := func() xproto.Window { return xproto.Window(r.lit.Windows()[1]) }
	blows := map[string]struct {
		blow   func(w xproto.Window)
		mended func(w xproto.Window) bool
	}{
		"input shape": {
			func(w xproto.Window) { shape.Rectangles(r.c.X, shape.SoSet, shape.SkInput, 0, w, 0, 0, nil) },
			func(w xproto.Window) bool { return r.takesClicks(r.button(actCut, all), w) },
		},
		"child": {
			func(w xproto.Window) {
				id, err := xproto.NewWindowId(r.c.X)
				r.check(err)
				r.check(xproto.CreateWindowChecked(r.c.X, 0, id, w, 0, 0, 900, 40, 0, xproto.WindowClassInputOnly, 0, 0, nil).Check())
				r.check(xproto.MapWindowChecked(r.c.X, id).Check())
			},
			func(w xproto.Window) bool {
				tree, err := xproto.QueryTree(r.c.X, w).Reply()
				return err == nil && len(tree.Children) == 0
			},
		},
		"background": {
			func(w xproto.Window) { fill(w, r) },
			func(xproto.Window) bool { return r.pixel(image.Pt(450, 2)) == amber },
		},
		"opacity": {
			func(w xproto.Window) {
				none := binary.LittleEndian.AppendUint32(nil, 0)
				for _, w := range []xproto.Window{w, frame()} {
					xproto.ChangeProperty(r.c.X, xproto.PropModeReplace, w, text, xproto.AtomCardinal, 32, 1, none)
				}
			},
			func(w xproto.Window) bool { return !transparent(w) && !transparent(frame()) },
		},
		"frame unmapped": {
			func(xproto.Window) { xproto.UnmapWindow(r.c.X, frame()) },
			func(xproto.Window) bool { return r.pixel(image.Pt(898, 200)) == amber },
		},
		"frame's shape": {
			func(xproto.Window) { shape.Rectangles(r.c.X, shape.SoSet, shape.SkBounding, 0, frame(), 0, 0, nil) },
			func(xproto.Window) bool { return r.pixel(image.Pt(898, 200)) == amber },
		},
		"frame over the banner": {
			func(xproto.Window) {
				xproto.ConfigureWindow(r.c.X, frame(), xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
			},
			func(w xproto.Window) bool { return r.onTop() == w },
		},
	}
	for name, b := range blows {
		t.Run(name, func(t *testing.T) {
			b.blow(r.banners()[0])
			r.c.X.Sync()
			eventually(t, "it is mended", func() bool { return b.mended(r.banners()[0]) })
			r.beating()
		})
	}
}

// takesClicks reports whether a window is what the mouse meets there.
func (d *desk) takesClicks(at image.Point, w xproto.Window) bool {
	d.t.Helper()
	d.fake(xproto.MotionNotify, 0, at)
	under, err := xproto.QueryPointer(d.c.X, d.c.Root).Reply()
	d.check(err)
	return under.Child == w
}

// onTop is the highest window.
func (d *desk) onTop() xproto.Window {
	d.t.Helper()
	tree, err := xproto.QueryTree(d.c.X, d.c.Root).Reply()
	d.check(err)
	return tree.Children[len(tree.Children)-1]
}

// TestPointerStaysBelow: the technician's pointer never lies on the banner, even
// if somebody puts it there.
func TestPointerStaysBelow(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	r.lamp.Point(0, image.Pt(300, 10), true)
	eventually(t, "the pointer shows", func() bool { return len(r.lit.Windows()) == 3 && r.pixel(image.Pt(320, 45)) == 0x3d3dd8 })
	r.beating()
	if r.onTop() != r.banners()[0] {
		t.Error("the pointer is above the banner")
	}
	sprite := xproto.Window(r.lit.Windows()[2])
	stop := keepOnTop(r.desk, sprite)
	r.silent(t)
	stop()
	r.beating()
}

// TestButtonsUnderGrab presses the buttons while another program has the mouse:
// what lessens the session works, at once and once; what widens it does not.
func TestButtonsUnderGrab(t *testing.T) {
	x11test.Start(t, "900x300")
	r := lightUp(t)
	all := image.Rect(0, 0, 900, 300)
	release := r.seize(xproto.GrabModeAsync)
	for _, want := range []action{actCut, actPause} {
		r.beating()
		from := time.Now()
		r.click(r.button(want, all))
		select {
		case got := <-r.acts:
			if t.Log(time.Since(from)); got != want {
				t.Errorf("button %d did %d", want, got)
			}
		case <-time.After(patience):
			t.Errorf("button %d did nothing", want)
		}
	}
	s := seen()
	s.Paused = consent.PauseUser
	r.lit.Show(s)
	r.beating()
	r.click(r.button(actResume, all))
	r.beating() // a press is judged by where the pointer is when the lamp comes to it
	r.click(image.Pt(450, 200))
	r.beating()
	release()
	r.click(r.button(actCut, all))
	if got := <-r.acts; got != actCut {
		t.Errorf("after the grab: %d", got)
	}
	r.beating()
	if len(r.acts) != 0 {
		t.Errorf("one more did %d", <-r.acts)
	}
}

// TestNoBeatBetweenMonitorAndBanner: from the server's notice on, until the banner
// of the new monitor is up.
func TestNoBeatBetweenMonitorAndBanner(t *testing.T) {
	x11test.Start(t, "1600x600")
	d := newDesk(t)
	d.monitor("A", image.Rect(0, 0, 800, 600))
	st, err := newStage(Options{Texts: french(), Log: slog.New(slog.DiscardHandler)}, newLit(seen(), look{french(), 100}), func([]image.Rectangle) {})
	d.check(err)
	defer st.close()
	eventually(t, "the lamp is seen", func() bool {
		for len(st.events) > 0 {
			st.handle(<-st.events)
		}
		return st.check()
	})
	d.monitor("B", image.Rect(800, 0, 1600, 600))
	st.c.X.Sync()
	if len(st.events) == 0 {
		t.Fatal("no notice of the new monitor")
	}
	if st.check() {
		t.Error("a beat before the new monitor has its banner")
	}
	eventually(t, "both banners are seen", func() bool {
		for len(st.events) > 0 {
			st.handle(<-st.events)
		}
		return st.check()
	})
	if c := d.pixel(image.Pt(1200, 2)); c != amber {
		t.Errorf("a beat, but the new monitor shows %06x", c)
	}
}

// TestPressesThatWait: many presses come before the lamp gets to act on the first.
func TestPressesThatWait(t *testing.T) {
	x11test.Start(t, "800x300")
	d := newDesk(t)
	acts := make(chan action, 8)
	st, err := newStage(Options{
		Texts: french(), Log: slog.New(slog.DiscardHandler), OnCut: func() { acts <- actCut },
	}, newLit(seen(), look{french(), 100}), func([]image.Rectangle) {})
	d.check(err)
	defer st.close()
	eventually(t, "the lamp is seen", st.check)
	defer (&rig{desk: d}).seize(xproto.GrabModeAsync)()
	for x := range 5 {
		d.click(image.Pt(100+x, 200))
	}
	d.click(image.Pt(800-40, 16))
	st.c.X.Sync()
	over := make(chan struct{})
	go func() {
		defer close(over)
		for len(st.events) > 0 {
			st.handle(<-st.events)
		}
	}()
	select {
	case <-over:
	case <-time.After(patience):
		t.Fatal("the lamp hangs")
	}
	select {
	case <-acts:
	case <-time.After(patience):
		t.Error("the last press did nothing")
	}
}
