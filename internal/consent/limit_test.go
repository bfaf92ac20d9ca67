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

// What policy no longer allows is taken back, and no question brings it again.
func TestLimitTakesBackForGood(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		c := control(t, l)
		if taken := l.Limit(viewPoint); taken != consent.RightControl {
			t.Errorf("it took %v", taken)
		}
		if taken := l.Limit(viewPoint); taken != 0 {
			t.Errorf("then it took %v", taken)
		}
		if l.Rights() != viewPoint || !errors.Is(try(t, c), consent.ErrRevoked) {
			t.Errorf("rights %v", l.Rights())
		}
		l.Limit(consent.AllRights) // it only shrinks
		asked := len(s.asked())
		if r, err := l.Widen(t.Context(), consent.RightControl); r != viewPoint || !errors.Is(err, consent.ErrNotGranted) {
			t.Errorf("widened to %v, %v", r, err)
		}
		if len(s.asked()) != asked {
			t.Error("the person was asked for what nobody may have")
		}
		if err := try(t, view(t, l)); err != nil {
			t.Errorf("what is left suffered: %v", err)
		}
		l.Limit(consent.RightPoint)
		if !closed(l.Done()) {
			t.Error("it lives on without a view")
		}
	})
}

// A yes that comes after the limit grants nothing beyond it.
func TestLimitWhileThePersonIsAsked(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.RightView)
		s.now(func(context.Context, consent.Question) (consent.Rights, error) {
			l.Limit(viewPoint)
			return consent.AllRights, nil
		})
		if r, err := l.Widen(t.Context(), consent.AllRights); r != viewPoint || err != nil {
			t.Errorf("widened to %v, %v", r, err)
		}
		s.now(func(context.Context, consent.Question) (consent.Rights, error) {
			l.Limit(consent.RightView)
			return consent.AllRights, nil
		})
		l.Narrow(consent.RightPoint)
		if r, err := l.Widen(t.Context(), consent.RightPoint); r != consent.RightView || !errors.Is(err, consent.ErrRefused) {
			t.Errorf("widened to %v, %v", r, err)
		}
	})
}

// A unit may give the person's yes a shorter life than LeaseLife, never a longer one.
func TestShortLife(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		5 * time.Minute: 5 * time.Minute, time.Minute: time.Minute,
		2 * time.Hour: consent.LeaseLife, 0: consent.LeaseLife, -time.Minute: consent.LeaseLife,
	} {
		on(t, consent.AllRights, func(t *testing.T, s *stage) {
			q := question(consent.RightView)
			q.Life = life
			l, err := s.gate.Ask(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			pass(want - time.Second) // asked for more time, and granted
			if l.Cause() != nil || len(s.asked()) != 2 {
				t.Fatalf("%v: %v after %d questions", life, l.Cause(), len(s.asked()))
			}
			s.now(silent)
			<-l.Done()
			if took := time.Since(l.Since()); took <= want || took > 2*want || !errors.Is(l.Cause(), consent.ErrExpired) {
				t.Errorf("%v: %v after %v", life, l.Cause(), took)
			}
			<-l.Dark()
			synctest.Wait()
		})
	}
}
