// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecondStartRaisesTheFirst(t *testing.T) {
	dir := t.TempDir()
	rung := make(chan struct{}, 8)
	first, err := Only(dir, func() { rung <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Only(dir, func() {}); !errors.Is(err, ErrSecond) {
		t.Fatalf("second start: %v, want ErrSecond", err)
	}
	<-rung
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Only(dir, func() {})
	if err != nil {
		t.Fatalf("after the first has closed: %v", err)
	}
	again.Close()
}

// A home folder far down is no reason not to start: the socket then has a short name
// elsewhere, or there is none.
func TestLongPath(t *testing.T) {
	private := t.TempDir()
	if err := os.Chmod(private, 0o700); err != nil {
		t.Fatal(err)
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		runtime string
		raises  bool
	}{
		"runtime folder": {private, true},
		"open to others": {open, false},
		"none":           {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_RUNTIME_DIR", c.runtime)
			dir := filepath.Join(t.TempDir(), strings.Repeat("laboratoire/", 12))
			rung := make(chan struct{}, 8)
			first, err := Only(dir, func() { rung <- struct{}{} })
			if err != nil {
				t.Fatal(err)
			}
			if path := RaiseSocket(dir); (filepath.Dir(path) == c.runtime) != c.raises || (path != "") != c.raises {
				t.Errorf("the socket is %q", path)
			}
			if _, err := Only(dir, func() {}); !errors.Is(err, ErrSecond) {
				t.Fatalf("second start: %v, want ErrSecond", err)
			}
			if c.raises {
				<-rung
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Only(dir, func() {})
			if err != nil {
				t.Fatalf("after the first has closed: %v", err)
			}
			again.Close()
		})
	}
}

func TestLeftOverSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "raise.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as a killed process leaves it
	l.Close()
	c, err := Only(dir, func() {})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestOtherWordsDoNothing(t *testing.T) {
	dir := t.TempDir()
	rung := make(chan struct{}, 8)
	c, err := Only(dir, func() { rung <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	conn, err := net.Dial("unix", filepath.Join(dir, "raise.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("accept")); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := conn.Read(b[:]); err == nil {
		t.Fatal("an unknown word was answered")
	}
	if len(rung) != 0 {
		t.Fatal("an unknown word raised the app")
	}
}

func TestElevatedIsRoot(t *testing.T) {
	if got, want := Elevated(), os.Geteuid() == 0; got != want {
		t.Fatalf("Elevated() = %v for uid %d", got, os.Geteuid())
	}
}

// Started at the same moment, and with somebody holding the socket up, one is first.
func TestOnlyOneIsFirst(t *testing.T) {
	for range 50 {
		dir := t.TempDir()
		const starts = 4
		got := make(chan io.Closer, starts)
		for range starts {
			go func() {
				c, err := Only(dir, func() {})
				if err != nil && !errors.Is(err, ErrSecond) {
					t.Error(err)
				}
				got <- c
			}()
		}
		first := 0
		for range starts {
			if c := <-got; c != nil {
				first++
				defer c.Close()
			}
		}
		if first != 1 {
			t.Fatalf("%d were first", first)
		}
	}
}

func TestSilentCallersDoNotMakeRoomForASecond(t *testing.T) {
	dir := t.TempDir()
	c, err := Only(dir, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		silent, err := net.Dial("unix", filepath.Join(dir, "raise.sock"))
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	if _, err := Only(dir, func() {}); !errors.Is(err, ErrSecond) {
		t.Fatalf("got %v, want ErrSecond", err)
	}
}
