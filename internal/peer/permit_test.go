// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"errors"
	"image"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// Nothing of a picture leaves while the permit refuses: not a frame, not what is
// asked for again, not a key frame, not the probes. Counted at the socket.
func TestRefusingPermitLetsNothingLeave(t *testing.T) {
	n := newBadNet(t)
	p := newPair(t, setup{hostNet: n})
	if n.rtp.Load() != 0 {
		t.Fatalf("%d media packets left before anything was shown", n.rtp.Load())
	}
	g := &gate{}
	f := picture(0, image.Pt(320, 240), 1)
	if err := p.host.Show(t.Context(), f, g.do); err != nil {
		t.Fatal(err)
	}
	p.awaitPicture(t, f, 30)
	g.shut.Store(true)
	<-time.After(200 * time.Millisecond) // what was permitted before it was shut
	before := n.rtp.Load()
	if err := p.host.Show(t.Context(), picture(0, image.Pt(320, 240), 2), g.do); !errors.Is(err, errShut) {
		t.Errorf("Show under a refusing permit: %v", err)
	}
	if _, err := p.host.Refine(t.Context(), 0, g.do); err != nil && !errors.Is(err, errShut) {
		t.Errorf("Refine under a refusing permit: %v", err)
	}
	ssrc := uint32(p.host.tracks[0].sender.GetParameters().Encodings[0].SSRC)
	for range 20 {
		err := p.technician.pc.WriteRTCP([]rtcp.Packet{
			&rtcp.PictureLossIndication{MediaSSRC: ssrc},
			&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{1, 2, 3, 4})},
		})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(25 * time.Millisecond)
	}
	if after := n.rtp.Load(); after != before {
		t.Errorf("%d media packets left after the permit was shut", after-before)
	}
	g.shut.Store(false)
	last := picture(0, image.Pt(320, 240), 3)
	if err := p.host.Show(t.Context(), last, g.do); err != nil {
		t.Fatal(err)
	}
	p.awaitPicture(t, last, 30)
}

// A repeated packet is the same to the last bit: the cipher must not use a nonce
// for two different packets.
func TestRepeatsAreIdentical(t *testing.T) {
	n := newBadNet(t)
	n.keep = true
	p := newPair(t, setup{hostNet: n})
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 30)
	ssrc := uint32(p.host.tracks[0].sender.GetParameters().Encodings[0].SSRC)
	nack := &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{1, 2})}
	<-time.After(20 * time.Millisecond)
	if err := p.technician.pc.WriteRTCP([]rtcp.Packet{nack}); err != nil {
		t.Fatal(err)
	}
	until(t, "two packets are repeated", func() bool { return p.host.Stats().PacketsRepeated >= 2 })
	n.mu.Lock()
	defer n.mu.Unlock()
	first := map[[2]byte][]byte{}
	repeats := 0
	for _, b := range n.seen {
		sequence := [2]byte(b[2:4])
		if old, ok := first[sequence]; ok {
			repeats++
			if !bytes.Equal(old, b) {
				t.Errorf("packet %x was repeated with other bytes", sequence)
			}
		}
		first[sequence] = b
	}
	if repeats == 0 {
		t.Error("no repeat was seen at the socket")
	}
}
