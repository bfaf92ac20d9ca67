// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"assist/internal/config"
	"assist/internal/trust"
	"assist/internal/ui"
)

// Rules that somebody puts into a file to be opened count for nothing, and it is said.
func TestRulesInAnOpenedFileAreNotTakenSilently(t *testing.T) {
	unit := must(trust.NewUnitKey())(t)
	code := trust.JoinCode{Server: "127.0.0.1:1", Pin: [32]byte{1}, Unit: unit.Public()}
	for rules, want := range map[string]bool{
		"": false, "[policy]\nrights = []\n": true, "[policy]\nidle_minutes = 5\n": true, "[policy]\nlock = [\"unit.join\"]\n": true,
		"[policy]\nzone = \"ZRR-1\"\n": true,
	} {
		dir := t.TempDir()
		p := newProgram(config.Dirs{Machine: "/etc/assist", User: dir, Data: dir}, config.File{}, slog.New(slog.DiscardHandler))
		path := filepath.Join(dir, "given.toml")
		if err := os.WriteFile(path, []byte("[unit]\njoin = \""+code.String()+"\"\n"+rules), 0o600); err != nil {
			t.Fatal(err)
		}
		err := p.JoinFile(t.Context(), path)
		var unruled *ui.Unruled
		if errors.As(err, &unruled) != want || !want && err != nil || want && unruled.File != "/etc/assist/assist.toml" {
			t.Errorf("%q: %v", rules, err)
		}
		if p.settings.get().Unit.Join != code.String() {
			t.Errorf("%q: not joined", rules)
		}
		p.close()
	}
}
