// SPDX-License-Identifier: Apache-2.0

//go:build linux

package capture

import (
	"bytes"
	"errors"
	"image"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/screen"
	"assist/internal/x11/x11test"
)

// openScreens reads the screens under a banner that is on every monitor there is.
func openScreens(t testing.TB) (*Screens, *consent.Lease) {
	t.Helper()
	return openUnder(t, &consenttest.Lamp{Monitors: func() []image.Rectangle {
		layout, err := Monitors()
		if err != nil {
			return nil
		}
		return places(layout)
	}})
}

func places(layout screen.Layout) []image.Rectangle {
	var all []image.Rectangle
	for _, m := range layout {
		all = append(all, m.Bounds)
	}
	return all
}

func openUnder(t testing.TB, lamp *consenttest.Lamp) (*Screens, *consent.Lease) {
	t.Helper()
	lease := consenttest.LeaseUnder(t, consent.RightView, lamp)
	view, err := lease.View()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(view, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, lease
}

// Not one pixel of a monitor is read until its banner is up, be it new, moved or
// resized; the others go on.
func TestNothingOfAMonitorWithoutBanner(t *testing.T) {
	x11test.Start(t, "1000x600")
	p := newPainter(t)
	left, right := image.Rect(0, 0, 600, 600), image.Rect(600, 0, 1000, 400)
	p.monitor("A", left)
	var banners atomic.Pointer[[]image.Rectangle]
	banners.Store(&[]image.Rectangle{left})
	s, _ := openUnder(t, &consenttest.Lamp{Monitors: func() []image.Rectangle { return *banners.Load() }})
	next(t, s, 0)
	change(t, s)
	for name, plug := range map[string]image.Rectangle{
		"new": right, "moved": right.Add(image.Pt(0, 200)), "larger": right.Union(image.Rect(600, 0, 1000, 500)),
		"smaller": image.Rect(600, 0, 900, 300),
	} {
		t.Run(name, func(t *testing.T) {
			p.monitor("B", plug)
			for l := changed(t, s); len(l) != 2 || l[1].Bounds != plug; l = changed(t, s) {
				continue
			}
			for range 4 {
				p.noise(plug.Intersect(image.Rect(600, 200, 900, 300)))
				if f, err := s.Next(limit(t), 1); f != nil || !errors.Is(err, consent.ErrPaused) {
					t.Errorf("a frame without a banner: %v", err)
				}
				if pix := s.pictures[1].frame.Pix; !bytes.Equal(pix, make([]byte, len(pix))) {
					t.Error("pixels without a banner")
				}
			}
			p.noise(image.Rect(10, 10, 20, 20))
			next(t, s, 0)
			banners.Store(&[]image.Rectangle{left, plug})
			if f := next(t, s, 1); f.Size != plug.Size() || f.Damage[0] != (image.Rectangle{Max: plug.Size()}) {
				t.Errorf("with a banner: %v, damage %v", f.Size, f.Damage)
			}
			p.unplug("B")
			changed(t, s)
			banners.Store(&[]image.Rectangle{left})
			for ctx := limit(t); s.view.On(plug, func() error { return nil }) == nil; {
				select {
				case <-ctx.Done():
					t.Fatal("its banner still counts")
				case <-time.After(5 * time.Millisecond):
				}
			}
			s.pictures[1].frame = screen.Frame{}
		})
	}
}
