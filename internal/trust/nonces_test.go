// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// reopen is the app started again.
func reopen(t *testing.T, path string) *Nonces {
	t.Helper()
	s, err := OpenNonces(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNoncesOutliveTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "nonces")
	synctest.Test(t, func(t *testing.T) {
		old, fresh := [32]byte{1}, [32]byte{2}
		if reopen(t, path).Seen(old) {
			t.Fatal("a first request is refused")
		}
		again := reopen(t, path)
		if !again.Knows(old) || again.Knows(fresh) || again.Knows(fresh) {
			t.Error("asking what is known remembers it, or does not know")
		}
		if again.Seen(fresh) || !again.Seen(old) {
			t.Error("right after a restart, a fresh request is refused or an old one is not")
		}
		time.Sleep(2 * maxRequestLife)
		if s := reopen(t, path); !s.Seen(old) || !s.Seen(fresh) {
			t.Error("forgotten while a request could still be accepted")
		}
		time.Sleep(2 * time.Second) // the file counts in whole seconds
		if reopen(t, path).Seen(old) {
			t.Error("never forgotten")
		}
	})
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

// Whatever happens to the file, no nonce in it passes for new while it matters.
func TestDamagedNoncesAreRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nonces")
	reopen(t, path).Seen([32]byte{1})
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := [][]byte{nil, []byte("nonsense"), append(bytes.Clone(good), 0), append(bytes.Clone(good), good...)}
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 1
		broken = append(broken, good[:i], flipped)
	}
	for _, b := range broken {
		checkBlind(t, path, b)
	}
}

func checkBlind(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := OpenNonces(path)
		if !errors.Is(err, ErrKeyFile) || s == nil {
			t.Fatalf("%q is opened: %v", b, err)
		}
		if got := time.Until(s.Blind()); got != maxRequestLife {
			t.Errorf("%q: blind for %v", b, got)
		}
		time.Sleep(maxRequestLife - time.Second)
		if !s.Seen([32]byte{1}) {
			t.Errorf("%q: not refused while an old request could be good", b)
		}
		time.Sleep(time.Second)
		if s.Seen([32]byte{2}) {
			t.Errorf("%q: refused for ever", b)
		}
		reopen(t, path)
	})
}

// What is in memory alone forgets all with the process: nothing passes for new then.
func TestNoncesWithoutAFileAreRefusals(t *testing.T) {
	var none Nonces
	if none.Lasting() || !none.Seen([32]byte{1}) || !none.Seen([32]byte{2}) {
		t.Error("a nonce counts as new where none is kept")
	}
	if !reopen(t, filepath.Join(t.TempDir(), "nonces")).Lasting() {
		t.Error("a file is not seen")
	}
}

func TestNoncesThatCannotBeKeptAreRefusals(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, filepath.Join(dir, "sub", "nonces"))
	if err := os.WriteFile(filepath.Join(dir, "sub"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !s.Seen([32]byte{1}) {
		t.Error("a nonce that could not be written down counts as new")
	}
}

func FuzzNonces(f *testing.F) {
	path := filepath.Join(f.TempDir(), "nonces")
	s, err := OpenNonces(path)
	if err != nil {
		f.Fatal(err)
	}
	s.Seen([32]byte{1})
	f.Add(must(os.ReadFile(path))(f))
	f.Add([]byte(noncesHead))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "nonces")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := OpenNonces(path); len(s.seen) > maxNonces || err != nil && !s.Seen([32]byte{1}) {
			t.Fatalf("%d remembered, %v", len(s.seen), err)
		}
	})
}
