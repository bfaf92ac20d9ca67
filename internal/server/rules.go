// SPDX-License-Identifier: Apache-2.0

package server

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

//go:embed rules.toml
var rulesText string

// Rule is one rule that Assist must satisfy, in our own words.
type Rule struct {
	ID    string   `toml:"id" json:"id"`
	About string   `toml:"about" json:"-"` // what is looked at; empty when no setting can change it
	Tests []string `toml:"tests" json:"tests"`
	// Partly says that the answer names something that is still missing.
	Partly bool   `toml:"partly" json:"partly"`
	FR     Answer `toml:"fr" json:"fr"`
	EN     Answer `toml:"en" json:"en"`
}

// Answer is a rule in one language, with what satisfies it and by which setting.
type Answer struct {
	Rule    string `toml:"rule" json:"rule"`
	Answer  string `toml:"answer" json:"answer"`
	Setting string `toml:"setting" json:"setting"`
	Left    string `toml:"left" json:"left,omitempty"` // to the unit, where no setting could show it
}

// Rules are all there are, in the order of the page.
func Rules() ([]Rule, error) {
	var file struct {
		Rule []Rule `toml:"rule"`
	}
	d := toml.NewDecoder(strings.NewReader(rulesText))
	if err := d.DisallowUnknownFields().Decode(&file); err != nil {
		return nil, fmt.Errorf("server: rules: %w", err)
	}
	for i := range file.Rule {
		fr := &file.Rule[i].FR
		fr.Rule, fr.Answer, fr.Setting, fr.Left = french(fr.Rule), french(fr.Answer), french(fr.Setting), french(fr.Left)
	}
	return file.Rule, nil
}

// french sets a French text as people print it: ’, and no-break spaces, which are not seen
// where texts are written.
func french(text string) string {
	return strings.NewReplacer("'", "’", " ;", "\u00a0;", " :", "\u00a0:", " !", "\u00a0!", " ?", "\u00a0?", " %", "\u00a0%",
		"« ", "«\u00a0", " »", "\u00a0»").Replace(text)
}

// CompliancePage is docs/compliance.md: the rules as tables, French first.
func CompliancePage(rules []Rule) string {
	var b strings.Builder
	b.WriteString("# Conformité · Compliance\n\n")
	b.WriteString(french("Cette page et `assist-server compliance` sont faites du même fichier (`internal/server/rules.toml`). Les règles sont dites dans nos\n" +
		"mots ; R7 à R10 et R12 de la note technique de l'ANSSI ne nous étaient pas accessibles : rien ne leur est attribué. Assist n'est ni\n" +
		"certifié ni qualifié par l'ANSSI, ni référencé par le CNRS : c'est une décision de leur part.\n\n"))
	table(&b, []string{"règle", "ce qui la satisfait", "réglage", "test"}, rules, func(r Rule) Answer { return r.FR })
	b.WriteString("\nThis page and `assist-server compliance` are made of the same file (`internal/server/rules.toml`). The rules are in our own words;\n" +
		"R7 to R10 and R12 of ANSSI's technical note were not available to us, so nothing is attributed to them. Assist is neither\n" +
		"certified nor qualified by ANSSI, nor listed by CNRS: that is for them to decide.\n\n")
	table(&b, []string{"rule", "what satisfies it", "setting", "test"}, rules, func(r Rule) Answer { return r.EN })
	return b.String()
}

func table(b *strings.Builder, head []string, rules []Rule, in func(Rule) Answer) {
	fmt.Fprintf(b, "| | %s |\n|---|---|---|---|---|\n", strings.Join(head, " | "))
	for _, r := range rules {
		a := in(r)
		fmt.Fprintf(b, "| %s | %s | %s | %s | `%s` |\n", r.ID, a.Rule, a.Answer, a.Setting, strings.Join(r.Tests, "`, `"))
	}
}
