// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strings"

	"fyne.io/fyne/v2/widget"

	"assist/internal/wire"
)

// group writes digits by fours: 4829 1730 5566.
func group(digits string) string {
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// onlyDigits keeps at most limit digits of a text.
func onlyDigits(s string, limit int) string {
	var b strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' && b.Len() < limit {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// regroup brings a number being typed into groups; cursor counts characters, before and
// after.
func regroup(typed string, cursor int) (shown string, at int) {
	runes := []rune(typed)
	before := len(onlyDigits(string(runes[:min(cursor, len(runes))]), wire.MachineDigits))
	shown = group(onlyDigits(typed, wire.MachineDigits))
	at = before
	if before > 0 {
		at += (before - 1) / 4
	}
	return shown, min(at, len(shown))
}

// newMachineEntry is the field of a machine's number: it groups the digits as they are
// typed and tells changed the digits alone.
func newMachineEntry(digits *string, changed func(), enter func()) *widget.Entry {
	e := widget.NewEntry()
	e.SetText(group(*digits))
	e.SetPlaceHolder("0000 0000 0000")
	e.OnChanged = func(s string) {
		shown, at := regroup(s, e.CursorColumn)
		if shown != s {
			e.CursorColumn = at
			e.SetText(shown) // comes back here with the grouped text
			e.CursorColumn = at
			e.Refresh()
			return
		}
		*digits = onlyDigits(s, wire.MachineDigits)
		changed()
	}
	e.OnSubmitted = func(string) { enter() }
	return e
}

// newTOTPEntry is the field of a code of six digits.
func newTOTPEntry(code *string, enter func()) *widget.Entry {
	e := widget.NewEntry()
	e.SetText(*code)
	e.SetPlaceHolder("000000")
	e.OnChanged = func(s string) {
		if d := onlyDigits(s, 6); d != s {
			e.SetText(d)
			return
		}
		*code = s
	}
	e.OnSubmitted = func(string) { enter() }
	return e
}
