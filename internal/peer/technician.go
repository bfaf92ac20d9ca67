// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"assist/internal/screen"
	"assist/internal/video"
	"assist/internal/wire"
)

// decodeQueue is how many temporal units may wait for the decoder. When it is full
// the decoder is too slow for what arrives: the rest is dropped up to a key frame.
const decodeQueue = 16

// Technician is the end that sees the host's screens.
type Technician struct {
	*link
	boxes  [screen.MaxMonitors]*box
	room   room
	frames *meter
	bits   *meter
}

// ConnectTechnician waits for the host's offer and returns once the connection
// is up, the host's certificate is the right one and the channels are open.
func ConnectTechnician(ctx context.Context, cfg Config) (*Technician, error) {
	l, err := newLink(cfg, roleTechnician)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	t := &Technician{link: l, room: room{most: screen.MaxPixels}, frames: newMeter(now), bits: newMeter(now)}
	for id := range t.boxes {
		t.boxes[id] = newBox(screen.MonitorID(id))
	}
	l.pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		l.run(func() { t.follow(remote, receiver) })
	})
	if err := l.connect(ctx); err != nil {
		return nil, err
	}
	return t, nil
}

// Picture returns the newest picture of a monitor once there is one that was not
// returned before. It is valid until the next call for the same monitor; only one
// goroutine may ask for a monitor.
func (t *Technician) Picture(ctx context.Context, id screen.MonitorID) (*screen.Picture, error) {
	if int(id) >= len(t.boxes) {
		return nil, fmt.Errorf("%w: %d", ErrMonitor, id)
	}
	p, err := t.boxes[id].get(ctx, t.done)
	if linked := t.Err(); linked != nil {
		return nil, linked
	}
	return p, err
}

// Send sends a message; it blocks while too many bytes are unconfirmed.
func (t *Technician) Send(ctx context.Context, m wire.ToHost) error { return t.sendMessage(ctx, m) }

// Receive returns the host's next message.
func (t *Technician) Receive(ctx context.Context) (wire.ToTechnician, error) {
	m, err := t.receive(ctx)
	if err != nil {
		return nil, err
	}
	return m.(wire.ToTechnician), nil // takeControl and takePlace let no other family in
}

// Stats returns the figures of this moment.
func (t *Technician) Stats() Stats {
	s, now := t.stats(), time.Now()
	s.FPS, s.Bitrate = t.frames.perSecond(now), int(t.bits.perSecond(now))
	return s
}

// follow receives one track until the link ends. Nothing is read, let alone shown,
// before the certificate is verified.
func (t *Technician) follow(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	select {
	case <-t.verified:
	case <-t.done:
		return
	}
	id := t.monitorOf(receiver)
	if id < 0 || remote.Codec().MimeType != webrtc.MimeTypeAV1 {
		t.fail(fmt.Errorf("%w: track", ErrProtocol))
		return
	}
	s := &stream{
		owner: t, remote: remote, box: t.boxes[id], assembler: newAssembler(),
		units: make(chan []byte, decodeQueue), failed: make(chan struct{}, 1),
	}
	t.run(s.decode)
	s.receive()
}

// monitorOf finds which of the offered tracks this is.
func (t *Technician) monitorOf(receiver *webrtc.RTPReceiver) int {
	for i, tr := range t.pc.GetTransceivers() {
		if tr.Receiver() == receiver && i < len(t.boxes) {
			return i
		}
	}
	return -1
}

// stream is one track on its way to becoming pictures: one goroutine receives and
// puts together, another decodes.
type stream struct {
	owner     *Technician
	remote    *webrtc.TrackRemote
	box       *box
	assembler *assembler
	keyAsked  time.Time
	units     chan []byte   // whole temporal units, in order
	failed    chan struct{} // one slot: the decoder needs a key frame
}

// receive reads packets until the link ends, asking for what is missing.
func (s *stream) receive() {
	defer close(s.units)
	for s.owner.Err() == nil {
		p, _, err := s.remote.ReadRTP()
		now := time.Now()
		switch {
		case err == nil:
			s.owner.hear()
			s.owner.count.packetsReceived.Add(1)
			s.owner.bits.add(now, 8*p.MarshalSize())
			s.assembler.push(p, now)
			s.forward()
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe):
			return
		}
		s.demand(now)
	}
}

// forward hands whole units to the decoder.
func (s *stream) forward() {
	for {
		tu := s.assembler.pop()
		if tu == nil {
			return
		}
		select {
		case s.units <- tu:
		default:
			s.owner.count.lost.Add(1)
			s.assembler.broken()
		}
	}
}

// demand asks for what is missing and sets the time to look again.
func (s *stream) demand(now time.Time) {
	select {
	case <-s.failed:
		s.assembler.broken()
	default:
	}
	d, next := s.assembler.ask(now, time.Duration(s.owner.rtt.Load()))
	var packets []rtcp.Packet
	ssrc := uint32(s.remote.SSRC())
	if len(d.repeat) > 0 {
		packets = append(packets, &rtcp.TransportLayerNack{
			MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(d.repeat),
		})
	}
	if d.key && now.Sub(s.keyAsked) >= keyEvery {
		s.keyAsked = now
		s.owner.count.keysWanted.Add(1)
		packets = append(packets, &rtcp.PictureLossIndication{MediaSSRC: ssrc})
	}
	if len(packets) > 0 {
		if err := s.owner.pc.WriteRTCP(packets); err != nil {
			s.owner.log.Debug("request not sent", "error", err)
		}
	}
	_ = s.remote.SetReadDeadline(next) // fails only when the track is closed, and then reading fails too
}

// decode turns units into pictures until receive ends.
func (s *stream) decode() {
	d, err := video.NewDecoder()
	if err != nil {
		s.owner.fail(err)
		return
	}
	defer d.Close()
	defer s.box.empty()
	for tu := range s.units {
		if err := d.DecodeInto(s.box.back, tu); err != nil {
			s.owner.log.Debug("picture not decoded", "error", err)
			s.needKey()
			continue
		}
		if err := s.owner.room.take(s.box.back); err != nil {
			s.owner.fail(err)
			return
		}
		s.owner.count.framesReceived.Add(1)
		s.owner.frames.add(time.Now(), 1)
		if s.box.put() {
			s.owner.count.lost.Add(1)
		}
	}
}

// needKey tells receive, which may be waiting for a packet, at once.
func (s *stream) needKey() {
	select {
	case s.failed <- struct{}{}:
	default:
	}
	_ = s.remote.SetReadDeadline(time.Now())
}
