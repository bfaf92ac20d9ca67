// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"assist/internal/input"
	"assist/internal/lamp"
	"assist/internal/ui"
)

func TestWaylandIsNotSharedHalfway(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"XDG_SESSION_TYPE": "x11", "DISPLAY": ":0"}, false},
		{map[string]string{"XDG_SESSION_TYPE": "wayland", "DISPLAY": ":0"}, true},
		{map[string]string{"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, true},
	} {
		if got := wayland(func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%v: %v, want %v", c.env, got, c.want)
		}
	}
}

// Nothing is pressed while our windows are stuck, nor while the person is asked something:
// either is enough.
func TestInputIsHeldWhileWindowsAreStuckOrAsk(t *testing.T) {
	for _, c := range []struct{ stuck, asking, held bool }{
		{false, false, false}, {true, false, true}, {false, true, true}, {true, true, true},
	} {
		d := &desktop{windows: newPulse(nil, nil), asking: func() bool { return c.asking }}
		o := d.inputOptions(nil)
		d.windows.set(c.stuck) // after it was opened: it is asked each time
		if got := o.Held(); got != c.held {
			t.Errorf("windows stuck %v, asking %v: held %v", c.stuck, c.asking, got)
		}
	}
}

// What keeps a session from beginning here is on the start page before anybody asks.
func TestLacks(t *testing.T) {
	for _, c := range []struct {
		err  error
		want ui.Lack
	}{
		{nil, ui.LackNone}, {errWayland, ui.LackX11}, {lamp.ErrUnsupported, ui.LackBanner},
		{errBlind, ui.LackDevices}, {errors.New("x"), ui.LackOther},
	} {
		if got := lackOf(c.err); got != c.want {
			t.Errorf("%v is %d, want %d", c.err, got, c.want)
		}
	}
}

func TestLackOfThisComputer(t *testing.T) {
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("XDG_SESSION_TYPE", "wayland")
	d := &desktop{log: slog.New(slog.DiscardHandler), elevated: func() bool { return false }}
	h := newHelped(&program{desktop: d})
	m := &membership{}
	if l, _ := h.lack(m); l != ui.LackX11 {
		t.Errorf("a Wayland session is %d", l)
	}
	if _, err := d.fit(); err == nil {
		t.Error("it can be shared all the same")
	}
	t.Setenv("XDG_SESSION_TYPE", "x11")
	if l, _ := h.lack(m); l != ui.LackBanner {
		t.Errorf("no lamp is %d", l)
	}
	d.lamp = &lamp.Lamp{}
	if l, _ := h.lack(m); l != ui.LackDevices {
		t.Errorf("no watcher is %d", l)
	}
	d.watcher = &input.Watcher{}
	if l, _ := h.lack(m); l != ui.LackNone {
		t.Errorf("with all it takes it is %d", l)
	}
	m.blind = time.Now().Add(time.Minute)
	if l, until := h.lack(m); l != ui.LackMemory || until != m.blind {
		t.Errorf("earlier requests not known: %d until %v", l, until)
	}
	m.blind = time.Now().Add(-time.Second)
	if l, _ := h.lack(m); l != ui.LackNone {
		t.Errorf("for ever: %d", l)
	}
}
