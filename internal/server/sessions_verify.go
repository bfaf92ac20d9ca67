// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// ErrSigned says that the journal claims of a session what its ends did not sign.
var ErrSigned = errors.New("server: the journal and the signatures of a session disagree")

// Limits of VerifySessions.
const (
	maxFaults = 100            // that are told one by one
	orphanFor = 48 * time.Hour // after a purge: the rest of sessions whose request it erased

	// grantLife is how long a host lets a session go on before it asks again (docs/protocol.md,
	// section 10); a charter may make it shorter.
	grantLife = 30 * time.Minute
)

// SessionsReport is what VerifySessions found.
type SessionsReport struct {
	Granted  int
	Unclosed []string // granted, over or old, and never closed by the host's signature
	Unsigned []string // granted, and over by the word of an end that never signed it
	Faults   []string // entries that contradict the signatures; the first 100
	Faulty   int      // all of them
}

// VerifySessions checks the signatures of the two ends on what the journal says of
// their sessions. Only a journal that was a chain has sessions of before the ends
// signed; these are passed over. One bad entry hides no other: the error, ErrSigned,
// says how many there are, and the report which.
func (s *Server) VerifySessions(ctx context.Context) (SessionsReport, error) {
	v, err := s.newSessionsVerifier(ctx)
	if err != nil {
		return SessionsReport{}, err
	}
	for after := int64(0); ; {
		list, err := journal.After(ctx, s.store.reader, after, 500)
		if err != nil {
			return v.report, err
		}
		for _, e := range list {
			if err := v.next(e); err != nil {
				v.fault(err)
			}
			after = e.Number
		}
		if len(list) < 500 {
			break
		}
	}
	return v.report, v.finish(s.now().Unix())
}

// newSessionsVerifier reads how far entries may lack signatures, and how far they may
// have been erased.
func (s *Server) newSessionsVerifier(ctx context.Context) (*sessionsVerifier, error) {
	units, err := s.units()
	if err != nil {
		return nil, err
	}
	v := &sessionsVerifier{units: units, open: map[string]*witnessed{}, machines: map[string]string{}}
	last, err := journal.Last(ctx, s.store.reader, (&journal.JournalMigrated{}).Type())
	if err != nil {
		return nil, err
	}
	if last != nil {
		// It follows the chain's last entry; one further on was made up.
		if m, ok := last.Event.(*journal.JournalMigrated); ok && last.Number == m.Entries+1 {
			v.migrated = last.Number
		}
	}
	if last, err = journal.Last(ctx, s.store.reader, (&journal.JournalPurged{}).Type()); err != nil || last == nil {
		return v, err
	}
	if p, ok := last.Event.(*journal.JournalPurged); ok {
		v.purged = p.Through
	}
	return v, nil
}

// finish sums up the sessions.
func (v *sessionsVerifier) finish(now int64) error {
	for _, id := range v.order {
		w := v.open[id]
		if w.granted && !w.closed && w.expires < now {
			v.report.Unclosed = append(v.report.Unclosed, id)
		}
		if (w.told[wire.PartyHost] && !w.closed) || (w.told[wire.PartyTechnician] && !w.left) {
			v.report.Unsigned = append(v.report.Unsigned, id)
		}
		if w.reports > 0 && !w.reported {
			v.faultOf(w.reports, errors.New("the person reported this session, and no entry of a report follows"))
		}
	}
	if v.report.Faulty > 0 {
		return fmt.Errorf("%w (%d in all)", ErrSigned, v.report.Faulty)
	}
	return nil
}

// fault notes what is wrong with the entry under way.
func (v *sessionsVerifier) fault(err error) { v.faultOf(v.at.Number, err) }

func (v *sessionsVerifier) faultOf(entry int64, err error) {
	if v.report.Faulty++; len(v.report.Faults) < maxFaults {
		v.report.Faults = append(v.report.Faults, fmt.Sprintf("entry %d: %v", entry, err))
	}
}

// next verifies one entry.
func (v *sessionsVerifier) next(e journal.Entry) error {
	v.at = e
	if e.Number > v.purged && v.young.IsZero() {
		v.young = e.At
	}
	return v.entry(e.Event)
}

// unsigned is nil where an entry may lack its signature: before the journal was a tree
// and anything in it was signed.
func (v *sessionsVerifier) unsigned() error {
	if v.at.Number < v.migrated && len(v.order) == 0 {
		return nil
	}
	return errors.New("nobody signed it")
}

// orphan is nil where the request may be missing: it was erased, or is of before the
// ends signed.
func (v *sessionsVerifier) orphan() error {
	if v.unsigned() == nil || v.at.Number <= v.purged || (v.purged > 0 && v.at.At.Sub(v.young) < orphanFor) {
		return nil
	}
	return errors.New("nobody asked for this session")
}

// witnessed is what was seen of one session so far.
type witnessed struct {
	login     string // that the request is filed under
	machine   string // number of the one that was asked
	request   [32]byte
	hostKey   []byte
	deviceKey []byte
	expires   int64 // of the grant, or of the newest renewal
	granted   bool
	closed    bool                  // the host signed its end
	left      bool                  // the technician did
	told      map[wire.Party]bool   // the server says that this end said goodbye
	last      map[wire.Party]uint32 // number of this end's last record
	reports   int64                 // the entry with the host's signed word that the person reported; 0 for none
	reported  bool                  // the entry of a report, which is written together with that one
}

// sessionsVerifier reads the journal once, oldest first. It keeps all sessions of it in memory: some
// hundred bytes each.
type sessionsVerifier struct {
	units    []trust.UnitPublic // that were ever in force
	machines map[string]string  // numbers, by host key
	open     map[string]*witnessed
	order    []string
	report   SessionsReport

	migrated int64         // entry that ends the chain; 0 for none
	purged   int64         // through which entries were erased
	young    time.Time     // of the first entry that no purge has passed
	at       journal.Entry // the one under way
}

// entry: what is not about a session has no signature of an end.
func (v *sessionsVerifier) entry(e journal.Event) error {
	if e, is := e.(*journal.SessionRequested); is {
		return v.requested(e)
	}
	v.filed()
	switch e := e.(type) {
	case *journal.SessionAnswered:
		return v.answered(e)
	case *journal.SessionChanged:
		return v.changed(e)
	case *journal.SessionEnded:
		return v.ended(e)
	case *journal.SessionReported:
		return v.reported(e)
	}
	return nil
}

// filed notes an entry that is filed under another account or machine than its session's
// request: no signature covers these columns everywhere, and people search by them. After
// a change of unit key the machine may have its new number.
func (v *sessionsVerifier) filed() {
	k := v.at.Keys()
	w := v.open[k.Session]
	if w == nil || (k.Login == "" && k.Machine == "") { // on hold, or let go
		return
	}
	same := k.Machine == w.machine
	if !same && w.hostKey != nil {
		is, err := v.isMachine(w.hostKey, k.Machine)
		same = is && err == nil
	}
	if !same || k.Login != w.login {
		v.fault(fmt.Errorf("it is filed under %s and machine %s, the request under %s and %s", k.Login, k.Machine, w.login, w.machine))
	}
}

// signedBytes are an envelope; nil for an entry without one.
func signedBytes(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}

// requested compares every plain field with the signed bytes: people read and search the plain ones.
func (v *sessionsVerifier) requested(e *journal.SessionRequested) error {
	env, err := signedBytes(e.Signed)
	if err != nil {
		return err
	}
	if env == nil {
		return v.unsigned()
	}
	if v.open[e.Session] != nil {
		return errors.New("a session's number comes again")
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
	v.open[e.Session] = &witnessed{login: e.Login, machine: e.Machine, request: hash, deviceKey: device, told: map[wire.Party]bool{}, last: map[wire.Party]uint32{}}
	v.order = append(v.order, e.Session)
	return err
}

// signedOf is what was seen of an entry's session so far, and the envelope of the entry;
// nil, nil where the entry may lack the one or the other.
func (v *sessionsVerifier) signedOf(session, signed string) (*witnessed, []byte, error) {
	env, err := signedBytes(signed)
	if err != nil {
		return nil, nil, err
	}
	if env == nil {
		return nil, nil, v.unsigned()
	}
	if w := v.open[session]; w != nil {
		return w, env, nil
	}
	return nil, nil, v.orphan()
}

// answered also finds whose number the key has: another host could have signed all of it rightly.
func (v *sessionsVerifier) answered(e *journal.SessionAnswered) error {
	w, env, err := v.signedOf(e.Session, e.Signed)
	if w == nil || err != nil {
		return err
	}
	if w.hostKey != nil {
		return errors.New("it was answered before")
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
	switch a.Verdict {
	case wire.VerdictGranted:
		w.granted = true
		v.report.Granted++
	case wire.VerdictReported:
		w.reports = v.at.Number
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

// changed is the host's alone: rights are its person's.
func (v *sessionsVerifier) changed(e *journal.SessionChanged) error {
	w, env, err := v.signedOf(e.Session, e.Signed)
	if w == nil || err != nil {
		return err
	}
	r, err := v.record(w, e.Session, env, wire.PartyHost)
	if err != nil {
		return err
	}
	if uint8(r.Deed) != e.Deed || r.Rights != e.Rights || r.Number != e.Number || r.At != e.At {
		return errors.New("the host signed another change")
	}
	if r.Deed == wire.DeedRenewed {
		w.expires = max(w.expires, r.At+int64(grantLife/time.Second))
	}
	return nil
}

// ended: an end without a signature is the server's hearsay of that end, and is listed as such.
func (v *sessionsVerifier) ended(e *journal.SessionEnded) error {
	w := v.open[e.Session]
	party := wire.PartyHost
	switch e.By {
	case byTechnician:
		party = wire.PartyTechnician
	case byHost:
	default:
		return nil // the server's own word
	}
	if w == nil {
		return v.orphan()
	}
	if e.Signed == "" {
		w.told[party] = w.told[party] || w.granted
		return nil
	}
	env, err := signedBytes(e.Signed)
	if err != nil {
		return err
	}
	r, err := v.record(w, e.Session, env, party)
	if err != nil {
		return err
	}
	if r.Deed != wire.DeedEnded || uint8(r.Reason) != e.Reason {
		return errors.New("this end signed another end")
	}
	if party == wire.PartyHost && r.Reason == wire.EndReported {
		w.reports = v.at.Number
	}
	w.closed = w.closed || party == wire.PartyHost
	w.left = w.left || party == wire.PartyTechnician
	return nil
}

// reported verifies that the machine's own host signed the report. A refusal names the
// host's key itself: it may have come too late to be recorded as the answer.
func (v *sessionsVerifier) reported(e *journal.SessionReported) error {
	w, env, err := v.signedOf(e.Session, e.Signed)
	if w == nil || err != nil {
		return err
	}
	key := w.hostKey
	if a, err := trust.AnswerSigned(env); err == nil {
		key = a.HostKey
	} else if !w.granted {
		return errors.New("nobody granted this session")
	}
	if is, err := v.isMachine(key, e.Machine); err != nil || !is {
		return errors.Join(errors.New("another machine signed the report"), err)
	}
	id, err := parseSession(e.Session)
	if err != nil {
		return err
	}
	_, err = trust.VerifyReport(env, trust.RecordCheck{Key: key, Session: id, RequestHash: w.request})
	w.reported = w.reported || err == nil
	return err
}

// record is what an end signed of a granted session. Each end numbers its records, so
// that one that was left out shows; what comes after it still counts.
func (v *sessionsVerifier) record(w *witnessed, session string, env []byte, party wire.Party) (*wire.Record, error) {
	if !w.granted {
		return nil, errors.New("nobody granted this session")
	}
	key := w.hostKey
	if party == wire.PartyTechnician {
		key = w.deviceKey
	}
	id, err := parseSession(session)
	if err != nil {
		return nil, err
	}
	r, err := trust.VerifyRecord(env, trust.RecordCheck{Key: key, By: party, Session: id, RequestHash: w.request})
	if err != nil {
		return nil, err
	}
	if last := w.last[party]; r.Number != last+1 {
		v.fault(fmt.Errorf("record %d of this end comes after %d", r.Number, last))
	}
	w.last[party] = max(w.last[party], r.Number)
	return r, nil
}
