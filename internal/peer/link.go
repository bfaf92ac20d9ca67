// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
)

const (
	// closeLimit bounds Close, whatever the network does.
	closeLimit = 80 * time.Millisecond
	// drainLimit is how much of it the last messages may take to get through.
	drainLimit = 50 * time.Millisecond
)

// link is what both ends have in common: the connection, its channels, and why
// it ended. The first cause wins; after it nothing is sent or delivered.
type link struct {
	pc      *webrtc.PeerConnection
	cfg     Config
	sources *sources // nil: from anywhere
	log     *slog.Logger
	timing  timing
	role    role

	ctx       context.Context // ends with the link
	cancel    context.CancelFunc
	connected chan struct{} // DTLS stands; nothing is verified yet
	verified  chan struct{} // the certificate is the right one and all channels are open
	done      chan struct{} // err is set
	released  chan struct{} // everything is freed
	once      sync.Once
	err       error // read it after done

	candidates chan string // ours, on their way out
	describing sync.Mutex  // held from the making of a description until it is out: no candidate overtakes its own
	channels   [channelCount]*channel
	control    chan message // arrived, for Receive; control goes before the others
	others     chan message
	release    func() // what the end itself has to free, once the connection is closed

	tasks sync.WaitGroup // all goroutines of ours
	heard atomic.Int64   // Unix nanoseconds of the last arrival
	rtt   atomic.Int64   // nanoseconds
	count counters
}

type counters struct {
	framesSent, framesReceived, messagesSent, messagesReceived      atomic.Uint64
	packetsSent, packetsReceived, packetsRepeated, keysWanted, lost atomic.Uint64
}

func newLink(cfg Config, r role) (*link, error) {
	if cfg.Identity == nil || cfg.Signaler == nil || cfg.Remote == [32]byte{} || r == roleHost && cfg.Allow == nil {
		return nil, ErrConfig
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	var from *sources
	if cfg.Allow != nil {
		from = &sources{allow: cfg.Allow}
	}
	pc, err := newConnection(cfg, r, from)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &link{
		pc: pc, cfg: cfg, sources: from, log: cfg.Log, timing: cfg.timing.orDefault(), role: r, ctx: ctx, cancel: cancel,
		connected: make(chan struct{}), verified: make(chan struct{}),
		done: make(chan struct{}), released: make(chan struct{}),
		candidates: make(chan string, maxCandidates),
		control:    make(chan message, controlQueue), others: make(chan message, othersQueue),
		release: func() {},
	}
	l.listen()
	if err := l.openChannels(); err != nil {
		l.fail(err)
		return nil, err
	}
	return l, nil
}

// listen hooks into the connection. The callbacks run on the library's goroutines
// and must not block.
func (l *link) listen() {
	var once sync.Once
	l.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateConnected:
			once.Do(func() { close(l.connected) })
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			l.fail(l.exposed(ErrLost))
		}
	})
	l.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			return
		}
		select {
		case l.candidates <- c.ToJSON().Candidate:
		default:
			l.count.lost.Add(1)
		}
	})
	l.minded()
	l.pc.OnDataChannel(func(*webrtc.DataChannel) { l.fail(ErrProtocol) }) // all of ours are agreed on beforehand
}

// verify hashes the certificate that DTLS really used.
func (l *link) verify() error {
	sum := sha256.Sum256(l.pc.SCTP().Transport().GetRemoteCertificate())
	if subtle.ConstantTimeCompare(sum[:], l.cfg.Remote[:]) != 1 {
		return ErrFingerprint
	}
	return nil
}

// exposed adds to why the connection failed that the certificate was another one, if it
// was. The library may have found out first, or the other end have given up: somebody in
// the middle is not to look like a bad network.
func (l *link) exposed(err error) error {
	if len(l.pc.SCTP().Transport().GetRemoteCertificate()) == 0 {
		return err
	}
	return errors.Join(l.verify(), err)
}

// fail ends the link for this cause, unless it has ended already. It does not
// wait: the connection is closed behind it.
func (l *link) fail(cause error) {
	l.once.Do(func() {
		l.err = cause
		close(l.done)
		l.cancel()
		go l.shutdown()
	})
}

func (l *link) shutdown() {
	defer close(l.released)
	if err := l.pc.GracefulClose(); err != nil {
		l.log.Debug("connection closed", "error", err)
	}
	l.tasks.Wait()
	l.release()
}

// run starts a goroutine that the link waits for when it is released.
func (l *link) run(f func()) {
	l.tasks.Add(1)
	go func() {
		defer l.tasks.Done()
		f()
	}()
}

// Done is closed when the connection has ended; Err then says why.
func (l *link) Done() <-chan struct{} { return l.done }

// Err is why the connection ended, or nil while it lives.
func (l *link) Err() error {
	select {
	case <-l.done:
		return l.err
	default:
		return nil
	}
}

// Close ends the connection. Messages already handed to Send get a moment to
// arrive. It returns within 200 ms even when the network is dead, and may be
// called more than once.
func (l *link) Close() error {
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	l.drain()
	l.fail(ErrClosed)
	select {
	case <-l.released:
	case <-limit.C:
	}
	return nil
}

// drain waits until the other end has confirmed the control channel's bytes.
func (l *link) drain() {
	select {
	case <-l.done:
		return
	case <-l.verified:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(l.ctx, drainLimit)
	defer cancel()
	l.channels[channelControl].flushed(ctx)
}

// hear notes a sign of life.
func (l *link) hear() { l.heard.Store(time.Now().UnixNano()) }

// silence is how long nothing was heard.
func (l *link) silence() time.Duration { return time.Since(time.Unix(0, l.heard.Load())) }

// Stats returns the figures of this moment that both ends have in common.
func (l *link) stats() Stats {
	return Stats{
		FramesSent: l.count.framesSent.Load(), FramesReceived: l.count.framesReceived.Load(),
		MessagesSent: l.count.messagesSent.Load(), MessagesReceived: l.count.messagesReceived.Load(),
		RTT: time.Duration(l.rtt.Load()), Relayed: l.relayed(), Codec: "AV1",
		Stale:       l.silence() > l.timing.stale,
		PacketsSent: l.count.packetsSent.Load(), PacketsReceived: l.count.packetsReceived.Load(),
		PacketsRepeated: l.count.packetsRepeated.Load(), KeysRequested: l.count.keysWanted.Load(),
		Dropped: l.count.lost.Load(),
	}
}

func (l *link) relayed() bool {
	pair, err := l.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return false
	}
	return pair.Local.Typ == webrtc.ICECandidateTypeRelay || pair.Remote.Typ == webrtc.ICECandidateTypeRelay
}
