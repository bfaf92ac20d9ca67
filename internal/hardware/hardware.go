// SPDX-License-Identifier: Apache-2.0

// Package hardware tells by which marks this computer's own hardware is known: numbers
// that a maker gave to one piece alone, and that an ordinary user may read.
//
// It judges nothing. A mark that is not one piece's own (the serial number of a virtual
// disk, which is copied with the disk; the address of a docking station, which goes from
// hand to hand; a model's name) would make two computers look like one, so what is in
// doubt is left out. So is what cannot be read: no mark is no error.
package hardware

import "strings"

// maxMarks bounds what is told of one computer.
const maxMarks = 16

// Marks are this computer's, each once. None is known on systems other than Linux.
func Marks() []string { return tree("/").marks() }

// own reports whether a maker's value can be one piece's own: long enough, and none of
// those that stand for nothing. What comes before the first point names a kind.
func own(value string) bool {
	_, number, kind := strings.Cut(value, ".")
	if !kind {
		number = value
	}
	number = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" :-_.", r) {
			return -1
		}
		return r
	}, number)
	if len(number) < 6 || strings.Contains(number, "12345678") {
		return false
	}
	return strings.Trim(number, number[:1]) != ""
}
