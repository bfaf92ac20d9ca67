// SPDX-License-Identifier: Apache-2.0

package main

import (
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

func TestClosingNotesGoAfterAYear(t *testing.T) {
	n := newNotes(filepath.Join(t.TempDir(), "n"), slog.New(slog.DiscardHandler))
	now := time.Now()
	for _, ago := range []time.Duration{keepClosing + time.Hour, keepClosing - time.Hour, 0} {
		if err := n.closeWith(closing{Machine: "1", At: now.Add(-ago), Note: ago.String()}); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.kept.Closing; len(got) != 2 || got[0].Note != (keepClosing-time.Hour).String() {
		t.Errorf("kept %v", got)
	}
}

func TestDamagedNotesArePutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "technician.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNotes(path, slog.New(slog.DiscardHandler))
	if err := n.closeWith(closing{Machine: "1", Note: "done"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Fatal("what was there is lost", err)
	}
}
