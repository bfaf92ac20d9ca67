// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"fmt"
	"image"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/x11/x11test"
)

// TestFollowsTheTextSize makes banners twice as high while they are on, and smaller
// again on a monitor that is too narrow; where the person dragged one, it stays.
func TestFollowsTheTextSize(t *testing.T) {
	x11test.Start(t, "2000x600")
	d := newDesk(t)
	wide, narrow := image.Rect(0, 0, 1600, 600), image.Rect(1600, 0, 2000, 600)
	d.monitor("A", wide)
	d.monitor("B", narrow)
	r := lightUp(t)
	r.drag(image.Pt(700, 16), image.Pt(700, 590))
	eventually(t, "the banner is at the bottom", func() bool { return r.pixel(image.Pt(800, 570)) == amber })
	r.lamp.SetTexts(french(), 200)
	eventually(t, "it is twice as high, at the bottom", func() bool { return r.pixel(image.Pt(800, 600-60)) == amber })
	r.beating()
	if c := r.pixel(image.Pt(1620, 50)); c == amber {
		t.Error("the narrow monitor's banner is as high: its buttons do not fit")
	}
	if shown := *r.shown.Load(); !slices.Equal(shown, []image.Rectangle{wide, narrow}) {
		t.Errorf("shown on %v", shown)
	}
	r.lamp.SetTexts(french(), 0)
	eventually(t, "it is as it was", func() bool {
		return r.pixel(image.Pt(800, 600-60)) != amber && r.pixel(image.Pt(800, 600-30)) == amber
	})
	r.beating()
}

func (r *rig) drag(from, to image.Point) {
	r.t.Helper()
	r.fake(xproto.MotionNotify, 0, from)
	r.fake(xproto.ButtonPress, 1, from)
	r.fake(xproto.MotionNotify, 0, to)
	r.fake(xproto.ButtonRelease, 1, to)
}

// TestRestingHandDragsNothing: injected movements come only after a time in which the
// person did not move, so what comes after a rest does not drag.
func TestRestingHandDragsNothing(t *testing.T) {
	x11test.Start(t, "1600x600")
	r := lightUp(t)
	from := image.Pt(820, 16)
	r.fake(xproto.MotionNotify, 0, from)
	r.fake(xproto.ButtonPress, 1, from)
	r.beating()
	<-time.After(gripTime)
	r.fake(xproto.MotionNotify, 0, image.Pt(10, 590))
	r.fake(xproto.MotionNotify, 0, image.Pt(20, 590))
	r.beating()
	if r.pixel(image.Pt(800, 2)) != amber {
		t.Error("the banner went away from a hand that rested")
	}
	r.fake(xproto.ButtonRelease, 1, image.Pt(10, 590))
	r.drag(from, image.Pt(10, 590))
	eventually(t, "it can be dragged again", func() bool { return r.pixel(image.Pt(200, 570)) == amber })
}

// TestBeatNamesTheMonitors: those that show their banner, and none from before a
// banner goes until all are seen again.
func TestBeatNamesTheMonitors(t *testing.T) {
	x11test.Start(t, "1600x600")
	d := newDesk(t)
	left, right := image.Rect(0, 0, 800, 600), image.Rect(800, 0, 1600, 600)
	d.monitor("A", left)
	l, err := New(Options{Texts: french()})
	d.check(err)
	told := make(chan []image.Rectangle, 1024)
	lit, err := l.Light(seen(), func(shown []image.Rectangle) {
		for _, m := range shown { // what is said holds while it is said
			if c := d.pixel(image.Pt((m.Min.X+m.Max.X)/2, m.Min.Y+2)); c != amber {
				t.Errorf("shown on %v, which shows %06x", shown, c)
			}
		}
		select {
		case told <- shown:
		default:
		}
	})
	d.check(err)
	defer lit.Douse()
	until := func(what string, want []image.Rectangle) {
		t.Helper()
		eventually(t, what, func() bool { return slices.Equal(<-told, want) })
	}
	until("one monitor", []image.Rectangle{left})
	e := newDesk(t)
	e.monitor("B", right)
	until("none is certain", nil)
	until("both", []image.Rectangle{left, right})
	e.unplug("B")
	until("none is certain", nil)
	until("one again", []image.Rectangle{left})
	lit.Show(consent.Status{})
}

// TestWordsOfAMonitor: the banner speaks of one screen while there is one, and of several from
// the moment on in which another comes, until it goes.
func TestWordsOfAMonitor(t *testing.T) {
	x11test.Start(t, "1600x600")
	d := newDesk(t)
	d.monitor("A", image.Rect(0, 0, 800, 600))
	texts := Texts{Seen: "vos écrans", SeenOne: "votre écran", Pause: "Pause", Cut: "Couper"} // no clock
	st, err := newStage(Options{Texts: texts, Log: slog.New(slog.DiscardHandler)}, newLit(seen(), look{texts, 100}), func([]image.Rectangle) {})
	d.check(err)
	defer st.close()
	says := func(monitors int, words string) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d monitors", monitors), func() bool {
			for len(st.events) > 0 {
				st.handle(<-st.events)
			}
			return st.check() && len(st.banners) == monitors
		})
		want := texts
		want.Seen, want.SeenOne = words, ""
		for _, b := range st.banners {
			img, _ := b.artist.banner(scene{status: st.lit.wished().status, texts: want, now: time.Now(), width: b.place.Dx()})
			if !differing(b.shown, img).Empty() {
				t.Errorf("with %d monitors one of them does not say %q", monitors, words)
			}
		}
	}
	says(1, "votre écran")
	d.monitor("B", image.Rect(800, 0, 1600, 600))
	says(2, "vos écrans")
	d.unplug("B")
	says(1, "votre écran")
}
