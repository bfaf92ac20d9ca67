// SPDX-License-Identifier: Apache-2.0

package view

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

func texts(t *testing.T, language string) map[string]string {
	b, err := os.ReadFile("../../../assets/i18n/view." + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// Both languages have the same keys with the same blanks, and they are those that
// the code asks for.
func TestTextsAreComplete(t *testing.T) {
	fr, en := texts(t, "fr"), texts(t, "en")
	blank := regexp.MustCompile(`\{[a-z]+\}`)
	for k, v := range fr {
		if en[k] == "" {
			t.Errorf("%s is not in English", k)
		}
		if a, b := blank.FindAllString(v, -1), blank.FindAllString(en[k], -1); !slices.Equal(a, b) {
			t.Errorf("%s: blanks %v and %v", k, a, b)
		}
	}
	for k := range en {
		if fr[k] == "" {
			t.Errorf("%s is not in French", k)
		}
	}
	files, _ := filepath.Glob("*.go")
	quoted := regexp.MustCompile(`"(view\.[a-zA-Z.]*[a-zA-Z])"`)
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(src), -1) {
			if fr[m[1]] == "" {
				t.Errorf("%s: %s has no text", f, m[1])
			}
		}
	}
}
