// SPDX-License-Identifier: Apache-2.0

package input

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"testing"

	"github.com/jezek/xgb"
)

func TestParseDisplay(t *testing.T) {
	for text, want := range map[string]struct {
		host   string
		number int
		bad    bool
	}{
		":0": {}, ":31.0": {number: 31}, "host:10.1": {host: "host", number: 10}, "unix:2": {host: "unix", number: 2},
		"": {bad: true}, "7": {bad: true}, ":": {bad: true}, ":-1": {bad: true}, ":x": {bad: true},
	} {
		host, number, err := parseDisplay(text)
		if host != want.host || number != want.number || (err != nil) != want.bad {
			t.Errorf("%q: %q, %d, %v", text, host, number, err)
		}
	}
}

// authorityEntry is one record of an Xauthority file.
func authorityEntry(family uint16, fields ...string) []byte {
	b := binary.BigEndian.AppendUint16(nil, family)
	for _, f := range fields {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(f))), f...)
	}
	return b
}

func TestFindCookie(t *testing.T) {
	const kind, a, b = "MIT-MAGIC-COOKIE-1", "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"
	file := slices.Concat(authorityEntry(256, "other", "0", kind, a), authorityEntry(256, "me", "1", kind, a),
		authorityEntry(256, "me", "0", "XDM-AUTHORIZATION-1", a), authorityEntry(0xffff, "", "", kind, b))
	if got := findCookie(file, "me", "0"); got != "62626262626262626262626262626262" {
		t.Errorf("the wildcard entry: %q", got)
	}
	if got := findCookie(file, "me", "1"); got != "61616161616161616161616161616161" {
		t.Errorf("the exact entry: %q", got)
	}
	if got := findCookie(file[:20], "me", "0"); got != "" {
		t.Errorf("a file cut short: %q", got)
	}
}

func FuzzFindCookie(f *testing.F) {
	f.Add(authorityEntry(256, "me", "0", "MIT-MAGIC-COOKIE-1", "aaaaaaaaaaaaaaaa"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c := findCookie(b, "me", "0"); c != "" && len(c) != 32 {
			t.Errorf("cookie of %d digits", len(c))
		}
	})
}

func FuzzXTESTDevices(f *testing.F) {
	f.Add(make([]byte, 32))
	f.Fuzz(func(_ *testing.T, b []byte) { xtestDevices(append(make([]byte, 32), b...)) })
}

func packet(first byte, extra int) []byte {
	b := make([]byte, 32+4*extra)
	b[0] = first
	xgb.Put32(b[4:], uint32(extra))
	return b
}

// The tap takes events out, hands generic ones on whole, and lets replies and
// errors through.
func TestTap(t *testing.T) {
	greeting := make([]byte, 16)
	greeting[0], greeting[6] = 1, 2
	reply, failure := packet(packetReply, 3), packet(packetError, 0)
	failure[1] = 200
	stream := slices.Concat(greeting, packet(packetGeneric, 2), packet(34, 0), reply,
		packet(packetGeneric|sentFlag, 0), failure)
	var generic []int
	tp := &tap{in: bufio.NewReader(bytes.NewReader(stream)), onGeneric: func(b []byte) { generic = append(generic, len(b)) }}
	got, err := io.ReadAll(tp)
	if err != nil {
		t.Fatal(err)
	}
	failure[1] = lastCoreError
	if !bytes.Equal(got, slices.Concat(greeting, reply, failure)) {
		t.Errorf("let through %v", got)
	}
	if !slices.Equal(generic, []int{40, 32}) {
		t.Errorf("generic events of %v bytes", generic)
	}
}

func TestTapRefusesHugeReplies(t *testing.T) {
	b := packet(packetReply, 0)
	xgb.Put32(b[4:], 1<<30)
	tp := &tap{in: bufio.NewReader(bytes.NewReader(b)), greeted: true}
	if _, err := io.ReadAll(tp); err == nil {
		t.Error("believed")
	}
}
