// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"assist/internal/consent"
)

func TestZeroValuesRefuse(t *testing.T) {
	for _, d := range []doer{consent.View{}, consent.Pointer{}, consent.Control{}} {
		if err := try(t, d); !errors.Is(err, consent.ErrNotGranted) {
			t.Errorf("%T: %v", d, err)
		}
		if !closed(d.Done()) {
			t.Errorf("%T waits for an end that is long past", d)
		}
	}
	for _, g := range []*consent.Gate{nil, {}, consent.NewGate(nil, nil, consent.AllRights)} {
		if l, err := g.Ask(t.Context(), question(consent.AllRights)); err == nil {
			t.Errorf("a gate without anybody leased %v", l)
		}
	}
	refusesAll(t, &consent.Lease{})
	refusesAll(t, nil)
}

// A copied lease shares no state with the first, so it must be worth nothing.
func TestCopiedLeaseRefuses(t *testing.T) {
	on(t, consent.AllRights, func(t *testing.T, s *stage) {
		l := s.lease(consent.AllRights)
		synctest.Wait() // its goroutines rest: a copy made under their hands proves nothing
		refusesAll(t, copied(l))
		if err := try(t, view(t, l)); err != nil {
			t.Errorf("the first lease suffered: %v", err)
		}
	})
}

// copied returns a copy of *l, past the copylocks check of vet.
func copied[T any](l *T) *T {
	c := *l
	return &c
}

func refusesAll(t *testing.T, l *consent.Lease) {
	t.Helper()
	for right, get := range map[string]func() (doer, error){
		"view":    func() (doer, error) { return l.View() },
		"pointer": func() (doer, error) { return l.Pointer() },
		"control": func() (doer, error) { return l.Control() },
	} {
		if d, err := get(); err == nil || try(t, d) == nil {
			t.Errorf("%s of %v: %v", right, l, err)
		}
	}
	if r, err := l.Widen(t.Context(), consent.AllRights); r != 0 || err == nil {
		t.Errorf("widened to %v, %v", r, err)
	}
	l.Pause()
	l.Resume()
	l.Narrow(consent.RightControl)
	if lapsed, yes := l.Renewed(); lapsed != 0 || yes {
		t.Error("a lease that never was is renewed")
	}
	l.Limit(0)
	l.Note("nothing")
	l.Revoke(nil)
	if l.Rights() != 0 || !closed(l.Done()) || !closed(l.Dark()) || l.Cause() == nil || l.Changed() != nil {
		t.Errorf("rights %v, cause %v", l.Rights(), l.Cause())
	}
	if pictures, input := l.Paused(); pictures != 0 || input != 0 {
		t.Errorf("paused %v, %v", pictures, input)
	}
}
