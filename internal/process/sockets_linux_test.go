// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSocketsOfThisProcess(t *testing.T) {
	var want []Socket
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Logf("%s: %v", at, err)
			continue
		}
		defer l.Close()
		protocol := map[bool]string{true: "tcp", false: "tcp6"}[at[0] == '1']
		want = append(want, Socket{protocol, l.Addr().String(), true})
	}
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	path := filepath.Join(t.TempDir(), "listener")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want = append(want, Socket{"udp", u.LocalAddr().String(), false}, Socket{"unix", path, true})
	got, err := Sockets(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%+v is not in %+v", w, got)
		}
	}
}

func TestRunningIsWhoHoldsTheLock(t *testing.T) {
	dir := t.TempDir()
	if pid, err := Running(dir); pid != 0 || err != nil {
		t.Error("somebody runs in an empty folder")
	}
	c, err := Only(dir, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Running(dir); got != os.Getpid() || err != nil {
		t.Errorf("%d runs, want %d", got, os.Getpid())
	}
	c.Close()
	if got, err := Running(dir); got != 0 || err != nil {
		t.Errorf("%d runs after the end", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Running(dir); got != 0 || err != nil {
		t.Errorf("%d is believed without the file open", got)
	}
}

// What another account may not look at is not nothing; what ended is, whoever bears its
// number now.
func TestRunningOutOfSight(t *testing.T) {
	dir, err := os.MkdirTemp("/var/tmp", "assist-running-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c, err := Only(dir, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ask := func() (answer runningAnswer) {
		if err := json.Unmarshal(sayAsNobody(t, 0o755, nil, askRunning+"="+dir), &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if a := ask(); !a.Unknown {
		t.Errorf("a lock that cannot be read: %+v", a)
	}
	if err := os.Chmod(filepath.Join(dir, "lock"), 0o644); err != nil {
		t.Fatal(err)
	}
	if a := ask(); a.PID != os.Getpid() || !a.Unknown {
		t.Errorf("a process that cannot be looked at: %+v", a)
	}
	c.Close()
	if a := ask(); a.PID != 0 || a.Unknown {
		t.Errorf("after the end: %+v", a)
	}
}

func TestInspect(t *testing.T) {
	p, err := Inspect(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	own := Own()
	if p.Path != self || len(p.SHA256) != 64 || p.Rights.User != own.User || p.Rights.Elevated != own.Elevated ||
		!slices.Equal(p.Rights.Capabilities, own.Capabilities) {
		t.Errorf("%+v, own %+v", p, own)
	}
	if _, err := Inspect(1 << 30); err == nil {
		t.Error("nobody was looked at")
	}
}

func TestStatusRights(t *testing.T) {
	plain := "Name:\tx\nUid:\t1000\t1000\t1000\t1000\nGid:\t5\t5\t5\t5\nGroups:\t27 5 \nCapPrm:\t0000000800000000\nCapEff:\t0000000000000000\n"
	if r := statusRights(plain); r.Privileged() || r.User != 1000 || r.Group != 5 || !slices.Equal(r.Groups, []int{27, 5}) {
		t.Errorf("%+v", r)
	}
	for name, change := range map[string][2]string{
		"nothing told":     {plain, ""},
		"effective root":   {"Uid:\t1000\t1000", "Uid:\t1000\t0"},
		"another's":        {"Uid:\t1000\t1000", "Uid:\t1000\t1001"},
		"another group's":  {"Gid:\t5\t5", "Gid:\t5\t6"},
		"a capability":     {"CapPrm:\t0000000800000000", "CapPrm:\t0000000800002000"},
		"unknown ones":     {"CapEff:", "CapEffx:"},
		"no account's":     {"Uid:", "Vid:"},
		"saved as another": {"1000\t1000\nGid", "0\t1000\nGid"},
	} {
		if r := statusRights(strings.Replace(plain, change[0], change[1], 1)); !r.Privileged() {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if got := entry("A=1\x00SUDO_UID=7\x00", "SUDO_UID"); got != "7" {
		t.Errorf("%q", got)
	}
}
