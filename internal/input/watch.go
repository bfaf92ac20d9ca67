// SPDX-License-Identifier: Apache-2.0

package input

import (
	"image"
	"sync"
	"time"
)

const (
	// echoLife is how long an injected event whose echo never came stays
	// expected, once the system has confirmed that it was done.
	echoLife = time.Second
	// maxEchoes bounds the list of expected echoes; the oldest goes.
	maxEchoes = 4096
	// lastClick is the last button that clicks; those after it are the wheel.
	lastClick = 3
	// lastWheel is the last of the wheel's.
	lastWheel = 7
	// keyNumbers is how many numbers keys may have.
	keyNumbers = 256

	// KeySpace is the space bar, as GenuineKey names keys: a HID usage.
	KeySpace uint16 = 0x2c
)

// rawKind is a kind of device event that a Watcher sees.
type rawKind uint8

const (
	rawKey rawKind = iota
	rawButton
	rawMotion
	rawButtonUp // a click is taken when the button goes up
	rawKeyUp
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
// Only what the devices themselves (or another program that acts as one, where that is
// not ruled out) do counts: neither events that a Desk of this process injects, nor events that a
// program merely sends to a window.
type Watcher struct {
	changed chan struct{} // one slot
	gripped chan struct{} // one slot: something is held
	stop    func()
	sync    func()                    // returns once all that happened before was seen
	vet     func() bool               // see vetted; nil where programs cannot play devices, or cannot be told from them
	number  func(usage uint16) uint32 // of a key, as raw events have it; 0: there is none
	spot    func() spot               // of the pointer now; nothing is under it when that is not known
	focused func(window uint32) bool  // is the keyboard this window's
	mind    func(window uint32) bool  // from now on focusMoved is called for it
	origin  func(window uint32) (on image.Point, ok bool)

	mu      sync.Mutex
	closed  bool
	last    time.Time
	felt    touch     // last of a device, which perhaps a program made do it
	hand    time.Time // last of a device that none did
	feints  []feint   // of programs, at most maxFeints, the oldest first
	keys    [keyNumbers]strokes
	struck  [keyNumbers]strokes // those of keys that a device pressed
	clicks  []click             // not used up; the oldest first
	minded  uint32              // the window that focusMoved is about
	steady  time.Time           // when the keyboard last came to it or left it; zero: not known
	echoes  []echo
	wakes   []chan struct{} // one slot each
	dropped uint64          // echoes beyond maxEchoes
	lost    bool            // the system shows us nothing any more
	grips   map[grip]held   // what devices hold, at most maxGrips
}

func newWatcher() *Watcher {
	return &Watcher{
		changed: make(chan struct{}, 1), gripped: make(chan struct{}, 1), grips: map[grip]held{}, stop: func() {}, sync: func() {},
		number: func(uint16) uint32 { return 0 }, spot: func() spot { return spot{} },
		focused: func(uint32) bool { return false }, mind: func(uint32) bool { return false },
		origin: func(uint32) (image.Point, bool) { return image.Point{}, false },
	}
}

// Last is the time of the last local activity; zero before the first.
func (w *Watcher) Last() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// LastOfDevices is Last without what a program did by playing a device, and without what
// was let go: that takes no hand. It asks the system, which may take a moment.
func (w *Watcher) LastOfDevices() time.Time {
	w.mu.Lock()
	felt := w.felt
	w.mu.Unlock()
	vetted := w.vetted() // of what was seen before
	w.mu.Lock()
	defer w.mu.Unlock()
	if vetted && felt.at.After(w.hand) && !w.feigned(felt.stamp) {
		w.hand = felt.at
	}
	return w.hand
}

// Changed has one slot, filled at local activity. It is for one reader.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

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

// active reports whether the person was active within d, or holds something.
func (w *Watcher) active(d time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.grips) > 0 || !w.last.IsZero() && time.Since(w.last) < d
}

// vetted reports, after sync, whether feign was told of all that lies behind it.
func (w *Watcher) vetted() bool { return w.vet == nil || w.vet() }

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

// see takes in a device event of a time. Injectable is true when it came through the
// device that programs inject by, and where the system cannot tell.
func (w *Watcher) see(r raw, injectable bool, at stamp) {
	if w.note(r, injectable, at) {
		w.place(r, injectable, at)
	}
}

// note is see without the place; click says that the place is of interest.
func (w *Watcher) note(r raw, injectable bool, at stamp) (click bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	up := r.kind == rawButtonUp || r.kind == rawKeyUp
	click = (r.kind == rawButton || r.kind == rawButtonUp && len(w.clicks) > 0) && r.detail <= lastClick
	if injectable && up { // Desks do not announce what they let go
		return click
	}
	if injectable && w.ours(r) {
		return false
	}
	w.last = time.Now()
	now := touch{w.last, at}
	if !injectable && !up {
		w.felt = now
	}
	if r.kind == rawKey && r.detail < keyNumbers {
		w.keys[r.detail].add(now)
		if !injectable {
			w.struck[r.detail].add(now)
		}
	}
	wake(w.changed)
	for _, c := range w.wakes {
		wake(c)
	}
	return click
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
