// SPDX-License-Identifier: Apache-2.0

package input

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"strings"
	"testing"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// maxNamed is beyond the numbers of the devices of a test's server.
const maxNamed = 16

// feigner is a program that plays devices by their numbers.
type feigner struct {
	t     *testing.T
	c     *x11.Conn
	first byte // of the events that name their device
}

func startFeigner(t *testing.T, s *stage) *feigner {
	t.Helper()
	f := &feigner{t: t, c: s.look()}
	t.Cleanup(f.c.Close)
	_, _, err := f.c.Extension("XTEST")
	if err == nil {
		_, f.first, err = f.c.Extension("XInputExtension")
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// click clicks with one device, if there is such a one.
func (f *feigner) click(device byte) (taken bool) {
	down, up := f.first+3, f.first+4
	return xtest.FakeInputChecked(f.c.X, down, 1, 0, f.c.Root, 0, 0, device).Check() == nil &&
		xtest.FakeInputChecked(f.c.X, up, 1, 0, f.c.Root, 0, 0, device).Check() == nil
}

// strictly says whether the click before is believed where only devices count.
func (s *stage) strictly(p *program) bool {
	return s.watcher.GenuineClick(Claim{Window: uint32(p.window), Area: everywhere(), Within: patience, Strict: true})
}

// To the display's events a program that names a real device is that device. It answers
// nothing where only devices count, and moves no hand; the device itself does, soon after.
func TestNamedDevicesAreNothingStrictly(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	p := startProgram(t, everywhere())
	f := startFeigner(t, s)
	taken := 0
	for id := range byte(maxNamed) {
		if !f.click(id) {
			continue
		}
		taken++
		if s.strictly(p) || !s.watcher.LastOfDevices().IsZero() {
			t.Errorf("device %d that a program played is believed", id)
		}
	}
	if taken < 5 { // the first of all, XTEST's, mouse, tablet and touch screen
		t.Errorf("only %d devices were played", taken)
	}
	eventually(t, "a click of the mouse itself", func() bool {
		devices.Button(1, true)
		devices.Button(1, false)
		return s.strictly(p)
	})
	if s.watcher.LastOfDevices().IsZero() {
		t.Error("the mouse itself moves no hand")
	}
}

// Once a program broke the record off nothing is believed where only devices count; without
// that strictness all stays as it was.
func TestNoRecordNoDevice(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	p := startProgram(t, everywhere())
	click := func() {
		devices.Button(1, true)
		devices.Button(1, false)
	}
	if click(); !s.strictly(p) {
		t.Fatal("a device is not believed")
	}
	hands := s.watcher.LastOfDevices()
	f := startFeigner(t, s)
	opcode, _, err := f.c.Extension("RECORD")
	if err != nil {
		t.Fatal(err)
	}
	const free = 7
	freed := 0
	setup := xproto.Setup(f.c.X)
	for client := range uint32(64) { // whichever it is: the first things that each program made
		base := client * (setup.ResourceIdMask + 1)
		for id := base; id < base+4; id++ {
			if f.c.Tell(opcode, free, binary.LittleEndian.AppendUint32(nil, id)) == nil {
				freed++
			}
		}
	}
	if freed == 0 {
		t.Fatal("there was no record")
	}
	click()
	if s.strictly(p) || !s.watcher.LastOfDevices().Equal(hands) {
		t.Error("devices are believed though nobody knows who plays them")
	}
	if !s.watcher.GenuineClick(Claim{Window: uint32(p.window), Area: everywhere(), Within: patience}) {
		t.Error("nothing is believed at all")
	}
}

// A display that records nothing is watched all the same. (X.Org's has both extensions, or
// neither, and then no program plays a device.)
func TestDisplayWithoutRecord(t *testing.T) {
	x11test.Start(t, displaySize, "-extension", "RECORD")
	var log bytes.Buffer
	w, err := Watch(slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if !w.caughtUp(true) {
		t.Error("no device is believed")
	}
	if !strings.Contains(log.String(), "cannot be told from the device") {
		t.Errorf("nothing is said of it: %q", log.String())
	}
}
