// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// departed remembers when each packet left, by its transport-wide number, until the
// technician reports what became of it. Repeats are not numbered anew: a packet
// with the same sequence number must be the same to the last bit, or the cipher
// would use one nonce for two messages.
type departed struct {
	mu      sync.Mutex
	next    uint16
	log     [departedSize]departure
	refTime time.Duration // of the last report, unwrapped
	refRaw  uint32
}

// departedSize is how many packets may be unreported; a power of two.
const departedSize = 8192

type departure struct {
	number uint16
	size   int
	at     time.Time // zero once it was reported
}

// stamp numbers a packet that leaves for the first time.
func (d *departed) stamp(p *rtp.Packet, extension uint8, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], d.next)
	if err := p.SetExtension(extension, b[:]); err != nil {
		return err
	}
	d.log[d.next%departedSize] = departure{d.next, p.MarshalSize(), now}
	d.next++
	return nil
}

// acks turns a report into what became of each packet it speaks of. Packets that
// were reported before, or that never left, are passed over.
func (d *departed) acks(r *rtcp.TransportLayerCC) []ack {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.reference(r.ReferenceTime)
	number, delta := r.BaseSequenceNumber, 0
	var acks []ack
	for _, symbol := range symbols(r) {
		var arrived time.Time
		if symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta {
			if delta >= len(r.RecvDeltas) {
				return acks // it promises more than it holds
			}
			at += time.Duration(r.RecvDeltas[delta].Delta) * time.Microsecond
			delta++
			arrived = time.Unix(0, 0).Add(at)
		}
		if left := &d.log[number%departedSize]; left.number == number && !left.at.IsZero() {
			acks = append(acks, ack{left.size, left.at, arrived})
			left.at = time.Time{}
		}
		number++
	}
	return acks
}

// reference unwraps the 24 bits of a report's clock, which counts 64 ms.
func (d *departed) reference(raw uint32) time.Duration {
	if d.refTime == 0 {
		d.refTime, d.refRaw = time.Hour, raw // far from zero, so that it may go back
	}
	step := int32((raw-d.refRaw)<<8) >> 8
	d.refTime += time.Duration(step) * 64 * time.Millisecond
	d.refRaw = raw
	return d.refTime
}

// symbols lists what a report says of each packet, at most as many as it counts.
func symbols(r *rtcp.TransportLayerCC) []uint16 {
	var all []uint16
	for _, c := range r.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				all = append(all, c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			all = append(all, c.SymbolList...)
		}
		if len(all) >= int(r.PacketStatusCount) {
			break
		}
	}
	return all[:min(len(all), int(r.PacketStatusCount))]
}
