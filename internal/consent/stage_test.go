// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
)

// stage is a person, a banner and a gate, for one test in one bubble of time.
type stage struct {
	t    *testing.T
	lamp *consenttest.Lamp
	gate *consent.Gate

	mu        sync.Mutex
	person    func(context.Context, consent.Question) (consent.Rights, error)
	questions []consent.Question
}

// on runs a test on a stage of its own, where waiting costs no time.
func on(t *testing.T, ceiling consent.Rights, f func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, lamp: &consenttest.Lamp{}, person: everything}
		s.gate = consent.NewGate(consenttest.Person(s.answer), s.lamp, ceiling)
		f(t, s)
	})
}

func (s *stage) answer(ctx context.Context, q consent.Question) (consent.Rights, error) {
	s.mu.Lock()
	s.questions = append(s.questions, q)
	person := s.person
	s.mu.Unlock()
	return person(ctx, q)
}

// now changes the person's mind.
func (s *stage) now(person func(context.Context, consent.Question) (consent.Rights, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person = person
}

// asked is every question put so far.
func (s *stage) asked() []consent.Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.questions)
}

// everything is a person who grants all that is wanted, and more.
func everything(context.Context, consent.Question) (consent.Rights, error) {
	return ^consent.Rights(0), nil
}

// says is a person with one answer.
func says(r consent.Rights, err error) func(context.Context, consent.Question) (consent.Rights, error) {
	return func(context.Context, consent.Question) (consent.Rights, error) { return r, err }
}

// silent is a person who never answers.
func silent(ctx context.Context, _ consent.Question) (consent.Rights, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// lease asks for rights and fails the test when there is no lease.
func (s *stage) lease(wanted consent.Rights) *consent.Lease {
	s.t.Helper()
	l, err := s.gate.Ask(s.t.Context(), question(wanted))
	if err != nil {
		s.t.Fatalf("no lease: %v", err)
	}
	s.t.Cleanup(func() {
		l.Revoke(nil)
		<-l.Dark()
	})
	return l
}

func question(wanted consent.Rights) consent.Question {
	return consent.Question{
		Who:    consent.Card{Name: "Prénom Nom", Role: "Assistance", Unit: "INCI"},
		Reason: "Imprimante introuvable", Wanted: wanted, Words: [3]string{"citron", "valise", "orage"}, Monitors: 2,
	}
}

// pass waits for d, and then for everybody to have done what they had to do.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func view(t *testing.T, l *consent.Lease) consent.View {
	t.Helper()
	v, err := l.View()
	if err != nil {
		t.Fatalf("no view: %v", err)
	}
	return v
}

func control(t *testing.T, l *consent.Lease) consent.Control {
	t.Helper()
	c, err := l.Control()
	if err != nil {
		t.Fatalf("no control: %v", err)
	}
	return c
}

// doer is a View, a Pointer or a Control.
type doer interface {
	Do(func() error) error
	Done() <-chan struct{}
	Live() error
}

// try reports what Do says, and fails the test when Do and Live disagree or when
// a body ran under a refusal.
func try(t *testing.T, d doer) error {
	t.Helper()
	ran := false
	live := d.Live()
	err := d.Do(func() error { ran = true; return nil })
	if ran != (err == nil) {
		t.Errorf("body ran: %v, but Do returned %v", ran, err)
	}
	if live != err {
		t.Errorf("Live says %v, Do says %v", live, err)
	}
	return err
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
