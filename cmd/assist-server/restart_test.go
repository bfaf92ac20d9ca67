// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assist/internal/trust"
)

// The procedure of docs/server.md, "Backup and restore", with the unit key elsewhere: the
// server directory never has it.
func TestARestoredJournalIsVouchedForElsewhere(t *testing.T) {
	dir, pass := setUp(t)
	safe := t.TempDir()
	in := func(f string) string { return filepath.Join(safe, f) }
	if err := os.Rename(filepath.Join(dir, "unit.key"), in("unit.key")); err != nil {
		t.Fatal(err)
	}
	restart := func(args ...string) []string { return append([]string{"journal", "restart"}, args...) }
	sign := func(draft, out string) []string {
		return restart("--key", in("unit.key"), "--sign", draft, "--out", out, "--passphrase-file", pass)
	}
	fails(t, "unit key", restart("--dir", dir, "--passphrase-file", pass, "--reason", "a drill")...)
	fails(t, "--reason", restart("--dir", dir, "--draft", in("draft.toml"))...)
	holds(t, plays(t, restart("--dir", dir, "--draft", in("draft.toml"), "--reason", "restored the copy of Monday")...), "journal restart --key unit.key --sign")
	fails(t, "is there already", restart("--dir", dir, "--draft", in("draft.toml"), "--reason", "again")...)
	holds(t, plays(t, sign(in("draft.toml"), in("restart.txt"))...), `The journal of "INCI"`, "restored the copy of Monday", "--publish")
	fails(t, "usage", restart("--sign", in("draft.toml"))...)
	fails(t, "usage", restart("--key", in("unit.key"), "--dir", dir)...)

	// What the person did not read, or what is of another unit or time, is not signed.
	b, err := os.ReadFile(in("draft.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, fresh, want string }{
		"another unit":   {"unit_key = '", "unit_key = 'A", "another unit key"},
		"of tomorrow":    {"at = 20", "at = 29", "set the clock"},
		"unknown words":  {"reason = ", "because = 'x'\nreason = ", "is not a draft"},
		"another number": {"root = '", "root = 'A", "size or root"},
	} {
		text := strings.Replace(string(b), c.old, c.fresh, 1)
		if text == string(b) {
			t.Fatalf("%s: nothing to alter in\n%s", name, b)
		}
		if err := os.WriteFile(in("bad.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		fails(t, c.want, sign(in("bad.toml"), in("bad.txt"))...)
	}

	// Neither the draft nor what another key signed counts; the true one does, also when the
	// journal has gone on since.
	fails(t, "restart of the journal not acceptable", restart("--dir", dir, "--publish", in("draft.toml"))...)
	plays(t, "technician", "add", "--dir", dir, "--login", "claire", "--name", "Claire Dubois", "--role", "IT")
	holds(t, plays(t, restart("--dir", dir, "--publish", in("restart.txt"))...), "vouches")
	signed, err := os.ReadFile(in("restart.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, "journal.restart")); err != nil || string(kept) != string(signed) {
		t.Errorf("kept %q, %v", kept, err)
	}
	holds(t, plays(t, "journal", "verify", "--dir", dir), "The journal verifies", "the newest of 3 entries")
	other, _ := setUp(t)
	fails(t, trust.ErrRestart.Error(), restart("--dir", other, "--publish", in("restart.txt"))...)
}

// The procedure of docs/server.md, "Backup and restore", for the charter with the unit key elsewhere:
// the copy is two charters behind what the key has signed.
func TestARestoredServerCatchesUpWithTheKey(t *testing.T) {
	dir, pass := setUp(t)
	safe := t.TempDir()
	in := func(f string) string { return filepath.Join(safe, f) }
	if err := os.Rename(filepath.Join(dir, "unit.key"), in("unit.key")); err != nil {
		t.Fatal(err)
	}
	plays(t, "backup", "--dir", dir, "--to", in("copy"))
	draft := func(dir, name string) {
		t.Helper()
		plays(t, "charter", "draft", "--dir", dir, "--out", in(name+".toml"))
	}
	sign := func(name string, more ...string) []string {
		return append([]string{"charter", "sign", "--key", in("unit.key"), "--draft", in(name + ".toml"), "--out", in(name + ".txt"),
			"--passphrase-file", pass, "--yes"}, more...)
	}
	publish := func(dir, file string) string {
		t.Helper()
		return plays(t, "charter", "publish", "--dir", dir, "--from", in(file))
	}
	for _, name := range []string{"second", "third"} {
		draft(dir, name)
		plays(t, sign(name)...)
		publish(dir, name+".txt")
	}

	draft(in("copy"), "early")
	holds(t, plays(t, "charter", "draft", "--dir", in("copy"), "--above", "41", "--out", in("above")), "charter sign")
	if b, err := os.ReadFile(in("above")); err != nil || !strings.Contains(string(b), "epoch = 42\n") {
		t.Errorf("%v\n%s", err, b)
	}
	fails(t, "publish "+in("unit.key.charter")+" there first", sign("early", "--above", "1000")...)
	holds(t, publish(in("copy"), "unit.key.charter"), "epoch 3 is published")
	holds(t, publish(in("copy"), "unit.key.charter"), "epoch 3 is published")
	draft(in("copy"), "after")
	plays(t, sign("after")...)
	holds(t, publish(in("copy"), "after.txt"), "epoch 4 is published")
}
