// SPDX-License-Identifier: Apache-2.0

package assets

import (
	_ "embed"
	"strings"
)

//go:embed words_fr.txt
var wordsFR string

//go:embed words_en.txt
var wordsEN string

// WordsFR is the French list that check words are drawn from: 2048 words,
// sorted. Both ends of a session must use the same list; French is the default.
func WordsFR() []string { return strings.Fields(wordsFR) }

// WordsEN is the English list, of the same size. Word i of one list is not the
// translation of word i of the other.
func WordsEN() []string { return strings.Fields(wordsEN) }
