// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
)

// appends writes events as a server would.
func appends(t *testing.T, dir string, events ...journal.Event) {
	t.Helper()
	appendsAt(t, dir, time.Now(), events...)
}

func appendsAt(t *testing.T, dir string, at time.Time, events ...journal.Event) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "assist.db")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, e := range events {
		if err := appendOne(t.Context(), db, at, e); err != nil {
			t.Fatal(err)
		}
	}
}

func appendOne(ctx context.Context, db *sql.DB, at time.Time, e journal.Event) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := journal.Append(ctx, tx, at, e); err != nil {
		return err
	}
	return tx.Commit()
}

// A security officer reads lines with words, and no number or hash that needs a table.
func TestTheJournalIsListedInWords(t *testing.T) {
	dir, _ := setUp(t)
	t.Setenv("SUDO_USER", "rssi")
	plays(t, "technician", "add", "--dir", dir, "--login", "claire", "--name", "Claire Dubois", "--role", "IT")
	const id, machine = "00112233445566778899aabbccddeeff", "482917305566"
	appends(t, dir,
		&journal.LoginRefused{Login: "claire", Address: "192.0.2.1", At: "totp"},
		&journal.SessionRequested{Session: id, Login: "claire", Address: "192.0.2.1", Machine: machine, Rights: 3, Reason: "printer \u202e stuck", Request: "0f", Signed: "c2ln"},
		&journal.SessionAnswered{Session: id, Login: "claire", Machine: machine, Verdict: 3, Signed: "c2ln"},
		&journal.SessionChanged{Session: id, Login: "claire", Machine: machine, Number: 1, Deed: 1, Rights: 7, At: 1800000000},
		&journal.SessionEnded{Session: id, Login: "claire", Machine: machine, Reason: 14, By: "host"},
		&journal.SessionUndelivered{Session: id, Login: "claire", Machine: machine, Why: "offline"},
		&journal.ServerStarted{Version: "1.0\u2028"})
	out := plays(t, "journal", "list", "--dir", dir, "--reason", "a review")
	holds(t, out, "NUMBER  TIME", "technician invited", "rssi as ", "login claire, Claire Dubois, IT",
		"log-in refused", "claire", "from 192.0.2.1, at totp", "help requested", "4829 1730 5566", "session "+id, "rights: see and point", `reason "printer \u202e stuck"`,
		"request answered", "the person refused and reported an unknown caller", "the user granted more, rights: see, point and drive",
		"by the machine's clock "+time.Unix(1800000000, 0).Format(entryTime), "session ended", "the user cut and reported a problem, by the host", "why offline",
		"journal read", `reason "a review", chosen "everything"`, `version "1.0\u2028"`)
	for _, never := range []string{"c2ln", "{", "482917305566"} {
		if strings.Contains(out, never) {
			t.Errorf("%q is in\n%s", never, out)
		}
	}
	clock := time.Now().Format(" -07:00 ")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines[1:] {
		if !strings.Contains(line, clock) {
			t.Errorf("no local time in %q", line)
		}
	}
	if len(lines) != 11 {
		t.Errorf("%d lines:\n%s", len(lines), out)
	}
	holds(t, plays(t, "journal", "list", "--dir", dir, "--reason", "a review", "--login", "nobody"), "No entry is like that.")
	raw := plays(t, "journal", "list", "--json", "--dir", dir, "--reason", "a review")
	for _, line := range strings.Split(strings.TrimSpace(raw), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	holds(t, raw, `"verdict":3`, `"signed":"c2ln"`)
}

// Each event has words of its own.
func TestEveryEventHasWords(t *testing.T) {
	seen := map[string]string{}
	for _, name := range journal.Names() {
		said := eventWords(name)
		if said == name || seen[said] != "" {
			t.Errorf("%s is %q, which is also %q", name, said, seen[said])
		}
		seen[said] = name
	}
	fails(t, "session.reported", "journal", "list", "--dir", setUpOnly(t), "--reason", "x", "--event", "no.such")
}

func setUpOnly(t *testing.T) string {
	t.Helper()
	dir, _ := setUp(t)
	return dir
}

// The numbers are those of docs/server.md.
func TestNumbersAreWhatThePageSays(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "server.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, page, found := strings.Cut(string(b), "### Numbers in the journal")
	verdicts, rest, more := strings.Cut(page, "| `reason`, in `session.ended` | |")
	if !found || !more {
		t.Fatal("docs/server.md has no tables of numbers")
	}
	ends, _, _ := strings.Cut(rest, "\n`rights` is a sum")
	for text, words := range map[string][]string{verdicts: verdictWords(), ends: endWords()} {
		rows := regexp.MustCompile(`(?m)^\| (\d+) \| (.+) \|$`).FindAllStringSubmatch(text, -1)
		if len(rows) != len(words) {
			t.Errorf("%d rows, %d words", len(rows), len(words))
		}
		for _, row := range rows {
			n, err := strconv.Atoi(row[1])
			if got := coded(words, entryField{"n", fmt.Sprint(n), true}); err != nil || got != row[2] {
				t.Errorf("%s is %q here, %q there", row[1], got, row[2])
			}
		}
	}
	if got := coded(verdictWords(), entryField{"verdict", "99", true}); got != "verdict 99" {
		t.Errorf("an unknown number is %q", got)
	}
}

// Silence would leave it open whether the entries of a dispute stay.
func TestAHoldSaysThatItHolds(t *testing.T) {
	dir, _ := setUp(t)
	id := strings.Repeat("0a", 16)
	appends(t, dir, &journal.SessionAnswered{Session: id, Machine: "1", Verdict: 1})
	hold := []string{"journal", "hold", "--dir", dir, "--session", id, "--reason", "a dispute"}
	holds(t, plays(t, hold...), id+" is on hold")
	holds(t, plays(t, append(hold, "--release")...), id+" is no longer on hold")
}
