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
	own     bool // our window has the keyboard
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
func (d *desktop) Pointer() (image.Point, error)         { return image.Point{}, nil }

func (d *desktop) OwnFocus() (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.own, nil
}

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
	return anyButton(w, within) || anyKey(w, within)
}

// anyButton says that some button was pressed, wherever; held or not.
func anyButton(w *Watcher, within time.Duration) bool {
	w.sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.clicks, func(k click) bool {
		return time.Since(k.down.at) <= within || !k.up.at.IsZero() && time.Since(k.up.at) <= within
	})
}

// anyKey says that some key was pressed.
func anyKey(w *Watcher, within time.Duration) bool {
	w.sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.keys[:], func(s strokes) bool { return !s[0].at.IsZero() && time.Since(s[0].at) <= within })
}

const usageEnter = 0x28

// Each kind of press counts for itself, the wheel for none.
func TestKindsOfPress(t *testing.T) {
	for name, c := range map[string]struct {
		seen        raw
		injectable  bool
		button, key bool
	}{
		"key":                     {raw{rawKey, 65}, false, false, true},
		"button":                  {raw{rawButton, 1}, false, true, false},
		"another program's":       {raw{rawButton, 1}, true, true, false},
		"wheel":                   {raw{rawButton, 5}, false, false, false},
		"motion":                  {raw{kind: rawMotion}, false, false, false},
		"button up":               {raw{rawButtonUp, 1}, false, false, false},
		"button that is not held": {raw{rawButtonUp, 2}, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watcherAt(image.Pt(50, 50))
				w.Mind(7)
				time.Sleep(steadyFocus)
				w.see(c.seen, c.injectable, 0)
				w.see(raw{rawButtonUp, c.seen.detail}, c.injectable, 0)
				time.Sleep(300 * time.Millisecond)
				in := Claim{Window: 7, Area: image.Rect(0, 0, 100, 100), Within: 300 * time.Millisecond}
				if w.GenuineKey(usageEnter, in) || w.GenuineKey(0x04, in) {
					t.Error("another key was taken for it")
				}
				late := in
				if late.Within--; w.GenuineClick(late) || w.GenuineKey(KeySpace, late) {
					t.Error("a press too long ago counts")
				}
				if got := w.GenuineClick(in); got != c.button {
					t.Errorf("button: %v", got)
				}
				if got := w.GenuineKey(KeySpace, in); got != c.key {
					t.Errorf("key: %v", got)
				}
				if w.GenuineClick(in) || w.GenuineKey(KeySpace, in) {
					t.Error("one press counts twice")
				}
			})
		})
	}
}

// watcherAt is one whose pointer is at a place, in window 7 at 10, 20, which has the
// keyboard.
func watcherAt(at image.Point) *Watcher {
	w := newWatcher()
	w.number = func(usage uint16) uint32 { return map[uint16]uint32{KeySpace: 65, usageEnter: 36}[usage] }
	w.spot = func() spot { return spot{at, []uint32{3, 7}} }
	w.origin = func(uint32) (image.Point, bool) { return image.Pt(10, 20), true }
	w.mind = func(uint32) bool { return true }
	w.focused = func(window uint32) bool { return window == 7 }
	return w
}

// Where the button went down and where it came up both count, in the window and in time.
func TestClickHasItsPlace(t *testing.T) {
	area := image.Rect(40, 40, 60, 60) // on the desktop: 50,60 to 70,80
	for name, c := range map[string]struct {
		from, to image.Point
		window   uint32
		up       uint32
		early    bool
		want     bool
	}{
		"in it":                  {image.Pt(50, 60), image.Pt(69, 79), 7, 1, false, true},
		"beside it":              {image.Pt(49, 60), image.Pt(49, 60), 7, 1, false, false},
		"as if of the desktop":   {image.Pt(45, 45), image.Pt(45, 45), 7, 1, false, false},
		"slid off":               {image.Pt(55, 65), image.Pt(10, 10), 7, 1, false, false},
		"slid onto it":           {image.Pt(10, 10), image.Pt(55, 65), 7, 1, false, false},
		"in another window":      {image.Pt(55, 65), image.Pt(55, 65), 8, 1, false, false},
		"in none":                {image.Pt(55, 65), image.Pt(55, 65), 0, 1, false, false},
		"another button goes up": {image.Pt(55, 65), image.Pt(55, 65), 7, 2, false, false},
		"begun before":           {image.Pt(55, 65), image.Pt(55, 65), 7, 1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := watcherAt(c.from)
			since := time.Now()
			if c.early {
				since = since.Add(time.Hour)
			}
			w.see(raw{rawButton, 1}, false, 0)
			w.spot = func() spot { return spot{c.to, []uint32{7}} }
			w.see(raw{rawButtonUp, c.up}, false, 0)
			if got := w.GenuineClick(Claim{Window: c.window, Area: area, Since: since, Within: time.Hour}); got != c.want {
				t.Errorf("genuine: %v", got)
			}
		})
	}
}

// A key counts when the keyboard was the window's own for a second, and still is.
func TestKeyHasItsWindow(t *testing.T) {
	for name, c := range map[string]struct {
		before func(w *Watcher)
		window uint32
		want   bool
	}{
		"all the time":      {func(w *Watcher) {}, 7, true},
		"gone":              {func(w *Watcher) { w.focused = func(uint32) bool { return false } }, 7, false},
		"come just now":     {func(w *Watcher) { w.focusMoved(7) }, 7, false},
		"elsewhere moved":   {func(w *Watcher) { w.focusMoved(8) }, 7, true},
		"minds another":     {func(w *Watcher) { w.Mind(8); w.Mind(7) }, 7, false},
		"of another window": {func(w *Watcher) {}, 8, false},
		"of none":           {func(w *Watcher) { w.Mind(0) }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watcherAt(image.Point{})
				w.Mind(7)
				time.Sleep(steadyFocus)
				w.see(raw{rawKey, 65}, false, 0)
				c.before(w)
				if got := w.GenuineKey(KeySpace, Claim{Window: c.window, Within: time.Second}); got != c.want {
					t.Errorf("genuine: %v", got)
				}
			})
		})
	}
}

func TestClicksAreBounded(t *testing.T) {
	w := watcherAt(image.Pt(50, 50))
	in := Claim{Window: 7, Area: image.Rect(0, 0, 100, 100), Within: time.Hour}
	for range maxClicks * 3 {
		w.see(raw{rawButton, 1}, false, 0)
		w.see(raw{rawButtonUp, 1}, false, 0)
		w.see(raw{rawKey, 65}, false, 0)
	}
	for range maxClicks {
		if !w.GenuineClick(in) {
			t.Fatal("a click is forgotten")
		}
	}
	if w.GenuineClick(in) {
		t.Error("more clicks than are kept")
	}
}

func TestEchoesAreCountedNotNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		press := raw{rawButton, 1}
		w.expect(press)
		w.see(press, true, 0)
		if !w.Last().IsZero() {
			t.Fatal("own press was taken for the person's")
		}
		w.see(press, true, 0) // one more than we injected
		if !genuine(w, time.Second) {
			t.Error("the person's press was taken for our own")
		}
		w.expect(press)
		time.Sleep(time.Minute)
		w.see(press, false, 0) // a device of its own
		if !genuine(w, time.Second) {
			t.Error("a press of the device was taken for our own")
		}
		w.confirm()
		time.Sleep(echoLife + 1)
		w.see(press, true, 0) // the echo never came
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
	w.see(raw{rawKey, 38}, true, 0)
	w.see(raw{rawKey, 50}, true, 0)
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
	w.see(raw{kind: rawMotion}, false, 0)
	w.see(raw{kind: rawMotion}, false, 0) // nobody has read: dropped
	<-c
	<-w.Changed()
	w.unsubscribe(c)
	w.see(raw{kind: rawMotion}, false, 0)
	if len(c) != 0 || len(w.Changed()) != 1 {
		t.Error("the wrong reader was woken")
	}
	w.Close()
	w.Close()
}

// A key that is held while the keyboard comes to a window of ours is not repeated there.
func TestHeldKeyDoesNotFollowTheFocus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desktop{}
		desk, _, _ := deskOn(t, d, nil)
		if err := desk.Do(&wire.Key{Usage: 0x2c, Down: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if up := d.released(); len(up) > 0 {
			t.Errorf("let go of %v in another program's window", up)
		}
		d.mu.Lock()
		d.own = true
		d.mu.Unlock()
		time.Sleep(heldPoll)
		synctest.Wait()
		if up := d.released(); len(up) != 1 || up[0].code != 0x2c || up[0].down {
			t.Errorf("let go of %v", up)
		}
	})
}
