// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jezek/xgb/xproto"

	"assist/internal/wire"
	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// Numbers of keys are those of the server, whatever tables it was built with, and
// also after they have changed.
func TestKeysAreWhereTheServerHasThem(t *testing.T) {
	for name, serve := range map[string]func(t *testing.T){
		"virtual":       func(t *testing.T) { x11test.Start(t, displaySize) },
		"today's":       func(t *testing.T) { x11test.StartXorg(t, x11test.Evdev) },
		"old":           func(t *testing.T) { x11test.StartXorg(t, x11test.Old) },
		"old, then new": func(t *testing.T) { x11test.StartXorg(t, x11test.Old) },
	} {
		t.Run(name, func(t *testing.T) {
			serve(t)
			s := stageHere(t)
			if name == "old, then new" {
				s.strikes(0x52, 0xff52)
				run(t, "setxkbmap", "-rules", "evdev", "-model", "pc105", "-layout", "us")
			}
			for usage, sym := range signs() {
				s.strikes(usage, sym)
			}
		})
	}
}

// signs are what keys mean on an American keyboard, by HID usage.
func signs() map[uint16]xproto.Keysym {
	return map[uint16]xproto.Keysym{
		0x04: 'a', 0x1d: 'z', 0x1e: '1', 0x2c: ' ', 0x38: '/', 0x35: '`', 0x31: '\\', 0x64: '<',
		0x28: 0xff0d, 0x29: 0xff1b, 0x2a: 0xff08, 0x2b: 0xff09, // Enter, Escape, Backspace, Tab
		0x3a: 0xffbe, 0x45: 0xffc9, // F1, F12
		0x46: 0xff61, 0x48: 0xff13, 0x49: 0xff63, 0x4c: 0xffff, // Print, Pause, Insert, Delete
		0x4a: 0xff50, 0x4d: 0xff57, 0x4b: 0xff55, 0x4e: 0xff56, // Home, End, Page Up, Page Down
		0x4f: 0xff53, 0x50: 0xff51, 0x51: 0xff54, 0x52: 0xff52, // Right, Left, Down, Up
		0x54: 0xffaf, 0x58: 0xff8d, 0x59: 0xff9c, 0x62: 0xff9e, // keypad / Enter 1 0
		0x65: 0xff67, 0xe0: 0xffe3, 0xe1: 0xffe1, 0xe2: 0xffe9, 0xe3: 0xffeb, // Menu, left modifiers
		0xe4: 0xffe4, 0xe5: 0xffe2, 0xe6: 0xffea, 0xe7: 0xffec, // right modifiers
	}
}

// strikes strikes a key and looks at what the server says it means.
func (s *stage) strikes(usage uint16, want xproto.Keysym) {
	s.t.Helper()
	codes := s.pressed(usage)
	c := s.look()
	defer c.Close()
	for _, code := range codes {
		r, err := xproto.GetKeyboardMapping(c.X, code, 1).Reply()
		if err != nil {
			s.t.Fatal(err)
		}
		if r.Keysyms[0] != want {
			s.t.Errorf("usage %#x is key %d, which means %#x, not %#x", usage, code, r.Keysyms[0], want)
		}
	}
	if len(codes) != 1 {
		s.t.Errorf("usage %#x makes keys %d", usage, codes)
	}
}

// look connects to the display to see what became of it.
func (s *stage) look() *x11.Conn {
	s.t.Helper()
	c, err := x11.Dial("", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// pressed strikes a key and returns the keys that are down meanwhile.
func (s *stage) pressed(usage uint16) (down []xproto.Keycode) {
	s.t.Helper()
	c := s.look()
	defer c.Close()
	s.do(&wire.Key{Usage: usage, Down: true})
	r, err := xproto.QueryKeymap(c.X).Reply()
	if err != nil {
		s.t.Fatal(err)
	}
	s.do(&wire.Key{Usage: usage})
	for code := range 256 {
		if r.Keys[code/8]&(1<<(code%8)) != 0 {
			down = append(down, xproto.Keycode(code))
		}
	}
	return down
}

func TestEveryKeyArrivesAsItsKeyCode(t *testing.T) {
	s := setTheStage(t)
	run(t, "setxkbmap", "-rules", "evdev", "-model", "pc105", "-layout", "us")
	p := startProgram(t, everywhere())
	for usage, evdev := range evdevTable() {
		if evdev == 0 || usage == 0x53 || usage == 0x39 || usage == 0x47 { // the locks have their own test
			continue
		}
		p.forget()
		s.do(&wire.Key{Usage: uint16(usage), Down: true}, &wire.Key{Usage: uint16(usage)})
		p.expect(fmt.Sprintf("key %d down", evdev+8), fmt.Sprintf("key %d up", evdev+8))
	}
	if err := s.desk.Do(&wire.Key{Usage: 0x66, Down: true}); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the power key: %v", err)
	}
}

// evdevMain is usages 0x04 to 0x65: the main block, the F keys to F12, navigation
// and the keypad.
func evdevMain() [0x62]uint8 {
	return [...]uint8{
		30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, // A to L
		50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44, // M to Z
		2, 3, 4, 5, 6, 7, 8, 9, 10, 11, // 1 to 0
		28, 1, 14, 15, 57, // Enter, Escape, Backspace, Tab, Space
		12, 13, 26, 27, 43, 43, // - = [ ] \ and the non-US #
		39, 40, 41, 51, 52, 53, 58, // ; ' ` , . / and Caps Lock
		59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88, // F1 to F12
		99, 70, 119, // Print, Scroll Lock, Pause
		110, 102, 104, 111, 107, 109, // Insert, Home, Page Up, Delete, End, Page Down
		106, 105, 108, 103, // Right, Left, Down, Up
		69, 98, 55, 74, 78, 96, // Num Lock, keypad / * - + Enter
		79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, // keypad 1 to 9, 0, .
		86, 127, // the non-US \ and Menu
	}
}

// evdevMore is usages 0x67 to 0x94: keypad =, F13 to F24, editing, sound,
// international keys.
func evdevMore() [0x2e]uint8 {
	return [...]uint8{
		117,                                                        // keypad =
		183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194, // F13 to F24
		134, 138, 130, 132, 128, 129, 131, 137, 133, 135, 136, // Execute, Help, Menu, Select, Stop, Again, Undo, Cut, Copy, Paste, Find
		113, 115, 114, 0, 0, 0, // Mute, Volume Up, Volume Down; locking keys
		121, 0, // keypad comma, keypad = of the AS/400
		89, 93, 124, 92, 94, 95, 0, 0, 0, // International1 (Ro), 2 (Kana), 3 (Yen), 4 (Henkan), 5 (Muhenkan), 6 to 9
		122, 123, 90, 91, 0, // Lang1 (Hangul), 2 (Hanja), 3 (Katakana), 4 (Hiragana)
	}
}

// evdevModifiers is usages 0xe0 to 0xe7: Control, Shift, Alt, Super; left, then right.
func evdevModifiers() [8]uint8 { return [...]uint8{29, 42, 56, 125, 97, 54, 100, 126} }

// evdevTable maps a HID usage to its evdev code: the number by which Linux knows the
// physical key, to which servers of today add eight.
func evdevTable() [lastUsage + 1]uint8 {
	var t [lastUsage + 1]uint8
	main, more, modifiers := evdevMain(), evdevMore(), evdevModifiers()
	copy(t[firstUsage:], main[:])
	copy(t[0x67:], more[:])
	t[0x9c] = 111 // Clear
	t[0xb6] = 179 // keypad (
	t[0xb7] = 180 // keypad )
	copy(t[0xe0:], modifiers[:])
	return t
}
