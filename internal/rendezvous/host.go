// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Host registers this machine at the server and hands out the calls it gets.
type Host struct {
	*client
	key   *trust.HostKey
	calls chan *Call // one slot
}

// Call is one request that reached this machine.
type Call struct {
	*line
	ring wire.Ring
}

// NewHost prepares a registration; Run makes it.
func NewHost(cfg Config, key *trust.HostKey) (*Host, error) {
	if !cfg.complete() {
		return nil, ErrConfig
	}
	h := &Host{client: newClient(cfg), key: key, calls: make(chan *Call, 1)}
	h.client.greet, h.client.handle = h.greet, h.handle
	return h, nil
}

// Run stays registered until ctx ends. It is called once.
func (h *Host) Run(ctx context.Context) error { return h.run(ctx, nil) }

// Calls is where requests arrive. One waits at most; a second is turned down.
func (h *Host) Calls() <-chan *Call { return h.calls }

// greet proves that this machine holds its key.
func (h *Host) greet(ctx context.Context, l *link) (ready, error) {
	sig, err := l.sign(h.key, trust.RoleHost)
	if err != nil {
		return ready{}, err
	}
	hello := &wire.HostHello{Version: wire.Version, HostKey: h.key.Public(), Signature: sig}
	if err := l.send(ctx, hello); err != nil {
		return ready{}, err
	}
	m, err := l.receive(ctx)
	if err != nil {
		return ready{}, err
	}
	r, ok := m.(*wire.HostReady)
	if !ok {
		return ready{}, refusal(m)
	}
	return ready{address: r.Address, stun: r.STUN}, nil
}

// handle takes what is not for a session under way.
func (h *Host) handle(m wire.FromServer) error {
	switch m := m.(type) {
	case *wire.Ring:
		h.rung(m)
	case *wire.Reported:
		known := h.confirmed(m.Session)
		switch l := h.known(m.Session); {
		case l != nil && l.report:
			l.finish(0, nil)
		case !known:
			h.dropped(dropForeign)
			h.strange(m.Session)
		}
	default:
		return ErrServer
	}
	return nil
}

// rung takes a Ring. The call is known at once, so that its end finds it, and handed
// out when the server has shown its journal once more; where it cannot, nobody is
// asked, and the connection ends or is lost already.
func (h *Host) rung(ring *wire.Ring) {
	c := &Call{newLine(h.client, ring.Session), *ring}
	if !h.add(c.line) {
		h.cfg.Refused(AboutMessage, ErrRepeated) // rung twice for one request
		return
	}
	h.again(func(err error) {
		if err != nil {
			h.log.Warn("request not looked at", "error", err)
			h.doubt(AboutServer, err)
			c.End(wire.EndRefused)
			return
		}
		if !c.ended() {
			h.offer(c)
		}
	})
}

// offer hands out a call. It never waits: a call that nobody takes is turned down
// when the next one comes. Only the goroutine that reads fills the slot.
func (h *Host) offer(c *Call) {
	select {
	case old := <-h.calls: // it stays free
		if !old.ended() {
			h.calls <- old
			c.End(wire.EndRefused)
			return
		}
	default:
	}
	h.calls <- c
}

// Ring is the request as it came, with what the server vouches for.
func (c *Call) Ring() wire.Ring { return c.ring }

// Pledge sends the envelope of the host's pledge.
func (c *Call) Pledge(ctx context.Context, env []byte) error {
	return c.post(ctx, &wire.Pledged{Session: c.id, Pledge: env})
}

// Answer sends the envelope of the host's answer. After a grant the call goes
// on, even when the server is lost; after anything else it is over.
func (c *Call) Answer(ctx context.Context, env []byte) error {
	yes, err := grants(env)
	if err != nil {
		return err
	}
	if yes {
		// Before it is sent: the connection may be lost right after.
		c.granted()
	}
	if err := c.post(ctx, &wire.Answered{Session: c.id, Answer: env}); err != nil {
		return err
	}
	if !yes {
		c.settle()
	}
	return nil
}

// grants reads the verdict of an answer, without believing it.
func grants(env []byte) (bool, error) {
	e, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		return false, err
	}
	body, err := wire.UnmarshalSigned(e.Body)
	if err != nil {
		return false, err
	}
	a, ok := body.(*wire.Answer)
	return ok && a.Verdict == wire.VerdictGranted, nil
}
