// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"assist/internal/screen"
	"assist/internal/wire"
)

// Host is the end that shows its screens.
type Host struct {
	*link
	tracks [screen.MaxMonitors]*track
	start  time.Time // zero of the media clock
	bucket *bucket
	frames *meter
	wake   chan struct{} // one slot: a chore was set

	extension uint8 // negotiated number of the header extension that departed fills
	departed  departed

	mu      sync.Mutex // of rate
	rate    *controller
	waiting atomic.Bool // packets left since the last report
}

// ConnectHost offers a connection and returns once it is up, the other end's
// certificate is the right one and the channels are open.
func ConnectHost(ctx context.Context, cfg Config) (*Host, error) {
	l, err := newLink(cfg, roleHost)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	h := &Host{
		link: l, start: now, bucket: newBucket(startRate, now), frames: newMeter(now),
		wake: make(chan struct{}, 1), rate: newController(now),
	}
	l.release = h.free
	if err := h.addTracks(); err != nil {
		_ = l.Close()
		return nil, err
	}
	if err := l.connect(ctx); err != nil {
		return nil, err
	}
	if err := h.findExtension(); err != nil {
		l.fail(err)
		return nil, err
	}
	for _, t := range h.tracks {
		l.run(t.listen)
	}
	l.run(h.tend)
	return h, nil
}

// findExtension learns under which number packets are to be numbered.
func (h *Host) findExtension() error {
	for _, e := range h.tracks[0].sender.GetParameters().HeaderExtensions {
		if e.URI == sdp.TransportCCURI && e.ID > 0 && e.ID < 15 {
			h.extension = uint8(e.ID)
			return nil
		}
	}
	return fmt.Errorf("%w: no packet feedback", ErrProtocol)
}

// addTracks offers a track for every monitor there may ever be.
func (h *Host) addTracks() error {
	for id := range h.tracks {
		name := fmt.Sprintf("monitor-%d", id)
		local, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeAV1}, name, "screens")
		if err != nil {
			return fmt.Errorf("peer: track: %w", err)
		}
		transceiver, err := h.pc.AddTransceiverFromTrack(local,
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return fmt.Errorf("peer: track: %w", err)
		}
		h.tracks[id] = newTrack(h, local, transceiver.Sender())
	}
	return nil
}

// free closes the encoders; nothing uses them any more.
func (h *Host) free() {
	for _, t := range h.tracks {
		if t != nil {
			t.forget()
		}
	}
}

func (h *Host) track(id screen.MonitorID) (*track, error) {
	if int(id) >= len(h.tracks) {
		return nil, fmt.Errorf("%w: %d", ErrMonitor, id)
	}
	return h.tracks[id], nil
}

// Show encodes a frame and sends it, each packet inside permit. It returns when
// the last packet has left, so it blocks for as long as the link is full; what
// changes meanwhile belongs into the next frame. When it fails halfway, the next
// frame is a key frame.
func (h *Host) Show(ctx context.Context, f *screen.Frame, permit func(func() error) error) error {
	t, err := h.track(f.Monitor)
	if err != nil {
		return err
	}
	if err := t.acquire(ctx); err != nil {
		return err
	}
	defer t.release()
	p, err := t.encode(f)
	if err != nil {
		return err
	}
	return t.send(ctx, p, permit)
}

// Refine sends the same picture again, better, each packet inside permit. It
// reports whether calling it again would gain something.
func (h *Host) Refine(ctx context.Context, id screen.MonitorID, permit func(func() error) error) (more bool, err error) {
	t, err := h.track(id)
	if err != nil {
		return false, err
	}
	if err := t.acquire(ctx); err != nil {
		return false, err
	}
	defer t.release()
	return t.refine(ctx, permit)
}

// Forget frees what showing a monitor needed; showing it again starts afresh.
func (h *Host) Forget(id screen.MonitorID) {
	t, err := h.track(id)
	if err != nil || t.acquire(h.ctx) != nil {
		return
	}
	defer t.release()
	t.forgetHeld()
}

// Send sends a message; it blocks while too many bytes are unconfirmed.
func (h *Host) Send(ctx context.Context, m wire.ToTechnician) error { return h.sendMessage(ctx, m) }

// Receive returns the technician's next message.
func (h *Host) Receive(ctx context.Context) (wire.ToHost, error) {
	m, err := h.receive(ctx)
	if err != nil {
		return nil, err
	}
	return m.(wire.ToHost), nil // takeControl and takeInput let no other family in
}

// Stats returns the figures of this moment.
func (h *Host) Stats() Stats {
	s := h.stats()
	s.FPS = h.frames.perSecond(time.Now())
	h.mu.Lock()
	s.Bitrate = int(h.rate.rate)
	h.mu.Unlock()
	return s
}

// report feeds the controller with what the technician saw of our packets.
func (h *Host) report(r *rtcp.TransportLayerCC) {
	acks := h.departed.acks(r)
	if len(acks) == 0 {
		return
	}
	h.waiting.Store(false)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rate.report(time.Now(), time.Duration(h.rtt.Load()), acks, h.bucket.limited())
	h.bucket.setRate(h.rate.rate)
}

// share is the bit rate of one track's encoder: the link's, split among the
// monitors that were shown of late.
func (h *Host) share() int {
	now, busy := time.Now(), 0
	for _, t := range h.tracks {
		if now.Sub(t.lastShown()) < time.Second {
			busy++
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return int(h.rate.rate*0.9) / max(busy, 1)
}
