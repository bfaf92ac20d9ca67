// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What a new administrator does in the wrong order, or twice, ends in what to do next.
func TestErrorsSayWhatToDoNext(t *testing.T) {
	dir, pass := setUp(t)
	none, safe := filepath.Join(t.TempDir(), "none"), t.TempDir()
	draft := filepath.Join(safe, "draft.toml")
	plays(t, "technician", "add", "--dir", dir, "--login", "paul", "--name", "Paul Martin", "--role", "IT")
	plays(t, "technician", "add", "--dir", dir, "--login", "emma", "--name", "Emma", "--role", "supplier", "--external")
	plays(t, "technician", "add", "--dir", dir, "--login", "gone", "--name", "Gone", "--role", "supplier", "--external")
	plays(t, "technician", "disable", "--dir", dir, "--login", "gone")
	plays(t, "charter", "draft", "--dir", dir, "--out", draft)
	plays(t, "tls", "next", "--dir", dir)
	other := filepath.Join(safe, "other.txt")
	wrong := filepath.Join(safe, "wrong")
	for name, text := range map[string]string{other: "something\n", wrong: "another passphrase\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"init --name x --address 127.0.0.1:4433 --passphrase-file " + pass + " --dir " + dir: "Nothing was changed. Go on with \"check\"",
		"technician list --dir " + none:                                   "or make one with \"assist-server init\"",
		"run --dir " + none:                                               "or make one with \"assist-server init\"",
		"technician open --login nobody --hours 2 --dir " + dir:           "\"technician list\" shows the logins",
		"technician open --login paul --hours 2 --dir " + dir:             "needs no opening",
		"technician open --login emma --hours 2 --dir " + dir:             "they must use their code first",
		"technician open --login gone --hours 2 --dir " + dir:             "invite them anew",
		"technician disable --login nobody --dir " + dir:                  "\"technician list\" shows the logins",
		"charter draft --out " + draft + " --dir " + dir:                  "name a new file",
		"charter publish --from " + draft + " --dir " + dir:               "charter sign --key unit.key --draft " + draft,
		"charter publish --from " + other + " --dir " + dir:               "is no charter that",
		"charter publish --from " + none + " --dir " + dir:                "Look at the name",
		"charter sign --yes --passphrase-file " + wrong + " --dir " + dir: "Nothing was changed. It is the passphrase",
		"tls next --dir " + dir:                                           "publish a charter that announces it",
		"machine release --machine 482917305566 --dir " + dir:             "\"machine list\" shows",
		"backup --to " + safe + " --dir " + dir:                           "name a new file or directory",
		"charter show --epoch 9 --dir " + dir:                             "without --epoch the newest",
	} {
		fails(t, want, strings.Fields(line)...)
	}
	out, _, err := play(t, "check", "--dir", none)
	if err == nil || strings.Count(out, "\n") != 1 {
		t.Errorf("check without a directory prints %q", out)
	}
	holds(t, out, "BAD   data directory", "or make one with \"assist-server init\"")
}

// Inviting twice is allowed, and says which code counts; two people of one name are told apart
// by nobody.
func TestInvitingTwiceIsSaid(t *testing.T) {
	dir, _ := setUp(t)
	add := func(login string) string {
		return plays(t, "technician", "add", "--dir", dir, "--login", login, "--name", "Claire Dubois", "--role", "IT")
	}
	first := add("claire")
	holds(t, first, "charter sign", "charter draft")
	if out := first; strings.Contains(out, "before") || strings.Contains(out, "WARNING") {
		t.Errorf("the first time it prints %q", out)
	}
	holds(t, add("claire"), "claire was invited before: the code of then no longer works.")
	holds(t, add("cdubois"), "claire is called Claire Dubois too", "technician disable --login cdubois")
}

// A port below 1024 that this account may not open is no file of another account.
func TestAPortThatIsNotAllowedIsTold(t *testing.T) {
	for want, err := range map[string]error{
		"Ports below 1024":                &os.SyscallError{Syscall: "bind", Err: syscall.EACCES},
		"Run it as the service's account": &os.PathError{Op: "open", Path: "x", Err: syscall.EACCES},
		"free some space":                 &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC},
	} {
		if got := advised(fmt.Errorf("server: %w", err)); !errors.Is(got, err) || !strings.Contains(got.Error(), want) {
			t.Errorf("%v is told as %v", err, got)
		}
	}
	if got := advised(errUsage); got != errUsage {
		t.Errorf("usage is told as %v", got)
	}
}
