// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync"
	"time"
)

// The limits add up to less than the 200 ms within which a cut must take effect: what
// the person clicks while the windows are stuck is done when they come back, and until
// then nothing is shown or driven.
const (
	pulseEvery  = 25 * time.Millisecond  // the windows are asked for a sign of life
	pulseWithin = 120 * time.Millisecond // they must give it
	pulseBeats  = 3                      // signs in a row, before they count as answering again: clicks that waited come first
)

// pulse tells whether this program's windows answer. run owns all but what mu guards.
type pulse struct {
	do     func(func()) // has the windows' own thread do something, in its turn
	needed func() bool  // somebody asks to see, or sees; nobody else needs to know

	mu      sync.Mutex
	stuck   bool
	changed chan struct{} // closed and replaced when stuck changes
}

// newPulse takes the windows to answer until they do not.
func newPulse(do func(func()), needed func() bool) *pulse {
	return &pulse{do: do, needed: needed, changed: make(chan struct{})}
}

// answering says whether the windows answer now; the channel is closed at the next change.
func (p *pulse) answering() (bool, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.stuck, p.changed
}

// set wakes whoever waits for a change, and nobody else.
func (p *pulse) set(stuck bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stuck != stuck {
		p.stuck = stuck
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

// run feels the pulse, while that is needed, until quit is closed.
func (p *pulse) run(quit <-chan struct{}) {
	beats := 0
	for {
		if !p.needed() {
			if within(pulseEvery, quit, nil) {
				return
			}
			continue
		}
		sign, begun := make(chan struct{}), time.Now()
		p.do(func() { close(sign) })
		if !within(pulseWithin, sign, quit) {
			p.set(true)
			select {
			case <-quit:
			case <-sign:
			}
		}
		beats++
		if time.Since(begun) >= pulseWithin {
			beats = 0
		}
		if beats >= pulseBeats {
			p.set(false)
		}
		if within(pulseEvery, quit, nil) {
			return
		}
	}
}

// within waits for either channel to be closed, and says whether one was in time.
func within(limit time.Duration, a, b <-chan struct{}) bool {
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-a:
		return true
	case <-b:
		return true
	case <-late.C:
		return false
	}
}
