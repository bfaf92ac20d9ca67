// SPDX-License-Identifier: Apache-2.0

package view

import "testing"

// codes of a few keys whose place is easily mistaken, on each system.
func TestKeyTable(t *testing.T) {
	for _, c := range []struct {
		goos  string
		scan  int
		usage uint16
	}{
		{"linux", 9, 0x29}, {"linux", 24, 0x14}, {"linux", 38, 0x04}, {"linux", 94, 0x64},
		{"linux", 108, 0xe6}, {"linux", 133, 0xe3}, {"linux", 110, 0x4a}, {"linux", 127, 0x48},
		{"linux", 0, 0}, {"linux", -1, 0}, {"linux", 5000, 0},
		{"windows", 0x10, 0x14}, {"windows", 0x45, 0x48}, {"windows", 0x145, 0x53},
		{"windows", 0x56, 0x64}, {"windows", 0x11c, 0x58}, {"windows", 0x1c, 0x28}, {"windows", 0x138, 0xe6},
		{"darwin", 0x00, 0x04}, {"darwin", 0x0c, 0x14}, {"darwin", 0x35, 0x29}, {"darwin", 0x3d, 0xe6},
	} {
		if got := newKeyTable(c.goos).usage(c.scan); got != c.usage {
			t.Errorf("%s scan code %#x: usage %#x, want %#x", c.goos, c.scan, got, c.usage)
		}
	}
}

// Every key of a full keyboard has a code on each system, and no two codes of a
// system name one key.
func TestKeyTableComplete(t *testing.T) {
	missing := map[string]map[uint16]bool{
		"darwin": {0x46: true, 0x47: true, 0x48: true}, // no such keys
	}
	for _, goos := range []string{"linux", "windows", "darwin"} {
		seen := map[uint16]int{}
		for scan, u := range newKeyTable(goos) {
			if u == 0 {
				continue
			}
			if other, twice := seen[u]; twice {
				t.Errorf("%s: usage %#x has the codes %#x and %#x", goos, u, other, scan)
			}
			seen[u] = scan
		}
		for _, r := range [][2]uint16{{0x04, 0x31}, {0x33, 0x65}, {0x68, 0x6b}, {0xe0, 0xe7}} {
			for u := r[0]; u <= r[1]; u++ {
				if _, ok := seen[u]; !ok && !missing[goos][u] {
					t.Errorf("%s: usage %#x has no code", goos, u)
				}
			}
		}
	}
}

// scan is the code of a usage on this table.
func (t *keyTable) scan(usage uint16) int {
	for scan, u := range t {
		if u == usage {
			return scan
		}
	}
	return -1
}

func TestKeyboardMatchesPresses(t *testing.T) {
	k := newKeyboard("linux")
	a, unknown := k.table.scan(0x04), 500
	if k.press(a) != 0x04 || k.press(a) != 0 {
		t.Error("a key that is down was pressed again")
	}
	if u, _ := k.release(a); u != 0x04 {
		t.Error("release lost")
	}
	if u, _ := k.release(a); u != 0 {
		t.Error("a key that is up was released")
	}
	if k.press(unknown) != 0 || k.letGo() {
		t.Error("an unknown key is held")
	}
}

func TestReleaseChord(t *testing.T) {
	const ctrl, shift, alt, altgr, x = 0xe0, 0xe1, 0xe2, 0xe6, 0x1b
	for _, c := range []struct {
		name  string
		press []uint16 // in this order; the last one is let go first
		chord bool
	}{
		{"the three", []uint16{ctrl, alt, shift}, true},
		{"in another order", []uint16{shift, ctrl, alt}, true},
		{"right ones", []uint16{0xe4, 0xe5, alt}, true},
		{"two", []uint16{ctrl, alt}, false},
		{"with a letter", []uint16{ctrl, alt, shift, x}, false},
		{"letter first", []uint16{x, ctrl, alt, shift}, false},
		{"alt gr", []uint16{ctrl, altgr, shift}, false},
	} {
		k := newKeyboard("linux")
		for _, u := range c.press {
			k.press(k.table.scan(u))
		}
		_, chord := k.release(k.table.scan(c.press[len(c.press)-1]))
		if chord != c.chord {
			t.Errorf("%s: chord %v, want %v", c.name, chord, c.chord)
		}
	}
}
