// SPDX-License-Identifier: Apache-2.0

package consent_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
)

// flood runs Do in many goroutines, as fast as it goes, until stop is closed.
// It returns the number of bodies inside at this moment, and how many ran.
type flood struct {
	inside, ran atomic.Int64
	stop        chan struct{}
	over        sync.WaitGroup
}

func newFlood(handles ...doer) *flood {
	f := &flood{stop: make(chan struct{})}
	for _, h := range handles {
		for range 4 {
			f.over.Go(func() { f.run(h) })
		}
	}
	for f.ran.Load() < 100 {
		f.turn()
	}
	return f
}

// turn lets the flood run for a while. To yield is not enough: on one processor, who waits
// for a lock comes first each time, and who yields comes again after some milliseconds.
func (f *flood) turn() { <-time.After(time.Millisecond) }

func (f *flood) run(h doer) {
	for !closed(f.stop) {
		h.Do(func() error {
			f.inside.Add(1)
			runtime.Gosched() // let the cut come while a body runs
			f.ran.Add(1)
			f.inside.Add(-1)
			return nil
		})
	}
}

// still fails the test when a body runs, or has run, since the call began.
func (f *flood) still(t *testing.T, after string) {
	t.Helper()
	inside, ran := f.inside.Load(), f.ran.Load()
	f.turn()
	if inside != 0 || f.ran.Load() != ran {
		t.Fatalf("after %s: %d bodies inside, %d more ran", after, inside, f.ran.Load()-ran)
	}
}

func (f *flood) end() {
	close(f.stop)
	f.over.Wait()
}

// The promise on which everything rests, with real goroutines and a real clock.
func TestNothingRunsAfterACutReturns(t *testing.T) {
	cuts := map[string]func(*consent.Lease){
		"revoke": func(l *consent.Lease) { l.Revoke(nil) },
		"pause":  (*consent.Lease).Pause,
		"narrow": func(l *consent.Lease) { l.Narrow(consent.RightView) },
	}
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				l := consenttest.Lease(t, consent.AllRights)
				f := newFlood(view(t, l), control(t, l))
				cut(l)
				f.still(t, name)
				f.end()
				l.Revoke(nil)
			}
		})
	}
}

func TestNoKeyAfterNarrowReturns(t *testing.T) {
	for range 20 {
		l := consenttest.Lease(t, consent.AllRights)
		keys, frames := newFlood(control(t, l)), newFlood(view(t, l))
		l.Narrow(consent.RightControl)
		keys.still(t, "narrow")
		before := frames.ran.Load()
		for frames.ran.Load() == before { // the frames go on
			frames.turn()
		}
		keys.end()
		frames.end()
	}
}

// Many people pull at once: each of them, on return, sees everything stopped.
func TestEveryRevokerWaits(t *testing.T) {
	first := errors.New("first")
	for range 20 {
		l := consenttest.Lease(t, consent.AllRights)
		f := newFlood(view(t, l), control(t, l))
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				l.Revoke(first)
				if n := f.inside.Load(); n != 0 {
					t.Errorf("%d bodies inside", n)
				}
			})
		}
		all.Wait()
		if l.Cause() != first {
			t.Errorf("cause %v", l.Cause())
		}
		f.end()
	}
}
