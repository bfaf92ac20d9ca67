// SPDX-License-Identifier: Apache-2.0

package input

import (
	"encoding/binary"
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// XKB, spoken by hand: package xgb has no part for it. Numbers and offsets are
// those of the protocol text (XKBproto).
const (
	xkbGetState       = 4
	xkbLatchLockState = 5
	numLock           = 1 << 4 // Mod2: changes the keypad alone
	maxGroup          = 1      // the core keyboard map holds groups 0 and 1
)

// locks is the part of the keyboard's state that would change typed text.
type locks struct {
	base    uint8 // modifiers held down
	locked  uint8
	latched uint8
	group   uint8 // the layout in use
}

// xkb asks for and sets the keyboard's state.
type xkb struct{ *x11.Keyboard }

func (k xkb) state() (locks, error) {
	r, err := k.Query(xkbGetState, le16(x11.CoreKeyboard), le16(0))
	if err != nil {
		return locks{}, fmt.Errorf("keyboard state: %w", err)
	}
	return locks{base: r[9], latched: r[10], locked: r[11], group: r[12]}, nil
}

// lock sets the locked modifiers, but for Num Lock, and clears the latched ones.
func (k xkb) lock(locked uint8) error {
	affect := ^uint8(numLock)
	err := k.Tell(xkbLatchLockState, le16(x11.CoreKeyboard),
		[]byte{affect, locked & affect, 0, 0, 0xff, 0, 0, 0}, le16(0))
	if err != nil {
		return fmt.Errorf("keyboard locks: %w", err)
	}
	return nil
}

// keymap is the core keyboard map: for each key code, per symbols.
type keymap struct {
	first xproto.Keycode
	per   int
	syms  []xproto.Keysym
	keys  keyTable
}

func readKeymap(c *xgb.Conn, keys keyTable) (keymap, error) {
	setup := xproto.Setup(c)
	count := byte(setup.MaxKeycode - setup.MinKeycode + 1)
	r, err := xproto.GetKeyboardMapping(c, setup.MinKeycode, count).Reply()
	if err != nil {
		return keymap{}, fmt.Errorf("keyboard map: %w", err)
	}
	return keymap{first: setup.MinKeycode, per: int(r.KeysymsPerKeycode), syms: r.Keysyms, keys: keys}, nil
}

// of returns the symbols of the i-th key.
func (m keymap) of(i int) []xproto.Keysym { return m.syms[i*m.per : (i+1)*m.per] }

func (m keymap) count() int {
	if m.per == 0 {
		return 0
	}
	return len(m.syms) / m.per
}

// stroke is one key press that types one character.
type stroke struct {
	code  xproto.Keycode
	shift bool
}

// find returns the key that types a symbol in a group, alone or with Shift. Keys
// of the keypad do not count: there Num Lock decides.
func (m keymap) find(sym xproto.Keysym, group uint8) (stroke, bool) {
	if group > maxGroup {
		return stroke{}, false
	}
	for level := range 2 {
		column := 2*int(group) + level
		for i := 0; i < m.count() && column < m.per; i++ {
			code := m.first + xproto.Keycode(i)
			if m.of(i)[column] == sym && !m.keys.keypad(code) {
				return stroke{code, level == 1}, true
			}
		}
	}
	return stroke{}, false
}

// unused lists the keys without any symbol, those that no keyboard has first.
func (m keymap) unused() []xproto.Keycode {
	var on [256]bool
	for _, code := range m.keys {
		on[code] = true
	}
	var absent, present []xproto.Keycode
	for i := range m.count() {
		code := m.first + xproto.Keycode(i)
		switch {
		case !m.empty(i):
		case on[code]:
			present = append(present, code)
		default:
			absent = append(absent, code)
		}
	}
	return append(absent, present...)
}

func (m keymap) empty(i int) bool {
	for _, s := range m.of(i) {
		if s != 0 {
			return false
		}
	}
	return true
}

// keysym is the symbol of a character: Latin-1 is its own, the rest has the
// Unicode bit.
func keysym(r rune) xproto.Keysym {
	if r >= 0x20 && r <= 0x7e || r >= 0xa0 && r <= 0xff {
		return xproto.Keysym(r)
	}
	return xproto.Keysym(r) | 0x01000000
}

func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
