// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden bytes and the fuzz seeds anew")

func TestEveryKindHasASample(t *testing.T) {
	have := map[uint8]string{}
	for _, m := range samples() {
		if other, twice := have[m.kind()]; twice && other != name(m) { // a certificate has two versions
			t.Errorf("%s and %s share kind %#x", name(m), other, m.kind())
		}
		have[m.kind()] = name(m)
	}
	for k := range 256 {
		m := newMessage(uint8(k))
		switch {
		case m == nil && have[uint8(k)] != "":
			t.Errorf("kind %#x of %s cannot be decoded", k, have[uint8(k)])
		case m != nil && have[uint8(k)] == "":
			t.Errorf("%s has no sample", name(m))
		case m != nil && (m.kind() != uint8(k) || name(m) != have[uint8(k)]):
			t.Errorf("kind %#x decodes as %s", k, name(m))
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, m := range samples() {
		got, err := decoderOf(t, m)(encode(t, m))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %+v came back as %+v, %v", name(m), m, got, err)
		}
	}
}

func TestEmptyFieldsRoundTrip(t *testing.T) {
	for _, m := range []Message{&Scene{}, &Watch{}, &Text{}, &Certificate{}, &Signal{}, &Shape{}, &Envelope{}} {
		b := encode(t, m)
		got, err := decoderOf(t, m)(b)
		if err != nil || !bytes.Equal(encode(t, got), b) {
			t.Errorf("%s: %+v, %v", name(m), got, err)
		}
	}
}

// Every field, bit by bit: a message with a changed byte is refused, or is
// another message with exactly that byte changed. Nothing is ever skipped,
// normalised or guessed.
func TestEveryChangedByteCounts(t *testing.T) {
	for _, m := range samples() {
		decode, b := decoderOf(t, m), encode(t, m)
		for at := range b {
			for bit := range 8 {
				c := bytes.Clone(b)
				c[at] ^= 1 << bit
				refusedOrExact(t, fmt.Sprintf("%s byte %d bit %d", name(m), at, bit), decode, c)
			}
		}
	}
}

func TestEverySpanMutated(t *testing.T) {
	for _, m := range samples() {
		decode, b := decoderOf(t, m), encode(t, m)
		spans, err := Spans(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range spans {
			head, field, tail := b[:s.Start], b[s.Start:s.End], b[s.End:]
			for what, with := range map[string][]byte{
				"dropped": nil, "doubled": bytes.Repeat(field, 2), "zeroed": make([]byte, len(field)),
				"filled": bytes.Repeat([]byte{0xff}, len(field)), "turned": reversed(field),
			} {
				c := bytes.Join([][]byte{head, with, tail}, nil)
				if !bytes.Equal(c, b) {
					refusedOrExact(t, name(m)+" "+s.Name+" "+what, decode, c)
				}
			}
		}
	}
}

func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i := range b {
		r[len(b)-1-i] = b[i]
	}
	return r
}

// refusedOrExact holds for any bytes: ErrMalformed and nothing else, or a
// message whose one encoding is those bytes.
func refusedOrExact(t *testing.T, what string, decode func([]byte) (Message, error), b []byte) {
	t.Helper()
	m, err := decode(b)
	if err != nil {
		if !errors.Is(err, ErrMalformed) || m != nil {
			t.Errorf("%s: %v, %v", what, m, err)
		}
		return
	}
	if again, err := Marshal(m); err != nil || !bytes.Equal(again, b) {
		t.Errorf("%s: %x reads as %+v, which writes as %x, %v", what, b, m, again, err)
	}
}

func TestSpansCoverTheMessage(t *testing.T) {
	for _, m := range samples() {
		spans, err := Spans(m)
		at := 0
		for _, s := range spans {
			if s.Start != at || s.Name == "" {
				t.Errorf("%s: %+v does not begin at %d", name(m), s, at)
			}
			at = s.End
		}
		if err != nil || at != len(encode(t, m)) || spans[0].Name != "kind" {
			t.Errorf("%s: spans end at %d, %v", name(m), at, err)
		}
	}
}

func TestCutOrLongMessagesAreMalformed(t *testing.T) {
	for _, m := range samples() {
		decode, b := decoderOf(t, m), encode(t, m)
		for n := range b {
			if got, err := decode(b[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s cut at %d: %v, %v", name(m), n, got, err)
			}
		}
		if _, err := decode(append(b, 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s and one byte more: %v", name(m), err)
		}
	}
}

func TestFamiliesTakeTheirOwnOnly(t *testing.T) {
	for fname, f := range families() {
		for _, m := range samples() {
			_, err := f.decode(encode(t, m))
			if ours := takes(f, m); (err == nil) != ours {
				t.Errorf("%s of %s: %v", fname, name(m), err)
			}
			if err != nil && !errors.Is(err, ErrMalformed) {
				t.Errorf("%s of %s: %v", fname, name(m), err)
			}
		}
		for _, b := range [][]byte{nil, {0}, {0xff}, make([]byte, MaxMessage+1)} {
			if _, err := f.decode(b); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s of %d bytes of nothing: %v", fname, len(b), err)
			}
		}
	}
}

// No message towards a host could carry a person's answer.
func TestNothingTowardsTheHostAnswers(t *testing.T) {
	for _, m := range samples() {
		_, toHost := m.(ToHost)
		_, fromServer := m.(FromServer)
		n := name(m)
		if toHost && (strings.Contains(n, "Grant") || strings.Contains(n, "Answer") || strings.Contains(n, "Accept")) {
			t.Errorf("%s is a ToHost", n)
		}
		if toHost && fromServer {
			t.Errorf("%s is both a server's and a technician's", n)
		}
	}
}

const goldenFile = "testdata/golden.txt"

// The bytes themselves are fixed: ends built months apart must understand each
// other. A change here is a new Version.
func TestGoldenBytes(t *testing.T) {
	var now strings.Builder
	for _, m := range samples() {
		fmt.Fprintf(&now, "%s %s\n", name(m), hex.EncodeToString(encode(t, m)))
	}
	if *update {
		write(t, goldenFile, now.String())
		writeSeeds(t)
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil || string(want) != now.String() {
		t.Errorf("the bytes on the wire have changed: %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A certificate that names no photo has the bytes that it had before there were photos
// (see the first line of the golden file), and none is written or read in two ways.
func TestACertificateNamesAPhotoByItsVersion(t *testing.T) {
	for _, m := range []*Certificate{
		{Version: Version, Photo: [32]byte{1}}, {Version: VersionPhoto}, {Version: 0xffff}, {Photo: [32]byte{31: 1}},
	} {
		if _, err := Marshal(m); !errors.Is(err, ErrMalformed) {
			t.Errorf("%+v is written: %v", m, err)
		}
	}
	with := encode(t, &Certificate{Version: VersionPhoto, Photo: [32]byte{1}})
	without := encode(t, &Certificate{Version: Version})
	for what, b := range map[string][]byte{
		"no hash": append(bytes.Clone(with[:len(with)-32]), make([]byte, 32)...), "no room for one": with[:len(with)-32],
		"a hash under the first version": append(bytes.Clone(without), with[len(with)-32:]...),
	} {
		if m, err := UnmarshalSigned(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s reads as %+v, %v", what, m, err)
		}
	}
}

// Two goroutines may send one message to two peers: run with -race.
func TestMarshalLeavesTheMessageAlone(t *testing.T) {
	for _, m := range samples() {
		done := make(chan []byte, 2)
		for range 2 {
			go func() { b, _ := Marshal(m); done <- b }()
		}
		if a, b := <-done, <-done; !bytes.Equal(a, b) {
			t.Errorf("%s: two encodings", name(m))
		}
	}
}
