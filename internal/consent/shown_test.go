// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"errors"
	"image"
	"sync/atomic"
	"testing"
	"time"

	"assist/internal/consent"
)

// A monitor can be read from when its banner is seen until the banner says that it
// is about to go; a change of place or size counts as a new monitor.
func TestOnlyMonitorsUnderTheirBanner(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		one, two := image.Rect(0, 0, 800, 600), image.Rect(800, 0, 1600, 600)
		var banners atomic.Pointer[[]image.Rectangle]
		banners.Store(&[]image.Rectangle{one})
		s.lamp.Monitors = func() []image.Rectangle { return *banners.Load() }
		v := view(t, s.lease(consent.AllRights))
		reads := func(place image.Rectangle) bool {
			ran := false
			err := v.On(place, func() error { ran = true; return nil })
			if ran != (err == nil) || err != nil && !errors.Is(err, consent.ErrPaused) {
				t.Errorf("read %v: %v", ran, err)
			}
			return ran
		}
		if !reads(one) || reads(two) || reads(one.Inset(9)) || reads(one.Union(two)) || reads(image.Rectangle{}) {
			t.Error("the first monitor alone has a banner")
		}
		banners.Store(&[]image.Rectangle{one, two})
		pass(time.Second)
		if !reads(one) || !reads(two) {
			t.Error("both have a banner")
		}
		banners.Store(&[]image.Rectangle{})
		pass(150 * time.Millisecond)
		if reads(one) || reads(two) {
			t.Error("read while no banner is certain")
		}
		if try(t, v) != nil {
			t.Error("what is not of a monitor is held back too soon")
		}
		pass(consent.FreezeAfter)
		if err := try(t, v); !errors.Is(err, consent.ErrPaused) {
			t.Errorf("no banner is no sign of life: %v", err)
		}
	})
}

// What the body returns is what On returns, and a right that has ended reads nothing.
func TestOnIsDo(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		one := image.Rect(0, 0, 800, 600)
		s.lamp.Monitors = func() []image.Rectangle { return []image.Rectangle{one} }
		l := s.lease(consent.AllRights)
		v, odd := view(t, l), errors.New("odd")
		if err := v.On(one, func() error { return odd }); !errors.Is(err, odd) {
			t.Errorf("it returned %v", err)
		}
		l.Pause()
		if err := v.On(one, func() error { return odd }); !errors.Is(err, consent.ErrPaused) {
			t.Errorf("paused: %v", err)
		}
		l.Revoke(nil)
		if err := v.On(one, func() error { return odd }); !errors.Is(err, consent.ErrRevoked) {
			t.Errorf("revoked: %v", err)
		}
		if err := (consent.View{}).On(one, func() error { return nil }); !errors.Is(err, consent.ErrNotGranted) {
			t.Errorf("zero: %v", err)
		}
	})
}
