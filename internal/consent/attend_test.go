// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
)

// hands are the person's, in a test.
type hands struct {
	mu     sync.Mutex
	moved  time.Time
	played time.Time // by a program
	idle   time.Duration
}

// last is what a device did; asked leniently, what programs played counts too.
func (h *hands) last(strict bool) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !strict && h.played.After(h.moved) {
		return h.played
	}
	return h.moved
}

func (h *hands) play() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.played = time.Now()
}

func (h *hands) limit() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.idle
}

func (h *hands) move() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved = time.Now()
}

func (h *hands) allow(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.idle = d
}

// minded is a test whose gate minds the hands.
func minded(t *testing.T, f func(t *testing.T, s *stage, h *hands)) {
	t.Helper()
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		h := &hands{}
		s.gate.Attend(consent.Hands{Last: h.last, Idle: h.limit})
		f(t, s, h)
	})
}

func (s *stage) idleQuestions() int {
	n := 0
	for _, q := range s.asked() {
		if q.Idle {
			n++
		}
	}
	return n
}

// last is the newest question.
func (s *stage) last() consent.Question {
	all := s.asked()
	return all[len(all)-1]
}

func TestIdleHandsAreAskedThenEnd(t *testing.T) {
	for _, rights := range []consent.Rights{consent.AllRights, consent.RightView} {
		minded(t, func(t *testing.T, s *stage, _ *hands) {
			l := s.lease(rights)
			v := view(t, l)
			s.now(silent)
			pass(consent.IdleTime - time.Millisecond)
			if len(s.asked()) != 1 {
				t.Fatal("asked too early")
			}
			pass(time.Millisecond)
			q := s.last()
			if !q.Idle || q.Widening || q.Renewing || q.Wanted != rights || len(s.asked()) != 2 {
				t.Fatalf("asked %+v", q)
			}
			if pictures, input := l.Paused(); pictures != consent.PauseNone || input != consent.PausePresence {
				t.Errorf("paused by %v, %v", pictures, input)
			}
			if try(t, v) != nil {
				t.Error("the view is held back, too")
			}
			if rights.Has(consent.RightControl) && !errors.Is(try(t, control(t, l)), consent.ErrPaused) {
				t.Error("input is not held back")
			}
			start := time.Now()
			<-l.Done()
			if took := time.Since(start); took != consent.AnswerTime || !errors.Is(l.Cause(), consent.ErrAbsent) {
				t.Errorf("%v after %v", l.Cause(), took)
			}
			synctest.Wait()
		})
	}
}

func TestStillThere(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, _ *hands) {
		l := s.lease(viewPoint)
		s.now(func(_ context.Context, q consent.Question) (consent.Rights, error) {
			time.Sleep(20 * time.Second)
			return q.Wanted, nil
		})
		pass(consent.IdleTime + 20*time.Second)
		if l.Cause() != nil || l.Rights() != viewPoint {
			t.Fatalf("%v, %v", l.Cause(), l.Rights())
		}
		if _, input := l.Paused(); input != consent.PauseNone {
			t.Errorf("held back by %v", input)
		}
		pass(consent.IdleTime - time.Second) // that counts from the answer
		if n := s.idleQuestions(); n != 1 {
			t.Errorf("%d questions", n)
		}
		pass(30 * time.Second)
		if n := s.idleQuestions(); n != 2 {
			t.Errorf("%d questions after another quarter of an hour", n)
		}
	})
}

// Yes keeps every right, whatever is ticked: that is not what was asked.
func TestStillThereTakesNothingBack(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, _ *hands) {
		l := s.lease(consent.AllRights)
		s.now(says(consent.RightView, nil))
		pass(consent.IdleTime)
		if l.Rights() != consent.AllRights || try(t, control(t, l)) != nil {
			t.Errorf("rights %v", l.Rights())
		}
	})
}

func TestNotThereAnyMore(t *testing.T) {
	odd := errors.New("the dialog broke")
	for _, c := range []struct {
		rights consent.Rights
		answer error
		want   error
	}{
		{0, consent.ErrRefused, consent.ErrRefused},
		{0, consent.ErrReported, consent.ErrReported},
		{0, consent.ErrNoAnswer, consent.ErrAbsent},
		{consent.AllRights, odd, consent.ErrAbsent},
		{consent.RightControl, nil, consent.ErrRefused}, // without the view there is nothing to go on with
	} {
		minded(t, func(t *testing.T, s *stage, _ *hands) {
			l := s.lease(consent.AllRights)
			s.now(says(c.rights, c.answer))
			pass(consent.IdleTime)
			if !closed(l.Done()) || !errors.Is(l.Cause(), c.want) {
				t.Errorf("%v: ended by %v", c.answer, l.Cause())
			}
		})
	}
}

func TestBusyHandsAreNotAsked(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, h *hands) {
		l := s.lease(viewPoint)
		for range 2 {
			pass(consent.IdleTime - time.Minute)
			h.move()
		}
		if len(s.asked()) != 1 || l.Cause() != nil {
			t.Errorf("%d questions, %v", len(s.asked()), l.Cause())
		}
	})
}

// The limit may change while the lease lives, and zero means the usual one.
func TestIdleLimitFollows(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, h *hands) {
		l := s.lease(viewPoint)
		pass(3 * time.Minute)
		s.now(silent)
		h.allow(2 * time.Minute)
		pass(10 * time.Second)
		if !s.last().Idle {
			t.Error("not asked under the new limit")
		}
		<-l.Done()
	})
}

// What the person does not say by a click counts for nothing once they are asked.
func TestMovingHandsAreNoAnswer(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, h *hands) {
		l := s.lease(consent.AllRights)
		s.now(silent)
		pass(consent.IdleTime + time.Second)
		h.move()
		pass(20 * time.Second)
		if !errors.Is(try(t, control(t, l)), consent.ErrPaused) {
			t.Error("input goes on without an answer")
		}
		<-l.Done()
		if !errors.Is(l.Cause(), consent.ErrAbsent) {
			t.Errorf("ended by %v", l.Cause())
		}
	})
}

// Another question does not keep an absent person's session alive, and input stays
// held back from one to the next.
func TestIdleBesideAnotherQuestion(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, _ *hands) {
		l := s.lease(consent.RightView | consent.RightControl)
		s.now(silent)
		pass(consent.IdleTime - 30*time.Second)
		go l.Widen(t.Context(), consent.RightPoint)
		for range 15 { // technicians may ask again and again
			pass(10 * time.Second)
			if c, err := l.Control(); err == nil && time.Since(l.Since()) > consent.IdleTime && try(t, c) == nil {
				t.Fatal("input goes on")
			}
			if closed(l.Done()) {
				break
			}
			go l.Widen(t.Context(), consent.RightPoint)
		}
		if !closed(l.Done()) || time.Since(l.Since()) > consent.IdleTime+2*consent.AnswerTime {
			t.Errorf("lives after %v", time.Since(l.Since()))
		}
		synctest.Wait()
	})
}

func TestIdleQuestionEndsWithTheLease(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, _ *hands) {
		l := s.lease(consent.RightView)
		gone := make(chan struct{})
		s.now(func(ctx context.Context, q consent.Question) (consent.Rights, error) {
			defer close(gone)
			return silent(ctx, q)
		})
		pass(consent.IdleTime)
		why := errors.New("cut")
		l.Revoke(why)
		<-gone
		if l.Cause() != why {
			t.Errorf("ended by %v", l.Cause())
		}
	})
}

// Input that runs when the question comes is waited for before the dialog is there.
func TestIdleQuestionWaitsForInput(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, _ *hands) {
		l := s.lease(consent.AllRights)
		c, unstick := control(t, l), make(chan struct{})
		pass(consent.IdleTime - time.Second)
		go c.Do(func() error { <-unstick; return nil })
		s.now(silent)
		pass(2 * time.Second)
		if len(s.asked()) != 1 {
			t.Error("a dialog while input runs")
		}
		close(unstick)
		synctest.Wait()
		if !s.last().Idle {
			t.Error("not asked")
		}
		<-l.Done()
	})
}

// Renewal and presence are two questions: neither answers the other.
func TestIdleAndRenewal(t *testing.T) {
	minded(t, func(t *testing.T, s *stage, h *hands) {
		l := s.lease(viewPoint)
		var idle, renewals atomic.Int32
		s.now(func(ctx context.Context, q consent.Question) (consent.Rights, error) {
			if q.Idle {
				idle.Add(1)
				return q.Wanted, nil
			}
			renewals.Add(1)
			return silent(ctx, q)
		})
		pass(time.Minute)
		h.move() // or the second question about idle hands would come in the very moment of the end
		<-l.Done()
		if idle.Load() != 1 || renewals.Load() != 1 || !errors.Is(l.Cause(), consent.ErrExpired) {
			t.Errorf("%d and %d questions, ended by %v", idle.Load(), renewals.Load(), l.Cause())
		}
	})
}
