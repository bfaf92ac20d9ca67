// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strings"
	"unicode"

	"assist/internal/wire"
)

// Longest texts of others that are shown, in characters.
const (
	maxShownName   = 48
	maxShownReason = 90
)

// mostMarks is how many accents one letter may bear: more would be drawn over the lines
// above and below.
const mostMarks = 2

// plain makes a text that came from elsewhere safe to show: one line, no control or
// formatting characters (so no reversal of direction and nothing invisible), blanks
// collapsed, no heaps of accents, cut to limit characters with an ellipsis.
func plain(s string, limit int) string {
	var out []rune
	blank, marks := false, 0
	for _, r := range strings.ToValidUTF8(s, "") {
		switch {
		case unicode.IsSpace(r):
			blank = len(out) > 0
		case wire.Hidden(r):
		case unicode.IsMark(r) && marks == mostMarks:
		default:
			if marks++; !unicode.IsMark(r) {
				marks = 0
			}
			if blank {
				out = append(out, ' ')
				blank = false
			}
			out = append(out, r)
		}
	}
	if len(out) > limit {
		return strings.TrimRight(string(out[:limit-1]), " ") + "…"
	}
	return string(out)
}

// post is a role and its unit; a role that names the unit already says both.
func post(role, unit string) string {
	if named := wordsOf(unit); named != "" && strings.Contains(" "+wordsOf(role)+" ", " "+named+" ") {
		return role
	}
	return join(", ", role, unit)
}

// wordsOf is a text in small letters, with one blank between its words and nothing else.
func wordsOf(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	}), " ")
}

// initials is at most two letters that stand for a person without a picture.
func initials(name string) string {
	var out []rune
	fields := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, f := range fields {
		if i == 0 || i == len(fields)-1 {
			out = append(out, unicode.ToUpper([]rune(f)[0]))
		}
	}
	return string(out)
}
