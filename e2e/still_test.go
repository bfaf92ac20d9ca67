// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A machine that others use too stands still now and then, as a whole or one processor of
// it, for a moment or for many seconds. Nothing is done at once then, by no program. What a
// program promises to do at once is measured without that time.
const (
	nap       = 5 * time.Millisecond
	overslept = 25 * time.Millisecond // somebody who goes before all others was woken so late: the processor stood still
	goesFirst = -15                   // as nice has it
	never     = 24 * time.Hour        // for which a sentry that cannot watch is taken to be awake
)

// sentries sleep, one on each processor, and note when they were woken late.
type sentries struct {
	end  chan struct{}
	work sync.WaitGroup

	mu    sync.Mutex
	awake []time.Time // when each was last
	still []stillness // the oldest first, in parts
}

// stillness is a time in which a processor stood still.
type stillness struct{ from, to time.Time }

// newSentries posts them until the end of the test.
func newSentries(t *testing.T) *sentries {
	t.Helper()
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	s := &sentries{end: make(chan struct{})}
	for cpu := range len(all) * 64 {
		if all.IsSet(cpu) {
			n := len(s.awake)
			s.awake = append(s.awake, time.Now())
			s.work.Go(func() { s.watch(n, cpu) })
		}
	}
	t.Cleanup(func() { close(s.end); s.work.Wait() })
	return s
}

// watch is one sentry. Its thread is bound to the processor, and ends with it.
func (s *sentries) watch(n, cpu int) {
	runtime.LockOSThread()
	var own unix.CPUSet
	own.Set(cpu)
	// It takes root to go first. Whoever waits in line knows nothing of the processor.
	if unix.SchedSetaffinity(0, &own) != nil || unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), goesFirst) != nil {
		s.mu.Lock()
		s.awake[n] = time.Now().Add(never)
		s.mu.Unlock()
		return
	}
	for {
		select {
		case <-s.end:
			return
		default:
		}
		rest := syscall.NsecToTimespec(int64(nap))
		_ = syscall.Nanosleep(&rest, nil)
		now := time.Now()
		s.mu.Lock()
		if now.Sub(s.awake[n]) > overslept {
			s.still = append(s.still, stillness{s.awake[n].Add(nap), now})
		}
		s.awake[n] = now
		s.mu.Unlock()
	}
}

// stood is for how much of this time some processor stood still.
func (s *sentries) stood(from, to time.Time) (all time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.still
	for _, last := range s.awake { // who is still asleep has noted nothing yet
		if to.Sub(last) > overslept {
			known = append(known[:len(known):len(known)], stillness{last.Add(nap), to})
		}
	}
	for at := from; at.Before(to); {
		next := stillness{from: to, to: to}
		for _, one := range known { // the first that goes on after at
			if one.to.After(at) && one.from.Before(next.from) {
				next = one
			}
		}
		if next.to.After(to) {
			next.to = to
		}
		all += next.to.Sub(later(at, next.from))
		at = next.to
	}
	return all
}

// took is how long something took the machine, but for the time that it stood still; less
// than nothing when it was over before.
func (s *sentries) took(from, to time.Time) time.Duration {
	if !to.After(from) {
		return to.Sub(from)
	}
	return to.Sub(from) - s.stood(from, to)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// What several processors stood still for at the same time is counted once.
func TestStood(t *testing.T) {
	begin := time.Now()
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	s := &sentries{still: []stillness{{at(100), at(200)}, {at(150), at(300)}, {at(160), at(180)}, {at(500), at(600)}}}
	for _, c := range []struct{ from, to, want int }{
		{0, 50, 0}, {0, 100, 0}, {0, 150, 50}, {0, 400, 200}, {170, 190, 20}, {250, 550, 100}, {0, 1000, 300}, {300, 500, 0}, {600, 700, 0},
	} {
		if got := s.stood(at(c.from), at(c.to)); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("%d to %d ms: %v", c.from, c.to, got)
		}
	}
	s.awake = []time.Time{at(700)}
	if got := s.stood(at(650), at(800)); got != 100*time.Millisecond-nap {
		t.Errorf("one that sleeps still: %v", got)
	}
	if got := s.took(at(100), at(50)); got != -50*time.Millisecond {
		t.Errorf("over before: %v", got)
	}
}
