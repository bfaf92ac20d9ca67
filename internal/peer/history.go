// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"sync"
	"time"

	"github.com/pion/rtp"
)

// When the last packet of a frame is lost and nothing follows, the receiver cannot
// know. So the last packet is sent again, unasked, after these pauses; one
// that has already arrived is dropped unseen.
const (
	probeCount  = 2
	probeFirst  = 30 * time.Millisecond
	probeSecond = 120 * time.Millisecond
)

// history keeps the last packets for repeating, with the permit to do so.
type history struct {
	mu      sync.Mutex
	permit  func(func() error) error
	packets [historySize]remembered
	newest  uint16
	probes  int       // how often the newest packet is still to be repeated unasked
	probeAt time.Time // when
}

// historySize is how many packets can still be asked for; a power of two.
const historySize = 2048

// maxRepeats is how often one packet leaves again at most; who needs it is helped by
// fewer, and who asks for ever would have the host send nothing else.
const maxRepeats = 16

type remembered struct {
	packet  *rtp.Packet
	left    time.Time
	repeats int
}

func (h *history) allow(permit func(func() error) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.permit = permit
	if permit == nil {
		h.probes = 0
	}
}

func (h *history) add(p *rtp.Packet, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.packets[p.SequenceNumber%historySize] = remembered{packet: p, left: now}
	h.newest = p.SequenceNumber
	h.probes = 0
}

// find returns a packet to repeat, unless it left less than again ago, or too often.
func (h *history) find(sequence uint16, now time.Time, again time.Duration) (*rtp.Packet, func(func() error) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &h.packets[sequence%historySize]
	if r.packet == nil || r.packet.SequenceNumber != sequence || now.Sub(r.left) < again || r.repeats >= maxRepeats {
		return nil, nil
	}
	r.left = now
	r.repeats++
	return r.packet, h.permit
}

// probe asks for the newest packet to be repeated unless another follows soon.
func (h *history) probe(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probes, h.probeAt = probeCount, now.Add(probeFirst)
}

// due returns the packet to repeat now, if any, and when to look again, zero for
// never.
func (h *history) due(now time.Time) (sequence uint16, ok bool, next time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.probes == 0 {
		return 0, false, time.Time{}
	}
	if now.Before(h.probeAt) {
		return 0, false, h.probeAt
	}
	h.probes--
	h.probeAt = now.Add(probeSecond)
	if h.probes > 0 {
		next = h.probeAt
	}
	return h.newest, true, next
}
