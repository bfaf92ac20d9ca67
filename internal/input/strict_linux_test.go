// SPDX-License-Identifier: Apache-2.0

package input

import (
	"encoding/binary"
	"testing"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// Requests of XInput, by their numbers in the protocol.
const (
	xiChangeHierarchy  = 43
	xiSetClientPointer = 44
	xiQueryVersion     = 47
	xiAddMaster        = 1
)

// What a program plays is nothing where only devices count, also through devices that it
// made for that; what the devices themselves do is something, also after that.
func TestPlayedIsNothingStrictly(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	p := startProgram(t, everywhere())
	c := s.look()
	defer c.Close()
	if _, _, err := c.Extension("XTEST"); err != nil {
		t.Fatal(err)
	}
	claim := func(strict bool) bool {
		return s.watcher.GenuineClick(Claim{Window: uint32(p.window), Area: everywhere(), Within: patience, Strict: strict})
	}
	plays := func(how string) {
		t.Helper()
		p.forget()
		fake(t, c, xproto.ButtonPress)
		fake(t, c, xproto.ButtonRelease)
		if claim(true) {
			t.Errorf("%s: taken for a device", how)
		}
		if !claim(false) {
			t.Errorf("%s: nobody at all", how)
		}
		if !s.watcher.LastOfDevices().IsZero() {
			t.Errorf("%s: hands moved", how)
		}
	}
	plays("XTEST")
	master(t, c, "Mouse of somebody")
	plays("XTEST of its own")
	devices.Button(1, true)
	devices.Button(1, false)
	if !claim(true) {
		t.Error("a device's click does not count")
	}
	if claim(false) {
		t.Error("it counts twice")
	}
	if s.watcher.LastOfDevices().IsZero() {
		t.Error("a device moves no hand")
	}
}

// fake plays a button of the devices that are a client's own.
func fake(t *testing.T, c *x11.Conn, kind byte) {
	t.Helper()
	if err := xtest.FakeInputChecked(c.X, kind, 1, 0, c.Root, 0, 0, 0).Check(); err != nil {
		t.Fatal(err)
	}
}

// master makes a pair of devices, with two of XTEST, and takes them for the client's own.
func master(t *testing.T, c *x11.Conn, name string) {
	t.Helper()
	opcode, _, err := c.Extension("XInputExtension")
	if err != nil {
		t.Fatal(err)
	}
	two := func(n ...uint16) (b []byte) {
		for _, v := range n {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
		return b
	}
	if _, err := c.Query(opcode, xiQueryVersion, two(2, 2)); err != nil {
		t.Fatal(err)
	}
	padded := append([]byte(name), make([]byte, 3-(len(name)+3)%4)...)                   // to four
	change := append(two(xiAddMaster, uint16(2+len(padded)/4), uint16(len(name))), 1, 1) // it counts, and is on
	if err := c.Tell(opcode, xiChangeHierarchy, []byte{1, 0, 0, 0}, change, padded); err != nil {
		t.Fatal(err)
	}
	for id := uint16(4); id < 256; id++ { // the first that can be a client's pointer, but the first one of all
		if c.Tell(opcode, xiSetClientPointer, []byte{0, 0, 0, 0}, two(id, 0)) == nil {
			return
		}
	}
	t.Fatal("no pair of devices was made")
}
