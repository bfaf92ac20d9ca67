// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// goneNet is a network whose interfaces go while they are being tried: what was opened
// before that carries nothing any more, what is opened after it works.
type goneNet struct {
	*stdnet.Net
	left atomic.Int64 // packets until then
}

func newGoneNet(t *testing.T, after int64) *goneNet {
	t.Helper()
	n, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	g := &goneNet{Net: n}
	g.left.Store(after)
	return g
}

// Interfaces is as of shapedNet.
func (n *goneNet) Interfaces() ([]*transport.Interface, error) { return loopback(n.Net) }

func (n *goneNet) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	c, err := roomy{n.Net}.ListenUDP(network, at)
	if err != nil {
		return nil, err
	}
	return &goneConn{c, n, n.left.Load() > 0}, nil
}

type goneConn struct {
	transport.UDPConn
	net *goneNet
	old bool
}

func (c *goneConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if c.old && c.net.left.Add(-1) < 0 {
		return len(b), nil
	}
	return c.UDPConn.WriteTo(b, to)
}

// When the paths that are being tried go, new ones are looked for.
func TestPathsThatGoAreReplaced(t *testing.T) {
	for _, after := range []int64{1, 4, 8} { // from the first question to the handshake
		began := time.Now()
		p := newPair(t, setup{hostNet: newGoneNet(t, after)})
		t.Logf("after %d packets: connected in %v", after, time.Since(began))
		if p.host == nil || p.technician == nil {
			t.Error("half a connection")
		}
	}
}

// hesitant is an end of a signalling path where each description takes a moment to leave,
// so that candidates could overtake it.
type hesitant struct {
	*wireEnd
	after time.Duration
	seen  atomic.Int32 // descriptions
	early atomic.Int32 // candidates that left while a description was on its way
	busy  atomic.Bool
}

func (h *hesitant) Send(ctx context.Context, b []byte) error {
	switch signalKind(b[0]) {
	case signalOffer, signalAnswer:
		h.seen.Add(1)
		h.busy.Store(true)
		defer h.busy.Store(false)
		<-time.After(h.after)
	case signalCandidate:
		if h.busy.Load() {
			h.early.Add(1)
		}
	}
	return h.wireEnd.Send(ctx, b)
}

// No candidate overtakes the description that it belongs to, the first time or when paths
// are looked for anew: the other end would drop it, and nothing would be left to try.
func TestCandidatesFollowTheirDescription(t *testing.T) {
	ends := make([]*hesitant, 0, 2)
	slow := func(s Signaler) Signaler {
		h := &hesitant{wireEnd: s.(*wireEnd), after: 200 * time.Millisecond}
		ends = append(ends, h)
		return h
	}
	newPair(t, setup{hostNet: newGoneNet(t, 1), change: func(h, v *Config) {
		h.Signaler, v.Signaler = slow(h.Signaler), slow(v.Signaler)
	}})
	for i, h := range ends {
		if n := h.early.Load(); n > 0 {
			t.Errorf("end %d: %d candidates before their description", i, n)
		}
		if n := h.seen.Load(); n < 2 {
			t.Errorf("end %d: %d descriptions, not one for each time", i, n)
		}
	}
}

// An end takes a bounded number of descriptions, however often the server repeats one.
func TestDescriptionsAreBounded(t *testing.T) {
	h, v := identity(t), identity(t)
	a, b := newWire()
	ctx := within(t, soon)
	go func() {
		_, _ = ConnectHost(ctx, Config{Identity: h, Remote: v.Fingerprint(), Signaler: a, Allow: anywhere})
	}()
	offer, err := b.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c, d := newWire()
	for range maxDescriptions + 1 {
		if err := d.Send(ctx, offer); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ConnectTechnician(ctx, Config{Identity: v, Remote: h.Fingerprint(), Signaler: c}); !errors.Is(err, ErrProtocol) {
		t.Errorf("one too many: %v", err)
	}
}
