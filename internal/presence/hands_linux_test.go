// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"encoding/binary"
	"log/slog"
	"testing"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// Requests of XInput 2 by which any program can switch a device off.
const (
	xiChangeHierarchy = 43
	xiChangeProperty  = 57
	xiDetachSlave     = 4
)

// does sends a request about an input device.
func does(t *testing.T, c *x11.Conn, minor byte, body []byte) {
	t.Helper()
	opcode, _, err := c.Extension("XInputExtension")
	if err == nil {
		err = c.Tell(opcode, minor, body)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sets writes a property of so many bytes.
func sets(t *testing.T, c *x11.Conn, device uint16, name string, items uint32, value [4]byte) {
	t.Helper()
	property, err := c.Atom(name)
	if err != nil {
		t.Fatal(err)
	}
	b := append(binary.LittleEndian.AppendUint16(nil, device), xproto.PropModeReplace, 8)
	for _, field := range []uint32{uint32(property), uint32(xproto.AtomInteger), items} {
		b = binary.LittleEndian.AppendUint32(b, field)
	}
	does(t, c, xiChangeProperty, append(b, value[:]...))
}

// Whoever drives can have the display drop what the person's mouse or keyboard does, in three
// ways: the person could end nothing any more, so it is ended for them. Once: from then on it
// is how this computer is.
func TestSwitchedOffHandsAreTold(t *testing.T) {
	for name, off := range map[string]func(*testing.T, *x11.Conn, uint16){
		"disabled": func(t *testing.T, c *x11.Conn, device uint16) { sets(t, c, device, "Device Enabled", 1, [4]byte{0}) },
		"muted": func(t *testing.T, c *x11.Conn, device uint16) {
			sets(t, c, device, "libinput Send Events Mode Enabled", 2, [4]byte{1, 0})
		},
		"detached": func(t *testing.T, c *x11.Conn, device uint16) {
			b := binary.LittleEndian.AppendUint16([]byte{1, 0, 0, 0}, xiDetachSlave)
			b = binary.LittleEndian.AppendUint16(b, 2)
			does(t, c, xiChangeHierarchy, append(binary.LittleEndian.AppendUint16(b, device), 0, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			x11test.StartXorg(t, x11test.Evdev)
			c, err := x11.Dial("", func(x11.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			p := &person{told: make(chan Cause, 16)}
			p.Watcher = watch(Options{OnAway: func(c Cause) { p.told <- c }, Log: slog.New(slog.DiscardHandler)}, []source{{"x11", x11Source{}.run}})
			defer p.Close()
			if got := p.Away(); got != Here {
				t.Fatalf("%v at the start", got)
			}
			devices, err := c.InputDevices()
			if err != nil {
				t.Fatal(err)
			}
			all, err := devices.List()
			if err != nil || len(all) == 0 {
				t.Fatalf("devices: %v, %v", all, err)
			}
			for _, d := range all {
				if !d.Works {
					t.Fatalf("device %d does not work at the start", d.ID)
				}
			}
			off(t, c, all[0].ID)
			p.tells(t, Bound)
			p.becomes(t, Here)
		})
	}
}

// What is said of a device, look by look: what is unplugged is off for a moment before it
// goes, and what was off before is how this computer is.
func TestOnlyWhatIsSwitchedOffBinds(t *testing.T) {
	on, off := x11.InputDevice{ID: 7, Works: true}, x11.InputDevice{ID: 7}
	other := x11.InputDevice{ID: 8, Works: true}
	for name, c := range map[string]struct {
		looks [][]x11.InputDevice
		bound int // the look that says so; 0 for none
	}{
		"works":              {[][]x11.InputDevice{{on, other}, {on, other}, {on, other}}, 0},
		"off from the start": {[][]x11.InputDevice{{off, other}, {off, other}, {off, other}}, 0},
		"unplugged":          {[][]x11.InputDevice{{on, other}, {other}, {other}}, 0},
		"unplugged, slowly":  {[][]x11.InputDevice{{on, other}, {off, other}, {other}, {other}}, 0},
		"off for a moment":   {[][]x11.InputDevice{{on}, {off}, {on}, {off}, {on}}, 0},
		"off":                {[][]x11.InputDevice{{on, other}, {off, other}, {off, other}, {off, other}, {off, other}}, 3},
		"on and off again":   {[][]x11.InputDevice{{off}, {on}, {off}, {off}}, 4},
	} {
		var h hands
		for i, look := range c.looks {
			if got := h.bound(look, nil); got != (i+1 == c.bound) {
				t.Errorf("%s: look %d says %v", name, i+1, got)
			}
		}
	}
	h := hands{works: map[uint16]bool{7: true}, doubt: map[uint16]bool{}}
	if h.bound(nil, x11.ErrNoRaw) || !h.works[7] {
		t.Error("a list that could not be had says something")
	}
}
