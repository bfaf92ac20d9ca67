// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// limit is what the promise of "at once" allows.
const limit = time.Second

// atOnce wants what is measured to keep the promise, which a busy machine may break now and
// then, but not each time.
func atOnce(t *testing.T, measure func() time.Duration) {
	t.Helper()
	fastest := soon
	for range 5 {
		if fastest = min(fastest, measure()); fastest <= limit {
			return
		}
	}
	t.Errorf("told after %v", fastest)
}

// lockedDesk is a login manager and somebody who watches it.
func lockedDesk(t *testing.T) (*loginManager, *person, string) {
	t.Helper()
	address, _ := testBus(t)
	alone(t, address, "")
	m := newLoginManager(t, address)
	p := watched(t)
	if got := p.Away(); got != Here {
		t.Fatalf("%v at the start", got)
	}
	if got := p.Sources(); !slices.Equal(got, []string{"logind"}) {
		t.Fatalf("sources %v", got)
	}
	return m, p, address
}

func TestLockIsToldAtOnce(t *testing.T) {
	m, p, _ := lockedDesk(t)
	var took []time.Duration
	for range 20 {
		m.emit(t, testSession, login1Session+".Lock")
		took = append(took, p.tells(t, Locked))
		if p.Away() != Locked {
			t.Fatal("told, but not locked")
		}
		m.emit(t, testSession, login1Session+".Unlock")
		p.becomes(t, Here)
	}
	slices.Sort(took)
	t.Logf("half of 20 within %v, all within %v", took[10], took[19])
	if took[10] > limit {
		t.Errorf("told after %v", took[10])
	}
}

func TestPropertiesOfTheSession(t *testing.T) {
	m, p, _ := lockedDesk(t)
	for _, c := range []struct {
		name    string
		off, on any
		want    Cause
	}{
		{"LockedHint", true, false, Locked},
		{"Active", false, true, Left},
	} {
		atOnce(t, func() time.Duration {
			m.set(t, c.name, c.off)
			took := p.tells(t, c.want)
			m.set(t, c.name, c.on)
			p.becomes(t, Here)
			return took
		})
	}
}

// A desktop that answers the request to lock says so by the hint, and takes both back.
func TestUnlockedByTheHint(t *testing.T) {
	m, p, _ := lockedDesk(t)
	m.emit(t, testSession, login1Session+".Lock")
	p.tells(t, Locked)
	m.set(t, "LockedHint", true)
	m.set(t, "LockedHint", false)
	p.becomes(t, Here)
}

// A locker that tells the login manager nothing (xsecurelock, plain i3lock) does not say
// either when it is gone: the request ends what is live, and is then forgotten.
func TestLockThatNothingFollowsIsForgotten(t *testing.T) {
	m, p, _ := lockedDesk(t)
	m.emit(t, testSession, login1Session+".Lock")
	began := time.Now()
	p.tells(t, Locked)
	p.becomes(t, Here)
	if took := time.Since(began); took < followed/2 {
		t.Errorf("forgotten after %v, before anything could follow", took)
	}
}

// One that says so late is believed, and for as long as it says so.
func TestLockThatIsFollowedStays(t *testing.T) {
	m, p, _ := lockedDesk(t)
	m.mu.Lock()
	m.props["LockedHint"] = dbus.MakeVariant(true) // to whoever asks; its signal is lost
	m.mu.Unlock()
	for len(m.looked) > 0 {
		<-m.looked
	}
	m.emit(t, testSession, login1Session+".Lock")
	p.tells(t, Locked)
	select {
	case <-m.looked:
	case <-time.After(2 * soon):
		t.Fatal("nobody asked whether it is locked")
	}
	m.emit(t, login1Path, login1Manager+".PrepareForSleep", true) // comes after the answer
	p.tells(t, Asleep)
	m.emit(t, login1Path, login1Manager+".PrepareForSleep", false)
	p.tells(t, Locked)
}

func TestStalePropertiesAreReadAgain(t *testing.T) {
	m, p, _ := lockedDesk(t)
	m.mu.Lock()
	m.props["LockedHint"] = dbus.MakeVariant(true)
	m.mu.Unlock()
	m.emit(t, testSession, properties+".PropertiesChanged", login1Session, map[string]dbus.Variant{}, []string{"LockedHint"})
	p.tells(t, Locked)
}

func TestLogOff(t *testing.T) {
	m, p, _ := lockedDesk(t)
	m.emit(t, login1Path, login1Manager+".SessionRemoved", "2", dbus.ObjectPath("/org/freedesktop/login1/session/_32"))
	m.emit(t, login1Path, login1Manager+".SessionRemoved", "1", testSession)
	p.tells(t, Left)
}

// The computer sleeps only once whoever was told has done what they had to do.
func TestSleepWaitsForTheEnd(t *testing.T) {
	address, _ := testBus(t)
	alone(t, address, "")
	m := newLoginManager(t, address)
	told, done := make(chan Cause, 1), make(chan struct{})
	w := Watch(Options{OnAway: func(c Cause) { told <- c; <-done }})
	defer w.Close()
	w.Away()
	<-m.held
	free := m.released()
	m.emit(t, login1Path, login1Manager+".PrepareForSleep", true)
	if got := <-told; got != Asleep {
		t.Fatalf("told %v", got)
	}
	select {
	case <-free:
		t.Fatal("sleep was let go before the end")
	case <-time.After(400 * time.Millisecond):
	}
	close(done)
	select {
	case <-free:
	case <-time.After(soon):
		t.Fatal("sleep is held up for ever")
	}
	m.emit(t, login1Path, login1Manager+".PrepareForSleep", false)
	select {
	case <-m.held:
	case <-time.After(soon):
		t.Fatal("after waking up, the next sleep is not held up")
	}
	(&person{Watcher: w}).becomes(t, Here)
}

func TestShutdownCounts(t *testing.T) {
	m, p, _ := lockedDesk(t)
	m.emit(t, login1Path, login1Manager+".PrepareForShutdown", true)
	p.tells(t, Asleep)
}

func TestLockedAtTheStart(t *testing.T) {
	address, _ := testBus(t)
	alone(t, address, "")
	m := newLoginManager(t, address)
	m.mu.Lock()
	m.props["LockedHint"] = dbus.MakeVariant(true)
	m.mu.Unlock()
	p := watched(t)
	if got := p.Away(); got != Locked {
		t.Errorf("%v", got)
	}
}

// Anybody on the bus can send a signal to anybody; an unlock is the manager's alone.
func TestForgedUnlockIsNotBelieved(t *testing.T) {
	m, p, address := lockedDesk(t)
	m.mu.Lock()
	m.props["LockedHint"] = dbus.MakeVariant(true) // to whoever asks: a slow test is not forgotten for it
	m.mu.Unlock()
	m.emit(t, testSession, login1Session+".Lock")
	p.tells(t, Locked)
	stranger := dial(t, address)
	for n := range 20 {
		msg := &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldPath: dbus.MakeVariant(testSession), dbus.FieldInterface: dbus.MakeVariant(login1Session),
			dbus.FieldMember: dbus.MakeVariant("Unlock"), dbus.FieldDestination: dbus.MakeVariant(fmt.Sprintf(":1.%d", n)),
		}}
		if call := stranger.Send(msg, nil); call != nil && call.Err != nil {
			t.Fatal(call.Err)
		}
	}
	m.emit(t, login1Path, login1Manager+".PrepareForSleep", true) // comes after them
	p.tells(t, Asleep)
	m.emit(t, login1Path, login1Manager+".PrepareForSleep", false)
	m.emit(t, login1Path, login1Manager+".PrepareForSleep", true) // so that it is told at once, or never
	p.tells(t, Locked)
	p.tells(t, Asleep)
}

// What was said last stays true when the bus is lost.
func TestLostBusUnlocksNothing(t *testing.T) {
	address, stop := testBus(t)
	alone(t, address, "")
	m := newLoginManager(t, address)
	p := watched(t)
	p.Away()
	m.emit(t, testSession, login1Session+".Lock")
	p.tells(t, Locked)
	stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(p.Sources()) != 0 { // until the loss is known
		<-tick.C
	}
	if got := p.Away(); got != Locked {
		t.Errorf("%v after the bus was lost", got)
	}
}

// screenSaver is a small one.
type screenSaver struct{ active chan bool }

// GetActive says whether it covers the screen.
func (s screenSaver) GetActive() (bool, *dbus.Error) {
	on := <-s.active
	s.active <- on
	return on, nil
}

func TestScreenSaver(t *testing.T) {
	for _, one := range savers() {
		t.Run(strings.TrimPrefix(string(one.path), "/"), func(t *testing.T) {
			address, _ := testBus(t)
			alone(t, "", address)
			c, s := dial(t, address), screenSaver{make(chan bool, 1)}
			s.active <- false
			if err := c.Export(s, one.path, one.name); err != nil {
				t.Fatal(err)
			}
			if _, err := c.RequestName(one.name, dbus.NameFlagDoNotQueue); err != nil {
				t.Fatal(err)
			}
			p := watched(t)
			if p.Away() != Here || !slices.Equal(p.Sources(), []string{"screensaver"}) {
				t.Fatalf("%v by %v", p.Away(), p.Sources())
			}
			turn := func(on bool) {
				<-s.active
				s.active <- on
				if err := c.Emit(one.path, one.name+".ActiveChanged", on); err != nil {
					t.Fatal(err)
				}
			}
			turn(true)
			p.tells(t, Locked)
			if err := dial(t, address).Emit(one.path, one.name+".ActiveChanged", false); err != nil { // a stranger
				t.Fatal(err)
			}
			if p.Away() != Locked {
				t.Error("a stranger uncovered the screen")
			}
			turn(false)
			p.becomes(t, Here)
		})
	}
}

// A screen saver that starts later is heard of, too.
func TestScreenSaverThatComesLater(t *testing.T) {
	address, _ := testBus(t)
	alone(t, "", address)
	p := watched(t)
	if len(p.Sources()) != 0 {
		t.Fatal(p.Sources())
	}
	c, s := dial(t, address), screenSaver{make(chan bool, 1)}
	s.active <- true
	one := savers()[2]
	if err := c.Export(s, one.path, one.name); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RequestName(one.name, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	p.tells(t, Locked)
}

func TestNothingKnown(t *testing.T) {
	alone(t, "", "")
	p := watched(t)
	if p.Away() != Here || len(p.Sources()) != 0 {
		t.Errorf("%v by %v", p.Away(), p.Sources())
	}
}

// Without any bus the X server tells when it is dark.
func TestDarkScreenWithoutABus(t *testing.T) {
	alone(t, "", "")
	darkens(t, "x11")
}

// A login manager tells nothing of a dark screen where no locker tells it.
func TestDarkScreenBesideALoginManager(t *testing.T) {
	address, _ := testBus(t)
	alone(t, address, "")
	newLoginManager(t, address)
	darkens(t, "logind")
}

// darkens watches by this source while the screen goes dark and comes back.
func darkens(t *testing.T, by string) {
	t.Helper()
	display := x11test.Start(t, "320x200").Display
	p := &person{told: make(chan Cause, 16)}
	p.Watcher = Watch(Options{Display: display, OnAway: func(c Cause) { p.told <- c }})
	t.Cleanup(p.Close)
	if p.Away() != Here || !slices.Contains(p.Sources(), by) {
		t.Fatalf("%v by %v", p.Away(), p.Sources())
	}
	c, err := x11.Dial(display, func(x11.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	atOnce(t, func() time.Duration {
		xproto.ForceScreenSaver(c.X, xproto.ScreenSaverActive)
		took := p.tells(t, Blank)
		xproto.ForceScreenSaver(c.X, xproto.ScreenSaverReset)
		p.becomes(t, Here)
		return took
	})
}

// mute never answers.
type mute struct{ ever chan struct{} }

// GetActive says nothing until the test is over.
func (m mute) GetActive() (bool, *dbus.Error) { <-m.ever; return false, nil }

// A program of the account that has the names of other screen savers, and does not answer,
// holds up no word of the one that covers the screen: neither its own, nor what it is asked for.
func TestMuteScreenSaversHoldUpNothing(t *testing.T) {
	address, _ := testBus(t)
	alone(t, "", address)
	real := savers()[len(savers())-1]
	c, s := dial(t, address), screenSaver{make(chan bool, 1)}
	s.active <- true
	n, m := dial(t, address), mute{make(chan struct{})}
	t.Cleanup(func() { close(m.ever) })
	has := func(b *dbus.Conn, v any, one saver) {
		t.Helper()
		err := b.Export(v, one.path, one.name)
		if err == nil {
			_, err = b.RequestName(one.name, dbus.NameFlagDoNotQueue)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	has(c, s, real)
	for _, one := range savers()[:len(savers())-1] {
		has(n, m, one)
	}
	p := watched(t)
	if took := p.tells(t, Locked); took > 3*callTime {
		t.Errorf("that it was covered was told after %v", took)
	}
	<-s.active
	s.active <- false
	emit := func(on bool) {
		t.Helper()
		if err := c.Emit(real.path, real.name+".ActiveChanged", on); err != nil {
			t.Fatal(err)
		}
	}
	emit(false)
	p.becomes(t, Here)
	emit(false) // everybody is asked, and some do not answer
	emit(true)
	if took := p.tells(t, Locked); took > 3*callTime {
		t.Errorf("that it covers was told after %v", took)
	}
}
