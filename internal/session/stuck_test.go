// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// While the person's windows do not answer, a click in them would be heard too late: so
// nothing is shown, pointed at or driven, and a moment later all goes on.
func TestStuckWindowsShowAndDriveNothing(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := holding(t, w)
		tech.Watch([]screen.MonitorID{0})
		pass(time.Second)
		pictures, typed, pointer := w.shows(0), w.machine.typed(), w.machine.pointer()
		w.machine.hush(true)
		w.machine.draw(0)
		// Before the keys: they are held for a moment, and hold up what comes behind them.
		if err := tech.Point(wire.Point{X: 7, Y: 7, Visible: true}); err != nil {
			t.Fatal(err)
		}
		pass(50 * time.Millisecond)
		if now := w.machine.pointer(); now != pointer {
			t.Errorf("pointed at %v", now)
		}
		for _, in := range []wire.Input{&wire.Key{Usage: 4, Down: true}, &wire.Key{Usage: 4}} {
			if err := tech.Input(in); err != nil {
				t.Fatal(err)
			}
		}
		pass(900 * time.Millisecond)
		if w.shows(0) != pictures || w.machine.typed() != typed+1 || w.machine.holds() != 0 || w.machine.pointer() != pointer {
			t.Errorf("%d pictures, %d inputs, %d held, pointer %v", w.shows(0)-pictures, w.machine.typed()-typed, w.machine.holds(), w.machine.pointer())
		}
		w.machine.hush(false)
		pass(50 * time.Millisecond)
		if w.shows(0) != pictures+1 || w.machine.typed() != typed+3 {
			t.Errorf("afterwards %d pictures, %d inputs", w.shows(0)-pictures, w.machine.typed()-typed)
		}
		tech.End()
		w.over(tech)
	})
}

// What was typed for nobody to see is not done long afterwards.
func TestStuckWindowsForgetOldInput(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.machine.hush(true)
		for range 3 {
			if err := tech.Input(&wire.Key{Usage: 4, Down: true}); err != nil {
				t.Fatal(err)
			}
			pass(700 * time.Millisecond)
		}
		w.machine.hush(false)
		pass(50 * time.Millisecond)
		if n := w.machine.typed(); n != 0 {
			t.Errorf("%d inputs", n)
		}
		if err := tech.Input(&wire.Key{Usage: 5, Down: true}); err != nil {
			t.Fatal(err)
		}
		pass(50 * time.Millisecond)
		if n := w.machine.typed(); n != 1 {
			t.Errorf("%d inputs of those that came later", n)
		}
		tech.End()
		w.over(tech)
	})
}

// Who cuts while the windows are stuck, by banner or hot-key, waits for nothing.
func TestCutWhileTheWindowsAreStuck(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.machine.hush(true)
		if err := tech.Input(&wire.Key{Usage: 4, Down: true}); err != nil {
			t.Fatal(err)
		}
		pass(0)
		begun := time.Now()
		w.host.Cut(wire.EndUserCut)
		w.over(tech)
		if d := time.Since(begun); d > 200*time.Millisecond {
			t.Errorf("over after %v", d)
		}
		if n := w.machine.typed(); n != 0 {
			t.Errorf("%d inputs", n)
		}
	})
}
