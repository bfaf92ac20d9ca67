// SPDX-License-Identifier: Apache-2.0

package wire

import "unicode"

// Hidden reports whether a character leaves nothing on a screen: controls and formats,
// what fonts are told to pass over (Unicode's Default_Ignorable_Code_Point: fillers, joiners,
// variation selectors), and the empty braille cell. Spaces are not hidden.
func Hidden(r rune) bool {
	return !unicode.IsGraphic(r) && !unicode.IsSpace(r) || r == '\u2800' ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Legible reports whether a text shows anything: a name or a reason of nothing but blanks,
// hidden characters or accents without a letter tells a person nothing.
func Legible(s string) bool {
	for _, r := range s {
		if !Hidden(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) {
			return true
		}
	}
	return false
}
