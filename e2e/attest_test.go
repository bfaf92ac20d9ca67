// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assist/internal/attestation"
	own "assist/internal/process"
)

// unkept are the promises that a report says are not kept, but for the one about the
// source: a build from a tree that is being worked on says so, as it should.
func unkept(r attestation.Report) []string {
	var out []string
	for _, p := range r.Promises {
		if !p.Kept && p.Name != attestation.PromiseBuild {
			out = append(out, p.Name)
		}
	}
	return out
}

// attest runs the app for its report, and checks that status and report agree.
func (s *shipped) attest(t *testing.T, as account, dir string) attestation.Report {
	t.Helper()
	status, out := s.says(t, as, nil, "--attest=json", "--config-dir", dir)
	var r attestation.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if r.Schema != attestation.Schema || (status == 0) != r.OK {
		t.Errorf("status %d, schema %q, ok %v", status, r.Schema, r.OK)
	}
	return r
}

// attests shows the report where no app runs: for an ordinary user, for root, in words,
// and with a fault.
func (s *shipped) attests(t *testing.T) {
	dir := filepath.Join(s.dir, "attested")
	r := s.attest(t, s.as, dir)
	if len(unkept(r)) != 0 || !r.Shares || r.Running != nil || r.Keys != nil || r.Rights.User != int(s.as.uid) {
		t.Errorf("%+v", r)
	}
	if r.Build.Path != s.bin || len(r.Build.SHA256) != 64 {
		t.Errorf("built %+v", r.Build)
	}
	if os.Getuid() == 0 {
		if r := s.attest(t, account{}, dir); r.Shares || len(unkept(r)) != 0 {
			t.Errorf("as root: %+v", r)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it kept something")
	}
	for language, want := range map[string]string{"fr_FR.UTF-8": "Droits ordinaires", "C": "Ordinary rights"} {
		if _, out := s.says(t, s.as, []string{"LANG=" + language}, "--attest", "--config-dir", dir); !strings.Contains(out, want) {
			t.Errorf("%s: %s", language, out)
		}
	}
	if err := os.MkdirAll(filepath.Join(s.dir, ".config", "autostart"), 0o755); err != nil {
		t.Fatal(err)
	}
	entry := filepath.Join(s.dir, ".config", "autostart", "x.desktop")
	if err := os.WriteFile(entry, fmt.Appendf(nil, "[Desktop Entry]\nExec=%s\n", s.bin), 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(entry)
	if r := s.attest(t, s.as, dir); r.OK || fmt.Sprint(unkept(r)) != "[starters]" || fmt.Sprint(r.Starters) != "["+entry+"]" {
		t.Errorf("with an autostart entry: %+v", r)
	}
}

// attestsTheRunning shows the report on an app that is open, which listens nowhere but
// for a second start of itself, and has nothing open towards the network.
func (s *shipped) attestsTheRunning(t *testing.T, a *app) {
	t.Helper()
	r := s.attest(t, s.as, a.dir)
	if len(unkept(r)) != 0 || r.Running == nil || r.Running.PID != a.proc.pid() || !r.Running.Known || r.Running.SHA256 != r.Build.SHA256 {
		t.Fatalf("%+v", r)
	}
	for _, one := range r.Running.Sockets {
		if one.Local != filepath.Join(a.dir, "raise.sock") {
			t.Errorf("open: %+v", one)
		}
	}
}

// quietly checks that a running app can be connected to by nobody, whatever it does.
func (a *app) quietly(t *testing.T, when string) []own.Socket {
	t.Helper()
	all, err := own.Sockets(a.pid(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Listens && s.Local != filepath.Join(a.dir, "raise.sock") && s.Local != a.door { // the door is of builds for tests
			t.Errorf("%s, %s listens at %+v", when, a.name, s)
		}
	}
	return all
}

// pid is the app's own process, also when another program started it.
func (a *app) pid(t *testing.T) int {
	t.Helper()
	pid, err := own.Running(a.dir)
	if pid == 0 || err != nil {
		t.Fatalf("%s does not run: %v", a.name, err)
	}
	return pid
}

// listeners shows that neither app listens for anybody, before, during and after an
// intervention: the connection between them is made outwards by both.
func (w *world) listeners(t *testing.T) {
	w.tidy(t)
	w.unconnected(t, "before")
	l := w.intervene(t, false)
	for _, a := range []*app{w.host, w.tech} {
		udp := 0
		for _, s := range a.quietly(t, "during") {
			if strings.HasPrefix(s.Protocol, "udp") {
				udp++
			}
		}
		if udp == 0 {
			t.Errorf("%s has no connection to the other end: this test looks at the wrong place", a.name)
		}
	}
	l.end(t)
	w.unconnected(t, "after")
}

// unconnected waits until neither app has a connection to the other any more: one that has
// just ended takes a moment to close.
func (w *world) unconnected(t *testing.T, when string) {
	t.Helper()
	for _, a := range []*app{w.host, w.tech} {
		eventually(t, aWhile, when+", the connection is closed", func() error {
			for _, s := range a.quietly(t, when) {
				if strings.HasPrefix(s.Protocol, "udp") {
					return fmt.Errorf("%+v", s)
				}
			}
			return nil
		})
	}
}
