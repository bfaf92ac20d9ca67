// SPDX-License-Identifier: Apache-2.0

package input

import (
	"maps"
	"testing"
	"time"

	"github.com/jezek/xgb"

	"assist/internal/x11"
)

// device is one entry of a device list, with a class of 8 bytes.
func device(id uint16, name string) []byte {
	b := make([]byte, 12+xgb.Pad(len(name))+8)
	xgb.Put16(b, id)
	b[6], b[8] = 1, byte(len(name))
	copy(b[12:], name)
	b[len(b)-6] = 2 // the class' length in units of four
	return b
}

func TestXTESTDevices(t *testing.T) {
	reply := make([]byte, 32)
	reply[8] = 3
	for id, name := range []string{"Virtual core pointer", "Virtual core XTEST pointer", "Some XTEST keyboard"} {
		reply = append(reply, device(uint16(id+2), name)...)
	}
	if got := xtestDevices(reply); !maps.Equal(got, map[uint16]bool{3: true, 4: true}) {
		t.Errorf("found %v", got)
	}
}

func FuzzXTESTDevices(f *testing.F) {
	f.Add(append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, device(4, "XTEST")...))
	f.Fuzz(func(_ *testing.T, b []byte) { xtestDevices(append(b, make([]byte, 32)...)) })
}

func TestRawEvents(t *testing.T) {
	w := newWatcher()
	r := &rawReader{watcher: w, opcode: 131}
	var e x11.Event
	e[0], e[1], e[8], e[16] = 35, 130, xiRawButtonPress, 1
	r.event(e) // of another extension
	if genuine(w, 1<<40) {
		t.Error("an event of another extension")
	}
	e[1], e[8] = 131, 16 // a release
	r.event(e)
	if !w.Last().IsZero() || !w.GenuineButton(1<<40) {
		t.Error("a release is a button's, and no activity")
	}
	w.button = time.Time{}
	e[8] = xiRawMotion
	r.event(e)
	if w.Last().IsZero() || genuine(w, 1<<40) {
		t.Error("motion")
	}
	e[8] = xiRawButtonPress
	r.event(e)
	if !w.GenuineButton(1<<40) || w.GenuineKey(1<<40) {
		t.Error("a button was missed")
	}
	e[8] = xiRawKeyPress
	r.event(e)
	if !w.GenuineKey(1 << 40) {
		t.Error("a key was missed")
	}
}
