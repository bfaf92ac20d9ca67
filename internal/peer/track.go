// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"assist/internal/screen"
	"assist/internal/video"
)

const (
	clockRate = 90_000 // ticks a second of the media clock
	// packetSize is the payload of a packet; with every header it stays below
	// 1280 bytes, which any IPv6 link carries whole.
	packetSize = 1150
	// firstSequence is where every track starts, so that the receiver knows when
	// even the first packet is lost.
	firstSequence = 1
	// keyEvery bounds how often a key frame can be asked for.
	keyEvery = 400 * time.Millisecond
)

// track shows one monitor. Whoever holds its turn owns the encoder and the
// numbering.
type track struct {
	host   *Host
	local  *webrtc.TrackLocalStaticRTP
	sender *webrtc.RTPSender

	turn    chan struct{} // one slot; holding the token is holding the turn
	waiting atomic.Int32  // how many want the turn

	// under the turn
	encoder   *video.Encoder
	size      image.Point
	payloader codecs.AV1Payloader
	sequence  uint16
	stamp     uint32
	broken    bool // a frame left only in part: the next must be a key frame
	keyed     time.Time

	wantKey atomic.Bool  // the technician asked for a key frame
	shown   atomic.Int64 // Unix nanoseconds of the last frame
	sent    history
}

func newTrack(h *Host, local *webrtc.TrackLocalStaticRTP, sender *webrtc.RTPSender) *track {
	t := &track{host: h, local: local, sender: sender, turn: make(chan struct{}, 1), sequence: firstSequence}
	t.turn <- struct{}{}
	return t
}

func (t *track) acquire(ctx context.Context) error {
	t.waiting.Add(1)
	defer t.waiting.Add(-1)
	if err := t.host.Err(); err != nil {
		return err
	}
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.host.done:
		return t.host.err
	}
}

func (t *track) release() { t.turn <- struct{}{} }

func (t *track) lastShown() time.Time { return time.Unix(0, t.shown.Load()) }

// encode codes a frame; another size means another encoder.
func (t *track) encode(f *screen.Frame) (video.Packet, error) {
	if t.encoder == nil || t.size != f.Size {
		t.forgetHeld()
		e, err := video.NewEncoder(f.Size, video.Options{Bitrate: t.host.share()})
		if err != nil {
			return video.Packet{}, err
		}
		t.encoder, t.size = e, f.Size
	}
	t.encoder.SetBitrate(t.host.share())
	return t.encoder.Encode(f, t.keyDue())
}

// keyDue reports whether the next frame has to be a key frame.
func (t *track) keyDue() bool {
	if t.broken {
		return true
	}
	return t.wantKey.Load() && time.Since(t.keyed) >= keyEvery
}

func (t *track) refine(ctx context.Context, permit func(func() error) error) (bool, error) {
	if t.encoder == nil {
		return false, ErrMonitor
	}
	if t.broken { // there is nothing whole to refine
		p, err := t.encoder.Key()
		if err != nil {
			return false, err
		}
		return true, t.send(ctx, p, permit)
	}
	p, ok, err := t.encoder.Refine()
	if err != nil || !ok {
		return false, err
	}
	return true, t.send(ctx, p, permit)
}

// send sends one temporal unit at the pace of the link.
func (t *track) send(ctx context.Context, p video.Packet, permit func(func() error) error) (err error) {
	h := t.host
	t.broken = true // until the last packet has left
	t.tickClock()
	t.sent.allow(permit)
	payloads := t.payloader.Payload(packetSize, p.Data)
	for i, b := range payloads {
		if err := h.bucket.wait(ctx, h.done, len(b)); err != nil {
			return t.cause(err)
		}
		if err := t.write(b, i == len(payloads)-1, permit); err != nil {
			return t.cause(err)
		}
	}
	t.broken = false
	now := time.Now()
	if p.Key { // requests that came while it was under way mean what was lost before
		t.wantKey.Store(false)
		t.keyed = now
	}
	t.shown.Store(now.UnixNano())
	h.count.framesSent.Add(1)
	h.frames.add(now, 1)
	t.sent.probe(now)
	h.nudge()
	return nil
}

// cause prefers why the link ended over what that led to.
func (t *track) cause(err error) error {
	if linked := t.host.Err(); linked != nil {
		return linked
	}
	return err
}

// tickClock moves the frame's time stamp on; no two frames share one.
func (t *track) tickClock() {
	now := uint32(time.Since(t.host.start) * clockRate / time.Second)
	if now-t.stamp == 0 || now-t.stamp > 1<<31 {
		now = t.stamp + 1
	}
	t.stamp = now
}

func (t *track) write(payload []byte, last bool, permit func(func() error) error) error {
	p := &rtp.Packet{
		Header: rtp.Header{
			Version: 2, Marker: last, PayloadType: av1Payload,
			SequenceNumber: t.sequence, Timestamp: t.stamp,
		},
		Payload: payload,
	}
	err := permit(func() error {
		now := time.Now()
		if err := t.host.departed.stamp(p, t.host.extension, now); err != nil {
			return err
		}
		t.sequence++
		t.sent.add(p, now)
		t.host.waiting.Store(true)
		return t.emit(p)
	})
	if err != nil {
		return fmt.Errorf("peer: show: %w", err)
	}
	return nil
}

// emit puts a packet on the wire. It is called inside a permit and nowhere else.
func (t *track) emit(p *rtp.Packet) error {
	if err := t.host.Err(); err != nil {
		return err
	}
	t.host.count.packetsSent.Add(1)
	return t.local.WriteRTP(p)
}

// forget frees the encoder once the link is closed and the turn is free.
func (t *track) forget() {
	<-t.turn
	t.forgetHeld()
	t.turn <- struct{}{}
}

func (t *track) forgetHeld() {
	if t.encoder != nil {
		t.encoder.Close()
		t.encoder = nil
	}
	t.sent.allow(nil)
}

// listen obeys the technician's reports and requests until the link ends.
func (t *track) listen() {
	for {
		packets, _, err := t.sender.ReadRTCP()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) || t.host.Err() != nil {
			return
		}
		if err != nil {
			continue // one unreadable report; the next may be better
		}
		t.host.hear()
		for _, p := range packets {
			t.obey(p)
		}
	}
}

func (t *track) obey(p rtcp.Packet) {
	switch p := p.(type) {
	case *rtcp.TransportLayerCC:
		t.host.report(p)
	case *rtcp.TransportLayerNack:
		for i := range p.Nacks {
			t.repeat(p.Nacks[i].PacketList())
		}
	case *rtcp.PictureLossIndication:
		t.host.count.keysWanted.Add(1)
		t.wantKey.Store(true)
		t.host.nudge()
	}
}

// repeat sends lost packets again, inside the permit of the last call.
func (t *track) repeat(sequences []uint16) {
	now, again := time.Now(), time.Duration(t.host.rtt.Load())/2
	for _, s := range sequences {
		p, permit := t.sent.find(s, now, max(again, 5*time.Millisecond))
		if p == nil || permit == nil {
			continue
		}
		t.host.bucket.spend(len(p.Payload), now)
		if permit(func() error { return t.emit(p) }) != nil {
			return
		}
		t.host.count.packetsRepeated.Add(1)
	}
}
