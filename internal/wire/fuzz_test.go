// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func FuzzFromClient(f *testing.F)   { fuzzFamily(f, "FromClient") }
func FuzzFromServer(f *testing.F)   { fuzzFamily(f, "FromServer") }
func FuzzToHost(f *testing.F)       { fuzzFamily(f, "ToHost") }
func FuzzToTechnician(f *testing.F) { fuzzFamily(f, "ToTechnician") }
func FuzzSigned(f *testing.F)       { fuzzFamily(f, "Signed") }
func FuzzEnvelope(f *testing.F)     { fuzzFamily(f, "Envelope") }

// fuzzFamily starts from the committed seeds of the same name.
func fuzzFamily(f *testing.F, fname string) {
	fam := families()[fname]
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := fam.decode(b)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || m != nil {
				t.Fatalf("%v, %v", m, err)
			}
			return
		}
		again, err := Marshal(m)
		if err != nil || !bytes.Equal(again, b) || !takes(fam, m) {
			t.Fatalf("%x reads as %+v, which writes as %x, %v", b, m, again, err)
		}
	})
}

// writeSeeds writes one seed for each message of each family.
func writeSeeds(t *testing.T) {
	t.Helper()
	for fname, fam := range families() {
		dir := filepath.Join("testdata", "fuzz", "Fuzz"+fname)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for i, m := range samples() {
			if takes(fam, m) {
				file := name(m)
				if i > 0 && file == name(samples()[i-1]) { // another version of it
					file += "-next"
				}
				write(t, filepath.Join(dir, file), fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", encode(t, m)))
			}
		}
	}
}

func BenchmarkDecodeInput(b *testing.B) {
	for _, m := range []Message{&Move{1, 2, 3}, &Key{0x04, true}, &Text{"é"}} {
		raw := encode(b, m)
		b.Run(name(m), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := UnmarshalToHost(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeInput(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Marshal(&Move{1, 2, 3}); err != nil {
			b.Fatal(err)
		}
	}
}
