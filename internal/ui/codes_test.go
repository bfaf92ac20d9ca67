// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"assist/internal/wire"
)

// codesPage is where the codes are explained to whoever has one read out.
const codesPage = "../../docs/codes.md"

// code is one code, and the keys of the sentences that it may stand behind.
type code struct {
	name string
	keys []string
}

// allCodes are those of the sentences, in their order.
func allCodes() []code {
	all := []code{{"A0", []string{"error.unexpected"}}}
	for i, e := range plainErrors() {
		all = append(all, code{fmt.Sprint("A", i+1), []string{e.key}})
	}
	for b := BarNone + 1; b <= BarUnexpected; b++ {
		all = append(all, code{fmt.Sprint("C", b), []string{barKey("bar.here.", b), barKey("bar.there.", b)}})
	}
	for _, v := range codes(func(v uint8) wire.Message { return &wire.Bye{Reason: wire.EndReason(v)} }) {
		all = append(all, code{fmt.Sprint("E", v), []string{endKey("end.there.", wire.EndReason(v))}})
	}
	for l := LackNone + 1; l <= LackOther; l++ {
		all = append(all, code{fmt.Sprint("L", l), []string{lackKey(l)}})
	}
	for _, v := range codes(func(v uint8) wire.Message { return &wire.Refused{Why: wire.Refusal(v)} }) {
		keys := []string{refusalKey(wire.Refusal(v))}
		switch wire.Refusal(v) {
		case wire.RefusedIdentity:
			for _, at := range []string{"enrol", "login", "confirm", "ask", "out"} {
				keys = append(keys, "refusal.identity."+at)
			}
		case wire.RefusedTooMany:
			keys = append(keys, "refusal.tooManyWait")
		}
		all = append(all, code{fmt.Sprint("R", v), keys})
	}
	for _, v := range codes(func(v uint8) wire.Message { return &wire.Answer{Verdict: wire.Verdict(v)} }) {
		if wire.Verdict(v) != wire.VerdictGranted { // no error
			all = append(all, code{fmt.Sprint("V", v), []string{verdictKey(wire.Verdict(v))}})
		}
	}
	return all
}

// The page of codes has each of them, with a sentence in both languages, in their order, and knows
// no other. UPDATE_GOLDEN=1 writes it anew, from the sentences of now.
func TestEveryCodeIsDocumented(t *testing.T) {
	all := tongues(t)
	said := func(language string, keys []string) string {
		var out []string
		for _, k := range keys {
			if p, ok := all[language].phrases[k]; ok && !slices.Contains(out, p.Other) {
				out = append(out, p.Other)
			}
		}
		return strings.Join(out, " — ")
	}
	var page strings.Builder
	page.WriteString(codesHead)
	for _, c := range allCodes() {
		fr, en := said("fr", c.keys), said("en", c.keys)
		if fr == "" || en == "" {
			if c.name[0] != 'C' {
				t.Errorf("%s has no sentence", c.name)
			}
			continue // about somebody who was turned down: without a code
		}
		fmt.Fprintf(&page, "| %s | %s | %s |\n", c.name, fr, en)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(codesPage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(codesPage)
	if err != nil {
		t.Fatal(err)
	}
	if is, want := rows(string(got)), rows(page.String()); !slices.Equal(is, want) {
		t.Errorf("docs/codes.md has %v, the app has %v; UPDATE_GOLDEN=1 writes it anew", is, want)
	}
}

// rows are the codes of a page that have a sentence in both languages.
func rows(page string) (names []string) {
	for _, line := range strings.Split(page, "\n") {
		cells := strings.Split(line, " | ")
		if name := strings.TrimPrefix(cells[0], "| "); len(cells) == 3 && len(cells[1]) > 5 && len(cells[2]) > 5 && strings.ContainsAny(name, "0123456789") {
			names = append(names, name)
		}
	}
	return names
}

const codesHead = `# Codes

Une phrase qui dit ce qui n’a pas marché finit par un code, comme (R5), à lire au téléphone. La lettre dit qui parle : A l’application, C les règles
de l’unité (la charte), E la fin d’une intervention, L ce qui manque à cet ordinateur, R le serveur, V la réponse de l’ordinateur aidé. Un code garde son sens
d’une version à l’autre ; entre deux tirets, ce qui se dit de chaque côté ou à chaque page.

A sentence about what went wrong ends with a code, such as (R5), to read out over the telephone. The letter tells who speaks: A the app, C the
unit's rules (the charter), E the end of an intervention, L what this computer lacks, R the server, V the answer of the computer to be helped. A code keeps its
meaning from version to version; dashes part what is said on each side or page.

| code | français | English |
|---|---|---|
`
