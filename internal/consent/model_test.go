// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
)

// model is what a lease must be, said as plainly as can be: no locks, no
// goroutines.
type model struct {
	rights  consent.Rights
	paused  bool
	covered time.Duration // for how long the banner has been unseen
	ended   bool
}

// allows says what Do must return for a right, whatever happened before.
func (m *model) allows(r consent.Rights) error {
	switch {
	case m.ended, !m.rights.Has(r):
		return consent.ErrRevoked
	case m.paused, m.covered >= consent.FreezeAfter:
		return consent.ErrPaused
	}
	return nil
}

// step is one thing that may happen to a lease, and to its model.
type step struct {
	name string
	do   func(s *stage, l *consent.Lease, m *model)
}

func steps() []step {
	return []step{
		{"pause", func(_ *stage, l *consent.Lease, m *model) { l.Pause(); m.paused = true }},
		{"resume", func(_ *stage, l *consent.Lease, m *model) { l.Resume(); m.paused = false }},
		{"take control back", func(_ *stage, l *consent.Lease, m *model) {
			l.Narrow(consent.RightControl)
			m.rights &^= consent.RightControl
		}},
		{"take the pointer back", func(_ *stage, l *consent.Lease, m *model) {
			l.Narrow(consent.RightPoint)
			m.rights &^= consent.RightPoint
		}},
		{"widen, granted", func(s *stage, l *consent.Lease, m *model) {
			l.Widen(s.t.Context(), consent.AllRights)
			m.rights |= consent.AllRights
		}},
		{"widen, refused", func(s *stage, l *consent.Lease, _ *model) {
			s.now(says(consent.AllRights, consent.ErrRefused))
			l.Widen(s.t.Context(), consent.AllRights)
			s.now(everything)
		}},
		{"widen, half granted", func(s *stage, l *consent.Lease, m *model) {
			s.now(says(consent.RightPoint, nil))
			l.Widen(s.t.Context(), consent.AllRights)
			s.now(everything)
			m.rights |= consent.RightPoint
		}},
		{"cover for a moment", func(s *stage, _ *consent.Lease, _ *model) {
			s.lamp.Cover(true)
			pass(300 * time.Millisecond)
			s.lamp.Cover(false)
			pass(200 * time.Millisecond)
		}},
		{"cover and uncover", func(s *stage, _ *consent.Lease, _ *model) {
			s.lamp.Cover(true)
			pass(time.Second)
			s.lamp.Cover(false)
			pass(200 * time.Millisecond)
		}},
		{"pause, cover, wait", func(s *stage, l *consent.Lease, m *model) {
			l.Pause()
			m.paused = true
			s.lamp.Cover(true)
			pass(2700 * time.Millisecond)
			s.lamp.Cover(false)
			pass(200 * time.Millisecond)
		}},
	}
}

// endings are the steps that end a lease; each run plays one, last.
func endings() []step {
	return []step{
		{"revoke", func(_ *stage, l *consent.Lease, m *model) { l.Revoke(nil); m.ended = true }},
		{"take the view back", func(_ *stage, l *consent.Lease, m *model) {
			l.Narrow(consent.RightView)
			m.ended = true
		}},
		{"cover for good", func(s *stage, _ *consent.Lease, m *model) {
			s.lamp.Cover(true)
			pass(consent.LoseAfter + 200*time.Millisecond)
			m.ended = true
		}},
		{"outlive", func(s *stage, _ *consent.Lease, m *model) {
			s.now(silent)
			pass(consent.LeaseLife)
			m.ended = true
		}},
	}
}

// Whatever the order of events, a lease does what the model says.
func TestLeaseFollowsTheModel(t *testing.T) {
	for seed := range uint64(80) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			on(t, consent.AllRights, func(t *testing.T, s *stage) { playModel(t, s, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func playModel(t *testing.T, s *stage, dice *rand.Rand) {
	l := s.lease(consent.RightView)
	m := &model{rights: consent.RightView}
	handles := map[doer]consent.Rights{}
	var played []string
	all, last := steps(), endings()
	for n := range 30 {
		next := all[dice.IntN(len(all))]
		if n == 29 {
			next = last[dice.IntN(len(last))]
		}
		played = append(played, next.name)
		next.do(s, l, m)
		synctest.Wait()
		checkModel(t, l, m, handles)
		if t.Failed() {
			t.Fatalf("after %q", played)
		}
	}
}

// checkModel compares what every handle ever held does with what the model says.
func checkModel(t *testing.T, l *consent.Lease, m *model, handles map[doer]consent.Rights) {
	t.Helper()
	if v, err := l.View(); err == nil {
		handles[v] = consent.RightView
	}
	if p, err := l.Pointer(); err == nil {
		handles[p] = consent.RightPoint
	}
	if c, err := l.Control(); err == nil {
		handles[c] = consent.RightControl
	}
	want := m.rights
	if m.ended {
		want = 0
	}
	if l.Rights() != want {
		t.Errorf("rights %v, want %v", l.Rights(), want)
	}
	for h, right := range handles {
		if closed(h.Done()) {
			if err := try(t, h); !errors.Is(err, consent.ErrRevoked) {
				t.Errorf("a dead %v lives: %v", right, err)
			}
			delete(handles, h)
			continue
		}
		if err := try(t, h); err != m.allows(right) {
			t.Errorf("%v: %v, want %v", right, err, m.allows(right))
		}
	}
}

func TestModelKnowsItsOwnRules(t *testing.T) {
	m := &model{rights: viewPoint}
	if m.allows(consent.RightControl) == nil || m.allows(consent.RightView) != nil {
		t.Error("rights")
	}
	m.covered = consent.FreezeAfter
	if m.allows(consent.RightView) != consent.ErrPaused {
		t.Error("cover")
	}
	m.ended = true
	if m.allows(consent.RightView) != consent.ErrRevoked {
		t.Error("end")
	}
	if _, err := silent(canceled(), consent.Question{}); err == nil {
		t.Error("a silent person speaks")
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
