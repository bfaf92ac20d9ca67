// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/wire"
)

var (
	errLost   = errors.New("link lost")
	errClosed = errors.New("link closed")
	errWrong  = errors.New("not the one signed for")
)

// network is where the two ends of a link find each other, by fingerprint.
type network struct {
	mu      sync.Mutex
	waiting map[[32]byte]*link // by the fingerprint of the one who is waited for
	frozen  chan struct{}      // closed while nothing moves; replaced on thaw
	thawed  chan struct{}
	deaf    bool // links do not notice silence themselves
	unable  bool // nobody reaches anybody
	links   []*link
}

func newNetwork() *network {
	n := &network{waiting: map[[32]byte]*link{}, frozen: make(chan struct{}), thawed: make(chan struct{})}
	close(n.thawed)
	return n
}

// freeze stops all that moves; links notice it after ten seconds, unless deaf.
func (n *network) freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.thawed = make(chan struct{})
	close(n.frozen)
	for _, l := range n.links {
		if !n.deaf {
			l.lose(10 * time.Second)
		}
	}
}

// thaw lets things move again, before any link was lost.
func (n *network) thaw() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = make(chan struct{})
	close(n.thawed)
	for _, l := range n.links {
		for _, timer := range l.stopped {
			timer.Stop()
		}
	}
}

// moves returns a channel that is closed when things move.
func (n *network) moves() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.thawed
}

// link joins a host and a technician in memory. Messages are marshalled, so that
// only what wire allows can pass.
type link struct {
	net          *network
	met          chan struct{}
	host, helper *end
	pictures     [screen.MaxMonitors]chan *screen.Picture

	sent    atomic.Int64 // messages of the technician
	mu      sync.Mutex
	shown   []shown
	refined int
	forgot  int
	stopped []*time.Timer
}

// shown is a picture that left the host.
type shown struct {
	at    time.Time
	frame screen.Frame
}

// end is one end of a link.
type end struct {
	in   chan []byte
	done chan struct{}
	once sync.Once
	err  error
}

func newEnd() *end { return &end{in: make(chan []byte, 64), done: make(chan struct{})} }

func (e *end) close(err error) {
	e.once.Do(func() {
		e.err = err
		close(e.done)
	})
}

func (l *link) lose(after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = append(l.stopped, time.AfterFunc(after, func() {
		l.host.close(errLost)
		l.helper.close(errLost)
	}))
}

// meet waits for the other end at the network; both get the same link.
func (n *network) meet(ctx context.Context, own, remote [32]byte) (*link, error) {
	n.mu.Lock()
	l, here := n.waiting[own]
	if !here {
		l = &link{net: n, met: make(chan struct{}), host: newEnd(), helper: newEnd()}
		for i := range l.pictures {
			l.pictures[i] = make(chan *screen.Picture, 1)
		}
		n.waiting[remote] = l
		n.links = append(n.links, l)
	} else {
		delete(n.waiting, own)
		close(l.met)
	}
	n.mu.Unlock()
	select {
	case <-l.met:
		return l, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dialer is an identity of either side.
type dialer struct {
	net *network
	own [32]byte
}

func newDialer(n *network) *dialer {
	d := &dialer{net: n}
	rand.Read(d.own[:])
	return d
}

func (d *dialer) Fingerprint() [32]byte { return d.own }

type hostDialer struct{ *dialer }

func (d hostDialer) Connect(ctx context.Context, remote [32]byte, s session.Signals) (session.HostLink, error) {
	l, err := d.connect(ctx, remote, s)
	if err != nil {
		return nil, err
	}
	return &hostEnd{l, l.host, l.helper}, nil
}

type helperDialer struct{ *dialer }

func (d helperDialer) Connect(ctx context.Context, remote [32]byte, s session.Signals) (session.TechnicianLink, error) {
	l, err := d.connect(ctx, remote, s)
	if err != nil {
		return nil, err
	}
	return &helperEnd{l, l.helper, l.host}, nil
}

// connect shows its fingerprint to the other end through the server, as an SDP
// would, and checks the other's.
func (d *dialer) connect(ctx context.Context, remote [32]byte, s session.Signals) (*link, error) {
	if err := s.Send(ctx, d.own[:]); err != nil {
		return nil, err
	}
	got, err := s.Receive(ctx)
	if err != nil {
		return nil, err
	}
	if [32]byte(got) != remote {
		return nil, errWrong
	}
	if d.net.unable { // they go on looking, by the server
		_, err := s.Receive(ctx)
		return nil, err
	}
	return d.net.meet(ctx, d.own, remote)
}

// send waits while the network is frozen, as a full buffer does.
func (l *link) send(ctx context.Context, m wire.Message, from, to *end) error {
	b, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	select {
	case <-l.net.moves():
	case <-ctx.Done():
		return ctx.Err()
	case <-from.done:
		return from.err
	}
	select {
	case to.in <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-to.done:
		return errLost
	}
}

// receive delivers what arrived before the end, too.
func (l *link) receive(ctx context.Context, e *end) ([]byte, error) {
	select {
	case b := <-e.in:
		return b, nil
	default:
	}
	select {
	case b := <-e.in:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.done:
		return nil, e.err
	}
}

// shut closes one end at once, and lets the other notice, if it can.
func (l *link) shut(own, other *end) error {
	own.close(errClosed)
	select {
	case <-l.net.moves():
		other.close(errLost)
	default:
	}
	return nil
}

type hostEnd struct {
	*link
	own, other *end
}

func (h *hostEnd) Done() <-chan struct{} { return h.own.done }
func (h *hostEnd) Err() error            { return h.own.err }
func (h *hostEnd) Close() error          { return h.shut(h.own, h.other) }

func (h *hostEnd) Send(ctx context.Context, m wire.ToTechnician) error {
	return h.send(ctx, m, h.own, h.other)
}

func (h *hostEnd) Receive(ctx context.Context) (wire.ToHost, error) {
	b, err := h.receive(ctx, h.own)
	if err != nil {
		return nil, err
	}
	return wire.UnmarshalToHost(b)
}

// Show replaces the picture that the technician has not taken yet.
func (h *hostEnd) Show(ctx context.Context, f *screen.Frame, permit func(func() error) error) error {
	select {
	case <-h.net.moves():
	case <-ctx.Done():
		return ctx.Err()
	case <-h.own.done:
		return h.own.err
	}
	return permit(func() error {
		h.mu.Lock()
		h.shown = append(h.shown, shown{time.Now(), *f})
		h.mu.Unlock()
		box := h.pictures[f.Monitor]
		select {
		case <-box:
		default:
		}
		box <- &screen.Picture{Monitor: f.Monitor, Size: f.Size}
		return nil
	})
}

// Refine gains something twice.
func (h *hostEnd) Refine(_ context.Context, _ screen.MonitorID, permit func(func() error) error) (more bool, err error) {
	err = permit(func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.refined++
		more = h.refined%2 == 1
		return nil
	})
	return more, err
}

func (h *hostEnd) Forget(screen.MonitorID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forgot++
}

type helperEnd struct {
	*link
	own, other *end
}

func (h *helperEnd) Done() <-chan struct{} { return h.own.done }
func (h *helperEnd) Err() error            { return h.own.err }
func (h *helperEnd) Close() error          { return h.shut(h.own, h.other) }

func (h *helperEnd) Send(ctx context.Context, m wire.ToHost) error {
	h.sent.Add(1)
	return h.send(ctx, m, h.own, h.other)
}

func (h *helperEnd) Receive(ctx context.Context) (wire.ToTechnician, error) {
	b, err := h.receive(ctx, h.own)
	if err != nil {
		return nil, err
	}
	return wire.UnmarshalToTechnician(b)
}

func (h *helperEnd) Picture(ctx context.Context, id screen.MonitorID) (*screen.Picture, error) {
	select {
	case p := <-h.pictures[id]:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-h.own.done:
		return nil, h.own.err
	}
}
