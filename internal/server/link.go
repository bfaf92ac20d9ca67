// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"assist/internal/wire"
)

// link is one client's connection. The goroutine of serveLink owns it and all
// that hangs on it; a second one only reads and hands over.
type link struct {
	server   *Server
	ws       *websocket.Conn
	from     netip.AddrPort
	nonce    [32]byte
	exporter []byte
	alarm    *alarm
	in       chan incoming // closed when the connection is lost
	inbox    chan *letter  // from the bus
	told     *force        // the charter that the client was last told of
}

// incoming is a message, or the reason why there is none.
type incoming struct {
	message wire.FromClient
	err     error
}

// alarm remembers when a client was last heard. Reader and owner both touch it.
type alarm struct{ at atomic.Int64 }

func newAlarm() *alarm {
	a := &alarm{}
	a.heard()
	return a
}

func (a *alarm) heard()               { a.at.Store(time.Now().UnixNano()) }
func (a *alarm) quiet() time.Duration { return time.Since(time.Unix(0, a.at.Load())) }

// netParse is an address in the form that charters compare: unmapped, and without the zone,
// which means something on one computer only.
func netParse(s string) (netip.AddrPort, error) {
	p, err := netip.ParseAddrPort(s)
	return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port()), err
}

// serveLink is the life of one connection.
func (s *Server) serveLink(ctx context.Context, l *link) {
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.read(reading)
	}()
	err := s.dialogue(ctx, l)
	// A reader whose context ends takes the connection down with it.
	late := time.AfterFunc(s.limits.closing, stop)
	l.close(err)
	late.Stop()
	stop()
	<-ended
	s.log.Debug("connection ended", "cause", err)
}

// close says goodbye as far as the client still listens.
func (l *link) close(err error) {
	code := websocket.StatusNormalClosure
	switch {
	case errors.Is(err, context.Canceled):
		code = websocket.StatusGoingAway
	case errors.Is(err, errGone):
		_ = l.ws.CloseNow()
		return
	case err != nil:
		code = websocket.StatusPolicyViolation
	}
	_ = l.ws.Close(code, "")
}

// read hands every message to the owner, slowly when there are too many: nothing is dropped,
// the client's own network fills up instead. What cannot be read is handed on as an error, so
// that the owner, who knows what is under way, ends it.
func (l *link) read(ctx context.Context) {
	defer close(l.in)
	pace := rate.NewLimiter(rate.Limit(l.server.limits.reading), l.server.limits.burst)
	for {
		kind, raw, err := l.ws.Read(ctx)
		if err != nil {
			return
		}
		l.alarm.heard()
		if pace.Wait(ctx) != nil {
			return
		}
		next := incoming{err: errProtocol}
		if kind == websocket.MessageBinary {
			next.message, next.err = wire.UnmarshalFromClient(raw)
		}
		select {
		case l.in <- next:
		case <-ctx.Done():
			return
		}
	}
}

// dialogue greets the client and serves it as what it says it is.
func (s *Server) dialogue(ctx context.Context, l *link) error {
	err := l.send(ctx, &wire.Challenge{Version: wire.Version, Nonce: l.nonce, Time: s.now().Unix(), Unit: s.cfg.Unit.Name})
	if err != nil {
		return err
	}
	hello, err := l.next(ctx, s.limits.hello)
	if err == nil {
		err = s.serveRole(ctx, l, hello)
	}
	if err != nil && !errors.Is(err, errGone) && ctx.Err() == nil {
		return errors.Join(err, l.refuse(ctx, wire.SessionID{}, err))
	}
	return err
}

// serveRole: the first message decides for good what a connection is.
func (s *Server) serveRole(ctx context.Context, l *link, hello wire.FromClient) error {
	switch m := hello.(type) {
	case *wire.HostHello:
		return s.serveHost(ctx, l, m)
	case *wire.TechnicianHello:
		return s.serveTechnician(ctx, l, m)
	case *wire.Enrol:
		return s.serveEnrolment(ctx, l, m)
	}
	return errProtocol
}

// next waits for one message before the dialogue proper.
func (l *link) next(ctx context.Context, wait time.Duration) (wire.FromClient, error) {
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case m, ok := <-l.in:
		if !ok {
			return nil, errGone
		}
		return m.message, m.err
	case <-late.C:
		return nil, errProtocol
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// send writes one message; the connection is lost when it cannot. It outlives ctx by one
// write: the goodbye of a server that stops is sent when ctx is over.
func (l *link) send(ctx context.Context, m wire.FromServer) error {
	raw, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.server.limits.write)
	defer cancel()
	if err := l.ws.Write(ctx, websocket.MessageBinary, raw); err != nil {
		return errGone
	}
	return nil
}

// refuse tells the client why, in the closed list of refusals.
func (l *link) refuse(ctx context.Context, id wire.SessionID, cause error) error {
	m := &wire.Refused{Session: id, Why: refusalOf(cause)}
	var wait *tooMany
	if errors.As(cause, &wait) {
		m.Wait = wait.seconds()
	} else if m.Why == wire.RefusedCrowded {
		m.Wait = (&tooMany{newcomerWait}).seconds()
	}
	return l.send(ctx, m)
}

// refusalOf maps an error to what the client is told. What is not in the list
// is the server's own trouble: the log has it, the client hears "busy".
func refusalOf(err error) wire.Refusal {
	var wait *tooMany
	switch {
	case errors.As(err, &wait):
		return wire.RefusedTooMany
	case errors.Is(err, errIdentity), errors.Is(err, errKicked):
		return wire.RefusedIdentity
	case errors.Is(err, errPassword):
		return wire.RefusedPassword
	case errors.Is(err, errUnsigned):
		return wire.RefusedUnsigned
	case errors.Is(err, errDuplicate):
		return wire.RefusedDuplicate
	case errors.Is(err, errNoMachine):
		return wire.RefusedUnknown
	case errors.Is(err, errNotListened):
		return wire.RefusedOffline
	case errors.Is(err, errJournal):
		return wire.RefusedJournal
	case errors.Is(err, errCrowded):
		return wire.RefusedCrowded
	case errors.Is(err, errProtocol), errors.Is(err, wire.ErrMalformed):
		return wire.RefusedProtocol
	}
	return wire.RefusedBusy
}

// alive asks the client to answer a ping. Any sign of life since will do: the
// reader may be held up by the very owner who waits here for the pong.
func (l *link) alive(ctx context.Context, within time.Duration) bool {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if l.ws.Ping(ctx) == nil {
		l.alarm.heard()
		return true
	}
	return l.alarm.quiet() < time.Since(asked)
}

// owner is whose connection it is, and does what happens on it.
type owner interface {
	message(ctx context.Context, m wire.FromClient) error // that the client sent
	letter(ctx context.Context, l *letter) error          // that the bus brought
	charterChanged(ctx context.Context) error
}

// carry gives its owner all that happens on a connection, one thing at a time, until
// either ends it.
func (l *link) carry(ctx context.Context, o owner) error {
	idle := time.NewTimer(l.server.limits.idle)
	defer idle.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case m, ok := <-l.in:
			if !ok {
				return errGone
			}
			if err = m.err; err == nil {
				err = o.message(ctx, m.message)
			}
		case mail := <-l.inbox:
			err = o.letter(ctx, mail)
		case <-l.told.replaced:
			err = o.charterChanged(ctx)
		case <-idle.C:
			var next time.Duration
			next, err = l.keepAlive(ctx)
			idle.Reset(next)
		}
		if err != nil {
			return err
		}
	}
}

// keepAlive is called when the idle timer fires; it returns when to look next,
// or errGone for a client that is silent and does not answer.
func (l *link) keepAlive(ctx context.Context) (time.Duration, error) {
	if left := l.server.limits.idle - l.alarm.quiet(); left > 0 {
		return left, nil
	}
	if !l.alive(ctx, l.server.limits.pong) {
		return 0, errGone
	}
	return l.server.limits.idle, nil
}
