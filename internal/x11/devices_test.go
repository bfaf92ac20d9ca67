// SPDX-License-Identifier: Apache-2.0

//go:build linux

package x11

import (
	"maps"
	"testing"

	"github.com/jezek/xgb"
)

// listed is one entry of a device list, with a class of 8 bytes.
func listed(id uint16, name string) []byte {
	b := make([]byte, 12+xgb.Pad(len(name))+8)
	xgb.Put16(b, id)
	b[6], b[8] = 1, byte(len(name))
	copy(b[12:], name)
	b[len(b)-6] = 2 // the class' length in units of four
	return b
}

func TestDevices(t *testing.T) {
	reply := make([]byte, 32)
	reply[8] = 5
	for id, name := range []string{"Virtual core pointer", "Virtual core XTEST pointer", "Some XTEST keyboard"} {
		reply = append(reply, listed(uint16(id+2), name)...)
	}
	for use := xiMasterPointer; use <= xiMasterKeyboard; use++ { // what comes of a master alone is a program's deed
		d := listed(uint16(7+use), "Somebody's")
		d[2] = byte(use)
		reply = append(reply, d...)
	}
	found := map[uint16]bool{}
	for _, d := range parseDevices(reply) {
		found[d.id] = d.injects()
	}
	if !maps.Equal(found, map[uint16]bool{2: false, 3: true, 4: true, 8: true, 9: true}) {
		t.Errorf("found %v", found)
	}
}

func FuzzDevices(f *testing.F) {
	f.Add(append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, listed(4, "XTEST")...))
	f.Fuzz(func(_ *testing.T, b []byte) { parseDevices(append(b, make([]byte, 32)...)) })
}

func TestRawEventsAreRead(t *testing.T) {
	r := &RawEvents{opcode: 131, changed: make(chan struct{}, 1), real: map[uint16]bool{6: true}}
	var e Event
	e[0], e[1], e[8], e[12], e[16], e[20] = 35, 131, byte(RawButtonPress), 7, 1, 4
	if got, ok := r.Read(e); !ok || got != (Raw{RawButtonPress, 7, 1, true, 4}) {
		t.Errorf("%+v, %v", got, ok)
	}
	e[20] = 6
	if got, _ := r.Read(e); got.Injected {
		t.Error("a device was taken for a program")
	}
	gone := e
	gone[8] = byte(devicesChanged)
	if _, ok := r.Read(gone); ok {
		t.Error("a device that went was taken for a deed")
	}
	r.learn([]device{{id: 6}}, 0) // asked for before
	if got, _ := r.Read(e); !got.Injected {
		t.Error("a device that may be another now is still believed")
	}
	r.learn([]device{{id: 5, name: "a XTEST pointer"}, {id: 6}}, 1)
	if got, _ := r.Read(e); got.Injected {
		t.Error("a device is not known again")
	}
	for at, value := range map[int]byte{0: 34, 1: 130, 8: 12} {
		other := e
		other[at] = value
		if _, ok := r.Read(other); ok {
			t.Errorf("read with %d at %d", value, at)
		}
	}
}

func TestWhatIsDown(t *testing.T) {
	reply := make([]byte, 32)
	reply[8] = 5
	key, button := make([]byte, 36), make([]byte, 36)
	key[1], key[4+37/8] = 36, 1<<(37%8)
	button[0], button[1], button[4] = 1, 36, 1<<1
	reply = append(append(append(reply, key...), 2, 8, 1, 0, 9, 9, 9, 9), button...) // valuators between
	d := parseDown(reply)
	for n := range uint32(300) {
		if d.Key(n) != (n == 37) || d.Button(n) != (n == 1) {
			t.Errorf("%d: key %v, button %v", n, d.Key(n), d.Button(n))
		}
	}
}

func FuzzDown(f *testing.F) {
	f.Add(append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, make([]byte, 22)...))
	f.Fuzz(func(_ *testing.T, b []byte) { parseDown(append(b, make([]byte, 32)...)) })
}

func TestKeyNames(t *testing.T) {
	reply := make([]byte, 32, 64)
	xgb.Put32(reply[8:], xkbKeyNames|xkbKeyAliases)
	reply[18], reply[19], reply[25] = 9, 3, 2
	reply = append(reply, "ESC\x00\x00\x00\x00\x00LWINLWINLMTAnonesome"...)
	if got := parseKeyNames(reply); !maps.Equal(got, map[string]byte{"ESC": 9, "LWIN": 11, "LMTA": 11}) {
		t.Errorf("found %v", got)
	}
}

func FuzzKeyNames(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) { parseKeyNames(append(b, make([]byte, 32)...)) })
}
