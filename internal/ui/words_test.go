// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/assets"
	"assist/internal/wire"
)

func tongues(t *testing.T) map[string]*words {
	t.Helper()
	out := map[string]*words{}
	for _, l := range languages() {
		w, err := loadWords(assets.I18n, l)
		if err != nil {
			t.Fatal(err)
		}
		out[l] = w
	}
	return out
}

// codes lists the values that the wire lets through, so that a new one cannot be
// forgotten here.
func codes(ok func(uint8) wire.Message) []int {
	var out []int
	for v := 1; v < 256; v++ {
		if _, err := wire.Marshal(ok(uint8(v))); err == nil {
			out = append(out, v)
		}
	}
	return out
}

func TestEverySentenceExists(t *testing.T) {
	var keys []string
	for _, v := range codes(func(v uint8) wire.Message { return &wire.Refused{Why: wire.Refusal(v)} }) {
		keys = append(keys, refusalKey(wire.Refusal(v)))
	}
	for _, v := range codes(func(v uint8) wire.Message { return &wire.Answer{Verdict: wire.Verdict(v)} }) {
		keys = append(keys, verdictKey(wire.Verdict(v)))
	}
	for _, v := range codes(func(v uint8) wire.Message { return &wire.Bye{Reason: wire.EndReason(v)} }) {
		keys = append(keys, endKey("end.here.", wire.EndReason(v)), endKey("end.there.", wire.EndReason(v)))
	}
	for _, v := range codes(func(v uint8) wire.Message { return &wire.Grant{Pictures: wire.PauseCause(v)} }) {
		keys = append(keys, pauseKey(wire.PauseCause(v)))
	}
	if len(keys) < 10+7+2*15+4 {
		t.Fatalf("only %d sentences looked for", len(keys))
	}
	for name, w := range tongues(t) {
		for _, k := range keys {
			p, ok := w.phrases[k]
			if !ok || strings.HasSuffix(k, "unknown") {
				t.Errorf("%s: no sentence %s", name, k)
			}
			if n := len(strings.Fields(p.Other)); n < 3 || !strings.HasSuffix(p.Other, ".") {
				t.Errorf("%s: %s is not a sentence: %q", name, k, p.Other)
			}
		}
	}
}

func TestPlainErrorsHaveSentences(t *testing.T) {
	for name, w := range tongues(t) {
		for _, e := range plainErrors() {
			if _, ok := w.phrases[e.key]; !ok {
				t.Errorf("%s: no sentence %s", name, e.key)
			}
		}
	}
}

// TestEveryTextUsedExists reads the package's own source for the keys.
func TestEveryTextUsedExists(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile(`"([a-z]+(?:\.[a-zA-Z0-9]+)+)"`)
	heads := map[string]bool{}
	all := tongues(t)
	for k := range all["fr"].phrases {
		heads[strings.SplitN(k, ".", 2)[0]] = true
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(b), -1) {
			if k := m[1]; heads[strings.SplitN(k, ".", 2)[0]] {
				checkKey(t, all, f, k)
			}
		}
	}
}

func checkKey(t *testing.T, all map[string]*words, file, k string) {
	t.Helper()
	if strings.HasSuffix(file, "_test.go") {
		return
	}
	for name, w := range all {
		if _, ok := w.phrases[k]; !ok {
			t.Errorf("%s: %s uses %q", name, file, k)
		}
	}
}

func TestLanguagesAgree(t *testing.T) {
	all := tongues(t)
	holes := regexp.MustCompile(`\{[a-z]+\}`)
	for k, fr := range all["fr"].phrases {
		en, ok := all["en"].phrases[k]
		if !ok {
			t.Errorf("en lacks %s", k)
			continue
		}
		a, b := holes.FindAllString(fr.Other, -1), holes.FindAllString(en.Other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) || (fr.One == "") != (en.One == "") {
			t.Errorf("%s: %v in French, %v in English", k, a, b)
		}
	}
	if len(all["en"].phrases) != len(all["fr"].phrases) {
		t.Errorf("en has %d texts, fr %d", len(all["en"].phrases), len(all["fr"].phrases))
	}
}

func TestNoKeyTwice(t *testing.T) {
	for _, l := range languages() {
		b, err := assets.I18n.ReadFile("i18n/" + l + ".json")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		d := json.NewDecoder(strings.NewReader(string(b)))
		depth := 0
		for key := false; ; {
			tok, err := d.Token()
			if err != nil {
				break
			}
			switch v := tok.(type) {
			case json.Delim:
				depth += map[json.Delim]int{'{': 1, '}': -1}[v]
				key = depth == 1
			case string:
				if key && depth == 1 {
					if seen[v] {
						t.Errorf("%s: %s twice", l, v)
					}
					seen[v] = true
				}
				key = depth == 1 && !key
			}
		}
	}
}

func TestPlurals(t *testing.T) {
	all := tongues(t)
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{
		{"fr", 0, "Aujourd’hui\u00a0: 0 tentative refusée."},
		{"fr", 1, "Aujourd’hui\u00a0: 1 tentative refusée."},
		{"fr", 2, "Aujourd’hui\u00a0: 2 tentatives refusées."},
		{"en", 0, "Today: 0 refused attempts."},
		{"en", 1, "Today: 1 refused attempt."},
	} {
		if got := all[c.lang].count("home.refused", c.n); got != c.want {
			t.Errorf("%s %d: %q", c.lang, c.n, got)
		}
	}
}

func TestFillIsOnePass(t *testing.T) {
	if got := fill("{a} {b}", []string{"a", "{b}", "b", "x"}); got != "{b} x" {
		t.Errorf("%q", got)
	}
}

func TestPickLanguage(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"", "fr_FR.UTF-8"}: "fr", {"", "fr-CA"}: "fr", {"", "en_GB"}: "en", {"", "de_DE"}: "en",
		{"", ""}: "fr", {"", "C"}: "fr", {"en", "fr_FR"}: "en", {"fr", "en_US"}: "fr", {"xx", "en_US"}: "en",
	} {
		if got := pickLanguage(in[0], in[1]); got != want {
			t.Errorf("%v: %s", in, got)
		}
	}
}

func TestWhen(t *testing.T) {
	fr := tongues(t)["fr"]
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.Local)
	for want, at := range map[string]time.Time{
		"aujourd’hui à 08:30": now.Add(-30 * time.Minute),
		"hier à 23:30":        now.Add(-9*time.Hour - 30*time.Minute),
		"19/11/2026 à 09:00":  now.AddDate(0, 0, -2),
	} {
		if got := fr.when(at, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb":                      "a b",
		"\u202eabc":                 "abc",
		"  a \t b  ":                "a b",
		"\x1b[31mrouge":             "[31mrouge",
		"é\u0301":                   "é\u0301",
		"a\u00a0b\u2028c\ufeff":     "a b c",
		strings.Repeat("x", 20):     strings.Repeat("x", 9) + "…",
		string([]byte{0xff, 'a'}):   "a",
		"a\u3164\u2800b\u034f":      "ab",
		"a\u0335\u0336\u0337\u0338": "a\u0335\u0336",
	} {
		if got := plain(in, 10); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPostNamesTheUnitOnce(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"Assistance informatique", "INCI"}:           "Assistance informatique, INCI",
		{"Assistance informatique de l'INCI", "INCI"}: "Assistance informatique de l'INCI",
		{"Responsable (inci)", "INCI"}:                "Responsable (inci)",
		{"Informatique", "I"}:                         "Informatique, I",
		{"", "INCI"}:                                  "INCI",
		{"Assistance", ""}:                            "Assistance",
		{"Atelier de chimie", "Chimie de"}:            "Atelier de chimie, Chimie de",
	} {
		if got := post(in[0], in[1]); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("Prénom Nom\u202e", 10)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 1 || limit > 1000 {
			return
		}
		got := plain(s, limit)
		if len([]rune(got)) > limit || strings.ContainsAny(got, "\n\r\t\x00\u202e\u200b") {
			t.Errorf("%q", got)
		}
	})
}
