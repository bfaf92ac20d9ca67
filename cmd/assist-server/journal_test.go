// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
)

// failsSaying runs a command that must not succeed, and returns its error.
func failsSaying(t *testing.T, args ...string) string {
	t.Helper()
	out, _, err := play(t, args...)
	if err == nil {
		t.Fatalf("%v succeeds: %s", args, out)
	}
	return err.Error()
}

// What a security officer does with the journal.
func TestASecurityOfficersDay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	pass := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte("a long passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plays(t, "init", "--dir", dir, "--name", "INCI", "--address", "127.0.0.1:4433", "--passphrase-file", pass)
	plays(t, "technician", "add", "--dir", dir, "--login", "claire", "--name", "Claire Dubois", "--role", "IT")
	if said := failsSaying(t, "journal", "list", "--dir", dir); !strings.Contains(said, "--reason") {
		t.Errorf("without a reason: %s", said)
	}
	file := filepath.Join(t.TempDir(), "export.ndjson")
	if said := failsSaying(t, "journal", "export", "--dir", dir, "--to", file); !strings.Contains(said, "--reason") {
		t.Errorf("without a reason: %s", said)
	}
	if out := plays(t, "journal", "export", "--dir", dir, "--reason", "review", "--to", file); !strings.Contains(out, "entries to "+file) {
		t.Errorf("export prints %q", out)
	}
	one := filepath.Join(t.TempDir(), "one.ndjson")
	if out := plays(t, "journal", "export", "--dir", dir, "--reason", "review", "--login", "claire", "--to", one); out != "Wrote 1 entry to "+one+".\n" {
		t.Errorf("export of one prints %q", out)
	}
	key := strings.TrimSpace(plays(t, "journal", "key", "--dir", dir))
	if out := plays(t, "journal", "verify", "--file", file, "--key", key); !strings.Contains(out, `verifies: unit "INCI"`) {
		t.Errorf("verify prints %q", out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(b, []byte("Claire Dubois"), []byte("Clara Dubois"), 1)
	if err := os.WriteFile(file, forged, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := failsSaying(t, "journal", "verify", "--file", file, "--key", key); !strings.Contains(said, "is not the one of the journal") {
		t.Errorf("a forged file: %s", said)
	}
	if said := failsSaying(t, "journal", "verify", "--file", file, "--key", "x"); !strings.Contains(said, "--key must be") {
		t.Errorf("without a key: %s", said)
	}
	if out := plays(t, "journal", "export", "--dir", dir, "--reason", "review", "--format", "csv"); !strings.HasPrefix(out, "number,time,type") {
		t.Errorf("CSV is %q", out)
	}
	if out := plays(t, "journal", "purge", "--dir", dir); !strings.Contains(out, "Nothing is old enough") {
		t.Errorf("purge prints %q", out)
	}
	if out := plays(t, "journal", "hold", "--dir", dir); out != "" {
		t.Errorf("hold prints %q", out)
	}
	if said := failsSaying(t, "journal", "hold", "--dir", dir, "--session", "00", "--reason", "a dispute"); !strings.Contains(said, "no such session") {
		t.Errorf("hold of nothing: %s", said)
	}
	plays(t, "journal", "restart", "--dir", dir, "--passphrase-file", pass, "--reason", "a drill")
	if out := plays(t, "journal", "verify", "--dir", dir); !strings.Contains(out, "The journal verifies") || !strings.Contains(out, "Sessions: 0 granted") {
		t.Errorf("verify prints %q", out)
	}
	if out := plays(t, "journal", "list", "--json", "--dir", dir, "--reason", "review", "--event", "journal.restarted"); !strings.Contains(out, "a drill") || strings.Count(out, "\n") != 1 {
		t.Errorf("of one event it prints %q", out)
	}
	if out := plays(t, "journal", "list", "--json", "--dir", dir, "--reason", "review", "--event", "journal.read"); !strings.Contains(out, `"what":"everything of journal.restarted"`) {
		t.Errorf("it is recorded as %q", out)
	}
	if said := failsSaying(t, "journal", "list", "--json", "--dir", dir, "--reason", "review", "--event", "no.such"); !strings.Contains(said, "--event") {
		t.Errorf("of no event: %s", said)
	}
	if out := plays(t, "journal", "list", "--json", "--dir", dir, "--reason", "review"); !strings.Contains(out, "journal.restarted") || !strings.Contains(out, "journal.exported") {
		t.Errorf("list prints %q", out)
	}
}

// Hashes that are right do not make a journal that a script takes for good.
func TestVerifyFailsOnTimesThatCannotBe(t *testing.T) {
	dir, _ := setUp(t)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "assist.db")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err == nil {
		_, err = journal.Append(t.Context(), tx, time.Now().Add(-time.Hour), &journal.ServerStopped{})
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := play(t, "journal", "verify", "--dir", dir)
	if err == nil || !strings.Contains(err.Error(), "1 time in the journal cannot be") || !strings.Contains(out, "  cannot be: entry ") ||
		strings.Contains(out, "The journal verifies") || !strings.Contains(out, "Sessions: 0 granted") {
		t.Errorf("%v:\n%s", err, out)
	}
	key, file := strings.TrimSpace(plays(t, "journal", "key", "--dir", dir)), filepath.Join(t.TempDir(), "export.ndjson")
	plays(t, "journal", "export", "--dir", dir, "--reason", "review", "--to", file)
	if out, _, err := play(t, "journal", "verify", "--file", file, "--key", key); err == nil || !strings.Contains(out, "  cannot be: entry ") {
		t.Errorf("%v:\n%s", err, out)
	}
	if out, _, _ := play(t, "check", "--dir", dir); !strings.Contains(out, "1 times in it cannot be") {
		t.Errorf("check prints %s", out)
	}
}
