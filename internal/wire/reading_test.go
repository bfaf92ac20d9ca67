// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"assist/internal/screen"
)

// Marshal never writes a message beyond the limits, so what a reader does with
// one has to be tried with bytes put together by hand: a sample, with one field
// replaced.

// splice is the encoding of m with the bytes of one field replaced. The first
// field of that name is meant.
func splice(t *testing.T, m Message, field string, with []byte) []byte {
	t.Helper()
	spans, err := Spans(m)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(spans, func(s Span) bool { return s.Name == field })
	if i < 0 {
		t.Fatalf("%s has no field %s", name(m), field)
	}
	b := encode(t, m)
	return bytes.Join([][]byte{b[:spans[i].Start], with, b[spans[i].End:]}, nil)
}

// spliceCounted replaces a counted field: its length and its content.
func spliceCounted(t *testing.T, m Message, field string, content []byte) []byte {
	t.Helper()
	spans, err := Spans(m)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(spans, func(s Span) bool { return s.Name == field })
	if i < 1 || spans[i-1].Name != field+".length" {
		t.Fatalf("%s has no counted field %s", name(m), field)
	}
	b := encode(t, m)
	length := binary.BigEndian.AppendUint16(nil, uint16(len(content)))
	return bytes.Join([][]byte{b[:spans[i-1].Start], length, content, b[spans[i].End:]}, nil)
}

// sampleOf is the sample of a kind, by its name.
func sampleOf(t *testing.T, n string) Message {
	t.Helper()
	for _, m := range samples() {
		if name(m) == n {
			return m
		}
	}
	t.Fatalf("no sample of %s", n)
	return nil
}

// counted is the longest content of every counted field of every message. It
// repeats the code on purpose: a limit that is raised has to be raised here too.
func counted() map[string]int {
	return map[string]int{
		"Certificate.name": 100, "Certificate.role": 100, "Certificate.unit": 100, "Certificate.zone": 100, "Certificate.deviceKey": 128,
		"Request.machine": 12, "Request.certificate": 2048, "Request.reason": 200,
		"Pledge.hostKey": 128, "Answer.hostKey": 128, "Envelope.body": 8192, "Envelope.signature": 80,
		"Challenge.unit": 100, "HostHello.hostKey": 128, "HostHello.signature": 80,
		"HostReady.address": 64, "HostReady.stun": 512,
		"TechnicianHello.login": 64, "TechnicianHello.password": 256, "TechnicianHello.deviceKey": 128, "TechnicianHello.signature": 80,
		"TechnicianReady.certificate": 2048, "TechnicianReady.address": 64, "TechnicianReady.stun": 512,
		"Enrol.code": 64, "Enrol.password": 256, "Enrol.deviceKey": 128, "Enrol.signature": 80,
		"EnrolSecret.login": 64, "EnrolSecret.url": 512, "EnrolConfirm.totp": 8, "Enrolled.certificate": 2048,
		"Ask.totp": 8, "Ask.request": 8192,
		"Ring.login": 64, "Ring.address": 64, "Ring.request": 8192, "Ring.photo": 12288,
		"Pledged.pledge": 8192, "Answered.answer": 8192, "Signal.body": 49152,
		"Checkpoint.key": 128, "Checkpoint.note": 1024, "Checkpoint.proof": 2048, "Checkpoint.restart": 1024,
		"Checkpoint.restartProof": 2048, "Noted.record": 8192, "Report.proof": 8192,
		"Scene.name": 100, "Text.text": 256,
	}
}

func TestReaderHoldsEveryLength(t *testing.T) {
	for field, longest := range counted() {
		kind, f, _ := strings.Cut(field, ".")
		m := sampleOf(t, kind)
		decode := decoderOf(t, m)
		if _, err := decode(spliceCounted(t, m, f, bytes.Repeat([]byte{'x'}, longest))); err != nil {
			t.Errorf("%s of %d bytes: %v", field, longest, err)
		}
		for _, n := range []int{longest + 1, 0xffff} {
			if _, err := decode(spliceCounted(t, m, f, bytes.Repeat([]byte{'x'}, n))); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s of %d bytes: %v", field, n, err)
			}
		}
	}
}

// A counted field without a line above would have no tested limit.
func TestEveryCountedFieldHasALimit(t *testing.T) {
	known := counted()
	for _, m := range samples() {
		spans, err := Spans(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range spans {
			f, isLength := strings.CutSuffix(s.Name, ".length")
			if isLength && known[name(m)+"."+f] == 0 && name(m) != "Shape" { // its length follows from its size
				t.Errorf("%s.%s is not in the table", name(m), f)
			}
		}
	}
}

// values is which bytes a one-byte field may hold.
type values struct {
	kind, field string
	from, to    int // both included
}

func oneByteFields() []values {
	return []values{
		{"Answer", "verdict", int(VerdictGranted), int(VerdictTooOften)},
		{"Bye", "reason", int(EndUserCut), int(EndInputOff)},
		{"SessionBye", "reason", int(EndUserCut), int(EndInputOff)},
		{"Refused", "why", int(RefusedIdentity), int(RefusedCrowded)},
		{"Grant", "pictures", int(PauseNone), int(PausePresence)},
		{"Grant", "input", int(PauseNone), int(PausePresence)},
		{"Scene", "id", 0, screen.MaxMonitors - 1},
		{"Scene", "primary", 0, 1},
		{"Watch", "id", 0, screen.MaxMonitors - 1},
		{"Point", "monitor", 0, screen.MaxMonitors - 1},
		{"Point", "visible", 0, 1},
		{"Place", "monitor", 0, screen.MaxMonitors - 1},
		{"Place", "visible", 0, 1},
		{"Move", "monitor", 0, screen.MaxMonitors - 1},
		{"Button", "monitor", 0, screen.MaxMonitors - 1},
		{"Button", "button", 1, 5},
		{"Button", "down", 0, 1},
		{"Key", "down", 0, 1},
	}
}

func TestReaderHoldsEveryByteValue(t *testing.T) {
	for _, v := range oneByteFields() {
		m := sampleOf(t, v.kind)
		decode := decoderOf(t, m)
		for b := range 256 {
			_, err := decode(splice(t, m, v.field, []byte{byte(b)}))
			twice := v.kind == "Scene" && v.field == "id" && b == 1 // the sample's other monitor
			if good := b >= v.from && b <= v.to && !twice; (err == nil) != good {
				t.Errorf("%s.%s of %d: %v", v.kind, v.field, b, err)
			}
		}
	}
}

// wide is the edges of a two-byte field: the first and last that are taken, as
// the bytes say them.
type wide struct {
	kind, field string
	from, to    uint16
}

func TestReaderHoldsEveryRange(t *testing.T) {
	for _, w := range []wide{
		{"Scene", "width", 1, screen.MaxSide},
		{"Scene", "height", 1, screen.MaxSide},
		{"Point", "x", 0, screen.MaxSide - 1},
		{"Point", "y", 0, screen.MaxSide - 1},
		{"Move", "x", 0, screen.MaxSide - 1},
		{"Move", "y", 0, screen.MaxSide - 1},
		{"Button", "x", 0, screen.MaxSide - 1},
		{"Button", "y", 0, screen.MaxSide - 1},
		{"Key", "usage", 0x04, 0xe7},
	} {
		m := sampleOf(t, w.kind)
		decode := decoderOf(t, m)
		for n := range 1 << 16 {
			_, err := decode(splice(t, m, w.field, binary.BigEndian.AppendUint16(nil, uint16(n))))
			if good := n >= int(w.from) && n <= int(w.to); (err == nil) != good {
				t.Fatalf("%s.%s of %d: %v", w.kind, w.field, n, err)
			}
		}
	}
}

func TestReaderHoldsTheWheel(t *testing.T) {
	m := sampleOf(t, "Scroll")
	decode := decoderOf(t, m)
	for _, field := range []string{"dx", "dy"} {
		for n := range 1 << 16 {
			notch := int16(uint16(n))
			_, err := decode(splice(t, m, field, binary.BigEndian.AppendUint16(nil, uint16(n))))
			if good := notch >= -1200 && notch <= 1200; (err == nil) != good {
				t.Fatalf("%s of %d: %v", field, notch, err)
			}
		}
	}
}

func TestReaderHoldsEveryCount(t *testing.T) {
	for _, c := range []struct {
		m     Message
		field string
		most  int
		entry []byte
	}{
		{&Watch{}, "monitors", screen.MaxMonitors, []byte{1}},
		{&Certificate{}, "zones", MaxZones, []byte{0, 1, 'z'}},
		{&Scene{}, "monitors", screen.MaxMonitors, append(append([]byte{1, 0, 1, 'm'}, make([]byte, 8)...), 0, 1, 0, 1, 0)},
	} {
		decode := decoderOf(t, c.m)
		repeat := func(n int) []byte {
			list := bytes.Repeat(c.entry, n)
			for i := range n {
				if name(c.m) == "Scene" {
					list[i*len(c.entry)] = byte(i) // none twice
				}
			}
			return list
		}
		for n := range 256 {
			list := append([]byte{byte(n)}, repeat(n)...)
			_, err := decode(splice(t, c.m, c.field, list))
			if good := n <= c.most; (err == nil) != good {
				t.Errorf("%s with %d %s: %v", name(c.m), n, c.field, err)
			}
			// One entry less than it says, and one more.
			for _, entries := range []int{n - 1, n + 1} {
				if entries < 0 || name(c.m) == "Certificate" {
					continue // its later fields could be read as a zone
				}
				wrong := append([]byte{byte(n)}, repeat(entries)...)
				if _, err := decode(splice(t, c.m, c.field, wrong)); !errors.Is(err, ErrMalformed) {
					t.Errorf("%s says %d %s and has %d: %v", name(c.m), n, c.field, entries, err)
				}
			}
		}
	}
}

// A pointer shape is as large as its pixels say, at every size.
func TestReaderHoldsTheShape(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {1, 1}, {3, 2}, {screen.MaxCursorSide, 1}, {1, screen.MaxCursorSide}, {32, 32}} {
		good := &Shape{Width: uint8(size[0]), Height: uint8(size[1]), Pix: make([]byte, 4*size[0]*size[1])}
		decode := decoderOf(t, good)
		if _, err := decode(encode(t, good)); err != nil {
			t.Errorf("%v: %v", size, err)
		}
		for _, n := range []int{len(good.Pix) - 1, len(good.Pix) + 1, len(good.Pix) + 4} {
			if n < 0 {
				continue
			}
			if _, err := decode(spliceCounted(t, good, "pix", make([]byte, n))); !errors.Is(err, ErrMalformed) {
				t.Errorf("%v with %d bytes: %v", size, n, err)
			}
		}
		for _, field := range []string{"width", "height"} {
			if _, err := decode(splice(t, good, field, []byte{screen.MaxCursorSide + 1})); !errors.Is(err, ErrMalformed) {
				t.Errorf("%v with a %s too large: %v", size, field, err)
			}
		}
	}
}

// What a reader is sent as text is text, and as a label, one that reads the way
// it is written.
func TestReaderHoldsTheText(t *testing.T) {
	labels := map[string]bool{
		"Certificate.name": true, "Certificate.role": true, "Certificate.unit": true, "Certificate.zone": true,
		"Request.reason": true, "Challenge.unit": true, "TechnicianHello.login": true, "EnrolSecret.login": true,
		"Ring.login": true, "Scene.name": true,
	}
	texts := []string{
		"Request.machine", "HostReady.address", "HostReady.stun", "TechnicianHello.password", "TechnicianReady.address",
		"TechnicianReady.stun", "Enrol.code", "Enrol.password", "EnrolSecret.url", "EnrolConfirm.totp", "Ask.totp",
		"Ring.address", "Text.text",
	}
	for field := range labels {
		texts = append(texts, field)
	}
	for _, field := range texts {
		kind, f, _ := strings.Cut(field, ".")
		m := sampleOf(t, kind)
		decode := decoderOf(t, m)
		for _, bad := range []string{"\x00", "\n", "\x1b[", "\x7f", "\u0080", "\u009b", "\xc3", "\xff\xfe", "\xc0\xaf"} {
			if _, err := decode(spliceCounted(t, m, f, []byte(bad))); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s of %q: %v", field, bad, err)
			}
		}
		for _, turned := range turning() {
			if _, err := decode(spliceCounted(t, m, f, []byte(string(turned)))); (err != nil) != labels[field] {
				t.Errorf("%s of %U: %v", field, turned, err)
			}
		}
	}
}

// The whole message has a limit of its own, whatever its fields say.
func TestReaderHoldsTheWhole(t *testing.T) {
	full := &Signal{Body: make([]byte, MaxSignal)}
	b := encode(t, full)
	if _, err := UnmarshalFromServer(b); err != nil {
		t.Error(err)
	}
	padded := append(b, make([]byte, MaxMessage-len(b))...)
	for _, c := range [][]byte{padded, append(padded, 0)} {
		if _, err := UnmarshalFromServer(c); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: %v", len(c), err)
		}
	}
}

// Whatever a field claims, reading a small message takes little memory.
func TestReaderDoesNotTrustLengths(t *testing.T) {
	b := encode(t, &Signal{})
	binary.BigEndian.PutUint16(b[len(b)-2:], MaxSignal)
	allocated := testing.Benchmark(func(bench *testing.B) {
		bench.ReportAllocs()
		for bench.Loop() {
			if _, err := UnmarshalFromServer(b); err == nil {
				bench.Fatal("read beyond its end")
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 2*MaxMessage {
		t.Errorf("%d bytes for a message of %d", allocated, len(b))
	}
}
