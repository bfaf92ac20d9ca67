// SPDX-License-Identifier: Apache-2.0

// Package peer is one authenticated, encrypted connection between a host and
// a technician: pictures one way, messages both ways, and a rate that follows
// the link.
//
// The connection is WebRTC. Each monitor has a media track of its own, all of
// them offered at the start, so that plugging a monitor in needs no new
// negotiation. Messages travel in three channels: "control" and "input", reliable
// and ordered, and "place", where only the newest counts.
//
// # What is checked before anything flows
//
// Each end is told the SHA-256 of the other's DTLS certificate by a signed
// message that the server cannot alter. The session description must name that
// fingerprint and no other, and once DTLS stands the certificate really used is
// hashed and compared again here. Until both hold no picture and no message is
// sent or delivered.
//
// # Who may send
//
// Host sends a picture packet, be it fresh, repeated or asked for again, only
// inside the permit that came with the last call for that monitor. When the
// permit refuses, nothing leaves.
//
// # Queues
//
// Show returns when its frame has left, so no frame waits behind another. Messages
// wait in bounded queues; what is dropped is counted in Stats.
package peer

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/pion/transport/v4"
)

// Errors of this package.
var (
	// ErrFingerprint says that the other end's DTLS certificate, or the one its
	// session description names, is not the one that was signed for.
	ErrFingerprint = errors.New("peer: certificate is not the one signed for")
	// ErrProtocol says that the other end sent what no honest end sends.
	ErrProtocol = errors.New("peer: protocol broken by the other end")
	// ErrLost says that nothing was heard for too long, or that the connection broke.
	ErrLost = errors.New("peer: connection lost")
	// ErrClosed says that this end closed the connection.
	ErrClosed = errors.New("peer: closed")
	// ErrAborted says that the other end gave up while connecting.
	ErrAborted = errors.New("peer: the other end gave up")
	// ErrSource says that the other end's address is not one that is allowed.
	ErrSource = errors.New("peer: address not allowed")
	// ErrConfig says that the configuration lacks something.
	ErrConfig = errors.New("peer: incomplete configuration")
	// ErrMonitor says that a monitor's number is out of range, or that nothing
	// of it was shown yet.
	ErrMonitor = errors.New("peer: no such monitor")
)

// Signaler carries the messages that set the connection up, in order, over a
// path that need not be trusted.
type Signaler interface {
	Send(ctx context.Context, body []byte) error
	Receive(ctx context.Context) ([]byte, error)
}

// Config is what a connection needs.
type Config struct {
	Identity *Identity
	Remote   [32]byte // the other end's fingerprint, from its signed message
	Signaler Signaler
	STUN     string // "host:port" or "stun:host:port"; empty for none
	Log      *slog.Logger
	// Allow says whether the technician may have this address, at this moment. A host
	// needs it; a technician asks about no address, and has none. It is called from any
	// goroutine and must not block.
	Allow func(netip.Addr) bool

	network transport.Net // tests put a bad network here
	timing  timing        // tests are not patient
}

// timing is how long silence may last.
type timing struct {
	beat  time.Duration // between two signs of life
	stale time.Duration // of silence until Stats says so
	lost  time.Duration // of silence until the connection is given up
}

func (t timing) orDefault() timing {
	if t.beat == 0 {
		return timing{beat: time.Second, stale: 3 * time.Second, lost: 10 * time.Second}
	}
	return t
}

// Stats is how the connection does. Frames and messages count what really
// left and what was really delivered.
type Stats struct {
	FramesSent, FramesReceived     uint64
	MessagesSent, MessagesReceived uint64
	FPS                            float64       // over the last second, all monitors
	Bitrate                        int           // bit/s: what the host may send, what the technician gets
	RTT                            time.Duration // zero until measured
	Relayed                        bool
	Codec                          string

	Stale           bool   // nothing heard for 3 s
	PacketsSent     uint64 // of pictures, repeats included
	PacketsReceived uint64
	PacketsRepeated uint64 // sent again because they were lost
	KeysRequested   uint64 // key frames asked for after a loss beyond repair
	Dropped         uint64 // messages, pictures and candidates that found a queue full
}
