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

const viewPoint = consent.RightView | consent.RightPoint

func TestRightsAreWantedAndGrantedAndAllowed(t *testing.T) {
	for ceiling := range consent.AllRights + 1 {
		for wanted := range consent.AllRights + 1 {
			for granted := range consent.AllRights + 1 {
				want := ceiling & wanted & granted
				on(t, ceiling, func(t *testing.T, s *stage) {
					s.now(says(granted, nil))
					l, err := s.gate.Ask(t.Context(), question(wanted))
					if !want.Has(consent.RightView) {
						if err == nil || l != nil {
							t.Fatalf("%v of %v under %v: a lease without view", granted, wanted, ceiling)
						}
						return
					}
					if err != nil || l.Rights() != want {
						t.Fatalf("%v of %v under %v: got %v, %v", granted, wanted, ceiling, l.Rights(), err)
					}
					l.Revoke(nil)
					<-l.Dark()
				})
			}
		}
	}
}

func TestQuestionSaysWhoAndWhyAndNoMoreThanAllowed(t *testing.T) {
	on(t, viewPoint, func(t *testing.T, s *stage) {
		before := time.Now()
		asked := question(consent.AllRights | 1<<9)
		asked.Widening, asked.Renewing = true, true
		s.now(func(_ context.Context, q consent.Question) (consent.Rights, error) {
			if s.lamp.Lights() != 0 {
				t.Error("the banner was lit before the answer")
			}
			return q.Wanted, nil
		})
		l, err := s.gate.Ask(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		want := question(viewPoint)
		want.Deadline = before.Add(consent.AnswerTime)
		if s.asked()[0] != want {
			t.Errorf("asked %+v, want %+v", s.asked()[0], want)
		}
		if !s.lamp.Lit() || l.Who() != want.Who || !l.Since().Equal(before) {
			t.Errorf("lit %v, who %v, since %v", s.lamp.Lit(), l.Who(), l.Since())
		}
		l.Revoke(nil)
		<-l.Dark()
	})
}

func TestNothingAllowedAsksNobody(t *testing.T) {
	on(t, consent.RightControl, func(t *testing.T, s *stage) {
		_, err := s.gate.Ask(t.Context(), question(consent.AllRights))
		if !errors.Is(err, consent.ErrNotGranted) || len(s.asked()) != 0 {
			t.Errorf("%v after %d questions", err, len(s.asked()))
		}
	})
}

func TestRefusalsLeaseNothing(t *testing.T) {
	odd := errors.New("the dialog broke")
	for _, refusal := range []error{consent.ErrRefused, consent.ErrReported, consent.ErrNoAnswer, odd} {
		on(t, consent.AllRights, func(t *testing.T, s *stage) {
			s.now(says(consent.AllRights, refusal)) // an error outweighs rights
			l, err := s.gate.Ask(t.Context(), question(consent.AllRights))
			if l != nil || !errors.Is(err, refusal) || s.lamp.Lights() != 0 {
				t.Errorf("%v: lease %v, error %v, lights %d", refusal, l, err, s.lamp.Lights())
			}
			s.now(everything)
			s.lease(consent.RightView) // the gate is free again
		})
	}
}

func TestNoAnswerIsARefusalAfterAMinute(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		s.now(silent)
		start := time.Now()
		_, err := s.gate.Ask(t.Context(), question(consent.AllRights))
		if took := time.Since(start); !errors.Is(err, consent.ErrNoAnswer) || took != time.Minute {
			t.Errorf("%v after %v", err, took)
		}
		synctest.Wait()
		s.now(everything)
		s.lease(consent.RightView)
	})
}

// A dialog that does not go away keeps the gate shut, and its late yes is no yes.
func TestLateYesIsNoYes(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		s.now(func(context.Context, consent.Question) (consent.Rights, error) {
			time.Sleep(90 * time.Second)
			return consent.AllRights, nil
		})
		if _, err := s.gate.Ask(t.Context(), question(consent.AllRights)); !errors.Is(err, consent.ErrNoAnswer) {
			t.Fatal(err)
		}
		if _, err := s.gate.Ask(t.Context(), question(consent.AllRights)); !errors.Is(err, consent.ErrBusy) {
			t.Fatalf("with a dialog still open: %v", err)
		}
		pass(31 * time.Second)
		if s.lamp.Lights() != 0 {
			t.Error("the late answer lit the banner")
		}
		s.now(everything)
		s.lease(consent.RightView)
	})
}

// A yes to a question that nobody asks any more is no yes, every time.
func TestYesToNobodyIsNoYes(t *testing.T) {
	for range 50 {
		on(t, consent.AllRights, func(t *testing.T, s *stage) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if l, err := s.gate.Ask(ctx, question(consent.AllRights)); l != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("lease %v, error %v", l, err)
			}
			synctest.Wait()
			if s.lamp.Lights() != 0 {
				t.Error("the banner was lit")
			}
		})
	}
}

func TestCallerWhoGivesUpTakesTheQuestionBack(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		s.now(silent)
		gone := errors.New("the technician cancelled")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(gone) })
		if _, err := s.gate.Ask(ctx, question(consent.AllRights)); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		s.now(everything)
		s.lease(consent.RightView)
	})
}

func TestOneAtATime(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.RightView)
		if _, err := s.gate.Ask(t.Context(), question(consent.AllRights)); !errors.Is(err, consent.ErrBusy) {
			t.Errorf("beside a lease: %v", err)
		}
		if len(s.asked()) != 1 {
			t.Errorf("%d questions were asked", len(s.asked()))
		}
		l.Revoke(nil)
		<-l.Dark()
		if s.lamp.Lit() {
			t.Error("dark, but the banner is lit")
		}
		s.now(silent)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.gate.Ask(t.Context(), question(consent.RightView))
		}()
		synctest.Wait()
		if _, err := s.gate.Ask(t.Context(), question(consent.RightView)); !errors.Is(err, consent.ErrBusy) {
			t.Errorf("beside a question: %v", err)
		}
		<-done
		synctest.Wait()
	})
}

func TestNoBannerNoLease(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		fault := errors.New("no display")
		s.lamp.Break(fault)
		l, err := s.gate.Ask(t.Context(), question(consent.AllRights))
		if l != nil || !errors.Is(err, consent.ErrNoLamp) || !errors.Is(err, fault) {
			t.Errorf("lease %v, error %v", l, err)
		}
		s.lamp.Break(nil)
		s.lease(consent.RightView)
	})
}

// slowLamp takes its time to light, or gives nothing at all.
type slowLamp struct {
	takes time.Duration
	lit   consent.Lit
}

func (l slowLamp) Light(consent.Status, consent.Beat) (consent.Lit, error) {
	time.Sleep(l.takes)
	return l.lit, nil
}

// switched counts how often it was put out.
type switched struct{ off int }

func (*switched) Show(consent.Status) {}
func (s *switched) Douse()            { s.off++ }

func TestBannerThatComesTooLateIsPutOut(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		lit := &switched{}
		gate := consent.NewGate(s.asker(), slowLamp{10 * time.Second, lit}, consent.AllRights)
		if _, err := gate.Ask(t.Context(), question(consent.RightView)); !errors.Is(err, consent.ErrNoLamp) {
			t.Fatal(err)
		}
		if _, err := gate.Ask(t.Context(), question(consent.RightView)); !errors.Is(err, consent.ErrBusy) {
			t.Fatalf("while a banner may still appear: %v", err)
		}
		pass(8 * time.Second)
		if lit.off != 1 {
			t.Errorf("put out %d times", lit.off)
		}
		none := consent.NewGate(s.asker(), slowLamp{}, consent.AllRights)
		if _, err := none.Ask(t.Context(), question(consent.RightView)); !errors.Is(err, consent.ErrNoLamp) {
			t.Errorf("a banner that is nothing: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		given := consent.NewGate(s.asker(), slowLamp{2 * time.Second, lit}, consent.AllRights)
		if _, err := given.Ask(ctx, question(consent.RightView)); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller gone while the banner is lit: %v", err)
		}
		pass(2 * time.Second)
		if lit.off != 2 {
			t.Errorf("put out %d times", lit.off)
		}
	})
}

func (s *stage) asker() consent.Asker { return askFunc(s.answer) }

type askFunc func(context.Context, consent.Question) (consent.Rights, error)

func (f askFunc) Ask(ctx context.Context, q consent.Question) (consent.Rights, error) {
	return f(ctx, q)
}

func TestRightsSpeak(t *testing.T) {
	for r, want := range map[consent.Rights]string{
		0: "none", consent.RightView: "view", consent.AllRights: "view+point+control", 1 << 12: "none",
	} {
		if r.String() != want {
			t.Errorf("%d is %q, want %q", r, r, want)
		}
	}
	if viewPoint.Has(consent.AllRights) || !consent.AllRights.Has(viewPoint) {
		t.Error("Has must mean all of them")
	}
}
