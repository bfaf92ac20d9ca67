// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
)

func TestCoveredBannerFreezesThenThaws(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		v, c := view(t, l), control(t, l)
		pass(10 * time.Second)
		if err := try(t, v); err != nil {
			t.Fatalf("seen all along: %v", err)
		}
		s.lamp.Cover(true)
		pass(399 * time.Millisecond) // the last beat is at most 100 ms old
		if err := try(t, v); err != nil {
			t.Errorf("frozen too early: %v", err)
		}
		pass(101 * time.Millisecond)
		if !errors.Is(try(t, v), consent.ErrPaused) || !errors.Is(try(t, c), consent.ErrPaused) {
			t.Error("not frozen after 500 ms")
		}
		if pictures, input := l.Paused(); pictures != consent.PauseLamp || input != consent.PauseLamp {
			t.Errorf("paused by %v, %v", pictures, input)
		}
		pass(2 * time.Second)
		s.lamp.Cover(false)
		pass(100 * time.Millisecond)
		if try(t, v) != nil || try(t, c) != nil {
			t.Error("seen again, but still frozen")
		}
	})
}

func TestCoveredBannerEndsTheLease(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		s.lamp.Cover(true)
		start := time.Now()
		<-l.Done()
		if took := time.Since(start); took != consent.LoseAfter || !errors.Is(l.Cause(), consent.ErrLampLost) {
			t.Errorf("%v after %v", l.Cause(), took)
		}
	})
}

// deadLamp is a banner whose every call hangs, as when the display server does.
type deadLamp struct{ hang chan struct{} }

func (d deadLamp) Light(consent.Status, consent.Beat) (consent.Lit, error) { return d, nil }
func (d deadLamp) Show(consent.Status)                                     { <-d.hang }
func (d deadLamp) Douse()                                                  { <-d.hang }

func TestHungBannerEndsTheLease(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		lamp := deadLamp{make(chan struct{})}
		gate := consent.NewGate(s.asker(), lamp, consent.AllRights)
		l, err := gate.Ask(t.Context(), question(consent.AllRights))
		if err != nil {
			t.Fatal(err)
		}
		l.Note("hang, please")
		<-l.Done()
		if !errors.Is(l.Cause(), consent.ErrLampLost) {
			t.Errorf("ended by %v", l.Cause())
		}
		if _, err := gate.Ask(t.Context(), question(consent.AllRights)); !errors.Is(err, consent.ErrBusy) {
			t.Errorf("while a banner hangs: %v", err)
		}
		close(lamp.hang)
		<-l.Dark()
	})
}

// A stuck frame must hold up neither the clock nor the end.
func TestStuckFrameDoesNotStopTheWatch(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		v := view(t, l)
		unstick := make(chan struct{})
		go v.Do(func() error { <-unstick; return nil })
		s.lamp.Cover(true)
		<-l.Done()
		if !errors.Is(l.Cause(), consent.ErrLampLost) {
			t.Errorf("ended by %v", l.Cause())
		}
		close(unstick)
	})
}

func TestLifeEnds(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		s.now(silent)
		start := time.Now()
		<-l.Done()
		if took := time.Since(start); took != consent.LeaseLife || !errors.Is(l.Cause(), consent.ErrExpired) {
			t.Errorf("%v after %v", l.Cause(), took)
		}
		if q := s.asked()[len(s.asked())-1]; !q.Renewing || q.Widening || q.Wanted != consent.AllRights {
			t.Errorf("asked %+v", q)
		}
		synctest.Wait()
	})
}

func TestRenewal(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		s.now(says(viewPoint, nil)) // no more control, says the person
		pass(consent.LeaseLife)
		if l.Cause() != nil || l.Rights() != viewPoint {
			t.Fatalf("rights %v, cause %v", l.Rights(), l.Cause())
		}
		if err := try(t, view(t, l)); err != nil {
			t.Errorf("view: %v", err)
		}
		if _, input := l.Paused(); input != consent.PauseNone {
			t.Errorf("input still held back by %v", input)
		}
		s.now(says(0, consent.ErrRefused))
		start := time.Now()
		<-l.Done()
		want := consent.LeaseLife - 2*consent.RenewBefore
		if took := time.Since(start); took != want || !errors.Is(l.Cause(), consent.ErrRefused) {
			t.Errorf("%v after %v, want %v", l.Cause(), took, want)
		}
	})
}

// What the person says when they are asked again is told once, with what they did not
// grant again; taking a right back at another time is no renewal.
func TestRenewedIsToldOnce(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		tells := func(lapsed consent.Rights, renewed bool) {
			t.Helper()
			if got, yes := l.Renewed(); got != lapsed || yes != renewed {
				t.Errorf("renewed: %v, without %v; want %v, without %v", yes, got, renewed, lapsed)
			}
		}
		tells(0, false)
		l.Narrow(consent.RightPoint)
		tells(0, false)
		s.now(says(consent.RightView, nil)) // no more control, says the person
		pass(consent.LeaseLife - consent.RenewBefore)
		tells(consent.RightControl, true)
		tells(0, false)
		s.now(says(consent.AllRights, nil)) // they need not be asked for what is gone
		pass(consent.LeaseLife - consent.RenewBefore)
		tells(0, true)
		s.now(silent)
		<-l.Done()
		tells(0, false)
	})
}

// A renewal without the right to see is the end, and tells of no renewal.
func TestRenewalWithoutViewEnds(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		s.now(says(consent.RightControl, nil))
		start := time.Now()
		<-l.Done()
		if took := time.Since(start); took != consent.LeaseLife-consent.RenewBefore {
			t.Errorf("%v after %v", l.Cause(), took)
		}
		if lapsed, yes := l.Renewed(); yes || lapsed != 0 {
			t.Errorf("renewed, without %v", lapsed)
		}
	})
}

func TestRenewalComesAfterAnOpenQuestion(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(viewPoint)
		s.now(func(ctx context.Context, q consent.Question) (consent.Rights, error) {
			if q.Widening {
				time.Sleep(20 * time.Second)
			}
			return q.Wanted, nil
		})
		pass(consent.LeaseLife - consent.RenewBefore - time.Second)
		if r, err := l.Widen(t.Context(), consent.RightControl); r != consent.AllRights || err != nil {
			t.Fatal(r, err)
		}
		pass(2 * time.Minute)
		if l.Cause() != nil || l.Rights() != consent.AllRights {
			t.Errorf("rights %v, cause %v", l.Rights(), l.Cause())
		}
	})
}
