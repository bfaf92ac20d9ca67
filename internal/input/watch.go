// SPDX-License-Identifier: Apache-2.0

package input

import (
	"sync"
	"time"
)

const (
	// echoLife is how long an injected event whose echo never came stays
	// expected, once the system has confirmed that it was done.
	echoLife = time.Second
	// maxEchoes bounds the list of expected echoes; the oldest goes.
	maxEchoes = 4096
)

// rawKind is a kind of device event that a Watcher sees.
type rawKind uint8

const (
	rawKey rawKind = iota
	rawButton
	rawMotion
)

// raw is one device event, or the one that an injection will cause.
type raw struct {
	kind   rawKind
	detail uint32 // key code or button; 0 for motion
}

// echo is an injected event that the system will show to the Watcher too.
type echo struct {
	raw  raw
	done time.Time // when the system confirmed it; zero before
}

// Watcher knows when the person at the machine last used mouse or keyboard.
// Only what the devices themselves (or another program that acts as one) do
// counts: neither events that a Desk of this process injects, nor events that a
// program merely sends to a window.
type Watcher struct {
	changed chan struct{} // one slot
	stop    func()

	mu      sync.Mutex
	closed  bool
	last    time.Time
	pressed time.Time
	echoes  []echo
	wakes   []chan struct{} // one slot each
	dropped uint64          // echoes beyond maxEchoes
	lost    bool            // the system shows us nothing any more
}

func newWatcher() *Watcher {
	return &Watcher{changed: make(chan struct{}, 1), stop: func() {}}
}

// Last is the time of the last local activity; zero before the first.
func (w *Watcher) Last() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// Changed has one slot, filled at local activity. It is for one reader.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

// GenuinePress reports whether a key or button of a device was pressed not
// longer than within ago.
func (w *Watcher) GenuinePress(within time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.pressed.IsZero() && time.Since(w.pressed) <= within
}

// Close stops watching.
func (w *Watcher) Close() {
	w.mu.Lock()
	closed := w.closed
	w.closed = true
	w.mu.Unlock()
	if !closed {
		w.stop()
	}
}

// lose says that nothing is seen from now on.
func (w *Watcher) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = true
	wake(w.changed)
	for _, c := range w.wakes {
		wake(c)
	}
}

// blind reports whether the person could be at work unseen.
func (w *Watcher) blind() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost || w.closed
}

// active reports whether the person was active within d.
func (w *Watcher) active(d time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.last.IsZero() && time.Since(w.last) < d
}

// subscribe returns a one-slot channel that is filled at local activity.
func (w *Watcher) subscribe() chan struct{} {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wakes = append(w.wakes, c)
	return c
}

func (w *Watcher) unsubscribe(c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, have := range w.wakes {
		if have == c {
			w.wakes = append(w.wakes[:i], w.wakes[i+1:]...)
			return
		}
	}
}

// expect announces an injection. It is called before the system can know of it.
func (w *Watcher) expect(r raw) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.echoes) >= maxEchoes {
		w.echoes = append(w.echoes[:0], w.echoes[1:]...)
		w.dropped++
	}
	w.echoes = append(w.echoes, echo{raw: r})
}

// confirm says that the system has done everything expected so far.
func (w *Watcher) confirm() {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := len(w.echoes) - 1; i >= 0 && w.echoes[i].done.IsZero(); i-- {
		w.echoes[i].done = now
	}
}

// see takes in a device event. Injectable is true when it came through the
// device that programs inject by.
func (w *Watcher) see(r raw, injectable bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if injectable && w.ours(r) {
		return
	}
	w.last = time.Now()
	if r.kind != rawMotion {
		w.pressed = w.last
	}
	wake(w.changed)
	for _, c := range w.wakes {
		wake(c)
	}
}

// ours takes the echo of r off the list. The system keeps the order, so echoes
// before it will not come any more. The caller holds mu.
func (w *Watcher) ours(r raw) bool {
	now := time.Now()
	for len(w.echoes) > 0 && !w.echoes[0].done.IsZero() && now.Sub(w.echoes[0].done) > echoLife {
		w.echoes = w.echoes[1:]
	}
	for i, e := range w.echoes {
		if e.raw == r {
			w.echoes = w.echoes[i+1:]
			return true
		}
	}
	return false
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
