// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assist/internal/ui"
)

func TestRecentMachines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "technician.json")
	n := newNotes(path, slog.New(slog.DiscardHandler))
	now := time.Now()
	n.setLogin("anne")
	n.remember(ui.Recent{Machine: "1", Reason: "old", At: now.Add(-keepRecent - time.Hour)})
	n.remember(ui.Recent{Machine: "2", Reason: "first", At: now.Add(-time.Hour)})
	n.remember(ui.Recent{Machine: "3", Reason: "other", At: now.Add(-time.Minute)})
	n.remember(ui.Recent{Machine: "2", Reason: "again", At: now})

	again := newNotes(path, slog.New(slog.DiscardHandler))
	got := again.recent(now)
	if len(got) != 2 || got[0].Reason != "again" || got[1].Machine != "3" || again.login() != "anne" {
		t.Fatalf("kept %v, login %q", got, again.login())
	}
	if err := again.clear(); err != nil || len(again.recent(now)) != 0 || again.login() != "anne" {
		t.Fatal("not cleared, or too much", err)
	}
}

func TestRecentIsBounded(t *testing.T) {
	n := newNotes(filepath.Join(t.TempDir(), "n"), slog.New(slog.DiscardHandler))
	for i := range 2 * maxRecent {
		n.remember(ui.Recent{Machine: fmt.Sprint(i), At: time.Now()})
	}
	if got := n.recent(time.Now()); len(got) != maxRecent || got[0].Machine != fmt.Sprint(2*maxRecent-1) {
		t.Fatal(len(got), got[0])
	}
}

// Closing notes go with the machines that were asked: after a month, also when the technician
// helps nobody any more, and when the list is cleared.
func TestClosingNotesGoWithTheMachines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	now := time.Now()
	was := noted{Login: "anne"}
	for _, ago := range []time.Duration{keepRecent + time.Hour, keepRecent - time.Hour} {
		was.Closing = append(was.Closing, closing{Machine: "1", At: now.Add(-ago), Note: "done " + ago.String()})
		was.Recent = append(was.Recent, asked{Machine: ago.String(), Reason: "old", At: now.Add(-ago)})
	}
	if err := os.WriteFile(path, must(json.Marshal(was))(t), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNotes(path, slog.New(slog.DiscardHandler))
	kept := onDisk(t, path)
	if len(kept.Closing) != 1 || kept.Closing[0] != n.kept.Closing[0] || len(kept.Recent) != 1 || kept.Login != "anne" {
		t.Errorf("after a month there are %+v", kept)
	}
	if err := n.closeWith(closing{Machine: "1", At: now.Add(-keepRecent - time.Hour), Note: "old"}); err != nil {
		t.Fatal(err)
	}
	if kept = onDisk(t, path); len(kept.Closing) != 1 {
		t.Errorf("kept %+v", kept.Closing)
	}
	if err := n.clear(); err != nil {
		t.Fatal(err)
	}
	if kept = onDisk(t, path); len(kept.Closing)+len(kept.Recent) != 0 || kept.Login != "anne" {
		t.Errorf("cleared: %+v", kept)
	}
}

// onDisk is what a file of notes holds.
func onDisk(t *testing.T, path string) (k noted) {
	t.Helper()
	if err := json.Unmarshal(must(os.ReadFile(path))(t), &k); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestDamagedNotesArePutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "technician.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNotes(path, slog.New(slog.DiscardHandler))
	if err := n.closeWith(closing{Machine: "1", At: time.Now(), Note: "done"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Fatal("what was there is lost", err)
	}
}
