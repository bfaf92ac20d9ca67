// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// plain takes the accents of French off.
func plain(w string) string {
	return strings.NewReplacer("à", "a", "â", "a", "ä", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e",
		"î", "i", "ï", "i", "ô", "o", "ö", "o", "ù", "u", "û", "u", "ü", "u", "œ", "oe").Replace(w)
}

func TestWordLists(t *testing.T) {
	for name, list := range map[string][]string{"fr": WordLists("fr")[0], "en": WordLists("fr")[1]} {
		t.Run(name, func(t *testing.T) { checkList(t, list) })
	}
}

func checkList(t *testing.T, list []string) {
	if len(list) != 2048 {
		t.Errorf("%d words, want 2048", len(list))
	}
	plains, heads := map[string]string{}, map[string]bool{}
	for _, w := range list {
		p := plain(w)
		if n := utf8.RuneCountInString(w); n < 3 || len(p) > 9 || n > 9 {
			t.Errorf("%q has %d letters", w, n)
		}
		if strings.Trim(p, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q is not all lower-case letters", w)
		}
		if other, taken := plains[p]; taken {
			t.Errorf("%q and %q differ by accents at most", w, other)
		}
		plains[p] = w
		heads[p[:min(4, len(p))]] = true
	}
	if len(heads)*10 < len(list)*9 {
		t.Errorf("only %d different beginnings of four letters", len(heads))
	}
	if !slices.IsSortedFunc(list, func(a, b string) int { return strings.Compare(plain(a), plain(b)) }) {
		t.Error("not sorted")
	}
}

func TestKnownHomophonesAreApart(t *testing.T) {
	groups := map[string][]string{
		"fr": {"maire mer mère", "vert verre vers ver", "cent sang sans", "pain pin", "seau saut sceau sot", "poids pois",
			"cygne signe", "dessein dessin", "voie voix", "fil file", "balai ballet", "thon ton", "encre ancre"},
		"en": {"bare bear", "berry bury", "flour flower", "knight night", "knot not", "mail male", "meat meet",
			"pair pear pare", "peace piece", "plain plane", "right write", "sail sale", "tail tale", "cymbal symbol"},
	}
	for lang, list := range map[string][]string{"fr": WordLists("fr")[0], "en": WordLists("fr")[1]} {
		for _, g := range groups[lang] {
			n := 0
			for _, w := range strings.Fields(g) {
				if slices.Contains(list, w) {
					n++
				}
			}
			if n > 1 {
				t.Errorf("%s: %d of %q", lang, n, g)
			}
		}
	}
}
