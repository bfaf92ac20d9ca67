// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lamp

import (
	"errors"
	"image"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/x11/x11test"
)

const (
	amber = 0xffb81c
	red   = 0xb3261e
)

func TestBannerAndFrameOnEveryMonitor(t *testing.T) {
	x11test.Start(t, "1600x900")
	d := newDesk(t)
	left, right := image.Rect(0, 0, 960, 900), image.Rect(960, 100, 1600, 800)
	d.monitor("A", left)
	d.monitor("B", right)
	r := lightUp(t)
	for _, m := range []image.Rectangle{left, right} {
		middle := image.Pt((m.Min.X+m.Max.X)/2, m.Min.Y+2)
		corner := image.Pt(m.Max.X-2, m.Max.Y-2)
		if a, b := r.pixel(middle), r.pixel(corner); a != amber || b != amber {
			t.Errorf("monitor %v: banner %06x, frame %06x", m, a, b)
		}
		if in := image.Pt(m.Min.X+100, m.Max.Y-50); r.pixel(in) == amber {
			t.Errorf("monitor %v is covered", m)
		}
	}
	s := seen()
	s.Rights = consent.AllRights
	r.lit.Show(s)
	eventually(t, "all turns red", func() bool {
		return r.pixel(image.Pt(1280, 102)) == red && r.pixel(image.Pt(1598, 798)) == red && r.pixel(image.Pt(400, 2)) == red
	})
}

func TestAboveFullScreenWindow(t *testing.T) {
	x11test.Start(t, "800x600")
	windowManager(t)
	r := lightUp(t)
	r.window(image.Rect(0, 0, 800, 600), true)
	eventually(t, "the window fills the screen", func() bool { return r.pixel(image.Pt(400, 500)) == 0x123456 })
	r.beating()
	if c := r.pixel(image.Pt(400, 2)); c != amber {
		t.Errorf("banner is %06x", c)
	}
	r.click(r.button(actCut, image.Rect(0, 0, 800, 600)))
	if a := <-r.acts; a != actCut {
		t.Errorf("click did %d", a)
	}
}

func TestButtons(t *testing.T) {
	x11test.Start(t, "1280x300")
	r := lightUp(t)
	all := image.Rect(0, 0, 1280, 300)
	press := func(want action) {
		t.Helper()
		r.beating()
		r.click(r.button(want, all))
		select {
		case got := <-r.acts:
			if got != want {
				t.Errorf("button %d did %d", want, got)
			}
		case <-time.After(patience):
			t.Errorf("button %d did nothing", want)
		}
	}
	press(actPause)
	press(actCut)
	s := seen()
	s.Rights = consent.AllRights
	r.lit.Show(s)
	press(actTakeBack)
	s.Paused = consent.PauseUser
	r.lit.Show(s)
	press(actResume)
}

func TestOnlyRealFirstButtonInside(t *testing.T) {
	x11test.Start(t, "800x300")
	r := lightUp(t)
	at := r.button(actCut, image.Rect(0, 0, 800, 300))
	banner := r.banners()[0]
	for _, code := range []byte{xproto.ButtonPress, xproto.ButtonRelease} {
		e := xproto.ButtonPressEvent{
			Detail: 1, Root: r.c.Root, Event: banner, SameScreen: true,
			RootX: int16(at.X), RootY: int16(at.Y), EventX: int16(at.X), EventY: int16(at.Y),
		}.Bytes()
		e[0] = code
		r.check(xproto.SendEventChecked(r.c.X, false, banner, xproto.EventMaskNoEvent, string(e)).Check())
	}
	r.fake(xproto.MotionNotify, 0, at) // press elsewhere, release on the button
	r.fake(xproto.MotionNotify, 0, image.Pt(60, 16))
	r.fake(xproto.ButtonPress, 1, image.Pt(60, 16))
	r.fake(xproto.MotionNotify, 0, at)
	r.fake(xproto.ButtonRelease, 1, at)
	r.fake(xproto.ButtonPress, 3, at) // another button
	r.fake(xproto.ButtonRelease, 3, at)
	r.beating()
	select {
	case a := <-r.acts:
		t.Errorf("a false click did %d", a)
	default:
	}
}

func TestDragsAlongTheEdges(t *testing.T) {
	x11test.Start(t, "1600x600")
	r := lightUp(t)
	from := image.Pt(320+500, 16) // on the words
	r.fake(xproto.MotionNotify, 0, from)
	r.fake(xproto.ButtonPress, 1, from)
	r.fake(xproto.MotionNotify, 0, image.Pt(10, 590))
	r.fake(xproto.ButtonRelease, 1, image.Pt(10, 590))
	eventually(t, "the banner is at the bottom left", func() bool {
		return r.pixel(image.Pt(200, 570)) == amber && r.pixel(image.Pt(800, 20)) != amber
	})
	r.beating()
}

func TestHostileClient(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	middle := image.Pt(450, 2)
	blows := map[string]func(w xproto.Window){
		"unmap":   func(w xproto.Window) { xproto.UnmapWindow(r.c.X, w) },
		"destroy": func(w xproto.Window) { xproto.DestroyWindow(r.c.X, w) },
		"move":    func(w xproto.Window) { xproto.ConfigureWindow(r.c.X, w, xproto.ConfigWindowY, []uint32{390}) },
		"shrink":  func(w xproto.Window) { xproto.ConfigureWindow(r.c.X, w, xproto.ConfigWindowWidth, []uint32{1}) },
		"lower": func(w xproto.Window) {
			r.window(image.Rect(100, 0, 700, 50), false)
			xproto.ConfigureWindow(r.c.X, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeBelow})
		},
		"cover": func(xproto.Window) { r.window(image.Rect(0, 0, 900, 400), false) },
		"reparent": func(w xproto.Window) {
			xproto.ReparentWindow(r.c.X, w, r.window(image.Rect(0, 300, 90, 400), false), 0, 0)
		},
		"shape": func(w xproto.Window) {
			shape.Rectangles(r.c.X, shape.SoSet, shape.SkBounding, 0, w, 0, 0, nil)
		},
		"kill the connection": func(w xproto.Window) { xproto.KillClient(r.c.X, uint32(w)) },
	}
	for name, blow := range blows {
		t.Run(name, func(t *testing.T) {
			blow(r.banners()[0])
			r.c.X.Sync()
			eventually(t, "the banner is back", func() bool { return r.pixel(middle) == amber && len(r.banners()) == 1 })
			r.beating()
			if c := r.pixel(image.Pt(898, 398)); c != amber {
				t.Errorf("frame is %06x", c)
			}
		})
	}
}

func TestNoBeatWhileCovered(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	r.beating()
	cover := r.window(image.Rect(0, 0, 900, 400), false)
	stop := keepOnTop(r.desk, cover)
	r.silent(t)
	stop()
	r.beating()
}

func TestNeverVisibleIsNoBanner(t *testing.T) {
	x11test.Start(t, "500x300", "+extension", "Composite")
	d := newDesk(t)
	d.overlay(image.Rect(0, 0, 500, 300))
	l, err := New(Options{Texts: french()})
	d.check(err)
	before := d.children()
	if _, err := l.Light(seen(), func([]image.Rectangle) {}); !errors.Is(err, ErrHidden) {
		t.Errorf("light under a cover: %v", err)
	}
	if n := d.children(); n != before {
		t.Errorf("%d windows left", n-before)
	}
}

func TestHungServer(t *testing.T) {
	x11test.Start(t, "500x300")
	r := lightUp(t)
	r.beating()
	r.check(xproto.GrabServerChecked(r.c.X).Check())
	r.silent(t)
	doused := make(chan struct{})
	go func() { r.lit.Douse(); close(doused) }()
	select {
	case <-doused:
	case <-time.After(patience):
		t.Error("dousing hangs with the server")
	}
	r.check(xproto.UngrabServerChecked(r.c.X).Check())
}

func TestFollowsMonitors(t *testing.T) {
	x11test.Start(t, "1600x600")
	d := newDesk(t)
	d.monitor("A", image.Rect(0, 0, 800, 600))
	r := lightUp(t)
	r.monitor("B", image.Rect(800, 0, 1600, 600))
	eventually(t, "the new monitor has a banner", func() bool { return r.pixel(image.Pt(1200, 2)) == amber })
	r.beating()
	r.unplug("B")
	eventually(t, "its banner is gone", func() bool { return r.pixel(image.Pt(1200, 2)) != amber })
	r.beating()
}

func TestTechnicianPointer(t *testing.T) {
	x11test.Start(t, "1600x600")
	d := newDesk(t)
	d.monitor("A", image.Rect(0, 0, 800, 600))
	d.monitor("B", image.Rect(800, 0, 1600, 600))
	r := lightUp(t)
	const ink = 0x3d3dd8
	inside := image.Pt(5, 10) // from the tip, in the arrow
	at := image.Pt(300, 200)
	r.lamp.Point(1, at, true)
	spot := image.Pt(800, 0).Add(at).Add(inside)
	eventually(t, "the pointer shows", func() bool { return r.pixel(spot) == ink })
	r.fake(xproto.MotionNotify, 0, spot)
	under, err := xproto.QueryPointer(r.c.X, r.c.Root).Reply()
	r.check(err)
	if under.Child != 0 {
		t.Errorf("clicks would reach window %d instead of what is below", under.Child)
	}
	r.beating()
	s := seen()
	s.Rights = consent.RightView
	r.lit.Show(s)
	eventually(t, "without its right it hides", func() bool { return r.pixel(spot) != ink })
	r.lit.Show(seen())
	eventually(t, "with its right it shows", func() bool { return r.pixel(spot) == ink })
	r.lamp.Point(1, at, false)
	eventually(t, "it hides", func() bool { return r.pixel(spot) != ink })
}

func TestDouseLeavesNothing(t *testing.T) {
	x11test.Start(t, "800x300")
	d := newDesk(t)
	before := d.children()
	r := lightUp(t)
	r.lit.Point(0, image.Pt(100, 100), true)
	r.beating()
	if d.children() == before {
		t.Fatal("no window")
	}
	r.lit.Douse()
	r.lit.Douse()
	if n := d.children(); n != before {
		t.Errorf("%d windows left", n-before)
	}
	if w := r.lamp.Windows(); len(w) != 0 {
		t.Errorf("windows %v are still named", w)
	}
	eventually(t, "no goroutine is left", func() bool { return !strings.Contains(stacks(), "lamp.(*Lit)") })
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

func TestServerDies(t *testing.T) {
	server := x11test.Start(t, "800x300")
	r := lightUp(t)
	r.beating()
	server.Kill()
	r.silent(t)
	r.lit.Douse()
	if _, err := r.lamp.Light(seen(), func([]image.Rectangle) {}); !errors.Is(err, ErrNoDisplay) {
		t.Errorf("light without a server: %v", err)
	}
	if _, err := New(Options{}); !errors.Is(err, ErrNoDisplay) {
		t.Errorf("new without a server: %v", err)
	}
}

func TestStuckCallbackHoldsUpNothing(t *testing.T) {
	x11test.Start(t, "800x300")
	d := newDesk(t)
	stuck, cut := make(chan struct{}), make(chan struct{})
	l, err := New(Options{Texts: french(), OnPause: func() { <-stuck }, OnCut: func() { close(cut) }})
	d.check(err)
	lit, err := l.Light(seen(), func([]image.Rectangle) {})
	d.check(err)
	defer lit.Douse()
	defer close(stuck)
	r := &rig{desk: d, lit: lit.(*Lit)}
	all := image.Rect(0, 0, 800, 300)
	r.click(r.button(actPause, all))
	r.click(r.button(actCut, all))
	select {
	case <-cut:
	case <-time.After(patience):
		t.Error("cutting waits for what is stuck")
	}
}

var _ consent.Lamp = (*Lamp)(nil)

// TestUnusedMonitorIsHarmless points where there is no monitor.
func TestPointNowhere(t *testing.T) {
	x11test.Start(t, "400x300")
	r := lightUp(t)
	r.lit.Point(screen.MonitorID(5), image.Pt(1, 1), true)
	r.lit.Point(0, image.Pt(-5, 4000), true)
	r.beating()
}
