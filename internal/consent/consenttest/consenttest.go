// SPDX-License-Identifier: Apache-2.0

// Package consenttest mints leases for tests, and holds the person and the
// banner that tests play with. Only test files import it.
package consenttest

import (
	"context"
	"errors"
	"image"
	"sync"
	"testing"
	"time"

	"assist/internal/consent"
)

// beatEvery is how often the banner says that it is seen.
const beatEvery = 100 * time.Millisecond

// Lease returns a living lease with these rights, RightView among them. It is
// revoked, and waited for, at the end of the test.
func Lease(t testing.TB, rights consent.Rights) *consent.Lease {
	t.Helper()
	return LeaseUnder(t, rights, &Lamp{})
}

// LeaseUnder is Lease with a banner of the test's own.
func LeaseUnder(t testing.TB, rights consent.Rights, lamp *Lamp) *consent.Lease {
	t.Helper()
	yes := Person(func(context.Context, consent.Question) (consent.Rights, error) { return rights, nil })
	gate := consent.NewGate(yes, lamp, consent.AllRights)
	lease, err := gate.Ask(t.Context(), consent.Question{Wanted: rights | consent.RightView, Monitors: 1})
	if err != nil {
		t.Fatalf("no lease: %v", err)
	}
	t.Cleanup(func() {
		lease.Revoke(errors.New("the test is over"))
		<-lease.Dark()
	})
	return lease
}

// Person answers questions by a function.
type Person func(ctx context.Context, q consent.Question) (consent.Rights, error)

// Ask answers q.
func (p Person) Ask(ctx context.Context, q consent.Question) (consent.Rights, error) {
	return p(ctx, q)
}

// Lamp is a banner without a screen. Its zero value can be lit; no monitor can be
// read under it.
type Lamp struct {
	// Monitors says which monitors show the banner; set before Light.
	Monitors func() []image.Rectangle

	mu      sync.Mutex
	fault   error
	lit     bool
	covered bool
	lights  int
	shown   []consent.Status
}

// Break makes every later Light fail with err.
func (l *Lamp) Break(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = err
}

// Cover says whether something hides the banner, which then no longer beats.
func (l *Lamp) Cover(covered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.covered = covered
}

// Lit reports whether the banner is on.
func (l *Lamp) Lit() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lit
}

// Lights is how often the banner was lit.
func (l *Lamp) Lights() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lights
}

// Last is the status shown last.
func (l *Lamp) Last() consent.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.shown) == 0 {
		return consent.Status{}
	}
	return l.shown[len(l.shown)-1]
}

// Light turns the banner on.
func (l *Lamp) Light(s consent.Status, beat consent.Beat) (consent.Lit, error) {
	beat(l.monitors())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		return nil, l.fault
	}
	l.lit = true
	l.lights++
	l.shown = append(l.shown, s)
	b := &banner{lamp: l, stop: make(chan struct{}), stopped: make(chan struct{})}
	go b.run(beat)
	return b, nil
}

// monitors is what the banner is on: nothing that can be read, unless the test says so.
func (l *Lamp) monitors() []image.Rectangle {
	if l.Monitors == nil {
		return []image.Rectangle{{}}
	}
	return l.Monitors()
}

// banner is one lighting of a Lamp.
type banner struct {
	lamp          *Lamp
	stop, stopped chan struct{}
}

func (b *banner) run(beat consent.Beat) {
	defer close(b.stopped)
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
			if b.seen() {
				beat(b.lamp.monitors())
			}
		}
	}
}

func (b *banner) seen() bool {
	b.lamp.mu.Lock()
	defer b.lamp.mu.Unlock()
	return !b.lamp.covered
}

// Show remembers s.
func (b *banner) Show(s consent.Status) {
	b.lamp.mu.Lock()
	defer b.lamp.mu.Unlock()
	b.lamp.shown = append(b.lamp.shown, s)
}

// Douse turns the banner off.
func (b *banner) Douse() {
	close(b.stop)
	<-b.stopped
	b.lamp.mu.Lock()
	defer b.lamp.mu.Unlock()
	b.lamp.lit = false
}
