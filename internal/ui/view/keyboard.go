// SPDX-License-Identifier: Apache-2.0

package view

// Usages that the view itself looks at.
const (
	usageEnter     = 0x28
	usageEscape    = 0x29
	usageTab       = 0x2b
	usageF1        = 0x3a
	usagePrint     = 0x46
	usageDelete    = 0x4c
	usageLeftCtrl  = 0xe0
	usageLeftShift = 0xe1
	usageLeftAlt   = 0xe2
	usageLeftSuper = 0xe3
	usageRightCtrl = 0xe4
	usageRightShft = 0xe5
)

// keyboard remembers which keys the host holds down on the technician's behalf,
// so that each press is matched by one release. It belongs to the toolkit's
// goroutine.
//
// It also sees the release chord: Ctrl, Alt and Shift pressed together, with no
// other key, and let go. The chord gives the keyboard back to the toolbar.
type keyboard struct {
	table *keyTable
	held  map[uint16]bool
	armed bool // the three are down and nothing else was pressed since
}

func newKeyboard(goos string) *keyboard {
	return &keyboard{table: newKeyTable(goos), held: map[uint16]bool{}}
}

// press returns the usage to send as pressed, or 0 for an unknown key and for
// one that is down already.
func (k *keyboard) press(scan int) uint16 {
	u := k.table.usage(scan)
	if u == 0 || k.held[u] {
		return 0
	}
	k.held[u] = true
	k.armed = len(k.held) == 3 && k.chordDown()
	return u
}

// release returns the usage to send as released, or 0 when the host does not
// hold it, and whether this completes the release chord.
func (k *keyboard) release(scan int) (usage uint16, chord bool) {
	u := k.table.usage(scan)
	if u == 0 || !k.held[u] {
		return 0, false
	}
	chord = k.armed
	k.armed = false
	delete(k.held, u)
	return u, chord
}

// chordDown reports whether Ctrl, the left Alt and Shift are down. AltGr is not
// Alt: with Shift and Ctrl it types on some layouts.
func (k *keyboard) chordDown() bool {
	return (k.held[usageLeftCtrl] || k.held[usageRightCtrl]) &&
		(k.held[usageLeftShift] || k.held[usageRightShft]) && k.held[usageLeftAlt]
}

// letGo forgets all held keys and reports whether there were any.
func (k *keyboard) letGo() bool {
	any := len(k.held) > 0
	clear(k.held)
	k.armed = false
	return any
}
