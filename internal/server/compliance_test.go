// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
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
		if strings.Contains(r.ID, "/") {
			t.Errorf("%s: one language a page, so a name is the same in both", r.ID)
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
	want := []string{"CNRS 2", "ANSSI R4", "ANSSI R11", "CNIL 1", "Assist 1"}
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

// standpoint is where one rule stands.
func standpoint(t *testing.T, s *Server, id string) Standpoint {
	t.Helper()
	found, err := s.Compliance(t.Context())
	must(t, err)
	i := slices.IndexFunc(found, func(one Standpoint) bool { return one.ID == id })
	if i < 0 {
		t.Fatalf("%s is not there", id)
	}
	return found[i]
}

// What is left to the unit is not said to be met by itself.
func TestComplianceReassuresNobodyFalsely(t *testing.T) {
	r := unserved(t)
	if one := standpoint(t, r.Server, "Assist 1"); !one.Met || !one.Partly || !strings.Contains(one.State, "move it") {
		t.Errorf("a key on the server: %+v", one)
	}
	must(t, os.Remove(r.path(fileUnitKey)))
	if one := standpoint(t, r.Server, "Assist 1"); !one.Met || one.Partly {
		t.Errorf("a key elsewhere: %+v", one)
	}
	if one := standpoint(t, r.Server, "ANSSI R1"); !strings.Contains(one.State, "out of sudo") || !strings.Contains(one.StateFR, "hors de sudo") {
		t.Errorf("daily accounts: %q, %q", one.State, one.StateFR)
	}
}

// That a syslog server is configured is no copy: what arrived, and whether it answers, is.
func TestComplianceLooksAtTheCopyItself(t *testing.T) {
	r := unserved(t)
	sinkFor(r, r.dir, func(_ int, conn *tls.Conn) { _ = conn.Handshake(); <-t.Context().Done() })
	size, err := journal.Size(t.Context(), r.store.reader)
	must(t, err)
	if one := standpoint(t, r.Server, "CNIL 3"); !one.Met || !strings.Contains(one.State, fmt.Sprintf("waiting entries: %d; none", size)) {
		t.Errorf("nothing sent yet: %+v", one)
	}
	must(t, r.store.setSink(t.Context(), syslogSink, size-1))
	one := standpoint(t, r.Server, "CNIL 3")
	if !one.Met || !strings.Contains(one.State, "; waiting entries: 1; the newest that arrived is of 2") || !strings.Contains(one.StateFR, "en attente\u00a0: 1") {
		t.Errorf("sent but for one: %+v", one)
	}
	r.clock.Store(time.Now().Add(2 * copyLate).UnixMilli())
	if one := standpoint(t, r.Server, "CNIL 3"); one.Met || !strings.Contains(one.State, "a day late") {
		t.Errorf("late: %+v", one)
	}
	r.clock.Store(time.Now().UnixMilli())
	r.cfg.Journal.Syslog = "127.0.0.1:1"
	if one := standpoint(t, r.Server, "CNIL 3"); one.Met || !strings.Contains(one.State, "does not answer") || !strings.Contains(one.StateFR, "n’arrive pas") {
		t.Errorf("refused: %+v", one)
	}
}
