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

func TestHandlesComeOnlyWithTheirRight(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.RightView)
		if _, err := l.Control(); !errors.Is(err, consent.ErrNotGranted) {
			t.Errorf("control: %v", err)
		}
		if _, err := l.Pointer(); !errors.Is(err, consent.ErrNotGranted) {
			t.Errorf("pointer: %v", err)
		}
		if err := try(t, view(t, l)); err != nil {
			t.Errorf("view: %v", err)
		}
		broken := errors.New("the body failed")
		if err := view(t, l).Do(func() error { return broken }); err != broken {
			t.Errorf("Do must hand on its body's error, got %v", err)
		}
		l.Revoke(nil)
		if _, err := l.View(); !errors.Is(err, consent.ErrRevoked) {
			t.Errorf("view of a dead lease: %v", err)
		}
	})
}

func TestRevoke(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		v, c := view(t, l), control(t, l)
		first := errors.New("the person cut")
		l.Revoke(first)
		l.Revoke(errors.New("something later"))
		for _, d := range []doer{v, c} {
			if err := try(t, d); !errors.Is(err, consent.ErrRevoked) || !closed(d.Done()) {
				t.Errorf("%T: %v, done %v", d, err, closed(d.Done()))
			}
		}
		if l.Cause() != first || l.Rights() != 0 || !closed(l.Done()) {
			t.Errorf("cause %v, rights %v", l.Cause(), l.Rights())
		}
		<-l.Dark()
		if s.lamp.Lit() {
			t.Error("the banner stayed")
		}
	})
}

// Revoke must let a body know at once, and must not return before it did.
func TestRevokeWaitsForTheBodyAndTellsIt(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		v := view(t, l)
		entered, left := make(chan struct{}), false
		go v.Do(func() error {
			close(entered)
			<-v.Done() // a send that minds the end of its right
			time.Sleep(time.Second)
			left = true
			return nil
		})
		<-entered
		start := time.Now()
		l.Revoke(nil)
		if !left || time.Since(start) != time.Second {
			t.Errorf("Revoke returned after %v, body over: %v", time.Since(start), left)
		}
	})
}

// While one body is stuck, the other right is cut all the same, and nothing new
// starts.
func TestStuckFrameDoesNotKeepTheKeysAlive(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		v, c := view(t, l), control(t, l)
		unstick := make(chan struct{})
		go v.Do(func() error { <-unstick; return nil })
		synctest.Wait()
		l.Narrow(consent.RightControl) // does not wait for the frame
		if err := try(t, c); !errors.Is(err, consent.ErrRevoked) {
			t.Errorf("control: %v", err)
		}
		revoked := make(chan struct{})
		go func() { l.Revoke(nil); close(revoked) }()
		synctest.Wait()
		if closed(revoked) || !closed(l.Done()) {
			t.Errorf("returned %v, done %v", closed(revoked), closed(l.Done()))
		}
		if err := try(t, v); !errors.Is(err, consent.ErrRevoked) {
			t.Errorf("a new frame: %v", err)
		}
		close(unstick)
		<-revoked
	})
}

// A body under a right being taken back counts for Revoke too.
func TestRevokeWaitsForWhatNarrowWaitsFor(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		c := control(t, l)
		unstick := make(chan struct{})
		go c.Do(func() error { <-unstick; return nil })
		synctest.Wait()
		narrowed, revoked := make(chan struct{}), make(chan struct{})
		go func() { l.Narrow(consent.RightControl); close(narrowed) }()
		synctest.Wait()
		go func() { l.Revoke(nil); close(revoked) }()
		synctest.Wait()
		if closed(narrowed) || closed(revoked) {
			t.Errorf("a key is being pressed: narrowed %v, revoked %v", closed(narrowed), closed(revoked))
		}
		close(unstick)
		<-narrowed
		<-revoked
	})
}

func TestNarrow(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		old := control(t, l)
		l.Narrow(consent.RightControl)
		if l.Rights() != viewPoint || !closed(old.Done()) || !errors.Is(try(t, old), consent.ErrRevoked) {
			t.Errorf("rights %v", l.Rights())
		}
		l.Narrow(consent.RightControl) // again: nothing
		if err := try(t, view(t, l)); err != nil {
			t.Errorf("view: %v", err)
		}
		if r, err := l.Widen(t.Context(), consent.RightControl); r != consent.AllRights || err != nil {
			t.Fatalf("granted again: %v, %v", r, err)
		}
		if err := try(t, control(t, l)); err != nil {
			t.Errorf("the new control: %v", err)
		}
		if err := try(t, old); !errors.Is(err, consent.ErrRevoked) {
			t.Errorf("the old control came back to life: %v", err)
		}
		l.Narrow(viewPoint)
		if l.Cause() == nil || l.Rights() != 0 {
			t.Errorf("a lease without view: %v, %v", l.Rights(), l.Cause())
		}
	})
}

func TestPause(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		v, c := view(t, l), control(t, l)
		l.Pause()
		pictures, input := l.Paused()
		if pictures != consent.PauseUser || input != consent.PauseUser {
			t.Errorf("paused %v, %v", pictures, input)
		}
		if !errors.Is(try(t, v), consent.ErrPaused) || !errors.Is(try(t, c), consent.ErrPaused) {
			t.Error("a pause that lets something through")
		}
		if closed(v.Done()) || l.Rights() != consent.AllRights {
			t.Error("a pause is no end")
		}
		synctest.Wait()
		if s.lamp.Last().Paused != consent.PauseUser {
			t.Error("the banner does not say so")
		}
		l.Resume()
		if try(t, v) != nil || try(t, c) != nil {
			t.Error("still held back")
		}
		l.Pause()
		l.Revoke(nil)
		l.Resume()
		if !errors.Is(try(t, v), consent.ErrRevoked) {
			t.Error("resumed from the dead")
		}
	})
}

func TestChangedAndBanner(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		told := func() bool { return len(l.Changed()) == 1 }
		for _, change := range []struct {
			name string
			do   func()
		}{
			{"narrow", func() { l.Narrow(consent.RightControl) }},
			{"widen", func() { l.Widen(t.Context(), consent.RightControl) }},
			{"pause", l.Pause},
			{"resume", l.Resume},
			{"freeze", func() { s.lamp.Cover(true); pass(time.Second); s.lamp.Cover(false) }},
		} {
			for told() {
				<-l.Changed()
			}
			change.do()
			if !told() {
				t.Errorf("%s: nobody was told", change.name)
			}
			synctest.Wait()
		}
		l.Note("asked for the mouse")
		synctest.Wait()
		got := s.lamp.Last()
		if got.Action != "asked for the mouse" || !got.ActionAt.Equal(time.Now()) || got.Who.Name != "Prénom Nom" {
			t.Errorf("the banner shows %+v", got)
		}
	})
}

func TestWidenAsksAndHoldsInput(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		l.Narrow(consent.RightPoint)
		v, c := view(t, l), control(t, l)
		s.now(func(_ context.Context, q consent.Question) (consent.Rights, error) {
			if err := try(t, c); !errors.Is(err, consent.ErrPaused) {
				t.Errorf("the technician could click in the dialog: %v", err)
			}
			if err := try(t, v); err != nil {
				t.Errorf("pictures need not stop: %v", err)
			}
			if _, input := l.Paused(); input != consent.PauseDialog {
				t.Errorf("input paused by %v", input)
			}
			if _, err := l.Widen(t.Context(), consent.RightPoint); !errors.Is(err, consent.ErrBusy) {
				t.Errorf("a second question: %v", err)
			}
			if !q.Widening || q.Renewing || q.Wanted != consent.RightPoint || q.Words[0] != "citron" {
				t.Errorf("asked %+v", q)
			}
			return consent.AllRights, nil
		})
		if r, err := l.Widen(t.Context(), consent.AllRights); r != consent.AllRights || err != nil {
			t.Errorf("got %v, %v", r, err)
		}
		if err := try(t, c); err != nil {
			t.Errorf("input after the answer: %v", err)
		}
	})
}

// The dialog must not appear while a click is on its way.
func TestQuestionWaitsForTheLastEvent(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.RightView | consent.RightControl)
		c := control(t, l)
		unstick := make(chan struct{})
		go c.Do(func() error { <-unstick; return nil })
		synctest.Wait()
		go l.Widen(t.Context(), consent.RightPoint)
		synctest.Wait()
		if n := len(s.asked()); n != 1 {
			t.Errorf("%d questions while a button is being pressed", n)
		}
		close(unstick)
		synctest.Wait()
		if n := len(s.asked()); n != 2 || l.Rights() != consent.AllRights {
			t.Errorf("%d questions, rights %v", n, l.Rights())
		}
	})
}

func TestWidenRefused(t *testing.T) {
	on(t, viewPoint|consent.RightControl, func(t *testing.T, s *stage) {
		l := s.lease(consent.RightView)
		for _, no := range []error{consent.ErrRefused, consent.ErrReported, consent.ErrNoAnswer} {
			s.now(says(consent.AllRights, no))
			if r, err := l.Widen(t.Context(), consent.RightControl); r != consent.RightView || !errors.Is(err, no) {
				t.Errorf("%v: %v, %v", no, r, err)
			}
		}
		s.now(says(0, nil))
		if r, err := l.Widen(t.Context(), consent.RightControl); r != consent.RightView || !errors.Is(err, consent.ErrRefused) {
			t.Errorf("an empty yes: %v, %v", r, err)
		}
		s.now(silent)
		if _, err := l.Widen(t.Context(), consent.RightControl); !errors.Is(err, consent.ErrNoAnswer) {
			t.Errorf("silence: %v", err)
		}
		synctest.Wait()
		asked := len(s.asked())
		if r, err := l.Widen(t.Context(), consent.RightView); r != consent.RightView || err != nil {
			t.Errorf("what is granted already: %v, %v", r, err)
		}
		if len(s.asked()) != asked {
			t.Error("the person was asked for what they had granted")
		}
	})
}

func TestWidenStaysUnderTheCeiling(t *testing.T) {
	on(t, consent.RightView, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		r, err := l.Widen(t.Context(), consent.RightControl)
		if r != consent.RightView || !errors.Is(err, consent.ErrNotGranted) || len(s.asked()) != 1 {
			t.Errorf("%v, %v after %d questions", r, err, len(s.asked()))
		}
	})
}

func TestRevokeClosesTheQuestion(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.RightView)
		s.now(silent)
		time.AfterFunc(time.Second, func() { l.Revoke(nil) })
		start := time.Now()
		r, err := l.Widen(t.Context(), consent.RightControl)
		if r != 0 || !errors.Is(err, consent.ErrRevoked) || time.Since(start) != time.Second {
			t.Errorf("%v, %v after %v", r, err, time.Since(start))
		}
		if _, err := l.Widen(t.Context(), consent.RightControl); !errors.Is(err, consent.ErrRevoked) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// A yes that crosses the cut gives nothing.
func TestYesAfterRevokeGivesNothing(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.RightView)
		s.now(func(context.Context, consent.Question) (consent.Rights, error) {
			l.Revoke(nil)
			return consent.AllRights, nil
		})
		if r, err := l.Widen(t.Context(), consent.RightControl); r != 0 || !errors.Is(err, consent.ErrRevoked) {
			t.Errorf("%v, %v", r, err)
		}
		if _, err := l.Control(); err == nil {
			t.Error("control after the end")
		}
	})
}
