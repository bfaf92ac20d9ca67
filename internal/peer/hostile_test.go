// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"assist/internal/screen"
	"assist/internal/wire"
)

// noise is bytes of no meaning, the same at each run.
func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func plainNoise() *rand.Rand { return rand.New(rand.NewPCG(20, 26)) }

// heap is how many bytes are in use, garbage not counted.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func raw(t testing.TB, m wire.Message) []byte {
	t.Helper()
	b, err := wire.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a host says that no honest one does ends the technician's connection with a
// plain reason.
func TestHostileHostEndsTheLink(t *testing.T) {
	shape := raw(t, &wire.Shape{Width: 2, Height: 2, Pix: make([]byte, 16)})
	outside := bytes.Clone(shape)
	outside[7] = 2 // hotX
	for name, c := range map[string]struct {
		channel int
		bytes   []byte
	}{
		"unknown kind":        {channelControl, []byte{0xff}},
		"empty":               {channelControl, []byte{}},
		"cut":                 {channelControl, shape[:len(shape)-1]},
		"left over":           {channelControl, append(bytes.Clone(shape), 0)},
		"other family":        {channelControl, raw(t, &wire.Ping{})},
		"input":               {channelInput, raw(t, &wire.Move{})},
		"place on control":    {channelControl, raw(t, &wire.Place{})},
		"control on place":    {channelPlace, raw(t, &wire.Grant{})},
		"place of no monitor": {channelPlace, append([]byte{raw(t, &wire.Place{})[0], 0, 0, 0, 1, 8}, make([]byte, 5)...)},
		"shape out of itself": {channelControl, outside},
		"too long":            {channelControl, make([]byte, wire.MaxMessage+1)},
		"beat":                {channelLive, noise(plainNoise(), beatSize)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, setup{})
			if _, err := p.host.channels[c.channel].raw.Write(c.bytes); err != nil {
				t.Fatal(err)
			}
			select {
			case <-p.technician.Done():
			case <-time.After(soon):
				t.Fatal("the technician goes on")
			}
			if err := p.technician.Err(); !errors.Is(err, ErrProtocol) {
				t.Errorf("ended with %v", err)
			}
			if _, err := p.technician.Picture(t.Context(), 0); !errors.Is(err, ErrProtocol) {
				t.Errorf("Picture gave %v", err)
			}
		})
	}
}

// Streams that are no streams show nothing and take nothing; a real one is shown after.
func TestGarbageForPictures(t *testing.T) {
	p := newPair(t, setup{})
	r, track := plainNoise(), p.host.tracks[0]
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 25)
	before := heap()
	<-track.turn // whoever writes has it
	for n := range 3000 {
		b := noise(r, 1+r.IntN(packetSize-1))
		if n%3 == 0 {
			b[0] |= 0x08 // says that it starts a sequence
		}
		track.tickClock()
		if err := track.write(b, n%4 != 0, always); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d MiB more are in use", grown>>20)
	}
	track.broken = true
	track.turn <- struct{}{}
	until(t, "a real picture is shown", func() bool {
		p.show(t, f)
		got, err := p.technician.Picture(within(t, 200*time.Millisecond), 0)
		return err == nil && likeness(f, got) > 25
	})
}

// A stream whose size changes wildly takes no more than its largest picture does.
func TestSizesThatChangeWildly(t *testing.T) {
	p := newPair(t, setup{})
	before := heap()
	sizes := []image.Point{{16, 16}, {1920, 8}, {8, 1080}, {640, 480}, {1, 1}, {1279, 719}}
	for n := range 30 {
		f := picture(0, sizes[n%len(sizes)], n)
		p.show(t, f)
	}
	f := picture(0, image.Pt(64, 48), 3)
	p.show(t, f)
	p.awaitPicture(t, f, 20)
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d MiB more are in use", grown>>20)
	}
}

// Pictures that together are larger than those of any honest host end it.
func TestPicturesTooLargeTogether(t *testing.T) {
	p := newPair(t, setup{})
	p.technician.room.mu.Lock()
	p.technician.room.most = 3 * 64 * 48
	p.technician.room.mu.Unlock()
	for id := range screen.MonitorID(3) {
		f := picture(id, image.Pt(64, 48), 1)
		p.show(t, f)
		p.awaitPicture(t, f, 20)
	}
	f := picture(1, image.Pt(65, 48), 1)
	p.show(t, f)
	select {
	case <-p.technician.Done():
	case <-time.After(soon):
		t.Fatal("the technician goes on")
	}
	if err := p.technician.Err(); !errors.Is(err, ErrProtocol) {
		t.Errorf("ended with %v", err)
	}
}

// A flood of places holds nothing up and is not kept.
func TestFloodOfPlaces(t *testing.T) {
	p := newPair(t, setup{})
	ctx := within(t, 4*soon)
	before := heap()
	for n := range 100_000 {
		if err := p.host.Send(ctx, &wire.Place{Sequence: uint32(n), Visible: true}); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("%d MiB more are in use", grown>>20)
	}
	if err := p.host.Send(ctx, &wire.Grant{Rights: 5}); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := p.technician.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if g, ok := m.(*wire.Grant); ok && g.Rights == 5 {
			return
		}
	}
}

// Reports and requests that make no sense neither stop the pictures nor let the rate
// leave its limits.
func TestGarbageReports(t *testing.T) {
	p := newPair(t, setup{})
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 25)
	r := plainNoise()
	for n := range 500 {
		b := append([]byte{0x80 | byte(r.IntN(32)), byte(200 + r.IntN(8)), 0, byte(1 + r.IntN(40))}, noise(r, 160)...)
		garbage := rtcp.RawPacket(b[:4*(int(b[3])+1)])
		report := &rtcp.TransportLayerCC{
			Header:             rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback, Length: 5, Padding: true},
			BaseSequenceNumber: uint16(r.Uint32()), PacketStatusCount: 2, ReferenceTime: r.Uint32() >> 8, FbPktCount: uint8(n),
			PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 2}},
			RecvDeltas: []*rtcp.RecvDelta{{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250 * int64(r.IntN(200))},
				{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 0}},
		}
		for _, packet := range []rtcp.Packet{&garbage, report, &rtcp.PictureLossIndication{MediaSSRC: r.Uint32()}} {
			_ = p.technician.pc.WriteRTCP([]rtcp.Packet{packet}) // what the library does not write is no attack
		}
	}
	g := picture(0, image.Pt(320, 240), 7)
	p.show(t, g)
	p.awaitPicture(t, g, 25)
	if rate := p.host.Stats().Bitrate; rate < minRate || rate > maxRate {
		t.Errorf("the rate is %d", rate)
	}
}

// Whatever clock a technician claims, what is remembered of their reports is bounded.
func TestReportsOfAStandingClock(t *testing.T) {
	now := time.Now()
	c := newController(now)
	for n := range 50_000 {
		at := now.Add(time.Duration(n) * time.Millisecond)
		c.report(at, 0, []ack{{1200, at, now}}, true)
	}
	if len(c.arrivals) > maxArrivals {
		t.Errorf("%d arrivals are kept", len(c.arrivals))
	}
	if math.IsNaN(c.rate) || c.rate < minRate || c.rate > maxRate {
		t.Errorf("the rate is %f", c.rate)
	}
}

// Who asks for the same packets for ever gets each of them a few times.
func TestRepeatsEnd(t *testing.T) {
	p := newPair(t, setup{})
	f := picture(0, image.Pt(640, 480), 1)
	p.show(t, f)
	p.awaitPicture(t, f, 20)
	sent := p.host.Stats().PacketsSent
	var all []uint16
	for s := range uint16(sent + 1) {
		all = append(all, s)
	}
	for range 100 {
		p.host.tracks[0].repeat(all)
		<-time.After(6 * time.Millisecond)
	}
	if s := p.host.Stats(); s.PacketsRepeated > maxRepeats*sent {
		t.Errorf("%d packets left, and %d times again", sent, s.PacketsRepeated)
	}
}
