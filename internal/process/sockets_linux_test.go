// SPDX-License-Identifier: Apache-2.0

package process

import (
	"net"
	"os"
	"path/filepath"
	"slices"
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
	if Running(dir) != 0 {
		t.Error("somebody runs in an empty folder")
	}
	c, err := Only(dir, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if got := Running(dir); got != os.Getpid() {
		t.Errorf("%d runs, want %d", got, os.Getpid())
	}
	c.Close()
	if got := Running(dir); got != 0 {
		t.Errorf("%d runs after the end", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "lock"), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Running(dir); got != 0 {
		t.Errorf("%d is believed without the file open", got)
	}
}
