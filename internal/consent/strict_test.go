// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"errors"
	"testing"
	"time"

	"assist/internal/consent"
)

// Once control was part of a lease only a device answers its questions, whatever was taken
// back since; before, and in the first question, any hand does.
func TestDrivenLeasesAskStrictly(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, _ *hands) {
		strict := func(want bool, what string) {
			t.Helper()
			if q := s.last(); q.Strict != want {
				t.Errorf("%s: asked strictly %v", what, q.Strict)
			}
		}
		asked := question(consent.RightView)
		asked.Strict = true // nobody but the gate decides it
		l, err := s.gate.Ask(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		strict(false, "the first question")
		widen := func(r consent.Rights) {
			t.Helper()
			if _, err := l.Widen(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		widen(consent.RightPoint)
		strict(false, "more, before control")
		widen(consent.RightControl)
		strict(false, "control")
		l.Narrow(consent.AllRights &^ consent.RightView)
		widen(consent.RightPoint)
		strict(true, "more, after control")
		widen(consent.RightControl)
		strict(true, "control again")
		l.Narrow(consent.RightControl)
		pass(consent.IdleTime)
		if !s.last().Idle {
			t.Errorf("asked %+v", s.last())
		}
		strict(true, "still there?")
		pass(consent.LeaseLife - consent.RenewBefore - consent.IdleTime)
		if !s.last().Renewing {
			t.Errorf("asked %+v", s.last())
		}
		strict(true, "once more")
		l.Revoke(nil)
		<-l.Dark()
		again := s.lease(consent.AllRights)
		strict(false, "the first question of another one")
		again.Narrow(consent.RightPoint)
		if _, err := again.Widen(t.Context(), consent.RightPoint); err != nil {
			t.Fatal(err)
		}
		strict(true, "more, under a first yes to control")
	})
}

// A program that plays the person's devices is somebody until control was granted; then
// nobody, but whoever granted it was there.
func TestPlayedHandsAreNobodyOnceDriven(t *testing.T) {
	for _, driven := range []bool{false, true} {
		minded(t, func(t *testing.T, s *stage, h *hands) {
			l := s.lease(consent.RightView)
			for range 10 {
				pass(time.Minute)
				h.play()
			}
			if driven {
				if _, err := l.Widen(t.Context(), consent.RightControl); err != nil {
					t.Fatal(err)
				}
			}
			s.now(silent)
			for range 14 {
				pass(time.Minute)
				h.play()
			}
			if l.Cause() != nil || s.idleQuestions() != 0 {
				t.Fatalf("driven %v: %v, %d questions", driven, l.Cause(), s.idleQuestions())
			}
			pass(time.Minute)
			h.play()
			pass(consent.AnswerTime - time.Second)
			if got := s.idleQuestions(); got != map[bool]int{true: 1}[driven] {
				t.Errorf("driven %v: %d questions", driven, got)
			}
			if driven {
				if <-l.Done(); !errors.Is(l.Cause(), consent.ErrAbsent) {
					t.Errorf("ended by %v", l.Cause())
				}
			}
		})
	}
}
