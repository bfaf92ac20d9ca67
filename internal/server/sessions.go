// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"assist/internal/journal"
	"assist/internal/wire"
)

// asked is a request about to be made.
type asked struct {
	id      wire.SessionID
	account *account
	machine string
	address string
	rights  uint16
	reason  string
	hash    [32]byte
	signed  []byte // the envelope
}

// ending says why a session is over, and by whose doing.
type ending struct {
	reason wire.EndReason
	by     string
}

// Who ended a session.
const (
	byHost       = "host"
	byTechnician = "technician"
	byServer     = "server"
)

func endedByRestart() ending { return ending{wire.EndServerStopped, byServer} }

// endedByUnit is for a technician whom the charter no longer lets in.
func endedByUnit() ending { return ending{wire.EndRevoked, byServer} }

// beginSession makes a request durable, row and record together. Only then may
// the machine hear of it. The error is errJournal when it cannot be written.
func (s *Server) beginSession(ctx context.Context, a asked) error {
	if s.rewritten.Load() {
		s.log.Error("request refused", "error", ErrHistory)
		return errJournal
	}
	id := hex.EncodeToString(a.id[:])
	err := s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`insert into session (id, machine, technician, login, asked, request_hash) values (?, ?, ?, ?, ?, ?)
			on conflict (id) do nothing`, id, a.machine, a.account.id, a.account.Login, s.now().Unix(), hex.EncodeToString(a.hash[:]))
		if err != nil {
			return err
		}
		if n != 1 {
			return errProtocol // a session number is used once
		}
		return t.record(s.now(), &journal.SessionRequested{Session: id, Login: a.account.Login, Address: a.address,
			Machine: a.machine, Rights: a.rights, Reason: a.reason, Request: hex.EncodeToString(a.hash[:]),
			Signed: base64.StdEncoding.EncodeToString(a.signed)})
	})
	if err != nil && !errors.Is(err, errProtocol) {
		s.log.Error("journal not writable: request refused", "error", err)
		return errJournal
	}
	return err
}

// openSession is a row that has not ended.
type openSession struct {
	id, login, machine string
	answered           bool
}

// open reads a session that has not ended; nil when there is none.
func (t *transaction) open(id string) (*openSession, error) {
	o := &openSession{id: id}
	row := t.QueryRowContext(t, `select login, machine, answered is not null from session where id = ? and ended is null`, id)
	err := row.Scan(&o.login, &o.machine, &o.answered)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	return o, nil
}

// end closes a row; the caller records why.
func (t *transaction) end(id string, now int64, why wire.EndReason) error {
	_, err := t.exec(`update session set ended = ?, reason = ? where id = ?`, now, why, id)
	return err
}

// undelivered records that a machine could not be rung.
func (s *Server) undelivered(ctx context.Context, id wire.SessionID, why string) error {
	return s.store.write(ctx, func(t *transaction) error {
		o, err := t.open(hex.EncodeToString(id[:]))
		if o == nil || err != nil {
			return err
		}
		if err := t.end(o.id, s.now().Unix(), wire.EndNetworkLost); err != nil {
			return err
		}
		return t.record(s.now(), &journal.SessionUndelivered{Session: o.id, Login: o.login, Machine: o.machine, Why: why})
	})
}

// answerSession records the user's decision, and with it that they reported. A grant closes
// whatever else was still open for the machine: its app had given that up.
func (s *Server) answerSession(ctx context.Context, a *wire.Answer, hash [32]byte, signed []byte) error {
	id := hex.EncodeToString(a.Session[:])
	return s.reporting(ctx, id, func(t *transaction, report reportFunc) error {
		o, err := t.open(id)
		if err != nil {
			return err
		}
		if o == nil || o.answered {
			return errProtocol
		}
		err = t.record(s.now(), &journal.SessionAnswered{Session: id, Login: o.login, Machine: o.machine,
			Verdict: uint8(a.Verdict), Rights: a.Rights, Answer: hex.EncodeToString(hash[:]),
			Signed: base64.StdEncoding.EncodeToString(signed)})
		if err != nil {
			return err
		}
		if a.Verdict == wire.VerdictReported {
			if err := report(o.login, o.machine, signed); err != nil {
				return err
			}
		}
		if a.Verdict != wire.VerdictGranted {
			return s.endIn(t, o, ending{wire.EndRefused, byHost})
		}
		if _, err := t.exec(`update session set answered = ? where id = ?`, s.now().Unix(), id); err != nil {
			return err
		}
		return s.endOthers(t, o)
	})
}

// endOthers: a machine has one person and one screen, so one session at a time.
func (s *Server) endOthers(t *transaction, keep *openSession) error {
	others, err := texts(t, t.Tx, `select id from session where machine = ? and ended is null and id <> ?`, keep.machine, keep.id)
	if err != nil {
		return err
	}
	for _, id := range others {
		o, err := t.open(id)
		if o == nil || err != nil {
			return err
		}
		if err := s.endIn(t, o, ending{wire.EndNetworkLost, byServer}); err != nil {
			return err
		}
	}
	return nil
}

// endIn closes row and record together: neither may say what the other does not.
func (s *Server) endIn(t *transaction, o *openSession, e ending) error {
	if err := t.end(o.id, s.now().Unix(), e.reason); err != nil {
		return err
	}
	return t.record(s.now(), &journal.SessionEnded{Session: o.id, Login: o.login, Machine: o.machine, Reason: uint8(e.reason), By: e.by})
}

// endSession records an ending once; false when it had ended before.
func (s *Server) endSession(ctx context.Context, id string, e ending) (bool, error) {
	ended := false
	err := s.store.write(ctx, func(t *transaction) error {
		o, err := t.open(id)
		if o == nil || err != nil {
			return err
		}
		ended = true
		return s.endIn(t, o, e)
	})
	return ended && err == nil, err
}

// unanswered are the requests that a restart cut off.
func (st *store) unanswered(ctx context.Context) ([]string, error) {
	return texts(ctx, st.reader, `select id from session where ended is null and answered is null`)
}

// maxResumed bounds the sessions that a client takes up again after its
// connection was lost; older ones are over in all likelihood.
const maxResumed = 8

// granted are a machine's or a technician's sessions that go on, newest first.
func (st *store) granted(ctx context.Context, column, value string) ([]wire.SessionID, error) {
	ids, err := texts(ctx, st.reader, `select id from session where `+column+` = ? and ended is null
		and answered is not null order by answered desc limit ?`, value, maxResumed)
	if err != nil {
		return nil, err
	}
	out := make([]wire.SessionID, 0, len(ids))
	for _, text := range ids {
		id, err := parseSession(text)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// parseSession reads what the database holds; anything else there was not written by us.
func parseSession(text string) (wire.SessionID, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(wire.SessionID{}) {
		return wire.SessionID{}, fmt.Errorf("server: database: session %q", text)
	}
	return wire.SessionID(b), nil
}

// missedFor is how long after its end a client that comes back is told of it.
const missedFor = time.Hour

// endedSince are the granted sessions of one end that are over, as goodbyes.
func (st *store) endedSince(ctx context.Context, column, value string, since int64) ([]*wire.Bye, error) {
	rows, err := st.reader.QueryContext(ctx, `select id, reason from session where `+column+` = ? and ended >= ?
		and answered is not null order by ended desc limit ?`, value, since, maxResumed)
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	defer rows.Close()
	var out []*wire.Bye
	for rows.Next() {
		var text string
		b := &wire.Bye{}
		if err := rows.Scan(&text, &b.Reason); err != nil {
			return nil, fmt.Errorf("server: database: %w", err)
		}
		if b.Session, err = parseSession(text); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// sessionOpen says that a request or session has not ended.
func (st *store) sessionOpen(ctx context.Context, id wire.SessionID) (bool, error) {
	return st.sessionIs(ctx, id, `ended is null`)
}

// sessionWaiting says that nobody answered or ended the request yet.
func (st *store) sessionWaiting(ctx context.Context, id wire.SessionID) (bool, error) {
	return st.sessionIs(ctx, id, `ended is null and answered is null`)
}

// sessionIs holds a session against a condition, which its callers write as a constant.
func (st *store) sessionIs(ctx context.Context, id wire.SessionID, condition string) (bool, error) {
	var n int
	err := st.reader.QueryRowContext(ctx, `select count(*) from session where id = ? and `+condition, hex.EncodeToString(id[:])).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("server: database: %w", err)
	}
	return n == 1, nil
}
