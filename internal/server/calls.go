// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/hex"
	"time"

	"assist/internal/wire"
)

// call is one session as one of its two ends holds it. The owner of the
// connection owns it.
type call struct {
	id       wire.SessionID
	request  [32]byte // hash of the request that was rung; host's end only
	pledged  bool
	answered bool // granted
	resumed  bool // taken up again by a later connection
	interest *interest
	late     *time.Timer // ends a request that nobody answers; technician's end only
}

// end is one end of sessions: what host and technician have in common. Each session has two
// subjects on the bus, one an end, so that the two may be at different servers.
type end struct {
	*link
	calls   map[wire.SessionID]*call
	subject func(wire.SessionID) string // on which this end hears of a session
	other   func(wire.SessionID) string // on which the other end does
	by      string
	lost    wire.EndReason // what the other end is told when this one goes
}

func hostEnd(l *link) end {
	return end{l, map[wire.SessionID]*call{}, subjectHostOf, subjectTechnician, byHost, wire.EndNetworkLost}
}

func technicianEnd(l *link) end {
	return end{l, map[wire.SessionID]*call{}, subjectTechnician, subjectHostOf, byTechnician, wire.EndTechnicianLost}
}

// join makes this end part of a session.
func (e *end) join(id wire.SessionID) (*call, error) {
	sub, err := e.server.bus.listen(e.subject(id), e.inbox)
	if err != nil {
		return nil, err
	}
	c := &call{id: id, interest: sub}
	e.calls[id] = c
	return c, nil
}

// stopWaiting keeps giveUp from ending a session that was granted.
func (c *call) stopWaiting() {
	if c.late != nil {
		c.late.Stop()
	}
}

// leave forgets a session.
func (e *end) leave(c *call) {
	delete(e.calls, c.id)
	c.stopWaiting()
	e.server.bus.unlisten(c.interest)
}

// resume takes up the sessions that a lost connection of this end left behind.
func (e *end) resume(ctx context.Context, column, value string) error {
	ids, err := e.server.store.granted(ctx, column, value)
	if err != nil {
		return err
	}
	for _, id := range ids {
		c, err := e.join(id)
		if err != nil {
			return err
		}
		c.pledged, c.answered, c.resumed = true, true, true
	}
	return nil
}

// missed tells a client that comes back which of its sessions ended while it was
// away; a client that knows nothing of one lets it pass.
func (e *end) missed(ctx context.Context, column, value string) error {
	byes, err := e.server.store.endedSince(ctx, column, value, e.server.now().Add(-missedFor).Unix())
	if err != nil {
		return err
	}
	for _, b := range byes {
		if err := e.send(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// hangUp is the end of the connection: requests not yet answered end with it,
// sessions go on between the two ends.
func (e *end) hangUp(ctx context.Context) {
	reason := ending{e.lost, e.by}
	if ctx.Err() != nil {
		reason = endedByRestart()
	}
	ctx = context.WithoutCancel(ctx)
	for _, c := range e.calls {
		if !c.answered {
			e.server.finishSession(ctx, c.id, reason, e.other(c.id))
			if reason.by == byServer {
				_ = e.send(ctx, &wire.Bye{Session: c.id, Reason: reason.reason}) // it may be gone already
			}
		}
		e.leave(c)
	}
}

// finishSession records an ending and tells the given ends. Telling them matters
// more than the record: an ending never waits for the disk to have room.
func (s *Server) finishSession(ctx context.Context, id wire.SessionID, why ending, tell ...string) {
	if _, err := s.endSession(ctx, hex.EncodeToString(id[:]), why); err != nil {
		s.log.Error("an ending could not be recorded", "error", err)
	}
	for _, subject := range tell {
		if err := s.bus.send(subject, &wire.Bye{Session: id, Reason: why.reason}); err != nil {
			s.log.Error("an ending could not be told", "error", err)
		}
	}
}

// signal forwards an opaque step to the other end of a session that is granted.
func (e *end) signal(m *wire.Signal) error {
	c := e.calls[m.Session]
	if c == nil || !c.answered {
		e.server.drops.foreign.Add(1) // a stranger's, or it crossed a Bye
		return nil
	}
	return e.server.bus.send(e.other(m.Session), m)
}

// bye ends a session at the client's word.
func (e *end) bye(ctx context.Context, m *wire.Bye) {
	c := e.calls[m.Session]
	if c == nil {
		e.server.drops.foreign.Add(1)
		return
	}
	e.server.finishSession(ctx, m.Session, ending{m.Reason, e.by}, e.other(m.Session))
	e.leave(c)
}

// hear passes a letter of a session on to this end's client.
func (e *end) hear(ctx context.Context, l *letter) error {
	m, err := wire.UnmarshalFromServer(l.Data)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *wire.Pledged:
		return e.hearOf(ctx, m.Session, m)
	case *wire.Answered:
		return e.hearAnswer(ctx, m)
	case *wire.Signal:
		return e.hearOf(ctx, m.Session, m)
	case *wire.Bye:
		return e.hearBye(ctx, m)
	}
	return nil
}

// hearOf drops what crossed the end of its session on the way.
func (e *end) hearOf(ctx context.Context, id wire.SessionID, m wire.FromServer) error {
	if e.calls[id] == nil {
		return nil
	}
	return e.send(ctx, m)
}

// hearBye tells the client once: what follows of that session is nobody's.
func (e *end) hearBye(ctx context.Context, m *wire.Bye) error {
	c := e.calls[m.Session]
	if c == nil {
		return nil
	}
	e.leave(c)
	return e.send(ctx, m)
}

// hearAnswer looks into an answer to know whether there is a session now. The host's end has
// checked its signature; the technician's app checks it again.
func (e *end) hearAnswer(ctx context.Context, m *wire.Answered) error {
	c := e.calls[m.Session]
	if c == nil {
		return nil
	}
	a, _, err := readAnswer(m.Answer)
	if err != nil {
		return err
	}
	if a.Verdict == wire.VerdictGranted {
		c.answered = true
		c.stopWaiting()
	} else {
		e.leave(c)
	}
	return e.send(ctx, m)
}
