// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// obu is one AV1 unit with a size field: a sequence header starts a key frame.
func obu(kind byte, body []byte) []byte {
	b := []byte{kind<<3 | 2}
	n := len(body)
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), body...)
}

// temporalUnit is a frame of so many bytes, which differ with n.
func temporalUnit(n, size int, key bool) []byte {
	frame := obu(6, bytes.Repeat([]byte{byte(n)}, size))
	if key {
		return append(obu(1, []byte{1, 2, 3, byte(n)}), frame...)
	}
	return frame
}

// flow numbers packets as a track does.
type flow struct {
	next  uint16
	stamp uint32
}

func (f *flow) packets(tu []byte) []*rtp.Packet {
	f.stamp += 3000
	var all []*rtp.Packet
	payloads := (&codecs.AV1Payloader{}).Payload(packetSize, tu)
	for i, b := range payloads {
		all = append(all, &rtp.Packet{Header: rtp.Header{
			SequenceNumber: f.next, Timestamp: f.stamp, Marker: i == len(payloads)-1,
		}, Payload: b})
		f.next++
	}
	return all
}

func newFlow() *flow { return &flow{next: firstSequence} }

// drain pops everything.
func drain(a *assembler) [][]byte {
	var all [][]byte
	for tu := a.pop(); tu != nil; tu = a.pop() {
		all = append(all, tu)
	}
	return all
}

func expectUnits(t *testing.T, got [][]byte, want ...[]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d units, not %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("unit %d differs: %d bytes, not %d", i, len(got[i]), len(want[i]))
		}
	}
}

var epoch = time.Unix(1000, 0)

func TestUnitsComeOutAsTheyWentIn(t *testing.T) {
	f, a := newFlow(), newAssembler()
	var want, got [][]byte
	for n := range 200 {
		tu := temporalUnit(n, 1+n*n%9000, n == 0)
		want = append(want, tu)
		for _, p := range f.packets(tu) {
			a.push(p, epoch)
			got = append(got, drain(a)...)
		}
	}
	expectUnits(t, got, want...)
	if len(a.packets)+len(a.missing) != 0 {
		t.Errorf("%d packets and %d gaps are left", len(a.packets), len(a.missing))
	}
}

func TestDisorderAndDoublesDoNotMatter(t *testing.T) {
	f, a := newFlow(), newAssembler()
	key, next := temporalUnit(1, 5000, true), temporalUnit(2, 3000, false)
	all := append(f.packets(key), f.packets(next)...)
	slices.Reverse(all)
	for _, p := range append(all, all...) {
		a.push(p, epoch)
	}
	expectUnits(t, drain(a), key, next)
	if d, _ := a.ask(epoch.Add(time.Hour), 0); len(d.repeat) != 0 || d.key {
		t.Errorf("asks for %+v", d)
	}
}

func TestSequenceNumbersWrap(t *testing.T) {
	f, a := newFlow(), newAssembler()
	first := temporalUnit(0, 10, true)
	a.push(f.packets(first)[0], epoch)
	expectUnits(t, drain(a), first)
	for n := 1; n < 70_000; n++ {
		tu := temporalUnit(n, 5, false)
		a.push(f.packets(tu)[0], epoch)
		if got := drain(a); len(got) != 1 || !bytes.Equal(got[0], tu) {
			t.Fatalf("unit %d is lost", n)
		}
	}
}

func TestMissingPacketIsAskedFor(t *testing.T) {
	f, a := newFlow(), newAssembler()
	key := temporalUnit(1, 5000, true)
	all := f.packets(key)
	for i, p := range all {
		if i != 2 {
			a.push(p, epoch)
		}
	}
	d, next := a.ask(epoch, 30*time.Millisecond)
	if len(d.repeat) != 0 || !next.Equal(epoch.Add(reorderTime)) {
		t.Errorf("at once it asks for %v and looks again at %v", d.repeat, next.Sub(epoch))
	}
	d, next = a.ask(next, 40*time.Millisecond)
	if !slices.Equal(d.repeat, []uint16{all[2].SequenceNumber}) {
		t.Errorf("it asks for %v", d.repeat)
	}
	if again := next.Sub(epoch.Add(reorderTime)); again != 50*time.Millisecond {
		t.Errorf("it asks again after %v", again)
	}
	if d, _ := a.ask(next.Add(-time.Millisecond), 40*time.Millisecond); len(d.repeat) != 0 {
		t.Error("it asks too often")
	}
	if d, _ := a.ask(next, 40*time.Millisecond); len(d.repeat) != 1 {
		t.Error("it does not ask again")
	}
	a.push(all[2], next)
	expectUnits(t, drain(a), key)
	if _, next := a.ask(next, 0); !next.IsZero() {
		t.Error("it goes on looking")
	}
}

func TestFirstPacketIsMissed(t *testing.T) {
	f, a := newFlow(), newAssembler()
	all := f.packets(temporalUnit(1, 3000, true))
	a.push(all[1], epoch)
	if d, _ := a.ask(epoch.Add(reorderTime), 0); !slices.Equal(d.repeat, []uint16{firstSequence}) {
		t.Errorf("it asks for %v", d.repeat)
	}
}

// After repairTime nothing is shown until a key frame has come whole.
func TestLossBeyondRepairWaitsForAKeyFrame(t *testing.T) {
	f, a := newFlow(), newAssembler()
	key := temporalUnit(1, 100, true)
	a.push(f.packets(key)[0], epoch)
	expectUnits(t, drain(a), key)
	lost := f.packets(temporalUnit(2, 4000, false))
	a.push(lost[0], epoch)
	a.push(lost[3], epoch)
	for _, p := range f.packets(temporalUnit(3, 100, false)) {
		a.push(p, epoch)
	}
	if d, _ := a.ask(epoch.Add(repairTime-1), 0); d.key {
		t.Error("it gives up too early")
	}
	if d, _ := a.ask(epoch.Add(100*time.Millisecond), 100*time.Millisecond); d.key {
		t.Error("on a long path it gives up too early")
	}
	d, next := a.ask(epoch.Add(repairTime), 0)
	if !d.key || next.IsZero() {
		t.Errorf("it asks for %+v and looks again at %v", d, next)
	}
	expectUnits(t, drain(a))
	for _, p := range f.packets(temporalUnit(4, 3000, false)) {
		a.push(p, epoch)
	}
	a.push(lost[1], epoch) // too late
	expectUnits(t, drain(a))
	fresh := temporalUnit(5, 3000, true)
	all := f.packets(fresh)
	a.push(all[0], epoch)
	if d, _ := a.ask(epoch.Add(time.Second), 0); d.key {
		t.Error("it asks for a key frame that is on its way")
	}
	for _, p := range all[1:] {
		a.push(p, epoch)
	}
	expectUnits(t, drain(a), fresh)
	if d, _ := a.ask(epoch.Add(2*time.Second), 0); d.key {
		t.Error("it asks for a key frame after it got one")
	}
}

// The sender stopped in the middle of a frame and goes on with a key frame.
func TestAbandonedUnitIsDropped(t *testing.T) {
	f, a := newFlow(), newAssembler()
	key := temporalUnit(1, 100, true)
	a.push(f.packets(key)[0], epoch)
	drain(a)
	a.push(f.packets(temporalUnit(2, 4000, false))[0], epoch)
	f.next -= 3 // the rest never left
	fresh := temporalUnit(3, 2000, true)
	for _, p := range f.packets(fresh) {
		a.push(p, epoch)
	}
	expectUnits(t, drain(a), fresh)
}

func TestUndecodableUnitAsksForAKeyFrame(t *testing.T) {
	f, a := newFlow(), newAssembler()
	key := temporalUnit(1, 100, true)
	a.push(f.packets(key)[0], epoch)
	drain(a)
	a.broken()
	a.push(f.packets(temporalUnit(2, 10, false))[0], epoch)
	expectUnits(t, drain(a))
	if d, _ := a.ask(epoch, 0); !d.key {
		t.Error("no key frame is asked for")
	}
}

func TestWindowIsBounded(t *testing.T) {
	a := newAssembler()
	for n := range 60_000 {
		s := uint16(firstSequence + 1 + n) // the first never comes
		a.push(&rtp.Packet{Header: rtp.Header{SequenceNumber: s, Timestamp: 1}, Payload: []byte{0x10, 1}}, epoch)
		if len(a.packets) > maxWindow+1 || len(a.missing) > maxWindow {
			t.Fatalf("after %d packets %d are held and %d missed", n, len(a.packets), len(a.missing))
		}
	}
}

// FuzzAssembler feeds packets of any content in any order; nothing may crash, grow
// without end, or come out before a key frame began.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte{1, 0, 0x18, 5, 2, 1, 0x10, 6})
	f.Add([]byte{1, 1, 0x08, 0xff, 3, 1, 0x90, 0xff, 200, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, now := newAssembler(), epoch
		sequence, started := uint16(firstSequence), false
		for ; len(data) >= 4; data = data[4:] {
			sequence += uint16(int8(data[0]))
			p := &rtp.Packet{Header: rtp.Header{
				SequenceNumber: sequence, Timestamp: uint32(data[1] >> 1), Marker: data[1]&1 == 1,
			}, Payload: bytes.Repeat(data[2:4], 1+int(data[3])%8)}
			started = started || startsSequence(p.Payload)
			a.push(p, now)
			if units := drain(a); len(units) > 0 && !started {
				t.Fatal("a unit came out before any key frame")
			}
			now = now.Add(time.Duration(data[3]) * time.Millisecond)
			a.ask(now, 10*time.Millisecond)
			if len(a.packets) > maxWindow+1 {
				t.Fatalf("%d packets are held", len(a.packets))
			}
		}
	})
}
