// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// languages are those that exist, the reference first.
func languages() []string { return []string{"fr", "en"} }

// phrase is one text of a language; One is empty when it has no singular of its own.
type phrase struct{ One, Other string }

// UnmarshalJSON reads a plain text, or {"one": …, "other": …}.
func (p *phrase) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &p.Other) == nil {
		return nil
	}
	var both struct{ One, Other string }
	if err := json.Unmarshal(b, &both); err != nil {
		return fmt.Errorf("phrase: %w", err)
	}
	*p = phrase(both)
	return nil
}

// words is one language.
type words struct {
	code    string
	phrases map[string]phrase
}

// loadWords reads i18n/<code>.json.
func loadWords(fsys fs.FS, code string) (*words, error) {
	b, err := fs.ReadFile(fsys, "i18n/"+code+".json")
	if err != nil {
		return nil, fmt.Errorf("read translations: %w", err)
	}
	w := &words{code: code}
	if err := json.Unmarshal(b, &w.phrases); err != nil {
		return nil, fmt.Errorf("read translations %s: %w", code, err)
	}
	return w, nil
}

// say is the text of a key, with each {name} replaced: pairs are name, value, name,
// value… A key without a text is its own text, which the tests exclude.
func (w *words) say(key string, pairs ...string) string {
	p, ok := w.phrases[key]
	if !ok {
		return key
	}
	return fill(p.Other, pairs)
}

// count is say with a number, {n}, that chooses between one and several.
func (w *words) count(key string, n int, pairs ...string) string {
	p, ok := w.phrases[key]
	if !ok {
		return key
	}
	text := p.Other
	if p.One != "" && w.singular(n) {
		text = p.One
	}
	return fill(text, append(pairs, "n", fmt.Sprint(n)))
}

// singular: French counts zero as one, English does not.
func (w *words) singular(n int) bool {
	if w.code == "fr" {
		return n == 0 || n == 1
	}
	return n == 1
}

// fill replaces in one pass, so that a value which holds braces stays as it is.
func fill(text string, pairs []string) string {
	if len(pairs) == 0 {
		return text
	}
	named := make([]string, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		named[i], named[i+1] = "{"+pairs[i]+"}", pairs[i+1]
	}
	return strings.NewReplacer(named...).Replace(text)
}

// date is a day as the language writes it.
func (w *words) date(t time.Time) string { return t.Local().Format(w.say("format.date")) }

// when is a moment: the day, unless it is today, and the time.
func (w *words) when(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	clock := t.Format("15:04")
	switch days(now) - days(t) {
	case 0:
		return w.say("format.today", "time", clock)
	case 1:
		return w.say("format.yesterday", "time", clock)
	}
	return w.say("format.moment", "date", w.date(t), "time", clock)
}

// days numbers the days of the calendar.
func days(t time.Time) int64 {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// length is a duration in words.
func (w *words) length(d time.Duration) string {
	d = d.Round(time.Second)
	if d < time.Minute {
		return w.count("format.seconds", int(d/time.Second))
	}
	text := w.count("format.minutes", int(d/time.Minute))
	if s := int(d % time.Minute / time.Second); s > 0 {
		text += " " + w.count("format.seconds", s)
	}
	return text
}

// clock is a duration as minutes:seconds.
func clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// pickLanguage is the person's choice, else the system's, else English for a system
// that is set but not French, and French for one that says nothing.
func pickLanguage(chosen, locale string) string {
	for _, l := range languages() {
		if chosen == l {
			return l
		}
	}
	locale = strings.ToLower(locale)
	if locale == "" || locale == "c" || strings.HasPrefix(locale, "c.") || locale == "posix" || strings.HasPrefix(locale, "fr") {
		return "fr"
	}
	return "en"
}
