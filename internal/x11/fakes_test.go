// SPDX-License-Identifier: Apache-2.0

//go:build linux

package x11

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/x11/x11test"
)

// faked are the times that were told.
type faked struct {
	mu sync.Mutex
	at [][2]uint32 // from and to
}

func (f *faked) add(from, to uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = append(f.at, [2]uint32{from, to})
}

// all takes them out.
func (f *faked) all() [][2]uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.at = nil }()
	return f.at
}

// another is a program, with XTEST and RECORD, and the kind of its first event with a device.
func another(t *testing.T) (c *Conn, first byte) {
	t.Helper()
	c, err := Dial("", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, _, err = c.Extension("XTEST"); err == nil {
		_, first, err = c.Extension("XInputExtension")
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, first
}

func recordHere(t *testing.T, on func(from, to uint32)) *Fakes {
	t.Helper()
	f, err := DialFakes("", on)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// When an event of a played device has been seen, Sync has told who played it, each time:
// of devices that were named, not of XTEST's own, whoever connected when.
func TestFakesAreToldWithTheirEvents(t *testing.T) {
	x11test.Start(t, "320x200")
	const rounds = 100
	seen := make(chan Raw, 1)
	var raw atomic.Pointer[RawEvents]
	c, err := Dial("", func(e Event) {
		if reader := raw.Load(); reader != nil {
			if r, ok := reader.Read(e); ok && r.Kind == RawButtonPress {
				seen <- r
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	reader, err := c.RawEvents()
	if err == nil {
		raw.Store(reader)
		err = reader.Select(RawButtonPress)
	}
	if err != nil {
		t.Fatal(err)
	}
	before, first := another(t)
	var told faked
	f := recordHere(t, told.add)
	after, _ := another(t)
	for i := range rounds {
		for _, by := range []*Conn{before, after} {
			xtest.FakeInput(by.X, xproto.ButtonPress, 1, 0, by.Root, 0, 0, 0) // no device
			xtest.FakeInput(by.X, xproto.ButtonRelease, 1, 0, by.Root, 0, 0, 0)
			<-seen
			xtest.FakeInput(by.X, first+3, 1, 0, by.Root, 0, 0, xvfbMouse)
			r := <-seen
			if known, at := f.Sync(), told.all(); !known || len(at) != 1 || r.Injected || r.Time-at[0][0] > at[0][1]-at[0][0] {
				t.Fatalf("round %d: told %v, for %+v", i, at, r)
			}
			err := xtest.FakeInputChecked(by.X, first+4, 1, 0, by.Root, 0, 0, xvfbMouse).Check()
			if known, at := f.Sync(), told.all(); err != nil || !known || len(at) != 1 {
				t.Fatalf("round %d: told %v of letting go, %v", i, at, err)
			}
		}
	}
}

// xvfbMouse is what an Xvfb calls its mouse, by number.
const xvfbMouse = 6

// A program that ends the record, or takes somebody out of it, is found out before what it
// does next is believed.
func TestRecordThatIsTouchedIsLost(t *testing.T) {
	x11test.Start(t, "320x200")
	for name, touch := range map[string]func(f *Fakes, by *Conn) error{
		"taken out": func(f *Fakes, by *Conn) error {
			return by.Tell(f.record, 3, le32(f.context), le32(1), le32(xproto.Setup(by.X).ResourceIdBase))
		},
		"put in otherwise": func(f *Fakes, by *Conn) error {
			return by.Tell(f.record, recordRegister, le32(f.context), le32(0), le32(1), le32(1), le32(xproto.Setup(by.X).ResourceIdBase),
				make([]byte, 24))
		},
		"disabled": func(f *Fakes, by *Conn) error { return by.Tell(f.record, 6, le32(f.context)) },
		"freed":    func(f *Fakes, by *Conn) error { return by.Tell(f.record, recordFree, le32(f.context)) },
		"its owner killed": func(f *Fakes, by *Conn) error {
			return xproto.KillClientChecked(by.X, f.context).Check()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := recordHere(t, func(_, _ uint32) {})
			if !f.Sync() {
				t.Fatal("nothing is known from the start")
			}
			by, _ := another(t)
			if err := touch(f, by); err != nil {
				t.Fatal(err)
			}
			if f.Sync() {
				t.Error("the record is still believed")
			}
			<-f.Lost()
		})
	}
}

// A record of somebody else is their own business.
func TestRecordsOfOthers(t *testing.T) {
	x11test.Start(t, "320x200")
	f, other := recordHere(t, func(_, _ uint32) {}), recordHere(t, func(_, _ uint32) {})
	by, _ := another(t)
	if err := by.Tell(f.record, recordFree, le32(other.context)); err != nil {
		t.Fatal(err)
	}
	<-other.Lost()
	if !f.Sync() || other.Sync() {
		t.Error("the wrong record was given up")
	}
}

func TestNoRecord(t *testing.T) {
	x11test.Start(t, "320x200", "-extension", "RECORD")
	if _, err := DialFakes("", func(_, _ uint32) {}); !errors.Is(err, ErrNoRecord) || !errors.Is(err, ErrNoExtension) {
		t.Error(err)
	}
}

// message is one of a record: of a client, with requests that each follow their time.
func message(client uint32, requests ...[]byte) []byte {
	b := make([]byte, unitSize)
	b[0], b[1], b[8] = 1, recordFromClient, recordClientTime
	binary.LittleEndian.PutUint32(b[12:], client)
	for i, r := range requests {
		b = append(append(b, le32(uint32(i+1))...), r...)
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-unitSize)/4)
	return b
}

// recording is a record without a display: XTEST is 130, RECORD is 140.
func recording(on func(from, to uint32)) *Fakes {
	f := newFakes(on)
	f.xtest, f.record, f.context, f.self = 130, 140, 0x01020304, 0x600000
	return f
}

func TestRecordIsRead(t *testing.T) {
	fake := request(130, xtestFake, [][]byte{{69, 1, 0, 0}, make([]byte, 28)})
	plain := request(130, xtestFake, [][]byte{{4, 1, 0, 0}, make([]byte, 28)})
	big := slices.Concat(fake[:2], []byte{0, 0, 10, 0, 0, 0}, fake[4:]) // with a long length
	swapped := slices.Concat(fake[:2], []byte{0, 9}, fake[4:])
	mark := request(130, xtestVersion, [][]byte{{2, 0, 7, 0}})
	free, seerf := request(140, recordFree, [][]byte{{4, 3, 2, 1}}), request(140, recordFree, [][]byte{{1, 2, 3, 4}})
	foreign := func(b []byte) []byte { b[9] = 1; return b }
	ended := message(0)
	ended[1] = recordEnd
	type times = [][2]uint32
	for name, c := range map[string]struct {
		message []byte
		told    times // of each a request is the next
		mark    bool
		lost    bool
	}{
		"fakes":              {message(1, plain, fake, plain, fake, plain), times{{2, 3}, {4, 5}}, false, false},
		"one behind another": {message(1, fake, fake, mark), times{{1, 2}, {2, 3}}, false, false},
		"one without a body": {message(1, fake, request(130, xtestFake, nil), fake), times{{1, 2}}, false, false},
		"one without an end": {message(1, fake, []byte{130, 2, 0, 0}), nil, false, true},
		"a long one":         {message(1, big, plain), times{{1, 2}}, false, false},
		"of other order":     {foreign(message(1, swapped, swapped)), times{{1, 2}}, false, false},
		"own mark":           {message(0x600000, mark), nil, true, false},
		"somebody's mark":    {message(1, mark), nil, false, false},
		"freed":              {message(1, fake, free), times{{1, 2}}, false, true},
		"freed, swapped":     {message(1, seerf), nil, false, true},
		"another's, freed":   {message(1, request(140, recordFree, [][]byte{{9, 3, 2, 1}})), nil, false, false},
		"own doing":          {message(0x600000, free), nil, false, false},
		"ended":              {ended, nil, false, true},
		"cut off":            {message(1, fake[:32]), nil, false, true},
		"a message cut off":  {message(1, fake)[:60], nil, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			var told faked
			f := recording(told.add)
			f.take(c.message)
			at := told.all()
			if !slices.Equal(at, c.told) || (len(f.marks) == 1) != c.mark || f.whole() == c.lost {
				t.Errorf("told %v, marks %d, whole %v", at, len(f.marks), f.whole())
			}
		})
	}
}

// The message that is too long for a record is one that cannot be read.
func TestRecordIsBounded(t *testing.T) {
	b := make([]byte, unitSize+2*maxRecord)
	b[0], b[1] = 1, recordFromClient
	binary.LittleEndian.PutUint32(b[4:], 2*maxRecord/4)
	var told faked
	f := recording(told.add)
	fake := request(130, xtestFake, [][]byte{{69, 1, 0, 0}, make([]byte, 28)})
	in := append(append([]byte{1, 0, 11, 0, 0, 0, 0, 0}, b...), message(1, fake, fake)...)
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		far.Write(in) //nolint:errcheck // what is missing shows
		far.Close()
	}()
	s := newStream(near, nil)
	s.onReply = f.take
	if passed, _ := io.ReadAll(s); len(passed) != 8 {
		t.Errorf("%d bytes were passed on", len(passed))
	}
	if at := told.all(); f.whole() || len(at) != 1 {
		t.Errorf("whole %v, told %v of what comes behind it", f.whole(), at)
	}
}

// Whatever a record says, it is read to its end or given up.
func FuzzRecord(f *testing.F) {
	fake := request(130, xtestFake, [][]byte{{69, 1, 0, 0}, make([]byte, 28)})
	f.Add(message(1, fake, fake))
	f.Add(message(0x600000, request(130, xtestVersion, [][]byte{{2, 0, 7, 0}})))
	f.Add(message(1, request(140, recordFree, [][]byte{{4, 3, 2, 1}})))
	f.Fuzz(func(t *testing.T, b []byte) {
		told := 0
		r := recording(func(_, _ uint32) { told++ })
		r.take(b)
		if 9*told > len(b) {
			t.Errorf("%d were told in %d bytes", told, len(b))
		}
		if _, rest, err := parseRecorded(b, binary.BigEndian); err == nil && len(rest) >= len(b) {
			t.Error("nothing was read")
		}
	})
}
