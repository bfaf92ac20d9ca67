// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// maxRecords bounds what one end may have recorded of one session.
const maxRecords = 2000

// signer is an end whose records are believed: its key, and whose sessions are its own.
type signer struct {
	key    []byte
	party  wire.Party
	column string // of the session table, whose value must be owner
	owner  string
	count  string // column with the number of its last record
}

func (h *host) signer() signer {
	return signer{h.key, wire.PartyHost, "machine", h.machine, "host_records"}
}

func (t *technician) signer() signer {
	return signer{t.account.deviceKey, wire.PartyTechnician, "technician", t.account.id, "technician_records"}
}

// outcome is what became of a record that is this end's to say.
type outcome struct {
	record *wire.Record // nil until it is verified
	last   uint32       // number of this end's last record in the journal
	early  bool         // one before it is missing
	ended  bool         // the session, by it
}

// noted records what an end signed, in the order in which it was signed, and says how far
// the journal has it: the end tells the rest again. What is not its to say goes nowhere.
func (e *end) noted(ctx context.Context, m *wire.Noted, by signer) error {
	out, err := e.server.recordSigned(ctx, m, by)
	if errors.Is(err, errProtocol) {
		e.server.drops.foreign.Add(1)
		return nil
	}
	if err != nil {
		e.server.log.Error("what an end signed could not be recorded", "error", err)
	}
	if out.record == nil {
		return nil
	}
	// The other end first: an ending waits for nothing.
	return errors.Join(e.over(ctx, m.Session, out), e.send(ctx, &wire.Recorded{Session: m.Session, Number: out.last}))
}

// over tells the other end of an end that was signed, also when the disk is full. One
// that comes too early counts as a goodbye until it can be recorded.
func (e *end) over(ctx context.Context, id wire.SessionID, out outcome) error {
	if out.record.Deed != wire.DeedEnded {
		return nil
	}
	c := e.calls[id]
	switch {
	case c != nil && out.early:
		e.bye(ctx, &wire.Bye{Session: id, Reason: out.record.Reason})
		return nil
	case c != nil:
		e.leave(c)
	case !out.ended:
		return nil
	}
	return e.server.bus.send(e.other(id), &wire.Bye{Session: id, Reason: out.record.Reason})
}

// pastSession is a session as records of it are held against it.
type pastSession struct {
	login, machine, request string
	granted, over           bool
	last                    int64
}

func (t *transaction) past(id string, by signer) (*pastSession, error) {
	p := &pastSession{}
	row := t.QueryRowContext(t, `select login, machine, request_hash, answered is not null, ended is not null, `+by.count+`
		from session where id = ? and `+by.column+` = ?`, id, by.owner)
	err := row.Scan(&p.login, &p.machine, &p.request, &p.granted, &p.over, &p.last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: no session of this end", errProtocol)
	}
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	return p, nil
}

// recordSigned verifies a record and appends it, if it is the next one of its end: what
// could not be written for a moment must not be passed over, or the journal would lack it
// for ever.
func (s *Server) recordSigned(ctx context.Context, m *wire.Noted, by signer) (outcome, error) {
	id := hex.EncodeToString(m.Session[:])
	var out outcome
	err := s.reporting(ctx, id, func(t *transaction, report reportFunc) error {
		p, err := t.past(id, by)
		if err != nil {
			return err
		}
		check, err := p.check(m.Session, by)
		if err != nil || !p.granted {
			return errors.Join(fmt.Errorf("%w: a session that was not granted", errProtocol), err)
		}
		r, err := trust.VerifyRecord(m.Record, check)
		if err != nil || r.Number > maxRecords {
			return fmt.Errorf("%w: a record: %w", errProtocol, err)
		}
		out = outcome{record: r, last: uint32(p.last), early: int64(r.Number) > p.last+1}
		if int64(r.Number) != p.last+1 {
			return nil // known, or too early
		}
		if _, err := t.exec(`update session set `+by.count+` = ? where id = ?`, r.Number, id); err != nil {
			return err
		}
		out.ended = r.Deed == wire.DeedEnded && !p.over
		if out.ended {
			if err := t.end(id, s.now().Unix(), r.Reason); err != nil {
				return err
			}
		}
		if err := t.record(s.now(), signedEvent(id, p, r, m.Record)); err != nil {
			return err
		}
		if r.Reason == wire.EndReported && r.By == wire.PartyHost {
			return report(p.login, p.machine, m.Record)
		}
		return nil
	})
	if err == nil && out.record.Number == out.last+1 {
		out.last++
	}
	return out, err
}

// check is what records of this session are held against.
func (p *pastSession) check(id wire.SessionID, by signer) (trust.RecordCheck, error) {
	hash, err := hex.DecodeString(p.request)
	if err != nil || len(hash) != 32 {
		return trust.RecordCheck{}, fmt.Errorf("%w: a session without a request", errProtocol)
	}
	return trust.RecordCheck{Key: by.key, By: by.party, Session: id, RequestHash: [32]byte(hash)}, nil
}

// signedEvent is a record as the journal has it.
func signedEvent(id string, p *pastSession, r *wire.Record, env []byte) journal.Event {
	signed := base64.StdEncoding.EncodeToString(env)
	if r.Deed != wire.DeedEnded {
		return &journal.SessionChanged{Session: id, Login: p.login, Machine: p.machine, Number: r.Number, Deed: uint8(r.Deed),
			Rights: r.Rights, At: r.At, Signed: signed}
	}
	by := byHost
	if r.By == wire.PartyTechnician {
		by = byTechnician
	}
	return &journal.SessionEnded{Session: id, Login: p.login, Machine: p.machine, Reason: uint8(r.Reason), By: by, Signed: signed}
}
