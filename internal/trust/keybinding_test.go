// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func computer(marks ...string) Computer { return Computer{System: "os", Marks: marks} }

// What happens to computers, and whether they are other ones then.
func TestKeyFollowsTheHardware(t *testing.T) {
	laptop := []string{"disk A", "net wired", "net wireless"}
	for name, c := range map[string]struct {
		first, then []string
		moved       bool
	}{
		"nothing changed":               {laptop, laptop, false},
		"copied byte for byte":          {laptop, []string{"disk B", "net other"}, true},
		"copy without networks":         {laptop, []string{"disk B"}, true},
		"new disk":                      {laptop, []string{"disk B", "net wired", "net wireless"}, false},
		"new board":                     {laptop, []string{"disk A", "net other"}, false},
		"disk in another computer":      {laptop, []string{"disk A", "net other", "net third"}, false},
		"networks off":                  {laptop, []string{"disk A"}, false},
		"nothing to be read today":      {laptop, nil, false},
		"nothing to be read at first":   {nil, laptop, false},
		"virtual machine made anew":     {[]string{"net 1"}, []string{"net 2"}, true},
		"virtual machine started again": {[]string{"net 1"}, []string{"net 1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "host.key")
			first := loadedHost(t, path, computer(c.first...))
			then, moved, err := LoadOrCreateHostKey(path, computer(c.then...))
			if err != nil || moved != c.moved || bytes.Equal(first.Public(), then.Public()) == c.moved {
				t.Errorf("moved %v, %v", moved, err)
			}
			if _, err := os.Stat(path + ".old"); (err == nil) != c.moved {
				t.Errorf("put aside: %v", err)
			}
			again, moved, err := LoadOrCreateHostKey(path, computer(c.then...))
			if err != nil || moved || !bytes.Equal(again.Public(), then.Public()) {
				t.Errorf("the next start: moved %v, %v", moved, err)
			}
		})
	}
}

// A computer whose parts are replaced one after the other stays itself, and one that was
// seen without a part knows it still.
func TestKeyFileRemembersParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "device.key")
	first := loadedDevice(t, path, computer("disk A", "net 1"))
	for i, marks := range [][]string{{"disk B", "net 1"}, {"disk B", "net 2"}, {"net 2"}, {"disk C", "net 2"}, {"disk C", "net 3"}, {"disk B"}} {
		k, moved, err := LoadOrCreateDeviceKey(path, computer(marks...))
		if err != nil || moved || !bytes.Equal(k.Public(), first.Public()) {
			t.Fatalf("step %d: moved %v, %v", i, moved, err)
		}
	}
}

func TestKeyFileForgetsTheOldestParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.key")
	loadedHost(t, path, computer("first", "stays"))
	for i := range maxMarks {
		loadedHost(t, path, computer("stays", fmt.Sprint("part ", i)))
	}
	_, tied, err := readKeyFile(path, blockHost)
	if err != nil || len(tied.marks) != maxMarks {
		t.Fatalf("%d marks, %v", len(tied.marks), err)
	}
	if tied.isOn(computer("first")) || !tied.isOn(computer("part 1")) || !tied.isOn(computer(fmt.Sprint("part ", maxMarks-1))) {
		t.Error("not the oldest are forgotten")
	}
}

// The file of an earlier version takes the hardware that it is first started on, keeps its
// key, and is damaged by any change but of the identity, which makes it another's.
func TestKeyFileOfAnEarlierVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.key")
	old := loadedHost(t, path, computer())
	earlier := must(os.ReadFile(path))(t)
	blk, _ := pem.Decode(earlier)
	delete(blk.Headers, saltHeader)
	delete(blk.Headers, sealHeader)
	earlier = pem.EncodeToMemory(blk)
	start := bytes.Index(earlier, []byte(identityHeader))
	end := start + bytes.IndexByte(earlier[start:], '\n')
	flips(earlier, func(at int, changed []byte) {
		if _, _, err := parseKeyFile(changed, blockHost); err == nil && (at < start || at >= end) {
			t.Errorf("byte %d: no error", at)
		}
	})
	must(0, os.WriteFile(path, earlier, 0o600))(t)
	for range 2 {
		k, moved, err := LoadOrCreateHostKey(path, computer("disk A", "net 1"))
		if err != nil || moved || !bytes.Equal(k.Public(), old.Public()) {
			t.Fatalf("moved %v, %v", moved, err)
		}
	}
	if k, moved, err := LoadOrCreateHostKey(path, computer("disk B", "net 2")); err != nil || !moved || bytes.Equal(k.Public(), old.Public()) {
		t.Errorf("a copy: moved %v, %v", moved, err)
	}
}

// Marks are numbers that other programs may use: the file gives them to nobody, and two
// files cannot be told to be of one computer.
func TestKeyFileHidesTheHardware(t *testing.T) {
	dir := t.TempDir()
	var marks [2][]string
	for i, name := range []string{"host.key", "device.key"} {
		path := filepath.Join(dir, name)
		loadedHost(t, path, computer("disk S5GXNX0R", "net 3c:52:82:10:20:30"))
		if text := string(must(os.ReadFile(path))(t)); strings.Contains(text, "S5GXNX0R") || strings.Contains(text, "3c:52") {
			t.Error("a mark is in the file")
		}
		_, tied, err := readKeyFile(path, blockHost)
		marks[i] = must(tied, err)(t).marks
	}
	if len(marks[0]) != 2 || slices.ContainsFunc(marks[0], func(m string) bool { return slices.Contains(marks[1], m) }) {
		t.Errorf("%q and %q", marks[0], marks[1])
	}
}

// A key is used also where what is new of its computer cannot be written down.
func TestKeyFileOnAFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "host.key")
	first := loadedHost(t, path, computer("disk A"))
	if os.Getuid() == 0 {
		t.Skip("root writes everywhere")
	}
	must(0, os.Chmod(dir, 0o500))(t)
	defer func() { must(0, os.Chmod(dir, 0o700))(t) }()
	k, moved, err := LoadOrCreateHostKey(path, computer("disk A", "net 1"))
	if err != nil || moved || !bytes.Equal(k.Public(), first.Public()) {
		t.Errorf("moved %v, %v", moved, err)
	}
}

// Whatever starts on whatever hardware: it is another computer when its system is, or when
// it has nothing of what was ever seen of the first.
func TestKeyFollowsTheModel(t *testing.T) {
	dir := t.TempDir()
	walks := 0
	rapid.Check(t, func(rt *rapid.T) {
		walks++
		path := filepath.Join(dir, fmt.Sprint(walks), "host.key")
		var system string
		var key []byte
		seen := map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(rt, "starts") {
			on := Computer{System: rapid.SampledFrom([]string{"os", "os", "os", "another"}).Draw(rt, "system"),
				Marks: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 0, 3, rapid.ID[string]).Draw(rt, "marks")}
			known := slices.ContainsFunc(on.Marks, func(m string) bool { return seen[m] })
			want := key != nil && (on.System != system || len(on.Marks) > 0 && len(seen) > 0 && !known)
			k, moved, err := LoadOrCreateHostKey(path, on)
			if err != nil || moved != want || key != nil && bytes.Equal(k.Public(), key) == want {
				rt.Fatalf("%v after %v: moved %v, want %v, %v", on, seen, moved, want, err)
			}
			if want {
				clear(seen)
			}
			for _, m := range on.Marks {
				seen[m] = true
			}
			system, key = on.System, k.Public()
		}
	})
}

func FuzzOwnKeyFile(f *testing.F) {
	p := must(newKeyPair())(f)
	scalar := must(p.private.Bytes())(f)
	good := pem.EncodeToMemory(&pem.Block{Type: blockHost, Headers: bind(computer("a", "b")).headers(p, scalar), Bytes: scalar})
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		q, tied, err := parseKeyFile(b, blockHost)
		switch {
		case err != nil && !errors.Is(err, ErrKeyFile):
			t.Errorf("%v", err)
		case err == nil && bytes.Equal(q.public, p.public) && tied.sealed && !bytes.Equal(b, good):
			t.Errorf("another file of the same key: %q", b)
		}
	})
}
