// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/wire"
)

func (m *machine) holds() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held
}

// holding is a live session in which the technician holds Ctrl.
func holding(t *testing.T, w *world) *session.Technician {
	t.Helper()
	tech := w.meet(consent.AllRights)
	if err := tech.Input(&wire.Key{Usage: 0xe0, Down: true}); err != nil {
		t.Fatal(err)
	}
	pass(0)
	if w.machine.holds() != 1 {
		t.Fatal("nothing is held")
	}
	return tech
}

// A key that is held for long is held, as long as the technician is heard.
func TestLongHoldIsKept(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := holding(t, w)
		for range 100 {
			pass(50 * time.Millisecond)
			if w.machine.holds() != 1 {
				t.Fatal("let go on a healthy link")
			}
		}
		if n := w.machine.typed(); n != 1 {
			t.Errorf("%d inputs", n)
		}
		tech.End()
		w.over(tech)
	})
}

// Whatever the reason for the silence, what is held is let go long before the
// session ends.
func TestSilenceLetsGo(t *testing.T) {
	for _, pressed := range []wire.Input{&wire.Key{Usage: 0x4c, Down: true}, &wire.Button{Button: 1, Down: true}} {
		play(t, func(t *testing.T, w *world) {
			tech := w.meet(consent.AllRights)
			if err := tech.Input(pressed); err != nil {
				t.Fatal(err)
			}
			pass(3 * time.Second)
			w.net.freeze()
			pass(390 * time.Millisecond)
			if n := w.machine.typed(); n != 1 {
				t.Errorf("let go too soon: %d inputs", n)
			}
			pass(110 * time.Millisecond)
			if n := w.machine.typed(); n != 2 {
				t.Errorf("%d inputs half a second after the network froze", n)
			} else if _, ok := w.machine.done[1].(*wire.ReleaseAll); !ok {
				t.Errorf("done was %T", w.machine.done[1])
			}
			if w.host.State().Phase != session.HostLive {
				t.Error("the session ended with it")
			}
			pass(5 * time.Second)
			if n := w.machine.typed(); n != 2 {
				t.Errorf("let go %d times", n-1)
			}
			w.over(tech)
		})
	}
}

// A host that cannot send lets go in time all the same.
func TestSilenceOnAFullLinkLetsGo(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := holding(t, w)
		w.net.freeze()
		b, err := wire.Marshal(&wire.Ping{Stamp: 1})
		if err != nil {
			t.Fatal(err)
		}
		w.link().host.in <- b // it arrived before; its pong cannot leave
		pass(600 * time.Millisecond)
		if w.machine.holds() != 0 {
			t.Error("still held")
		}
		w.over(tech)
	})
}

// After a silence the session goes on: the key that is up already comes up once
// more, and others go down.
func TestKeysAfterASilence(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.net.deaf = true
		tech := holding(t, w)
		w.net.freeze()
		pass(time.Second)
		w.net.thaw()
		if w.machine.holds() != 0 {
			t.Fatal("still held")
		}
		for _, in := range []wire.Input{&wire.Key{Usage: 0xe0}, &wire.Key{Usage: 4, Down: true}} {
			if err := tech.Input(in); err != nil {
				t.Fatal(err)
			}
		}
		pass(5 * time.Second)
		if n := w.machine.typed(); n != 4 || w.machine.holds() != 1 {
			t.Errorf("%d inputs, %d held", n, w.machine.holds())
		}
		tech.End()
		w.over(tech)
	})
}

// Letting go ends the many pings, so that an idle link stays quiet.
func TestPingsWhileHolding(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := holding(t, w)
		pings := func() int {
			before := w.link().sent.Load()
			pass(2 * time.Second)
			return int(w.link().sent.Load() - before)
		}
		if n := pings(); n < 19 || n > 21 {
			t.Errorf("%d pings in two seconds of holding", n)
		}
		if err := tech.Input(&wire.Key{Usage: 0xe0}); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if n := pings(); n > 2 {
			t.Errorf("%d pings in two idle seconds", n)
		}
		tech.End()
		w.over(tech)
	})
}
