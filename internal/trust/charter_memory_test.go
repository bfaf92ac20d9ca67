// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func newMemory(t testing.TB) *Memory {
	t.Helper()
	return must(NewMemory(t.TempDir(), setUp(t).unit.Public()))(t)
}

// epoch is a charter of the fixture with another epoch.
func (f fixture) epoch(t testing.TB, n uint64) []byte {
	return f.signed(t, func(c *Charter) { c.Epoch = n })
}

func TestMemoryGoesOneWay(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	if _, err := m.Charter(f.now); !errors.Is(err, ErrNoCharter) {
		t.Errorf("before anything: %v", err)
	}
	if key, epoch, err := m.Epoch(); err != nil || epoch != 0 || !bytes.Equal(key, f.unit.Public()) {
		t.Errorf("before anything: %x, %d, %v", key, epoch, err)
	}
	same := f.epoch(t, 5) // the devices in it are drawn afresh each time
	for _, step := range []struct{ offer, kept uint64 }{{5, 5}, {5, 5}, {4, 5}, {6, 6}, {5, 6}, {1, 6}, {MaxEpoch, MaxEpoch}, {6, MaxEpoch}} {
		b := same
		if step.offer != 5 {
			b = f.epoch(t, step.offer)
		}
		c, err := m.Learn(b, f.now)
		if step.offer < step.kept {
			if !errors.Is(err, ErrRollback) || c != nil {
				t.Errorf("epoch %d: %v", step.offer, err)
			}
		} else if err != nil || c.Epoch != step.offer {
			t.Errorf("epoch %d: %v", step.offer, err)
		}
		// Another process, after a restart, knows the same.
		again := must(NewMemory(filepath.Dir(m.path), f.unit.Public()))(t)
		c, err = again.Charter(f.now)
		if _, epoch, eerr := again.Epoch(); err != nil || eerr != nil || c.Epoch != step.kept || epoch != step.kept {
			t.Errorf("kept %+v, %v, %v, want %d", c, err, eerr, step.kept)
		}
	}
}

func TestMemoryTakesOneTextPerEpoch(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	charter := f.charter(t)
	first := must(f.unit.SignCharter(charter))(t)
	must(m.Learn(first, f.now))(t)
	if again := must(f.unit.SignCharter(charter))(t); bytes.Equal(again, first) {
		t.Fatal("two signatures are the same")
	} else if _, err := m.Learn(again, f.now); err != nil {
		t.Errorf("the same text signed again: %v", err)
	}
	charter.Policy.Rights = 63
	if c, err := m.Learn(must(f.unit.SignCharter(charter))(t), f.now); !errors.Is(err, ErrForked) || !errors.Is(err, ErrCharter) || c != nil {
		t.Errorf("another text: %v", err)
	}
	if c := must(m.Charter(f.now))(t); c.Policy.Rights != 7 {
		t.Errorf("rights %b", c.Policy.Rights)
	}
}

func TestMemoryLearnsNothingFromWhatItRefuses(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	must(m.Learn(f.epoch(t, 7), f.now))(t)
	before := must(os.ReadFile(m.path))(t)
	stranger := must(NewUnitKey())(t)
	foreign := f.charter(t, func(c *Charter) { c.Epoch, c.Technicians = 8, nil })
	for name, b := range map[string][]byte{
		"rubbish":  []byte("rubbish"),
		"nothing":  nil,
		"older":    f.epoch(t, 6),
		"foreign":  must(stranger.SignCharter(foreign))(t),
		"expired":  f.signed(t, func(c *Charter) { c.Epoch, c.Issued, c.Expires = 8, 1, 2; c.Technicians = nil }),
		"too soon": f.signed(t, func(c *Charter) { c.Epoch = 8; c.Issued += 3600 }),
	} {
		if c, err := m.Learn(b, f.now); !errors.Is(err, ErrCharter) || c != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(must(os.ReadFile(m.path))(t), before) {
			t.Errorf("%s left a trace", name)
		}
	}
	if _, err := m.Charter(f.now.Add(91 * 24 * time.Hour)); !errors.Is(err, ErrExpired) {
		t.Errorf("the one remembered, out of date: %v", err)
	}
}

func TestMemoryFollowsTheKey(t *testing.T) {
	f := setUp(t)
	s := succeed(t, 3)
	m := newMemory(t)
	must(m.Learn(f.epoch(t, 7), f.now))(t)
	follow := func(name string, chain [][]byte, at int, epoch uint64) {
		t.Helper()
		key, err := m.Follow(chain, f.now)
		kept, e, eerr := m.Epoch()
		if err != nil || eerr != nil || !bytes.Equal(key, s.keys[at].Public()) || !bytes.Equal(kept, key) || e != epoch {
			t.Errorf("%s: epoch %d, %v, %v", name, e, err, eerr)
		}
	}
	follow("nothing to follow", nil, 0, 7)
	follow("one step", s.links[:1], 1, 10)
	if _, err := m.Charter(f.now); !errors.Is(err, ErrNoCharter) {
		t.Errorf("the old key's charter is still there: %v", err)
	}
	if _, err := m.Learn(f.epoch(t, 99), f.now); !errors.Is(err, ErrSignature) {
		t.Errorf("the old key goes on: %v", err)
	}
	follow("the same again", s.links[:1], 1, 10)
	follow("the whole chain", s.links, 3, 30)
	follow("the whole chain again", s.links, 3, 30)
	fresh := f.charter(t, func(c *Charter) { c.Epoch, c.Technicians = 29, nil })
	if _, err := m.Learn(must(s.keys[3].SignCharter(fresh))(t), f.now); !errors.Is(err, ErrRollback) {
		t.Errorf("new key, old epoch: %v", err)
	}
	fresh.Epoch = 30
	must(m.Learn(must(s.keys[3].SignCharter(fresh))(t), f.now))(t)
}

func TestMemoryFollowsNoOtherChain(t *testing.T) {
	f := setUp(t)
	s := succeed(t, 3)
	m := newMemory(t)
	must(m.Follow(s.links[:2], f.now))(t)
	before := must(os.ReadFile(m.path))(t)
	damaged := bytes.Clone(s.links[0])
	damaged[len(damaged)/2] ^= 1
	other := succeed(t, 1)
	for name, chain := range map[string][][]byte{
		"a fork by the old key":     {s.links[0], s.link(t, 1, 3, 99)},
		"ends before":               s.links[:1],
		"damaged where passed over": {damaged, s.links[1], s.links[2]},
		"of another unit":           {other.link(t, 1, 0, 99)},
		"too old":                   {s.link(t, 2, 3, 20)},
		"too long":                  append(slices.Repeat(s.links[:1], MaxRotations), s.links[1]),
		"rubbish":                   {[]byte("rubbish")},
		"huge":                      {make([]byte, MaxRotation+1)},
	} {
		if key, err := m.Follow(chain, f.now); !errors.Is(err, ErrRotation) || key != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(must(os.ReadFile(m.path))(t), before) {
			t.Errorf("%s left a trace", name)
		}
	}
}

// everything asks all that a memory can be asked, and wants one and the same error.
func everything(t *testing.T, m *Memory, name string, want error) {
	t.Helper()
	f := setUp(t)
	_, learn := m.Learn(f.epoch(t, MaxEpoch), f.now)
	_, follow := m.Follow(succeed(t, 1).links, f.now)
	_, charter := m.Charter(f.now)
	_, _, epoch := m.Epoch()
	for _, err := range []error{learn, follow, charter, epoch} {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

func TestEveryFlippedByteOfAMemoryIsRefused(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	must(m.Learn(f.signed(t, func(c *Charter) { c.Technicians = nil }), f.now))(t)
	good := must(os.ReadFile(m.path))(t)
	flips(good, func(at int, changed []byte) {
		if r, err := parseMemory(string(changed)); err == nil || r != nil {
			t.Errorf("byte %d changed and read", at)
		}
	})
	for n := range good {
		if _, err := parseMemory(string(good[:n])); err == nil {
			t.Errorf("%d bytes of it are read", n)
		}
	}
}

func TestDamagedMemoryIsNotBegunAnew(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	must(m.Learn(f.epoch(t, 7), f.now))(t)
	good := must(os.ReadFile(m.path))(t)
	lower := formatMemory(&remembered{pinned: f.unit.Public(), key: f.unit.Public(), epoch: 1})
	elsewhere := must(NewUnitKey())(t).Public()
	for name, b := range map[string]string{
		"empty":           "",
		"cut short":       string(good[:len(good)/2]),
		"of zeros":        string(make([]byte, len(good))),
		"and more":        string(good) + "x",
		"another epoch":   strings.Replace(string(good), "\nepoch 7\n\n", "\nepoch 6\n\n", 1),
		"another version": strings.Replace(string(good), "memory 1", "memory 2", 1),
		"no key":          formatMemory(&remembered{pinned: f.unit.Public(), epoch: 1}),
		"another unit's":  formatMemory(&remembered{pinned: elsewhere, key: f.unit.Public(), epoch: 1}),
		"a stray line":    strings.Replace(lower, "epoch 1\n", "epoch 1\nmore 2\n", 1),
	} {
		must(0, os.WriteFile(m.path, []byte(b), 0o600))(t)
		everything(t, m, name, ErrMemory)
		if now := must(os.ReadFile(m.path))(t); string(now) != b {
			t.Errorf("%s: the file was changed", name)
		}
	}
	must(0, os.WriteFile(m.path, good, 0o600))(t)
	if _, err := m.Charter(f.now); err != nil {
		t.Errorf("put back: %v", err)
	}
	must(0, os.Remove(m.path))(t)
	if _, err := m.Learn(f.epoch(t, 1), f.now); err != nil {
		t.Errorf("deleted by somebody: %v", err)
	}
}

// A file that says epoch 9 and holds the charter of epoch 7 was put together by
// somebody: the sum is right, and still nothing is believed.
func TestMemoryThatContradictsItself(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	write := func(r remembered) {
		must(0, os.WriteFile(m.path, []byte(formatMemory(&r)), 0o600))(t)
	}
	write(remembered{pinned: f.unit.Public(), key: f.unit.Public(), epoch: 9, charter: f.epoch(t, 7)})
	if _, err := m.Charter(f.now); !errors.Is(err, ErrRollback) {
		t.Errorf("charter older than the epoch: %v", err)
	}
	write(remembered{pinned: f.unit.Public(), key: f.unit.Public(), epoch: 7, charter: []byte("rubbish")})
	if _, err := m.Charter(f.now); !errors.Is(err, ErrCharter) {
		t.Errorf("charter of nobody: %v", err)
	}
	if _, err := m.Learn(f.epoch(t, 7), f.now); !errors.Is(err, ErrMemory) {
		t.Errorf("compared with a charter of nobody: %v", err)
	}
}

func TestMemoryFileIsPrivateAndReplacedWhole(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	dir := filepath.Dir(m.path)
	must(m.Learn(f.epoch(t, 7), f.now))(t)
	must(m.Learn(f.epoch(t, 8), f.now))(t)
	files := must(os.ReadDir(dir))(t)
	if len(files) != 1 || !strings.HasPrefix(files[0].Name(), "unit-") || !strings.HasSuffix(files[0].Name(), ".memory") {
		t.Errorf("left %v", files)
	}
	if runtime.GOOS != "windows" {
		if mode := must(os.Stat(m.path))(t).Mode().Perm(); mode != 0o600 {
			t.Errorf("mode %o", mode)
		}
		must(0, os.Chmod(m.path, 0o644))(t)
		everything(t, m, "open to others", ErrMemory)
	}
	other := must(NewMemory(dir, must(NewUnitKey())(t).Public()))(t)
	if other.path == m.path {
		t.Error("two units, one file")
	}
	if _, err := NewMemory(dir, UnitPublic("x")); !errors.Is(err, ErrKey) {
		t.Errorf("no unit: %v", err)
	}
}

func fullDisk(string, []byte) error { return syscall.ENOSPC }

// What cannot be written down counts as long as the process lives, and nothing older any
// more; the caller gets an error, and it is written as soon as that is possible.
func TestMemoryThatCannotBeWritten(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	must(m.Learn(f.epoch(t, 7), f.now))(t)
	m.write = fullDisk
	later := f.epoch(t, 8)
	for range 2 {
		if c, err := m.Learn(later, f.now); !errors.Is(err, ErrNotKept) || c != nil {
			t.Errorf("kept: %+v, %v", c, err)
		}
		if c, err := m.Charter(f.now); err != nil || c.Epoch != 8 {
			t.Errorf("in force: %+v, %v", c, err)
		}
	}
	if _, err := m.Learn(f.epoch(t, 7), f.now); !errors.Is(err, ErrRollback) {
		t.Errorf("an older one: %v", err)
	}
	m.write = writePrivate
	must(m.Learn(later, f.now))(t)
	if c, err := must(NewMemory(filepath.Dir(m.path), f.unit.Public()))(t).Charter(f.now); err != nil || c.Epoch != 8 {
		t.Errorf("written at last: %+v, %v", c, err)
	}
}

// So does a rotation of the unit key.
func TestMemoryFollowsAKeyThatItCannotWrite(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	m.write = fullDisk
	chain := succeed(t, 1)
	if _, err := m.Follow(chain.links, f.now); !errors.Is(err, ErrNotKept) {
		t.Errorf("followed: %v", err)
	}
	if key, _, err := m.Epoch(); err != nil || bytes.Equal(key, f.unit.Public()) {
		t.Errorf("the old key is in force still: %v", err)
	}
}

func TestMemoryUsedAtTheSameTime(t *testing.T) {
	f := setUp(t)
	m := newMemory(t)
	var wg sync.WaitGroup
	for n := range uint64(8) {
		b := f.epoch(t, n+1)
		wg.Go(func() {
			if _, err := m.Learn(b, f.now); err != nil && !errors.Is(err, ErrRollback) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, epoch, err := m.Epoch(); err != nil || epoch != 8 {
		t.Errorf("epoch %d, %v", epoch, err)
	}
}

func FuzzParseMemory(f *testing.F) {
	f.Add(memoryVersion)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseMemory(text)
		if (err == nil) != (r != nil) || (err == nil && formatMemory(r) != text) {
			t.Fatalf("%q reads as %+v, %v", text, r, err)
		}
	})
}
