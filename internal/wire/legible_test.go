// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestLegible(t *testing.T) {
	for _, s := range []string{"a", "é", "e\u0301", "漢", "1", "?", "✔", "\u200ba", " b "} {
		if !Legible(s) {
			t.Errorf("%+q says nothing", s)
		}
	}
	for _, s := range []string{"", " ", "\u00a0\u2003", "\u3164", "\u115f\u1160", "\uffa0", "\u2800", "\u200b", "\u00ad", "\u2060", "\u034f",
		"\u0301", "\ufe0f", "\U000e0100", "\U000e0041", "\ue000", "\x00", "\xff"[:0]} {
		if Legible(s) {
			t.Errorf("%+q says something", s)
		}
	}
}
