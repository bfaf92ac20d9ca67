// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// ErrSigned says that the journal claims of a session what its ends did not sign.
var ErrSigned = errors.New("server: the journal and the signatures of a session disagree")

// SessionsReport is what VerifySessions found.
type SessionsReport struct {
	Granted  int
	Unclosed []string // granted, over or old, and never closed by the host's signature
}

// VerifySessions checks the signatures of the two ends on what the journal says of
// their sessions. Sessions of before they signed have none, and are passed over.
func (s *Server) VerifySessions(ctx context.Context) (SessionsReport, error) {
	units, err := s.units()
	if err != nil {
		return SessionsReport{}, err
	}
	v := &sessionsVerifier{units: units, open: map[string]*witnessed{}, machines: map[string]string{}}
	for after := int64(0); ; {
		list, err := journal.After(ctx, s.store.reader, after, 500)
		if err != nil {
			return v.report, err
		}
		for _, e := range list {
			if err := v.entry(e.Event); err != nil {
				return v.report, fmt.Errorf("%w: entry %d: %w", ErrSigned, e.Number, err)
			}
			after = e.Number
		}
		if len(list) < 500 {
			break
		}
	}
	now := s.now().Unix()
	for _, id := range v.order {
		if w := v.open[id]; w.granted && !w.closed && w.expires < now {
			v.report.Unclosed = append(v.report.Unclosed, id)
		}
	}
	return v.report, nil
}

// witnessed is what was seen of one session so far.
type witnessed struct {
	request   [32]byte
	hostKey   []byte
	deviceKey []byte
	expires   int64 // of the grant
	granted   bool
	closed    bool // the host signed its end
}

type sessionsVerifier struct {
	units    []trust.UnitPublic // that were ever in force
	machines map[string]string  // numbers, by host key
	open     map[string]*witnessed
	order    []string
	report   SessionsReport
}

func (v *sessionsVerifier) entry(e journal.Event) error {
	switch e := e.(type) {
	case *journal.SessionRequested:
		return v.requested(e)
	case *journal.SessionAnswered:
		return v.answered(e)
	case *journal.SessionChanged:
		return v.changed(e)
	case *journal.SessionEnded:
		return v.ended(e)
	}
	return nil
}

// signedBytes are an envelope; nil for an entry of before.
func signedBytes(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}

func (v *sessionsVerifier) requested(e *journal.SessionRequested) error {
	env, err := signedBytes(e.Signed)
	if env == nil || err != nil {
		return err
	}
	r, err := v.request(env)
	if err != nil {
		return err
	}
	hash, err := trust.RequestHash(env)
	if err != nil {
		return err
	}
	if hex.EncodeToString(r.Session[:]) != e.Session || r.Machine != e.Machine || r.Rights != e.Rights || r.Reason != e.Reason ||
		hex.EncodeToString(hash[:]) != e.Request {
		return errors.New("the technician signed another request")
	}
	device, err := trust.DeviceOf(r.Certificate)
	v.open[e.Session] = &witnessed{request: hash, deviceKey: device}
	v.order = append(v.order, e.Session)
	return err
}

func (v *sessionsVerifier) answered(e *journal.SessionAnswered) error {
	env, err := signedBytes(e.Signed)
	w := v.open[e.Session]
	if env == nil || w == nil || err != nil {
		return err
	}
	a, err := trust.AnswerSigned(env)
	if err != nil {
		return err
	}
	body, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(body.Body)
	if hex.EncodeToString(a.Session[:]) != e.Session || a.RequestHash != w.request || uint8(a.Verdict) != e.Verdict ||
		a.Rights != e.Rights || hex.EncodeToString(hash[:]) != e.Answer {
		return errors.New("the host signed another answer")
	}
	if is, err := v.isMachine(a.HostKey, e.Machine); err != nil || !is {
		return errors.Join(errors.New("another machine signed the answer"), err)
	}
	w.hostKey, w.expires = a.HostKey, a.Expires
	if a.Verdict == wire.VerdictGranted {
		w.granted = true
		v.report.Granted++
	}
	return nil
}

// request is believed under any key that the unit has ever had.
func (v *sessionsVerifier) request(env []byte) (*wire.Request, error) {
	var all error
	for _, unit := range v.units {
		r, err := trust.RequestSigned(env, unit)
		if err == nil {
			return r, nil
		}
		all = errors.Join(all, err)
	}
	return nil, all
}

// isMachine says whether a key has a number, under any key that the unit has ever had.
// Each number is computed once: the hash is slow on purpose.
func (v *sessionsVerifier) isMachine(key []byte, number string) (bool, error) {
	for _, unit := range v.units {
		pair := string(key) + string(unit)
		id, known := v.machines[pair]
		if !known {
			var err error
			if id, err = trust.MachineIDOf(key, unit); err != nil {
				return false, err
			}
			v.machines[pair] = id
		}
		if id == number {
			return true, nil
		}
	}
	return false, nil
}

// units are the unit's keys, the first one first.
func (s *Server) units() ([]trust.UnitPublic, error) {
	first, err := readPEM(s.path(fileUnitPub), blockUnitPub)
	if err != nil {
		return nil, err
	}
	out := []trust.UnitPublic{first}
	for i := range s.chain {
		next, _, err := trust.FollowRotations(s.chain[:i+1], first, s.now(), 0)
		if err != nil {
			return nil, err
		}
		out = append(out, next)
	}
	return out, nil
}

func (v *sessionsVerifier) changed(e *journal.SessionChanged) error {
	r, err := v.record(e.Session, e.Signed, wire.PartyHost)
	if r == nil || err != nil {
		return err
	}
	if uint8(r.Deed) != e.Deed || r.Rights != e.Rights || r.Number != e.Number || r.At != e.At {
		return errors.New("the host signed another change")
	}
	return nil
}

func (v *sessionsVerifier) ended(e *journal.SessionEnded) error {
	party := wire.PartyHost
	if e.By == byTechnician {
		party = wire.PartyTechnician
	}
	r, err := v.record(e.Session, e.Signed, party)
	if err != nil {
		return err
	}
	if r == nil {
		return nil
	}
	if r.Deed != wire.DeedEnded || uint8(r.Reason) != e.Reason {
		return errors.New("this end signed another end")
	}
	if party == wire.PartyHost {
		v.open[e.Session].closed = true
	}
	return nil
}

func (v *sessionsVerifier) record(session, signed string, party wire.Party) (*wire.Record, error) {
	env, err := signedBytes(signed)
	w := v.open[session]
	if env == nil || w == nil || err != nil {
		return nil, err
	}
	key := w.hostKey
	if party == wire.PartyTechnician {
		key = w.deviceKey
	}
	id, err := parseSession(session)
	if err != nil {
		return nil, err
	}
	return trust.VerifyRecord(env, trust.RecordCheck{Key: key, By: party, Session: id, RequestHash: w.request})
}
