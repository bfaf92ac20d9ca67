// SPDX-License-Identifier: Apache-2.0

package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/server"
)

// compliance prints the rules in one language; whether they are met does not matter.
func compliance(t *testing.T, dir, language string) string {
	t.Helper()
	args := []string{"compliance", "--dir", dir}
	if language != "" {
		args = append(args, language)
	}
	out, _, err := play(t, args...)
	if err != nil {
		out += err.Error()
	}
	return out
}

// executes does to the database what no command does.
func executes(t *testing.T, dir, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "assist.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statements)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// english finds what no French sentence says.
func english(text string) string {
	return regexp.MustCompile(`\b(the|of|and|not|is|are|by|to|for|with|entries|months|machines|technicians|no|NOT MET|partly)\b`).FindString(
		strings.NewReplacer("docs/compliance.md", "", "server.address", "").Replace(text))
}

// Whoever reads French reads French alone, whatever state the unit is in: each line differs
// from the English one, and none has its words.
func TestComplianceIsInOneLanguage(t *testing.T) {
	dir, pass := setUp(t)
	config := filepath.Join(dir, "assist-server.toml")
	edit := func(old, with string) func() {
		return func() {
			b, err := os.ReadFile(config)
			if err != nil || !strings.Contains(string(b), old) {
				t.Fatalf("%q is not in\n%s%v", old, b, err)
			}
			if err := os.WriteFile(config, []byte(strings.Replace(string(b), old, with, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, state := range []struct {
		name string
		make func()
	}{
		{"fresh", func() {}},
		{"a change awaits a signature", func() { plays(t, "charter", "policy", "--dir", dir, "--idle", "60", "--add-source", "0.0.0.0/0") }},
		{"too wide", func() { plays(t, "charter", "sign", "--yes", "--dir", dir, "--passphrase-file", pass) }},
		{"the key and its passphrase here", edit("passphrase_file = ''", "passphrase_file = '"+pass+"'")},
		{"syslog", edit("syslog = ''", "syslog = 'log.invalid:6514'")},
		{"STUN", edit("stun = 'off'", "stun = '127.0.0.1:0'")},
		{"a wrong clock", func() {
			appends(t, dir, &journal.ServerStopped{})
			appendsAt(t, dir, time.Now().Add(-time.Hour), &journal.ServerStopped{})
		}},
		{"a session that nobody signed", func() {
			appends(t, dir, &journal.SessionAnswered{Session: "00", Machine: "1", Verdict: 1})
		}},
		{"a journal that was rewritten", func() {
			executes(t, dir, `drop trigger journal_no_update; update journal set body = cast(replace(cast(body as text), 'epoch', 'Epoch') as blob)`)
		}},
		{"no charter", func() { executes(t, dir, `delete from charter`) }},
	} {
		state.make()
		en, fr := strings.Split(compliance(t, dir, ""), "\n"), strings.Split(compliance(t, dir, "--fr"), "\n")
		if len(en) != len(fr) || len(fr) < 30 {
			t.Fatalf("%s: %d lines in English, %d in French", state.name, len(en), len(fr))
		}
		for i, line := range fr {
			if word := english(line); line == en[i] && line != "" || word != "" {
				t.Errorf("%s: %q is the English word in\n%s\n%s", state.name, word, line, en[i])
			}
		}
	}
	holds(t, compliance(t, dir, "--fr"), "il n’y a pas de charte", "il ne se vérifie pas", "NON TENU")
	if _, _, err := play(t, "compliance", "--fr", "--dir", dir); !errors.Is(err, errNotMetFR) {
		t.Errorf("it ends in %v", err)
	}
}

// The JSON has both.
func TestComplianceAsJSONHasBothLanguages(t *testing.T) {
	out, _, _ := play(t, "compliance", "--json", "--dir", setUpOnly(t))
	var rows []server.Standpoint
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) == 0 {
		t.Fatal(err, out)
	}
	for _, one := range rows {
		if one.State == "" || one.StateFR == "" || one.State == one.StateFR {
			t.Errorf("%s: %q, %q", one.ID, one.State, one.StateFR)
		}
	}
}
