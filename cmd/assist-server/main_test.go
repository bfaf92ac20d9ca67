// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assist/internal/trust"
)

// play runs one command line and returns what it printed.
func play(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var o, e bytes.Buffer
	err = run(t.Context(), &program{null, &o, &e}, args)
	return o.String(), e.String(), err
}

// plays is play that must succeed.
func plays(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, err := play(t, args...)
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out, errs)
	}
	return out
}

func setUp(t *testing.T) (dir, pass string) {
	t.Helper()
	dir, pass = filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte("a passphrase for tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plays(t, "init", "--dir", dir, "--name", "INCI", "--address", "127.0.0.1:4433", "--listen", "127.0.0.1:0", "--stun", "off", "--passphrase-file", pass)
	return dir, pass
}

func TestAnAdministratorsDay(t *testing.T) {
	dir, pass := setUp(t)
	out := plays(t, "joincode", "--dir", dir)
	code := strings.Split(out, "\n\n")[1]
	if j, err := trust.ParseJoinCode(code); err != nil || j.Server != "127.0.0.1:4433" {
		t.Errorf("join code %q: %v", code, err)
	}
	for _, line := range strings.Split(code, "\n") {
		if len(line) > 40 {
			t.Errorf("too long to be read out or copied: %q", line)
		}
	}
	if line := plays(t, "joincode", "--line", "--dir", dir); strings.Count(line, "\n") != 1 || strings.TrimSpace(line) != strings.Join(strings.Fields(code), "") {
		t.Errorf("on one line: %q", line)
	}
	if !strings.Contains(out, "█") {
		t.Error("no QR")
	}
	if out := plays(t, "technician", "add", "--dir", dir, "--login", "claire", "--name", "Claire Dubois", "--role", "IT", "--zones", "B1, B2"); !strings.Contains(out, "good once, until 20") || !strings.Contains(out, "charter sign") {
		t.Errorf("add prints %q", out)
	}
	out = plays(t, "technician", "list", "--dir", dir)
	if !strings.Contains(out, "LOGIN") || !strings.Contains(out, "Claire Dubois") || !strings.Contains(out, "invited") || !strings.HasSuffix(out, "  unit  B1, B2\n") {
		t.Errorf("list prints %q", out)
	}
	if out := plays(t, "technician", "sign", "--yes", "--dir", dir, "--passphrase-file", pass); !strings.Contains(out, "Nothing waits") || !strings.Contains(out, "epoch 2 is published") {
		t.Errorf("sign prints %q", out)
	}
	plays(t, "technician", "disable", "--dir", dir, "--login", "claire")
	if out := plays(t, "technician", "list", "--dir", dir); !strings.Contains(out, "disabled") {
		t.Errorf("list prints %q", out)
	}
	out = plays(t, "journal", "list", "--json", "--reason", "a test", "--dir", dir, "--login", "claire", "--limit", "1")
	if !strings.Contains(out, "technician.disabled") || strings.Count(out, "\n") != 1 {
		t.Errorf("journal prints %q", out)
	}
	if out := plays(t, "journal", "verify", "--dir", dir); !strings.Contains(out, "verifies: 5 entries") {
		t.Errorf("verify prints %q", out)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	plays(t, "backup", "--dir", dir, "--to", copied)
	if out := plays(t, "check", "--dir", copied); !strings.Contains(out, "allow TCP 0") {
		t.Errorf("check prints %q", out)
	}
}

func TestCheckFailsWhenSomethingIsBad(t *testing.T) {
	dir, _ := setUp(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	out, _, err := play(t, "check", "--dir", dir)
	if err == nil || !strings.Contains(out, "BAD   data directory") {
		t.Errorf("check prints %q, error %v", out, err)
	}
}

func TestRunStopsWhenInterrupted(t *testing.T) {
	dir, pass := setUp(t)
	ctx, cancel := context.WithCancel(t.Context())
	log := &serving{seen: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, &program{nil, log, log}, []string{"run", "--dir", dir, "--passphrase-file", pass})
	}()
	late := time.After(2 * time.Minute)
	select {
	case <-log.seen:
	case err := <-ended:
		t.Fatal(err)
	case <-late:
		t.Fatal("it does not start")
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-late:
		t.Fatal("it does not stop")
	}
	if out := plays(t, "journal", "list", "--json", "--reason", "a test", "--dir", dir); !strings.Contains(out, "server.stopped") {
		t.Errorf("journal prints %q", out)
	}
}

// serving is a log that says when the server serves. One handler writes to it.
type serving struct {
	seen chan struct{}
	done bool
}

// Write looks for the line.
func (s *serving) Write(p []byte) (int, error) {
	if !s.done && bytes.Contains(p, []byte("serving")) {
		s.done = true
		close(s.seen)
	}
	return len(p), nil
}

func TestUsage(t *testing.T) {
	for _, line := range []string{"", "dance", "technician", "technician dance", "journal", "init", "init --name x", "technician add --login a",
		"technician disable", "technician open --login a", "technician photo --login a", "technician photo --from x", "technician photo --login a --from x --remove", "charter", "charter dance", "charter draft", "charter publish", "charter revoke",
		"charter sign --draft x", "charter sign --key x", "charter rotate --draft x", "charter policy --add-zone x", "machine", "machine release", "tls", "backup", "run extra", "version extra", "list --nosuch", "joincode --nosuch"} {
		out, errs, err := play(t, strings.Fields(line)...)
		if !errors.Is(err, errUsage) || errs == "" || out != "" {
			t.Errorf("%q: %v, printed %q and %q", line, err, out, errs)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	explain := func(words ...string) {
		for _, flagged := range []string{"-h", "--help"} {
			out, errs, err := play(t, append(words, flagged)...)
			if !errors.Is(err, flag.ErrHelp) || !strings.Contains(out, "sage") || errs != "" {
				t.Errorf("%v %s: %v, printed %q and %q", words, flagged, err, out, errs)
			}
		}
	}
	explain()
	for _, c := range commands().list {
		explain(c.name)
	}
	for _, c := range technicianCommands().list {
		explain("technician", c.name)
	}
	for _, c := range journalCommands().list {
		explain("journal", c.name)
	}
	for _, c := range charterCommands().list {
		explain("charter", c.name)
	}
	for _, c := range machineCommands().list {
		explain("machine", c.name)
	}
	for _, c := range tlsCommands().list {
		explain("tls", c.name)
	}
}

func TestFailuresArePlainSentences(t *testing.T) {
	dir, _ := setUp(t)
	for line, want := range map[string]string{
		"run --dir /nowhere":                                       "no data directory here",
		"check --dir /nowhere":                                     "must be mended",
		"technician disable --login x --dir " + dir:                "no such technician",
		"technician sign --dir " + dir:                             "there is no terminal",
		"technician sign --passphrase-file /x --dir " + dir:        "no such file",
		"init --name x --address a:1 --dir " + dir:                 "there is no terminal",
		"init --name x --address a --dir " + dir:                   "the address must be host:port",
		"init --name x --address a:1 --listen 1 --dir " + dir:      "the address to listen on must be",
		"technician add --login X --name a --role b --dir " + dir:  "a login has",
		"charter publish --from /x --dir " + dir:                   "no such file",
		"charter publish --from " + dir + "/unit.pub --dir " + dir: "charter not acceptable",
		"charter sign --key /x --draft /x --out /y":                "no such file",
		"charter policy --idle 90 --dir " + dir:                    "idle is 1 to 60 minutes",
		"charter policy --rights all --dir " + dir:                 "rights are",
		"charter policy --add-source x --dir " + dir:               "not a prefix such as",
		"charter show --epoch 9 --dir " + dir:                      "none of this epoch",
		"tls switch --dir " + dir:                                  "there is no next key",
		"backup --to " + dir + " --dir " + dir:                     "file exists",
	} {
		if _, _, err := play(t, strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestErrorsNameNoPartOfTheProgram(t *testing.T) {
	for text, want := range map[string]string{
		"server: setting not acceptable: the address must be host:port":     "the address must be host:port",
		"server: configuration: /d/assist-server.toml:3: server.listen bad": "/d/assist-server.toml:3: server.listen bad",
		"server: unit key: trust: wrong passphrase":                         "unit key: wrong passphrase",
		"server: one\nserver: two":                                          "one\ntwo",
		"the two passphrases differ":                                        "the two passphrases differ",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestVersion(t *testing.T) {
	if out := plays(t, "version"); !strings.HasPrefix(out, "assist-server ") || strings.TrimSpace(out) == "assist-server" {
		t.Errorf("version prints %q", out)
	}
}

// The drawing, read back module by module, is a QR: its three finders are there
// and a white margin is all round.
func TestHalfBlocksDrawAQR(t *testing.T) {
	text, err := halfBlocks("ASSIST1-00000")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]bool
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "\x1b[30;107m"), "\x1b[0m")
		var upper, lower []bool
		for _, r := range line {
			upper = append(upper, r == '█' || r == '▀')
			lower = append(lower, r == '█' || r == '▄')
		}
		rows = append(rows, upper, lower)
	}
	side := len(rows[0]) - 2*quiet
	if side < 21 || (side-17)%4 != 0 {
		t.Fatalf("the side has %d modules", side)
	}
	for x := range rows[0] {
		for y := range quiet {
			if rows[y][x] || rows[x][y] {
				t.Fatal("the margin is not white")
			}
		}
	}
	for _, at := range [][2]int{{0, 0}, {side - 7, 0}, {0, side - 7}} {
		for i := range 7 {
			x, y := quiet+at[0], quiet+at[1]
			if !rows[y][x+i] || !rows[y+6][x+i] || !rows[y+i][x] || !rows[y+i][x+6] || !rows[y+3][x+3] {
				t.Fatalf("no finder at %v", at)
			}
		}
	}
	if _, err := halfBlocks(strings.Repeat("x", 4000)); err == nil {
		t.Error("drew what is too long")
	}
}
