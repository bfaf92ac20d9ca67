// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"fmt"
	"strings"

	"github.com/jezek/xgb"
)

// XKB, spoken by hand: package xgb has no part for it. Numbers and offsets are
// those of the protocol text (XKBproto).
const (
	xkbUseExtension = 0
	xkbSelectEvents = 1
	xkbGetNames     = 17

	xkbNewKeyboard = 1 << 0 // kinds of events
	xkbNames       = 1 << 6
	xkbKeyNames    = 1 << 9 // kinds of names
	xkbKeyAliases  = 1 << 10
)

// CoreKeyboard stands for the keyboard that clients see.
const CoreKeyboard uint16 = 0x100

// Keyboard speaks the keyboard extension on one connection.
type Keyboard struct {
	c      *Conn
	opcode byte
	event  byte // of all its events
}

// Keyboard opens the extension.
func (c *Conn) Keyboard() (*Keyboard, error) {
	opcode, event, err := c.Extension("XKEYBOARD")
	if err != nil {
		return nil, err
	}
	k := &Keyboard{c, opcode, event}
	if _, err = k.Query(xkbUseExtension, le16(1), le16(0)); err != nil {
		return nil, fmt.Errorf("keyboard extension: %w", err)
	}
	return k, nil
}

// Query is Conn.Query for a request of this extension.
func (k *Keyboard) Query(minor byte, fields ...[]byte) ([]byte, error) {
	return k.c.Query(k.opcode, minor, fields...)
}

// Tell is Conn.Tell for a request of this extension.
func (k *Keyboard) Tell(minor byte, fields ...[]byte) error {
	return k.c.Tell(k.opcode, minor, fields...)
}

// Follow asks to be told when another keyboard is used, or its keys are numbered anew.
func (k *Keyboard) Follow() error {
	which := le16(xkbNewKeyboard | xkbNames)
	if err := k.Tell(xkbSelectEvents, le16(CoreKeyboard), which, le16(0), which, le16(0), le16(0)); err != nil {
		return fmt.Errorf("changes of the keyboard: %w", err)
	}
	return nil
}

// Changed reports whether an event tells of such a change.
func (k *Keyboard) Changed(e Event) bool { return e.Code() == k.event }

// InjectingKeyboard is the device through which XTEST presses keys, or CoreKeyboard
// where that is not known. Its keys may have other numbers than those of a keyboard
// that is plugged in.
func (c *Conn) InjectingKeyboard() uint16 {
	_, _, devices, err := c.inputDevices()
	if err != nil {
		return CoreKeyboard
	}
	for _, d := range devices {
		if d.injects() && d.use == xiSlaveKeyboard {
			return d.id
		}
	}
	return CoreKeyboard
}

// KeyCodes returns the number of each key of a keyboard by the name that the server
// has for its place, such as AC01 for the first of the home row. Servers differ in
// the numbers, not in the names.
func (k *Keyboard) KeyCodes(keyboard uint16) (map[string]byte, error) {
	reply, err := k.Query(xkbGetNames, le16(keyboard), le16(0), le32(xkbKeyNames|xkbKeyAliases))
	if err != nil {
		return nil, fmt.Errorf("names of keys: %w", err)
	}
	return parseKeyNames(reply), nil
}

// parseKeyNames reads names of four bytes, in the order of the keys, and after them
// pairs of a name and what else the key is called.
func parseKeyNames(reply []byte) map[string]byte {
	const head, size = 32, 4
	codes := map[string]byte{}
	code, count, aliases, b := reply[18], int(reply[19]), int(reply[25]), reply[head:]
	which := xgb.Get32(reply[8:])
	if which&xkbKeyNames == 0 {
		count = 0
	}
	if which&xkbKeyAliases == 0 {
		aliases = 0
	}
	name := func() string {
		n := strings.TrimRight(string(b[:size]), "\x00")
		b = b[size:]
		return n
	}
	for ; count > 0 && len(b) >= size; count-- {
		if n := name(); n != "" {
			codes[n] = code
		}
		code++
	}
	for ; aliases > 0 && len(b) >= 2*size; aliases-- {
		first, alias := name(), name()
		if _, taken := codes[alias]; !taken && codes[first] != 0 {
			codes[alias] = codes[first]
		}
	}
	return codes
}
