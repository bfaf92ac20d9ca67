// SPDX-License-Identifier: Apache-2.0

package main

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// windows is a toolkit's thread that can be stuck.
type windows struct {
	queue chan func()
	stuck chan time.Duration
}

func (w *windows) run(quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		case f := <-w.queue:
			f()
		case d := <-w.stuck:
			within(d, quit, nil)
		}
	}
}

// feel takes the pulse of windows that somebody needs.
func feel(quit <-chan struct{}) (*windows, *pulse) {
	w := &windows{make(chan func(), 64), make(chan time.Duration)}
	p := newPulse(func(f func()) { w.queue <- f }, func() bool { return true })
	go w.run(quit)
	go p.run(quit)
	return w, p
}

// Whatever moment the windows get stuck at, it is known within 145 ms, and for as long as
// they are and a little more.
func TestStuckWindowsAreNoticed(t *testing.T) {
	for at := range 30 {
		synctest.Test(t, func(t *testing.T) {
			quit := make(chan struct{})
			defer synctest.Wait()
			defer close(quit)
			w, p := feel(quit)
			within(time.Second+time.Duration(at)*time.Millisecond, quit, nil)
			if ok, _ := p.answering(); !ok {
				t.Fatal("they answer")
			}
			_, changed := p.answering()
			begun := time.Now()
			w.stuck <- 4 * time.Second
			<-changed
			if got := time.Since(begun); got > pulseEvery+pulseWithin {
				t.Errorf("noticed after %v", got)
			}
			ok, changed := p.answering()
			if ok {
				t.Error("they do not answer")
			}
			<-changed
			if got := time.Since(begun) - 4*time.Second; got < (pulseBeats-1)*pulseEvery || got > 200*time.Millisecond {
				t.Errorf("back %v after they were", got)
			}
		})
	}
}

func TestBusyWindowsAreNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quit := make(chan struct{})
		defer synctest.Wait()
		defer close(quit)
		w, p := feel(quit)
		_, changed := p.answering()
		for range 50 {
			w.stuck <- pulseWithin - time.Millisecond
			within(pulseWithin+pulseEvery, quit, nil)
		}
		select {
		case <-changed:
			t.Error("taken for stuck")
		default:
		}
	})
}

// Windows are left in peace while nobody asks, and felt as soon as somebody does.
func TestPulseRestsWhileNobodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quit := make(chan struct{})
		defer synctest.Wait()
		defer close(quit)
		var asked atomic.Bool
		var signs atomic.Int64
		p := newPulse(func(f func()) { signs.Add(1); f() }, asked.Load)
		go p.run(quit)
		within(time.Minute, quit, nil)
		if n := signs.Load(); n != 0 {
			t.Errorf("%d signs for nobody", n)
		}
		asked.Store(true)
		within(pulseEvery+time.Millisecond, quit, nil)
		if signs.Load() == 0 {
			t.Error("no sign for somebody")
		}
	})
}
