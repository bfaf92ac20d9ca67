// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// export writes a file of what the keys choose.
func (b *book) export(k Keys) []byte {
	b.t.Helper()
	c := b.sign(70)
	var out bytes.Buffer
	_, err := WriteNDJSON(b.t.Context(), &out, b, Export{k, "INCI", moment(80), []byte("key")}, c, b.key)
	must(b.t, err)
	return out.Bytes()
}

func (b *book) check(file []byte) (ExportReport, error) {
	return VerifyExport(bytes.NewReader(file), b.key)
}

func TestExportVerifiesByItself(t *testing.T) {
	b := filled(t)
	if *update {
		dir := filepath.Join("testdata", "fuzz", "FuzzVerifyExport")
		must(t, os.MkdirAll(dir, 0o755))
		for name, k := range map[string]Keys{"all": {}, "session": {Session: "51"}} {
			must(t, os.WriteFile(filepath.Join(dir, name), fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", b.export(k)), 0o644))
		}
	}
	r, err := b.check(b.export(Keys{}))
	must(t, err)
	if r.Unit != "INCI" || r.Entries != 4 || r.Purged != 9 || r.Size != 13 || !r.At.Equal(moment(80).Truncate(time.Second)) {
		t.Errorf("report is %+v", r)
	}
	r, err = b.check(b.export(Keys{Session: "51"}))
	must(t, err)
	if r.Entries != 2 || r.Purged != 0 || r.Keys.Session != "51" {
		t.Errorf("report of one session is %+v", r)
	}
	r, err = b.check(b.export(Keys{Login: "nobody"}))
	must(t, err)
	if r.Entries != 0 {
		t.Errorf("report of nothing is %+v", r)
	}
	r, err = open(t).check(open(t).export(Keys{}))
	must(t, err)
	if r.Size != 0 {
		t.Errorf("report of an empty journal is %+v", r)
	}
}

// A file flipped at every byte: always an error.
func TestEveryFlippedByteOfAnExportIsNoticed(t *testing.T) {
	b := filled(t)
	for _, file := range [][]byte{b.export(Keys{}), b.export(Keys{Session: "51"})} {
		_, err := b.check(file)
		must(t, err)
		for at := range file {
			for _, bit := range []byte{1, 0x20, 0x80} {
				c := bytes.Clone(file)
				c[at] ^= bit
				if _, err := b.check(c); !errors.Is(err, ErrTampered) {
					t.Fatalf("byte %d, %q as %q: %v", at, file[at], c[at], err)
				}
			}
		}
		for n := range file {
			if _, err := b.check(file[:n]); !errors.Is(err, ErrTampered) {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
	}
}

func TestExportWithLinesMoved(t *testing.T) {
	b := filled(t)
	file := b.export(Keys{})
	lines := bytes.SplitAfter(file, []byte("\n"))
	lines = lines[:len(lines)-1]
	join := func(l [][]byte) []byte { return bytes.Join(l, nil) }
	for name, c := range map[string][]byte{
		"one missing":   join(append(append([][]byte{}, lines[:3]...), lines[4:]...)),
		"one doubled":   join(append(append([][]byte{}, lines[:3]...), lines[2:]...)),
		"two swapped":   join(append(append([][]byte{}, lines[0], lines[2], lines[1]), lines[3:]...)),
		"last missing":  join(lines[:len(lines)-1]),
		"something on":  append(join(lines), "{}\n"...),
		"a long line":   append(bytes.Repeat([]byte("x"), 2*maxLine), join(lines)...),
		"nothing":       nil,
		"another's end": join(append(append([][]byte{}, lines[:len(lines)-1]...), lines[0])),
	} {
		if _, err := b.check(c); !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyExportNamesTheEntry(t *testing.T) {
	b := open(t)
	b.add(samples()[:14]...)
	file := bytes.Replace(b.export(Keys{}), []byte("Claire Dubois"), []byte("Claire Dupont"), 1)
	r, err := b.check(file)
	if err == nil || !strings.Contains(err.Error(), "entry 3 is not the one of the journal") || r.Entries != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}

// An export of some must not claim to be one of all, nor hold more than was chosen.
func TestExportOfOthersIsNoticed(t *testing.T) {
	b := open(t)
	b.add(samples()[:14]...)
	all, some := b.export(Keys{}), b.export(Keys{Login: "claire"})
	headless := some[bytes.IndexByte(some, '\n'):]
	if _, err := b.check(append(bytes.Clone(all[:bytes.IndexByte(all, '\n')]), headless...)); !errors.Is(err, ErrTampered) {
		t.Errorf("some as all: %v", err)
	}
	headless = all[bytes.IndexByte(all, '\n'):]
	if _, err := b.check(append(bytes.Clone(some[:bytes.IndexByte(some, '\n')]), headless...)); !errors.Is(err, ErrTampered) {
		t.Errorf("all as some: %v", err)
	}
}

func TestExportStopsWhenItCannotWrite(t *testing.T) {
	b := filled(t)
	c := b.sign(70)
	size := len(b.export(Keys{}))
	for room := 0; room < size; room += 97 {
		_, err := WriteNDJSON(t.Context(), &narrow{left: room}, b, Export{Unit: "INCI", At: moment(80)}, c, b.key)
		if !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
	}
	if _, err := WriteCSV(t.Context(), &narrow{left: 10}, b, Keys{}, 100); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("CSV: %v", err)
	}
	b.key.broken = true
	if _, err := WriteNDJSON(t.Context(), io.Discard, b, Export{}, c, b.key); err == nil {
		t.Error("exported without a signature")
	}
}

// narrow is a disk that is full soon.
type narrow struct{ left int }

func (n *narrow) Write(p []byte) (int, error) {
	if len(p) > n.left {
		return 0, io.ErrShortWrite
	}
	n.left -= len(p)
	return len(p), nil
}

func TestCSV(t *testing.T) {
	b := open(t)
	b.add(samples()[2], &LoginRefused{"=cmd|calc", "192.0.2.1", "login"}, samples()[9])
	var out bytes.Buffer
	n, err := WriteCSV(t.Context(), &out, b, Keys{}, 3)
	must(t, err)
	want := `number,time,type,session,login,machine,entry
1,2026-11-21T09:00:00.123Z,technician.added,,claire,,"{""v"":1,""n"":1,""t"":1795251600123,""type"":""technician.added"",""data"":{""login"":""claire"",""name"":""Claire Dubois"",""role"":""IT support"",""by"":""rssi as root""}}"
2,2026-11-21T09:00:01.123Z,login.refused,,'=cmd|calc,,"{""v"":1,""n"":2,""t"":1795251601123,""type"":""login.refused"",""data"":{""login"":""=cmd|calc"",""address"":""192.0.2.1"",""at"":""login""}}"
`
	if got := out.String(); n != 3 || !strings.HasPrefix(got, want) {
		t.Errorf("%d lines:\n%s", n, got)
	}
	if n, err := Count(t.Context(), b, Keys{Login: "claire"}); n != 2 || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
	after, err := After(t.Context(), b, 1, 1)
	must(t, err)
	if numbers(after) != "2" {
		t.Errorf("after 1 is %s", numbers(after))
	}
}

// Whatever is in a file: an error, or the file that was exported.
func FuzzVerifyExport(f *testing.F) {
	f.Add([]byte("{}\n")) // files of a real journal are in testdata
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := VerifyExport(bytes.NewReader(file), &testKey{}); err != nil && !errors.Is(err, ErrTampered) {
			t.Errorf("error is %v", err)
		}
	})
}
