// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/internal/trust"
)

// The page and the command are made of the same rows, so that neither can say what the
// other does not.
func TestCompliancePageIsOfTheRules(t *testing.T) {
	rules, err := Rules()
	must(t, err)
	name := filepath.Join("..", "..", "docs", "compliance.md")
	want := CompliancePage(rules)
	if os.Getenv("ASSIST_WRITE") != "" {
		must(t, os.WriteFile(name, []byte(want), 0o644))
	}
	got, err := os.ReadFile(name)
	must(t, err)
	if string(got) != want {
		t.Errorf("docs/compliance.md is not of internal/server/rules.toml: see the head of that file")
	}
}

func TestRulesAreComplete(t *testing.T) {
	rules, err := Rules()
	must(t, err)
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.ID)
		for _, text := range []string{r.FR.Rule, r.FR.Answer, r.FR.Setting, r.EN.Rule, r.EN.Answer, r.EN.Setting} {
			if text == "" || strings.ContainsAny(text, "|\n") {
				t.Errorf("%s: %q", r.ID, text)
			}
		}
		if len(r.Tests) == 0 {
			t.Errorf("%s names no test", r.ID)
		}
		if (r.About == "") != (r.EN.Setting == "none" || r.EN.Setting == "the app's settings") {
			t.Errorf("%s: a setting that nobody looks at, or a look at none", r.ID)
		}
	}
	for _, id := range []string{"CNRS 1", "CNRS 2", "CNRS 3a", "CNRS 3b", "CNRS 3c", "CNRS 3d", "CNRS 4",
		"ANSSI R1", "ANSSI R2", "ANSSI R3", "ANSSI R4", "ANSSI R5", "ANSSI R6", "ANSSI R11", "RGAA"} {
		if !slices.Contains(ids, id) {
			t.Errorf("%s is not answered", id)
		}
	}
}

// French is read as printed: in the page and in what the command prints.
func TestFrenchIsTypeset(t *testing.T) {
	plain := regexp.MustCompile(`'|« | [;:!?%»]`)
	rules, err := Rules()
	must(t, err)
	page, _, _ := strings.Cut(CompliancePage(rules), "\nThis page")
	points, err := unserved(t).Compliance(t.Context())
	must(t, err)
	for _, one := range points {
		page += one.StateFR + "\n" + one.FR.Rule + "\n" + one.FR.Answer + "\n"
	}
	for _, line := range strings.Split(page, "\n") {
		if at := plain.FindString(line); at != "" {
			t.Errorf("%q in %q", at, line)
		}
	}
}

// missed lists the rules that are not met.
func missed(t *testing.T, s *Server) []string {
	t.Helper()
	found, err := s.Compliance(t.Context())
	must(t, err)
	var out []string
	for _, one := range found {
		if one.State == "" {
			t.Errorf("%s: nothing is said", one.ID)
		}
		if !one.Met {
			out = append(out, one.ID)
		}
	}
	return out
}

func TestComplianceOfAGoodUnit(t *testing.T) {
	r := unserved(t)
	if _, err := r.signAndPublish(t.Context(), r.fix.unit, SignOptions{}); err != nil {
		t.Fatal(err)
	}
	if bad := missed(t, r.Server); len(bad) != 0 {
		t.Errorf("not met: %q", bad)
	}
}

// Each setting that breaks a rule is found, under that rule.
func TestComplianceFindsWhatIsWrong(t *testing.T) {
	r := unserved(t)
	must(t, r.ChangePolicy(t.Context(), PolicyChange{AddSources: []string{"0.0.0.0/0"}, IdleMinutes: ptr(60), LeaseMinutes: ptr(120)}))
	if _, err := r.signAndPublish(t.Context(), r.fix.unit, SignOptions{}); err != nil {
		t.Fatal(err)
	}
	r.cfg.Accounts.PasswordMin = 8
	r.cfg.Journal.RetentionMonths = 24
	r.cfg.Unit.PassphraseFile = "/somewhere"
	want := []string{"CNRS 2", "ANSSI R4", "ANSSI R11", "CNIL 1", "Clé/key"}
	if bad := missed(t, r.Server); !slices.Equal(bad, want) {
		t.Errorf("not met: %q, want %q", bad, want)
	}
	must(t, r.ChangePolicy(t.Context(), PolicyChange{AddSources: []string{"192.0.2.0/24"}}))
	if bad := missed(t, r.Server); !slices.Contains(bad, "ANSSI R5") {
		t.Errorf("a change that awaits a signature is not seen: %q", bad)
	}
	if _, err := r.store.writer.ExecContext(t.Context(), `drop table journal`); err == nil {
		if bad := missed(t, r.Server); !slices.Contains(bad, "CNIL 3") {
			t.Errorf("a journal that does not verify is not seen: %q", bad)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestComplianceWithoutACharter(t *testing.T) {
	for name, st := range map[string]Standing{"none": {}, "ran out": {Charter: &trust.Charter{}, Expired: true}} {
		s := &Server{now: time.Now}
		for about, look := range s.looks() {
			if slices.Contains([]string{"factors", "retention", "journal", "unit key"}, about) {
				continue
			}
			if saw := look(t.Context(), st); saw.met || saw.en == "" || saw.fr == "" {
				t.Errorf("%s, %s: %+v", name, about, saw)
			}
		}
	}
}
