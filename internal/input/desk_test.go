// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"image"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/screen"
	"assist/internal/wire"
)

// desktop is a desktop without a system: it keeps what was done to it.
type desktop struct {
	mu      sync.Mutex
	done    []action
	letUp   []action
	closed  bool
	gate    chan struct{} // if set, Inject waits for it before it does anything
	entered chan struct{} // filled when Inject waits
	fault   error
}

func (d *desktop) Inject(as ...action) error {
	if d.gate != nil {
		d.entered <- struct{}{}
		<-d.gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = append(d.done, as...)
	return d.fault
}

func (d *desktop) Release(as ...action) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.letUp = append(d.letUp, as...)
	return nil
}

func (d *desktop) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

// Cut ends the wait for gate.
func (d *desktop) Cut() {
	if d.gate != nil {
		close(d.gate)
	}
}

func (d *desktop) released() []action {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.letUp)
}

func (d *desktop) OwnAt(image.Point, bool) (bool, error) { return false, nil }
func (d *desktop) OwnFocus() (bool, error)               { return false, nil }
func (d *desktop) Pointer() (image.Point, error)         { return image.Point{}, nil }

func (d *desktop) Type(_ string, permit func(func() error) error, stop <-chan struct{}) error {
	return permit(func() error { return nil })
}

func deskOn(t *testing.T, d *desktop, layout screen.Layout) (*Desk, *consent.Lease, *Watcher) {
	t.Helper()
	lease := consenttest.Lease(t, consent.AllRights)
	control, err := lease.Control()
	if err != nil {
		t.Fatal(err)
	}
	w := newWatcher()
	o := Options{Layout: func() screen.Layout { return layout }, Held: func() bool { return false }, Local: w,
		Log: slog.New(slog.DiscardHandler)}
	desk := newDesk(control, o, backend{in: d, own: d, text: d, end: d})
	t.Cleanup(func() { _ = desk.Close() })
	return desk, lease, w
}

var errCut = errors.New("cut")

func TestRevokeWaitsForTheEventUnderWay(t *testing.T) {
	d := &desktop{gate: make(chan struct{}), entered: make(chan struct{})}
	desk, lease, _ := deskOn(t, d, nil)
	var order []string
	var mu sync.Mutex
	note := func(s string) { mu.Lock(); order = append(order, s); mu.Unlock() }
	finished, revoked := make(chan struct{}), make(chan struct{})
	go func() {
		_ = desk.Do(&wire.Key{Usage: 4, Down: true})
		close(finished)
	}()
	<-d.entered
	go func() {
		lease.Revoke(errCut)
		note("revoked")
		close(revoked)
	}()
	<-lease.Done()
	note("let through")
	close(d.gate)
	<-revoked
	<-finished
	if want := []string{"let through", "revoked"}; !slices.Equal(order, want) {
		t.Errorf("order %v", order)
	}
}

// A key that is let go while its press is on its way is let go behind it too.
func TestPressOvertakenByRelease(t *testing.T) {
	d := &desktop{gate: make(chan struct{}), entered: make(chan struct{})}
	desk, _, _ := deskOn(t, d, nil)
	finished := make(chan error)
	go func() { finished <- desk.Do(&wire.Key{Usage: 4, Down: true}) }()
	<-d.entered
	desk.Release()
	before := len(d.released())
	close(d.gate)
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	if after := d.released(); before != 1 || len(after) != 2 || after[1] != (action{deed: deedKey, code: 4}) {
		t.Errorf("released %v", after)
	}
}

// While a caller is stuck in the system, revoking still lets go of what is held.
func TestStuckCallerDoesNotHoldKeys(t *testing.T) {
	d := &desktop{}
	desk, lease, _ := deskOn(t, d, screen.Layout{{Bounds: image.Rect(0, 0, 10, 10)}})
	if err := desk.Do(&wire.Key{Usage: 4, Down: true}); err != nil {
		t.Fatal(err)
	}
	d.gate, d.entered = make(chan struct{}), make(chan struct{})
	finished := make(chan struct{})
	go func() {
		_ = desk.Do(&wire.Move{})
		close(finished)
	}()
	<-d.entered
	go lease.Revoke(errCut)
	<-desk.ended
	for len(d.released()) == 0 {
		<-time.After(time.Millisecond)
	}
	close(d.gate)
	<-finished
}

// A system that has stopped answering holds neither Close nor Revoke for ever.
func TestHungSystemIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desktop{gate: make(chan struct{}), entered: make(chan struct{})}
		desk, lease, _ := deskOn(t, d, nil)
		go func() { _ = desk.Do(&wire.Key{Usage: 4, Down: true}) }()
		<-d.entered
		began := time.Now()
		lease.Revoke(errCut)
		_ = desk.Close()
		if took := time.Since(began); took != hangLimit {
			t.Errorf("took %v", took)
		}
	})
}

// Without eyes for the person nothing is done: they could be at work.
func TestBlindWatcherStopsInput(t *testing.T) {
	desk, _, w := deskOn(t, &desktop{}, nil)
	w.lose()
	if err := desk.Do(&wire.Key{Usage: 4, Down: true}); !errors.Is(err, ErrNoWatcher) {
		t.Errorf("lost: %v", err)
	}
	desk, _, w = deskOn(t, &desktop{}, nil)
	w.Close()
	if err := desk.Do(&wire.Key{Usage: 4, Down: true}); !errors.Is(err, ErrNoWatcher) {
		t.Errorf("closed: %v", err)
	}
}

func TestPressThatFailsIsNotHeld(t *testing.T) {
	d := &desktop{fault: ErrUnknownKey}
	desk, _, _ := deskOn(t, d, nil)
	if err := desk.Do(&wire.Key{Usage: 4, Down: true}); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("error %v", err)
	}
	if desk.keeps(action{deed: deedKey, code: 4, down: true}) {
		t.Error("it is held")
	}
}

// Monitors may lie left of and above the first.
func TestNegativePlaces(t *testing.T) {
	d := &desktop{}
	desk, _, _ := deskOn(t, d, screen.Layout{
		{ID: 0, Bounds: image.Rect(0, 0, 1920, 1080)},
		{ID: 1, Bounds: image.Rect(-1280, -200, 0, 824)},
	})
	for _, m := range []*wire.Move{{Monitor: 0, X: 0, Y: 0}, {Monitor: 1, X: 0, Y: 0}, {Monitor: 1, X: 9999, Y: 10}} {
		if err := desk.Do(m); err != nil {
			t.Fatal(err)
		}
	}
	want := []action{{at: image.Pt(1280, 200)}, {at: image.Pt(0, 0)}, {at: image.Pt(1279, 10)}}
	if !slices.Equal(d.done, want) {
		t.Errorf("got %v, want %v", d.done, want)
	}
}

func TestCloseTwiceFreesOnce(t *testing.T) {
	d := &desktop{}
	desk, _, w := deskOn(t, d, nil)
	_, _ = desk.Close(), desk.Close()
	if !d.closed {
		t.Error("not freed")
	}
	if len(w.wakes) != 0 {
		t.Error("still subscribed")
	}
}

// genuine says that some key or a button was pressed.
func genuine(w *Watcher, within time.Duration) bool {
	return w.GenuineButton(within) || anyKey(w, within)
}

// anyKey says that some key was pressed.
func anyKey(w *Watcher, within time.Duration) bool {
	w.sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.keys[:], func(at time.Time) bool { return !at.IsZero() && time.Since(at) <= within })
}

const usageEnter = 0x28

// Each kind of press counts for itself, the wheel for none, and a button that goes
// up only when a device lets it go.
func TestKindsOfPress(t *testing.T) {
	for name, c := range map[string]struct {
		seen        raw
		injectable  bool
		button, key bool
	}{
		"key":                 {raw{rawKey, 65}, false, false, true},
		"button":              {raw{rawButton, 1}, false, true, false},
		"another program's":   {raw{rawButton, 1}, true, true, false},
		"wheel":               {raw{rawButton, 5}, false, false, false},
		"motion":              {raw{kind: rawMotion}, false, false, false},
		"button up":           {raw{rawButtonUp, 1}, false, true, false},
		"wheel up":            {raw{rawButtonUp, 4}, false, false, false},
		"button up, injected": {raw{rawButtonUp, 1}, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatcher()
				w.see(c.seen, c.injectable)
				time.Sleep(300 * time.Millisecond)
				if got := w.GenuineButton(300 * time.Millisecond); got != c.button {
					t.Errorf("button: %v", got)
				}
				w.number = func(usage uint16) uint32 { return map[uint16]uint32{KeySpace: 65, usageEnter: 36}[usage] }
				if got := w.GenuineKey(KeySpace, 300*time.Millisecond); got != c.key {
					t.Errorf("key: %v", got)
				}
				if w.GenuineKey(usageEnter, time.Hour) || w.GenuineKey(0x04, time.Hour) {
					t.Error("another key was taken for it")
				}
				time.Sleep(time.Nanosecond)
				if genuine(w, 300*time.Millisecond) {
					t.Error("a press too long ago counts")
				}
			})
		})
	}
}

func TestEchoesAreCountedNotNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		press := raw{rawButton, 1}
		w.expect(press)
		w.see(press, true)
		if !w.Last().IsZero() {
			t.Fatal("own press was taken for the person's")
		}
		w.see(press, true) // one more than we injected
		if !genuine(w, time.Second) {
			t.Error("the person's press was taken for our own")
		}
		w.expect(press)
		time.Sleep(time.Minute)
		w.see(press, false) // a device of its own
		if !genuine(w, time.Second) {
			t.Error("a press of the device was taken for our own")
		}
		w.confirm()
		time.Sleep(echoLife + 1)
		w.see(press, true) // the echo never came
		if !genuine(w, 0) {
			t.Error("a press much later was taken for our own")
		}
	})
}

// The system keeps the order: an echo that was passed over does not come.
func TestEchoPassedOver(t *testing.T) {
	w := newWatcher()
	w.expect(raw{rawKey, 50})
	w.expect(raw{rawKey, 38})
	w.see(raw{rawKey, 38}, true)
	w.see(raw{rawKey, 50}, true)
	if w.Last().IsZero() {
		t.Error("an echo came in the wrong order")
	}
}

func TestEchoesAreBounded(t *testing.T) {
	w := newWatcher()
	for range maxEchoes + 10 {
		w.expect(raw{kind: rawMotion})
	}
	if len(w.echoes) != maxEchoes || w.dropped != 10 {
		t.Errorf("%d echoes, %d dropped", len(w.echoes), w.dropped)
	}
}

func TestWatcherWakesItsReaders(t *testing.T) {
	w := newWatcher()
	c := w.subscribe()
	w.see(raw{kind: rawMotion}, false)
	w.see(raw{kind: rawMotion}, false) // nobody has read: dropped
	<-c
	<-w.Changed()
	w.unsubscribe(c)
	w.see(raw{kind: rawMotion}, false)
	if len(c) != 0 || len(w.Changed()) != 1 {
		t.Error("the wrong reader was woken")
	}
	w.Close()
	w.Close()
}
