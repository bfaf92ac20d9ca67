// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A number that is not the one of yesterday is said to be new, also by the apps that start
// on the days after; the first one is not, nor one that everybody had time to read.
func TestANewNumberIsTold(t *testing.T) {
	const first, second = "012345678906", "123456789018"
	path := filepath.Join(t.TempDir(), "number.json")
	begun := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	changed := begun.Add(24 * time.Hour)
	for _, step := range []struct {
		number string
		at     time.Time
		since  time.Time
	}{
		{first, begun, time.Time{}},
		{first, begun.Add(time.Hour), time.Time{}},
		{second, changed, changed},
		{second, changed.Add(time.Hour), changed},
		{second, changed.Add(keepNews - time.Second), changed},
		{second, changed.Add(keepNews), time.Time{}},
		{first, changed.Add(2 * keepNews), changed.Add(2 * keepNews)},
	} {
		if since := renumbered(path, step.number, step.at, slog.New(slog.DiscardHandler)); !since.Equal(step.since) {
			t.Errorf("%s at %v: since %v, want %v", step.number, step.at, since, step.since)
		}
	}
}

// A file that is nothing, or no number, is put aside, and the number counts as the first.
func TestADamagedNumberIsPutAside(t *testing.T) {
	for _, text := range []string{"", "{", `{"number":"123456789012"}`} {
		path := filepath.Join(t.TempDir(), "number.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if since := renumbered(path, "012345678906", time.Now(), slog.New(slog.DiscardHandler)); !since.IsZero() {
			t.Errorf("%q: new since %v", text, since)
		}
		if b, err := os.ReadFile(path + ".damaged"); err != nil || string(b) != text {
			t.Errorf("%q is lost: %q, %v", text, b, err)
		}
	}
}
