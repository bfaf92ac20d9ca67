// SPDX-License-Identifier: Apache-2.0

package peer

import (
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

// An end takes a bounded number of descriptions, however often the server repeats one.
func TestDescriptionsAreBounded(t *testing.T) {
	h, v := identity(t), identity(t)
	a, b := newWire()
	ctx := within(t, 5*time.Second)
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
