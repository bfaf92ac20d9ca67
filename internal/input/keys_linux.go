// SPDX-License-Identifier: Apache-2.0

package input

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// Keys of the USB HID keyboard page (0x07), by blocks, as the X server names their
// places: its numbers for them differ from server to server. "-" is a key that does
// not exist there, or that nobody may press from afar (power); a second name is what
// older tables of the server say.

// firstUsage and lastUsage bound the usages that package wire lets through.
const (
	firstUsage = 0x04
	lastUsage  = 0xe7
)

// placesMain is usages 0x04 to 0x65: the main block, the F keys to F12, navigation
// and the keypad.
const placesMain = `AC01 AB05 AB03 AC03 AD03 AC04 AC05 AC06 AD08 AC07 AC08 AC09
AB07 AB06 AD09 AD10 AD01 AD04 AC02 AD05 AD07 AB04 AD02 AB02 AD06 AB01
AE01 AE02 AE03 AE04 AE05 AE06 AE07 AE08 AE09 AE10
RTRN ESC BKSP TAB SPCE
AE11 AE12 AD11 AD12 BKSL BKSL AC10 AC11 TLDE AB08 AB09 AB10 CAPS
FK01 FK02 FK03 FK04 FK05 FK06 FK07 FK08 FK09 FK10 FK11 FK12
PRSC SCLK PAUS INS HOME PGUP DELE END PGDN RGHT LEFT DOWN UP
NMLK KPDV KPMU KPSU KPAD KPEN KP1 KP2 KP3 KP4 KP5 KP6 KP7 KP8 KP9 KP0 KPDL
LSGT COMP|MENU`

// placesMore is usages 0x67 to 0x93: keypad =, F13 to F24, editing (Execute, Help,
// Menu, Select, Stop, Again, Undo, Cut, Copy, Paste, Find), sound, locking keys,
// keypad comma and = of the AS/400, International1 to 9, Lang1 to 4.
const placesMore = `KPEQ FK13 FK14 FK15 FK16 FK17 FK18 FK19 FK20 FK21 FK22 FK23 FK24
OPEN HELP PROP FRNT STOP AGAI UNDO CUT COPY PAST FIND
MUTE VOL+ VOL- - - - I129|KPDC -
AB11 HKTG AE13 HENK|XFER MUHE|NFER JPCM - - -
HNGL HJCV KATA HIRA`

// placesModifiers is usages 0xe0 to 0xe7: Control, Shift, Alt, Super; left, then right.
const placesModifiers = "LCTL LFSH LALT LWIN|LMTA RCTL RTSH RALT RWIN|RMTA"

// places lists by HID usage what the place of a key may be called.
func places() [lastUsage + 1][]string {
	var all [lastUsage + 1][]string
	for first, block := range map[int]string{firstUsage: placesMain, 0x67: placesMore, 0xe0: placesModifiers,
		0x9c: "DELE", 0xb6: "I187 I188"} { // Clear; keypad ( and )
		for i, names := range strings.Fields(block) {
			if names != "-" {
				all[first+i] = strings.Split(names, "|")
			}
		}
	}
	return all
}

// keyTable is the number of each key on one server, by HID usage; 0 where it has none.
type keyTable [lastUsage + 1]xproto.Keycode

// numbered makes the table of a server that has these numbers for its places.
func numbered(codes map[string]byte) keyTable {
	var t keyTable
	for usage, names := range places() {
		for _, n := range names {
			if t[usage] == 0 {
				t[usage] = xproto.Keycode(codes[n])
			}
		}
	}
	return t
}

// keypad reports whether a key is of the keypad, where Num Lock decides what it types.
func (t *keyTable) keypad(code xproto.Keycode) bool {
	for usage, c := range t {
		if c != 0 && c == code && (usage >= 0x54 && usage <= 0x63 || usage == 0x67 || usage == 0x85 || usage == 0xb6 || usage == 0xb7) {
			return true
		}
	}
	return false
}

// keyboard knows the numbers of the keys as the server has them now.
type keyboard struct {
	conn  *x11.Conn
	names atomic.Pointer[x11.Keyboard]
	stale atomic.Bool // the server's keyboard has changed

	mu    sync.Mutex // never held while the server is waited for: letting go takes it too
	table keyTable
	down  map[uint16]xproto.Keycode // by usage, as each was pressed last
}

// event runs on the connection's reader.
func (k *keyboard) event(e x11.Event) {
	if names := k.names.Load(); names != nil && names.Changed(e) {
		k.stale.Store(true)
	}
}

// begin reads the numbers and asks to be told when they change.
func (k *keyboard) begin(conn *x11.Conn, names *x11.Keyboard) error {
	k.conn, k.down = conn, map[uint16]xproto.Keycode{}
	k.names.Store(names)
	if err := names.Follow(); err != nil {
		return err
	}
	return k.read()
}

// read asks the server for the numbers.
func (k *keyboard) read() error {
	k.stale.Store(false)
	codes, err := k.names.Load().KeyCodes(k.conn.InjectingKeyboard())
	if err != nil {
		k.stale.Store(true)
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.table = numbered(codes)
	return nil
}

// now returns the table after the changes that were told so far.
func (k *keyboard) now() (keyTable, error) {
	if k.stale.Load() {
		if err := k.read(); err != nil {
			return keyTable{}, err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.table, nil
}

// press is the number of a key that is about to be pressed.
func (k *keyboard) press(usage uint16) (xproto.Keycode, error) {
	t, err := k.now()
	if err != nil {
		return 0, err
	}
	if int(usage) >= len(t) || t[usage] == 0 {
		return 0, ErrUnknownKey
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.down[usage] = t[usage]
	return t[usage], nil
}

// lift is the number that a key was pressed by; false when it never was.
func (k *keyboard) lift(usage uint16) (xproto.Keycode, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	code, ok := k.down[usage]
	return code, ok
}
