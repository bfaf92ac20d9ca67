// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestTypography holds every text to one way of writing. The space before ; : ! ? » % and
// after « does not break: U+00A0, since the banner's font draws U+202F as a box.
func TestTypography(t *testing.T) {
	straight := regexp.MustCompile(`['"]`)
	wrong := map[string][]*regexp.Regexp{
		"en": {straight, regexp.MustCompile(`\s[;:!?%»]`)},
		"fr": {straight, regexp.MustCompile(`[^\x{a0}][;!?%»]|« |«[^\x{a0}]|[ \x{202f}]:|[\p{L}\p{N})}]: |[“”\x{202f}]`)},
	}
	files, err := fs.Glob(I18n, "i18n/*.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := I18n.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		language := strings.Split(file, ".")[strings.Count(file, ".")-1]
		for _, text := range strs(t, b) {
			for _, w := range wrong[strings.TrimPrefix(language, "i18n/")] {
				if at := w.FindString(text); at != "" {
					t.Errorf("%s: %q in %q", file, at, text)
				}
			}
		}
	}
}

// strs are the texts of a file, those by number included.
func strs(t *testing.T, b []byte) []string {
	var texts map[string]any
	if err := json.Unmarshal(b, &texts); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range texts {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case map[string]any:
			for _, one := range v {
				out = append(out, one.(string))
			}
		}
	}
	return out
}
