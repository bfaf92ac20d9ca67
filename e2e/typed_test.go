// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/receipt"
	"assist/internal/wire"
)

// TestTypedYes has a technician who was given mouse and keyboard type one line into a
// terminal, which from then on presses the button of whatever is asked: a program of the
// host's own, that plays its mouse. So does another program, which names the mouse that the
// person has, and their other devices. With nobody at the desk the session ends by itself.
func TestTypedYes(t *testing.T) {
	w := newWorld(t)
	w.shortLease(t)
	line := start(t, program{path: "xterm", as: w.as, env: append(w.host.screen.env(), "HOME="+w.host.dir, "LC_ALL=C.UTF-8"),
		log: filepath.Join(w.dir, "xterm.log"), args: []string{"-fn", "6x10", "-geometry", "60x8+20+520", "-T", "Terminal", "-e", "sh"}})
	var terminal image.Rectangle
	eventually(t, soon, "terminal", func() (err error) { _, terminal, err = w.host.screen.window("Terminal"); return err })
	l := w.intervene(t, true)
	l.driving(t)
	// A technician would read the place off the picture, after the first time.
	place := filepath.Join(w.host.dir, "place")
	l.reach(t, terminal.Min.Add(image.Pt(150, 40)))
	w.host.eventually(t, "the click gives the terminal the keyboard", func() error { // what is typed before goes elsewhere
		win, _, err := w.host.screen.window("Terminal")
		return errors.Join(err, yes(w.host.screen.active() == win))
	})
	l.tech.screen.xdotool(t, "type", "--delay", "40", fmt.Sprintf("while sleep 1; do xdotool mousemove $(cat %s) click 1; done", place))
	l.tech.screen.keys(t, "Return")
	if err := wait(time.Minute, func() error {
		g, err := l.host.find(want{id: "accept"})
		return errors.Join(err, yes(g.Enabled))
	}); err != nil {
		l.host.fail(t, err)
	}
	at, err := l.host.settled(want{id: "accept"})
	if err != nil {
		l.host.fail(t, err)
	}
	if err := errors.Join(os.WriteFile(place, fmt.Appendf(nil, "%d %d", at.X, at.Y), 0o644), w.as.own(place)); err != nil {
		t.Fatal(err)
	}
	defer newNeighbour(t, w.host.screen).feigns()()
	l.host.see(t, aWhile, want{id: "seconds", text: "renez une vraie souris"}) // the line presses the button
	l.tech.see(t, time.Minute+aWhile, want{text: "La durée accordée est écoulée", window: l.title})
	line.stop() // it would go on to press what lies there now
	l.over(t, "La durée accordée est écoulée")
	w.wasOneMinute(t, l.reason)
	w.ready(t)
}

// wasOneMinute reads in the receipt that the session ran out, and that nobody let it go on:
// a yes gives it a minute more, however long the machine took for all else.
func (w *world) wasOneMinute(t *testing.T, reason string) {
	t.Helper()
	var r receipt.Receipt
	eventually(t, soon, "the receipt", func() (err error) {
		r, err = w.receiptOf(reason)
		return err
	})
	if r.End != uint8(wire.EndExpired) || r.Length >= 2*time.Minute {
		t.Errorf("the receipt says end %d after %v", r.End, r.Length)
	}
	if slices.ContainsFunc(r.Deeds, func(d receipt.Deed) bool { return d.What == "deed.renewed" }) {
		t.Errorf("it went on: %+v", r.Deeds)
	}
}

// feigns clicks with each device of the display by its number, in turn, until it is told to
// stop: what comes of that is an event of the device.
func (n *neighbour) feigns() (stop func()) {
	n.t.Helper()
	const name, numbers = "XInputExtension", 16
	input, err := xproto.QueryExtension(n.x, uint16(len(name)), name).Reply()
	if err := errors.Join(err, xtest.Init(n.x)); err != nil {
		n.t.Fatal(err)
	}
	press, release := input.FirstEvent+3, input.FirstEvent+4
	device, last := byte(0), time.Time{}
	return often(func() {
		if time.Since(last) < 100*time.Millisecond {
			return
		}
		last = time.Now()
		for _, kind := range []byte{press, release} {
			_ = xtest.FakeInputChecked(n.x, kind, 1, 0, n.root, 0, 0, device).Check() // few numbers are devices
		}
		device = (device + 1) % numbers
	})
}
