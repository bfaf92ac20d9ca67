// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"assist/internal/config"
	"assist/internal/hardware"
	"assist/internal/trust"
)

// Keys are tied to the system and to the hardware both.
func TestKeysAreTiedToThisComputer(t *testing.T) {
	if c := thisComputer(); c.System == "" || !slices.Equal(c.Marks, hardware.Marks()) {
		t.Errorf("a computer of %d marks", len(c.Marks))
	}
}

// An app whose files came from another computer makes itself a new key, and the person is
// told that the number is another.
func TestMovedKeyIsTold(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "host.key")
	k, _, err := trust.LoadOrCreateHostKey(path, trust.Computer{System: "of another computer", Marks: []string{"disk 1"}})
	first := must(k, err)(t)
	for _, moved := range []bool{true, false} { // the second app finds its own key
		p := newProgram(config.Dirs{Machine: dir, User: dir, Data: dir}, config.File{}, slog.New(slog.DiscardHandler))
		charters := remembered(t, func(*trust.Charter) {})
		if err := p.unit.member(trust.JoinCode{Server: "127.0.0.1:1", Pin: [32]byte{1}, Unit: charters.Unit()}); err != nil {
			t.Fatal(err)
		}
		if p.helped.State().Moved != moved {
			t.Errorf("moved: %v, want %v", !moved, moved)
		}
		p.close()
		if now := must(trust.LoadHostKey(path))(t); bytes.Equal(now.Public(), first.Public()) {
			t.Error("the other computer's key is used")
		}
	}
}
