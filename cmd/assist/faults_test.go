// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assist/assets"
	"assist/internal/config"
	"assist/internal/input"
	"assist/internal/trust"
)

// damaged is an app that belongs to a unit and has a file that nobody can read.
func damaged(t *testing.T, name string) error {
	t.Helper()
	dir := t.TempDir()
	unit, err := trust.NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	code := trust.JoinCode{Server: "127.0.0.1:1", Pin: [32]byte{1}, Unit: unit.Public()}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProgram(config.Dirs{Machine: dir, User: dir, Data: dir}, config.File{Unit: config.Unit{Join: code.String()}}, slog.New(slog.DiscardHandler))
	t.Cleanup(p.close)
	return p.resume()
}

// Whoever starts the app from a menu reads in a window why it does not open.
func TestDamagedKeysAreSaidInAWindow(t *testing.T) {
	for name, want := range map[string]map[string]string{
		"host.key":   {"fr": "votre numéro changera", "en": "your number will change"},
		"device.key": {"fr": "inscrivez-vous", "en": "enrol with a new code"},
	} {
		err := damaged(t, name)
		if err == nil {
			t.Errorf("%s: the app starts", name)
			continue
		}
		for language, part := range want {
			text, fault := assets.Texts("program", language)
			if fault != nil {
				t.Fatal(fault)
			}
			var out bytes.Buffer
			shown := ""
			status := failStart(&out, text, err, func(sentence, where, quit string) { shown = sentence + "\n" + where + "\n" + quit })
			if status != 1 || !strings.Contains(shown, part) || !strings.Contains(shown, name) || !strings.Contains(out.String(), name) {
				t.Errorf("%s, %s: status %d, shown %q, written %q", name, language, status, shown, &out)
			}
		}
	}
}

func TestOtherFaultsOfTheStart(t *testing.T) {
	say := func(key string, _ ...string) string { return key }
	var out bytes.Buffer
	shown := ""
	show := func(sentence, where, _ string) { shown = sentence + ": " + where }
	if status := failStart(&out, say, errors.New("disk full"), show); status != 1 || shown != "start: disk full" {
		t.Errorf("status %d, shown %q", status, shown)
	}
	if status := failStart(&out, say, fmt.Errorf("input: %w", input.ErrOccupied), show); status != 1 || !strings.HasPrefix(shown, "start.occupied: ") {
		t.Errorf("another app: status %d, shown %q", status, shown)
	}
	shown = ""
	if status := failStart(&out, say, errNoDisplay, show); status != 1 || shown != "" || !strings.HasSuffix(out.String(), "display\n") {
		t.Errorf("without a display: status %d, shown %q, written %q", status, shown, &out)
	}
}

// A fault is told in the language that the person chose for the windows.
func TestFaultsSpeakTheChosenLanguage(t *testing.T) {
	say := func(string, ...string) string { return "the system's" }
	for language, want := range map[string]string{"": "the system's", "fr": "Quitter", "en": "Quit"} {
		if got := chosen(config.File{App: config.App{Language: language}}, say)("quit"); got != want {
			t.Errorf("%q: %q", language, got)
		}
	}
}
