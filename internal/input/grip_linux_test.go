// SPDX-License-Identifier: Apache-2.0

package input

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/wire"
	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// While the person holds a button or a key, nothing is done from afar, however long it
// takes, nor in the two seconds after they let it go.
func TestHoldingHandYields(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	for name, do := range map[string]func(down bool){
		"button": func(down bool) { devices.Button(1, down) },
		"side":   func(down bool) { devices.Button(8, down) },
		"key":    func(down bool) { devices.Key(codeCtrl, down) },
	} {
		t.Run(name, func(t *testing.T) {
			do(true)
			<-time.After(YieldFor + 2*gripCheck) // the devices were asked too
			s.refused(t, "while it is held")
			do(false)
			s.watcher.sync()
			if len(s.watcher.holding()) > 0 {
				t.Error("still held")
			}
			s.refused(t, "after it was let go")
			s.waitQuiet()
			s.do(&wire.Move{X: 7, Y: 7})
		})
	}
}

func (s *stage) refused(t *testing.T, when string) {
	t.Helper()
	for _, in := range []wire.Input{&wire.Move{X: 600, Y: 600}, &wire.Key{Usage: usageA, Down: true}} {
		if err := s.desk.Do(in); !errors.Is(err, ErrYield) {
			t.Errorf("%T %s: %v", in, when, err)
		}
	}
}

// What programs press is nobody's grip, nor is what they let go an activity.
func TestProgramsHoldNothing(t *testing.T) {
	s := setTheStage(t)
	startProgram(t, everywhere())
	s.do(&wire.Key{Usage: usageA, Down: true}, &wire.Button{X: 10, Y: 10, Button: 1, Down: true})
	s.watcher.sync()
	if s.watcher.active(time.Hour) {
		t.Error("own presses were taken for the person's hand")
	}
	s.do(&wire.ReleaseAll{})
	if s.watcher.sync(); s.watcher.active(time.Hour) {
		t.Error("own releases were taken for the person's hand")
	}
	s.person("mousedown", "1")
	s.watcher.sync()
	if len(s.watcher.holding()) > 0 {
		t.Error("a program's press was taken for the person's hand")
	}
	s.person("mouseup", "1")
}

// A device that goes holds nothing any more.
func TestDeviceThatGoesHoldsNothing(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	devices.Key(codeCtrl, true)
	s.watcher.sync()
	if len(s.watcher.holding()) != 1 {
		t.Fatalf("held: %v", s.watcher.holding())
	}
	c := s.look()
	defer c.Close()
	for g := range s.watcher.holding() {
		disable(t, c, g.device)
	}
	eventually(t, "it is let go", func() bool { return len(s.watcher.holding()) == 0 })
}

// disable takes a device away.
func disable(t *testing.T, c *x11.Conn, device uint16) {
	t.Helper()
	const xiChangeProperty, oneByte = 57, 8
	opcode, _, err := c.Extension("XInputExtension")
	if err != nil {
		t.Fatal(err)
	}
	enabled, err := c.Atom("Device Enabled")
	if err != nil {
		t.Fatal(err)
	}
	b := binary.LittleEndian.AppendUint16(nil, device)
	b = append(b, xproto.PropModeReplace, oneByte)
	for _, field := range []uint32{uint32(enabled), uint32(xproto.AtomInteger), 1, 0} { // one item: 0
		b = binary.LittleEndian.AppendUint32(b, field)
	}
	if err := c.Tell(opcode, xiChangeProperty, b); err != nil {
		t.Fatal(err)
	}
}

// A release that nobody told of is found out by asking the device, and no other grip
// is dropped.
func TestLostReleaseIsFoundOut(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	devices.Key(codeCtrl, true)
	s.watcher.sync()
	lost := grip{device: 250, kind: gripKey, detail: codeA} // no such device
	s.watcher.hold(lost)
	var there grip
	for g := range s.watcher.holding() {
		if g != lost {
			there = g
		}
	}
	up := there
	up.detail = codeA
	s.watcher.hold(up)
	eventually(t, "only what is down is held", func() bool {
		all := s.watcher.holding()
		_, have := all[there]
		return len(all) == 1 && have
	})
	devices.Key(codeCtrl, false)
}

// A finger rests, moves and goes.
func TestFingersAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		there := func(grip) bool { return true }
		touch := func(kind x11.RawKind, n uint32) { w.seeX11(x11.Raw{Kind: kind, Detail: n, Device: 9}) }
		log := slog.New(slog.DiscardHandler)
		touch(x11.RawTouchBegin, 1)
		touch(x11.RawTouchBegin, 2)
		touch(x11.RawTouchEnd, 1)
		time.Sleep(YieldFor + 1)
		if !w.audit(there, log) || !w.active(YieldFor) {
			t.Error("the second finger is not held")
		}
		touch(x11.RawTouchUpdate, 2)
		time.Sleep(fingerRest - 1)
		if !w.audit(there, log) {
			t.Error("a finger that moved is not held")
		}
		time.Sleep(time.Nanosecond)
		if w.audit(there, log) {
			t.Error("a finger that never moves is held for ever")
		}
		if !w.active(YieldFor) {
			t.Error("its going is no activity")
		}
		time.Sleep(YieldFor)
		if w.active(YieldFor) {
			t.Error("still active")
		}
	})
}

// What is held for long is said once, without its name; what is held is bounded; a
// wheel is never held.
func TestGripsAreBoundedAndSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatcher()
		var said strings.Builder
		log := slog.New(slog.NewTextHandler(&said, nil))
		w.seeX11(x11.Raw{Kind: x11.RawButtonPress, Detail: 5, Device: 9})
		if len(w.holding()) > 0 {
			t.Error("a wheel is held")
		}
		w.seeX11(x11.Raw{Kind: x11.RawKeyPress, Detail: codeCtrl, Device: 8})
		time.Sleep(gripLong)
		for range 3 {
			w.audit(func(grip) bool { return true }, log)
		}
		if strings.Count(said.String(), "stays down") != 1 || strings.Contains(said.String(), "37") {
			t.Errorf("said: %q", said.String())
		}
		for n := range uint32(2 * maxGrips) {
			w.seeX11(x11.Raw{Kind: x11.RawKeyPress, Detail: n, Device: 8})
		}
		if n := len(w.holding()); n != maxGrips {
			t.Errorf("%d held", n)
		}
	})
}

// A program cannot let go, for the Watcher, of what the person holds.
func TestProgramLetsNothingGo(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	c := s.look()
	defer c.Close()
	if _, _, err := c.Extension("XTEST"); err != nil {
		t.Fatal(err)
	}
	devices.Key(codeCtrl, true)
	for _, kind := range []byte{xproto.KeyPress, xproto.KeyRelease} {
		if err := xtest.FakeInputChecked(c.X, kind, codeCtrl, 0, c.Root, 0, 0, 0).Check(); err != nil {
			t.Fatal(err)
		}
	}
	<-time.After(3 * gripCheck)
	if len(s.watcher.holding()) != 1 {
		t.Error("the person's key was let go by a program")
	}
	devices.Key(codeCtrl, false)
}
