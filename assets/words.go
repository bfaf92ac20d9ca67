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

// WordLists is the lists that check words are drawn from, 2048 sorted words each: first
// that of a language ("fr", or "en"), then the other. Word i of one list is not the
// translation of word i of the other.
func WordLists(language string) [2][]string {
	fr, en := strings.Fields(wordsFR), strings.Fields(wordsEN)
	if language == "fr" {
		return [2][]string{fr, en}
	}
	return [2][]string{en, fr}
}
