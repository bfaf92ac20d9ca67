// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"assist/internal/session"
	"assist/internal/wire"
)

var errDown = errors.New("server: down")

// refused is the server's refusal.
type refused struct{ why wire.Refusal }

func (*refused) Error() string { return "server: refused" }

func refusal(err error) (wire.Refusal, time.Duration, bool) {
	var r *refused
	if !errors.As(err, &r) {
		return 0, 0, false
	}
	return r.why, 7 * time.Second, true
}

// server introduces technicians to hosts, in memory. Its faults are those that a
// server may have, by accident or by malice.
type server struct {
	calls chan session.Call

	mu      sync.Mutex
	totp    string
	address string // the technician's, as it claims
	lines   []*line
	dead    bool          // nobody hears of endings
	slow    time.Duration // to take a report
	rename  bool          // give the request another session than its own
	photo   []byte        // that it brings with each request
}

// line is one request at the server, and the session that comes of it.
type line struct {
	server               *server
	ring                 wire.Ring
	pledges, answers     chan []byte
	toHost, toTechnician chan []byte
	host, technician     *side

	notes   [][]byte // what either end signed, in order; guarded by the server's mu
	heard   bool     // the host's answer; likewise
	early   int      // notes of before; likewise
	reports [][]byte // what the host reported, likewise
}

// Report keeps what the person reported. It takes as long as a test wants.
func (l *line) Report(proof []byte) {
	time.Sleep(l.server.slow)
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	l.reports = append(l.reports, proof)
}

// Note keeps what an end signed.
func (l *line) Note(record []byte) {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	l.notes = append(l.notes, record)
	if !l.heard {
		l.early++
	}
}

// side is what one end knows of a line.
type side struct {
	done   chan struct{}
	once   sync.Once
	reason wire.EndReason
	late   time.Duration // that it takes to be told why
}

func (s *side) why() wire.EndReason {
	time.Sleep(s.late)
	return s.reason
}

func (s *side) end(r wire.EndReason) {
	s.once.Do(func() {
		s.reason = r
		close(s.done)
	})
}

func newServer() *server {
	return &server{
		calls: make(chan session.Call, 1), totp: canaryCode, address: "192.0.2.7",
	}
}

// Next hands calls to the host.
func (s *server) Next(ctx context.Context) (session.Call, error) {
	select {
	case c := <-s.calls:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Ask takes a technician's request.
func (s *server) Ask(ctx context.Context, totp string, request []byte) (session.Outgoing, error) {
	if totp != s.totp {
		return nil, &refused{wire.RefusedIdentity}
	}
	env, err := wire.UnmarshalEnvelope(request)
	if err != nil {
		return nil, &refused{wire.RefusedProtocol}
	}
	signed, err := wire.UnmarshalSigned(env.Body)
	r, ok := signed.(*wire.Request)
	if err != nil || !ok {
		return nil, &refused{wire.RefusedProtocol}
	}
	l := &line{
		server:  s,
		ring:    wire.Ring{Session: r.Session, Login: "prenom.nom", Address: s.address, Request: request, Photo: s.photo},
		pledges: make(chan []byte, 1), answers: make(chan []byte, 1),
		toHost: make(chan []byte, 16), toTechnician: make(chan []byte, 16),
		host: &side{done: make(chan struct{})}, technician: &side{done: make(chan struct{})},
	}
	if s.rename {
		l.ring.Session[0] ^= 1
	}
	s.mu.Lock()
	s.lines = append(s.lines, l)
	s.mu.Unlock()
	select {
	case s.calls <- &call{l}:
		return &outgoing{l}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// last is the line of the newest request.
func (s *server) last() *line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[len(s.lines)-1]
}

func (l *line) put(c chan<- []byte, b []byte, own *side) error {
	select {
	case <-own.done:
		return errDown
	default:
	}
	c <- b
	return nil
}

func (l *line) tell(s *side, r wire.EndReason) {
	if !l.server.dead {
		s.end(r)
	}
}

func (l *line) get(ctx context.Context, c <-chan []byte, own *side) ([]byte, error) {
	select {
	case b := <-c:
		return b, nil
	default:
	}
	select {
	case b := <-c:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-own.done:
		return nil, errDown
	}
}

// call is the host's end of a line.
type call struct{ *line }

func (c *call) Ring() wire.Ring { return c.ring }
func (c *call) Pledge(_ context.Context, env []byte) error {
	return c.put(c.pledges, env, c.host)
}
func (c *call) Answer(_ context.Context, env []byte) error {
	c.server.mu.Lock()
	c.heard = true
	c.server.mu.Unlock()
	return c.put(c.answers, env, c.host)
}
func (c *call) Send(_ context.Context, b []byte) error {
	return c.put(c.toTechnician, b, c.host)
}
func (c *call) Receive(ctx context.Context) ([]byte, error) { return c.get(ctx, c.toHost, c.host) }
func (c *call) End(r wire.EndReason)                        { c.tell(c.technician, r) }
func (c *call) Done() <-chan struct{}                       { return c.host.done }
func (c *call) Reason() wire.EndReason                      { return c.host.why() }

// outgoing is the technician's end of a line.
type outgoing struct{ *line }

func (o *outgoing) Pledge(ctx context.Context) ([]byte, error) {
	return o.get(ctx, o.pledges, o.technician)
}
func (o *outgoing) Answer(ctx context.Context) ([]byte, error) {
	return o.get(ctx, o.answers, o.technician)
}
func (o *outgoing) Send(_ context.Context, b []byte) error {
	return o.put(o.toHost, b, o.technician)
}
func (o *outgoing) Receive(ctx context.Context) ([]byte, error) {
	return o.get(ctx, o.toTechnician, o.technician)
}
func (o *outgoing) End(r wire.EndReason)   { o.tell(o.host, r) }
func (o *outgoing) Done() <-chan struct{}  { return o.technician.done }
func (o *outgoing) Reason() wire.EndReason { return o.technician.why() }
