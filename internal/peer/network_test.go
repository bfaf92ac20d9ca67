// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// badNet is the system's network, counted at the socket, and as bad as told.
type badNet struct {
	*stdnet.Net
	rtp, all atomic.Int64 // packets that left
	frozen   atomic.Bool  // what is written vanishes
	stuck    atomic.Bool  // writing blocks until freed
	free     chan struct{}

	mu   sync.Mutex
	lose func(b []byte) bool // under mu; whether a packet of media is lost
	seen [][]byte            // under mu; copies of media packets when recording
	keep bool
}

func newBadNet(t testing.TB) *badNet {
	t.Helper()
	n, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	b := &badNet{Net: n, free: make(chan struct{})}
	t.Cleanup(func() {
		select {
		case <-b.free:
		default:
			close(b.free)
		}
	})
	return b
}

func (n *badNet) losing(f func(b []byte) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lose = f
}

func (n *badNet) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	c, err := roomy{n.Net}.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return &badConn{c, n}, nil
}

type badConn struct {
	transport.UDPConn
	net *badNet
}

// isMedia tells SRTP from DTLS, STUN and SRTCP by its first two bytes (RFC 7983,
// RFC 5761).
func isMedia(b []byte) bool {
	return len(b) > 12 && b[0] >= 128 && b[0] <= 191 && (b[1]&0x7f < 64 || b[1]&0x7f > 95)
}

func (c *badConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if c.net.stuck.Load() {
		<-c.net.free
	}
	if c.net.frozen.Load() {
		return len(b), nil
	}
	c.net.all.Add(1)
	if isMedia(b) {
		c.net.rtp.Add(1)
		if c.net.take(b) {
			return len(b), nil
		}
	}
	return c.UDPConn.WriteTo(b, to)
}

// take records a media packet and says whether it is to be lost.
func (n *badNet) take(b []byte) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.keep {
		n.seen = append(n.seen, append([]byte(nil), b...))
	}
	return n.lose != nil && n.lose(b)
}
