// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"slices"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

const (
	// reorderTime is how long a gap may be mere disorder.
	reorderTime = 4 * time.Millisecond
	// repairTime is how long a lost packet is waited for before a key frame is
	// asked for instead; on long paths it is three round trips.
	repairTime = 150 * time.Millisecond
	// askEvery bounds how often one packet is asked for on short paths.
	askEvery = 20 * time.Millisecond
	// maxWindow is how many packets may be held at once, a whole key frame.
	maxWindow = 8192
	// maxUnit is the largest temporal unit that is put together, in bytes.
	maxUnit = 8 << 20
)

// assembler puts packets in order and together: it gives whole temporal units in
// their order, each only if all before it since a key frame were given too. It
// has no clock and belongs to one goroutine.
type assembler struct {
	packets map[int64]*rtp.Packet // those from next on
	next    int64                 // the packet that comes next, unwrapped
	newest  int64                 // highest that arrived
	wantKey bool                  // everything is dropped up to a key frame
	lost    bool                  // and one has to be asked for
	missing map[int64]*gap

	depacketizer codecs.AV1Depacketizer
}

// gap is a packet that others have overtaken.
type gap struct {
	since time.Time
	asked time.Time // zero when not yet
}

// demand is what the sender has to be asked for.
type demand struct {
	repeat []uint16
	key    bool
}

func newAssembler() *assembler {
	return &assembler{
		packets: map[int64]*rtp.Packet{}, missing: map[int64]*gap{},
		next: firstSequence, newest: firstSequence - 1, wantKey: true,
	}
}

// push takes one packet that arrived.
func (a *assembler) push(p *rtp.Packet, now time.Time) {
	at := a.unwrap(p.SequenceNumber)
	delete(a.missing, at)
	if at < a.next {
		return // given up, or seen
	}
	if at-a.next >= maxWindow {
		a.restart(at)
	}
	for s := max(a.newest+1, a.next); s < at; s++ {
		a.missing[s] = &gap{since: now}
	}
	a.newest = max(a.newest, at)
	a.packets[at] = p
}

// unwrap places a 16-bit number near the newest one.
func (a *assembler) unwrap(s uint16) int64 {
	return a.newest + int64(int16(s-uint16(a.newest)))
}

// restart gives up everything before a packet.
func (a *assembler) restart(at int64) {
	a.broken()
	for s := range a.packets {
		if s < at {
			delete(a.packets, s)
		}
	}
	for s := range a.missing {
		if s < at {
			delete(a.missing, s)
		}
	}
	a.next = at
}

// pop returns the next whole temporal unit, or nil. Units that cannot be decoded,
// because something before them was lost, are passed over.
func (a *assembler) pop() []byte {
	for {
		end, ok := a.whole()
		if !ok {
			return nil
		}
		if tu := a.unit(end); tu != nil {
			return tu
		}
	}
}

// whole finds the last packet of the next unit if all of it is here. A unit that
// stops without its marker was given up by the sender; what follows is a key frame.
func (a *assembler) whole() (end int64, ok bool) {
	for s := a.next; ; s++ {
		p := a.packets[s]
		if p == nil {
			return 0, false
		}
		if p.Timestamp != a.packets[a.next].Timestamp {
			a.drop(s)
			a.broken()
			continue
		}
		if p.Marker {
			return s, true
		}
	}
}

// drop forgets the packets before s.
func (a *assembler) drop(s int64) {
	for ; a.next < s; a.next++ {
		delete(a.packets, a.next)
	}
}

// unit puts the packets up to end together and moves on.
func (a *assembler) unit(end int64) []byte {
	defer a.drop(end + 1)
	if a.wantKey && !startsSequence(a.packets[a.next].Payload) {
		return nil
	}
	a.depacketizer = codecs.AV1Depacketizer{}
	var tu []byte
	for s := a.next; s <= end; s++ {
		part, err := a.depacketizer.Unmarshal(a.packets[s].Payload)
		if err != nil || len(tu)+len(part) > maxUnit {
			a.broken()
			return nil
		}
		tu = append(tu, part...)
	}
	if len(tu) == 0 {
		a.broken()
		return nil
	}
	a.wantKey, a.lost = false, false
	return tu
}

// startsSequence reads the N bit of the AV1 aggregation header.
func startsSequence(payload []byte) bool { return len(payload) > 0 && payload[0]&0x08 != 0 }

// broken says that what follows cannot be decoded without a key frame.
func (a *assembler) broken() { a.wantKey, a.lost = true, true }

// ask returns what to ask for now and when to look again, zero for never.
func (a *assembler) ask(now time.Time, rtt time.Duration) (d demand, next time.Time) {
	limit := max(repairTime, 3*rtt)
	every := max(askEvery, rtt+rtt/4)
	for s, g := range a.missing {
		if now.Sub(g.since) >= limit {
			a.giveUp()
			break
		}
		due := g.since.Add(reorderTime)
		if !g.asked.IsZero() {
			due = g.asked.Add(every)
		}
		if !due.After(now) {
			d.repeat = append(d.repeat, uint16(s))
			g.asked, due = now, now.Add(every)
		}
		next = earlier(next, earlier(due, g.since.Add(limit)))
	}
	first := a.packets[a.next]
	d.key = a.lost && (first == nil || !startsSequence(first.Payload)) // else it is on its way
	if d.key {
		next = earlier(next, now.Add(keyEvery))
	}
	slices.Sort(d.repeat)
	return d, next
}

// giveUp skips to the first unit behind the last gap and waits for a key frame.
func (a *assembler) giveUp() {
	last := a.next
	for s := range a.missing {
		last = max(last, s+1)
	}
	a.restart(last)
	clear(a.missing)
}
