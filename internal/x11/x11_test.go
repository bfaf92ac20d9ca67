// SPDX-License-Identifier: Apache-2.0

//go:build linux

package x11

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xproto"

	"assist/internal/screen"
	"assist/internal/x11/x11test"
)

func TestParseDisplay(t *testing.T) {
	for name, want := range map[string]address{
		":21":                 {"unix", "/tmp/.X11-unix/X21", "", "21", 0},
		":0.1":                {"unix", "/tmp/.X11-unix/X0", "", "0", 1},
		"unix:3":              {"unix", "/tmp/.X11-unix/X3", "", "3", 0},
		"/run/x:7":            {"unix", "/run/x:7", "", "7", 0},
		"localhost:10.0":      {"tcp", "localhost:6010", "localhost", "10", 0},
		"tcp/host.example:1":  {"tcp", "host.example:6001", "host.example", "1", 0},
		"[2001:db8::1]:2":     {"tcp", "[2001:db8::1]:6002", "2001:db8::1", "2", 0},
		"unix/machine:0":      {"unix", "/tmp/.X11-unix/X0", "", "0", 0},
		"bad":                 {},
		":":                   {},
		":x":                  {},
		":99999999999":        {},
		":-1":                 {},
		"/tmp/.X11-unix/X1:a": {},
	} {
		got, err := parseDisplay(name)
		if (want == address{}) != errors.Is(err, errBadDisplay) || (err == nil && got != want) {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
}

// entry is one entry of an authority file.
func entry(family uint16, fields ...string) []byte {
	b := binary.BigEndian.AppendUint16(nil, family)
	for _, f := range fields {
		b = binary.BigEndian.AppendUint16(b, uint16(len(f)))
		b = append(b, f...)
	}
	return b
}

func TestFindCookie(t *testing.T) {
	const scheme = "MIT-MAGIC-COOKIE-1"
	a, b := strings.Repeat("a", 16), strings.Repeat("b", 16)
	file := bytes.Join([][]byte{
		entry(familyLocal, "other", "1", scheme, b),
		entry(familyLocal, "me", "1", "XDM-AUTHORIZATION-1", b),
		entry(familyLocal, "me", "1", scheme, a),
		entry(familyWild, "", "", scheme, b),
	}, nil)
	for number, want := range map[string]string{"1": strings.Repeat("61", 16), "2": strings.Repeat("62", 16)} {
		if got := findCookie(file, "me", number); got != want {
			t.Errorf("display %s: %q", number, got)
		}
	}
	if got := findCookie(file[:40], "me", "1"); got != "" {
		t.Errorf("cut file: %q", got)
	}
}

func FuzzFindCookie(f *testing.F) {
	f.Add(entry(familyWild, "", "0", "MIT-MAGIC-COOKIE-1", strings.Repeat("c", 16)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c := findCookie(data, "me", "0"); c != "" && len(c) != 32 {
			t.Errorf("cookie %q", c)
		}
	})
}

func TestNumberKeepsIDs(t *testing.T) {
	m := func(name string, id screen.MonitorID) screen.Monitor {
		return screen.Monitor{ID: id, Name: name, Bounds: image.Rect(0, 0, 9, 9)}
	}
	before := screen.Layout{m("A", 0), m("B", 1), m("C", 2)}
	got := number(before, []screen.Monitor{m("D", 0), m("C", 0), m("A", 0)})
	if want := (screen.Layout{m("A", 0), m("D", 1), m("C", 2)}); !got.Equal(want) {
		t.Errorf("%+v", got)
	}
	var many []screen.Monitor
	for i := range screen.MaxMonitors + 3 {
		many = append(many, m(string(rune('a'+i)), 0))
	}
	if got := number(nil, many); len(got) != screen.MaxMonitors || got[screen.MaxMonitors-1].ID != screen.MaxMonitors-1 {
		t.Errorf("%d monitors: %+v", len(got), got)
	}
}

// unit makes 32 bytes of protocol.
func unit(head ...byte) []byte { return append(head, make([]byte, unitSize-len(head))...) }

// run passes bytes through a stream and returns what comes out on either side.
func run(in []byte) (passed []byte, events []Event) {
	near, far := net.Pipe()
	s := newStream(near, func(e Event) { events = append(events, e) })
	go func() {
		far.Write(in) //nolint:errcheck // the reader may stop first
		far.Close()
	}()
	passed, _ = io.ReadAll(s)
	near.Close()
	return passed, events
}

func TestStreamTakesOutEvents(t *testing.T) {
	greeting := []byte{1, 0, 11, 0, 0, 0, 1, 0, 'g', 'r', 'e', 't'}
	long := append(unit(1, 0, 1, 0, 2), "12345678"...)
	failure := unit(0, 150, 2, 0)
	var in []byte
	for _, p := range [][]byte{
		greeting, unit(5), unit(5 | sentFlag), long, unit(genericEvent, 1, 0, 0, 1), {1, 2, 3, 4}, failure, unit(90),
	} {
		in = append(in, p...)
	}
	passed, events := run(in)
	want := append(append(append([]byte{}, greeting...), long...), unit(0, badValue, 2, 0)...)
	if !bytes.Equal(passed, want) {
		t.Errorf("passed on %v", passed)
	}
	if len(events) != 3 || events[0].Code() != 5 || events[1].Code() != genericEvent || events[2].Code() != 90 {
		t.Errorf("events %v", events)
	}
}

func FuzzStream(f *testing.F) {
	f.Add(append([]byte{1, 0, 11, 0, 0, 0, 0, 0}, unit(5)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		passed, events := run(in)
		if len(passed)+unitSize*len(events) > len(in) {
			t.Error("more came out than went in")
		}
		for _, e := range events {
			if e[0]&sentFlag != 0 {
				t.Error("a sent event came through")
			}
		}
	})
}

func TestConnection(t *testing.T) {
	server := x11test.Start(t, "320x200")
	c, err := Dial("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.BGRX() || !c.Local || !c.Alive() {
		t.Errorf("pixels %v, local %v, alive %v", c.BGRX(), c.Local, c.Alive())
	}
	if _, _, err := c.Extension("NO-SUCH-THING"); !errors.Is(err, ErrNoExtension) {
		t.Errorf("unknown extension: %v", err)
	}
	// An error of an extension must come back as one, not hang.
	if _, _, err := c.Extension("XFIXES"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Extension("DAMAGE"); err != nil {
		t.Fatal(err)
	}
	if err := damage.DestroyChecked(c.X, 12345).Check(); err == nil {
		t.Error("destroying what is not there succeeds")
	}
	c.Close()
	if c.Alive() {
		t.Error("alive after Close")
	}
	c, err = Dial(server.Display, nil)
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	select {
	case <-c.Done():
	case <-time.After(30 * time.Second):
		t.Error("the server's death goes unnoticed")
	}
	if _, err := xproto.GetInputFocus(c.X).Reply(); err == nil {
		t.Error("a request succeeds after the server's death")
	}
	c.Close()
	if _, err := Dial(server.Display, nil); !errors.Is(err, ErrNoDisplay) {
		t.Errorf("no server: %v", err)
	}
}

func TestKillFreesWaiters(t *testing.T) {
	x11test.Start(t, "320x200")
	holder, err := Dial("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	c, err := Dial("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := xproto.GrabServerChecked(holder.X).Check(); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { _, err := xproto.GetInputFocus(c.X).Reply(); failed <- err }()
	c.Kill()
	if err := <-failed; err == nil {
		t.Error("answered by a server that another client holds")
	}
	c.Close()
}
