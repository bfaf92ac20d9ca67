// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// technician is one technician's connection.
type technician struct {
	end
	account     *account
	certificate []byte // the one this connection was told of
}

// maxCalls bounds the sessions of one technician's connection: a person helps one at a time, and
// each takes memory and a subject on the bus.
const maxCalls = 16

// serveTechnician logs a technician in and carries the messages until the end.
func (s *Server) serveTechnician(ctx context.Context, l *link, m *wire.TechnicianHello) error {
	if m.Version != wire.Version {
		return errProtocol
	}
	a, err := s.login(ctx, l, m)
	if err != nil {
		return err
	}
	cert, err := s.authorise(ctx, a)
	if err != nil {
		return err
	}
	t := &technician{technicianEnd(l), a, cert}
	kick, err := s.bus.listen(subjectAccount(a.id), l.inbox)
	if err != nil {
		return err
	}
	defer func() {
		s.bus.unlisten(kick)
		t.hangUp(ctx)
	}()
	if err := t.resume(ctx, "technician", a.id); err != nil {
		return err
	}
	err = t.send(ctx, &wire.TechnicianReady{Certificate: cert, Address: l.from.Addr().String(), STUN: s.stunAddress()})
	if err != nil {
		return err
	}
	if err := t.charterChanged(ctx); err != nil {
		return err
	}
	if err := t.missed(ctx, "technician", a.id); err != nil {
		return err
	}
	return t.carry(ctx, t)
}

// login checks every factor and says of none which was wrong, nor whether the
// account exists; right or wrong, it takes one hash.
func (s *Server) login(ctx context.Context, l *link, m *wire.TechnicianHello) (*account, error) {
	login := strings.ToLower(strings.TrimSpace(m.Login))
	a, err := s.store.accountBy(ctx, "login", login)
	if err != nil {
		return nil, err
	}
	genuine := trust.VerifyHello(m.DeviceKey, trust.RoleTechnician, l.nonce, l.exporter, m.Signature) == nil
	device := a != nil && a.state == dbEnrolled && genuine && subtle.ConstantTimeCompare(a.deviceKey, m.DeviceKey) == 1
	counters := tallies(login, "login", device, l.from.Addr())
	if err := s.attempt(ctx, counters); err != nil {
		return nil, err
	}
	stored := ""
	if a != nil {
		stored = a.password
	}
	right, err := s.passwordIs(ctx, stored, m.Password)
	if err != nil {
		return nil, err
	}
	if !device {
		return nil, errors.Join(errIdentity, s.refuseStranger(ctx, l, a, "login"))
	}
	if !right {
		return nil, errors.Join(errIdentity, s.recordRefusal(ctx, l, a, "login"))
	}
	if !s.admits(l.from.Addr()) { // looked at last: it tells a stranger nothing
		return nil, errors.Join(errIdentity, s.recordRefusal(ctx, l, a, "source"))
	}
	if err := s.succeeded(ctx, counters); err != nil {
		return nil, err
	}
	return a, s.record(ctx, &journal.LoginSucceeded{Login: a.Login, Address: l.from.Addr().String()})
}

// recordRefusal records a failed try; without the login when no account has it.
func (s *Server) recordRefusal(ctx context.Context, l *link, a *account, at string) error {
	e := &journal.LoginRefused{Address: l.from.Addr().String(), At: at}
	if a != nil {
		e.Login = a.Login
	}
	if err := s.record(ctx, e); err != nil {
		s.log.Error("a refusal could not be recorded", "error", err)
	}
	return nil
}

// message is what the technician sent.
func (t *technician) message(ctx context.Context, m wire.FromClient) error {
	switch m := m.(type) {
	case *wire.Ask:
		return t.asks(ctx, m)
	case *wire.Signal:
		return t.signal(m)
	case *wire.Bye:
		t.bye(ctx, m)
		return nil
	case *wire.CheckpointAsk:
		return t.checkpointed(ctx, m)
	case *wire.Noted:
		return t.noted(ctx, m, t.signer())
	}
	return errProtocol
}

// letter is what the bus brought.
func (t *technician) letter(ctx context.Context, l *letter) error {
	if l.Subject != subjectAccount(t.account.id) {
		return t.hear(ctx, l)
	}
	return t.revoked(ctx)
}

// revoked ends this technician's sessions at once, for both ends, and then the
// connection.
func (t *technician) revoked(ctx context.Context) error {
	for _, c := range t.calls {
		t.leave(c)
		t.server.finishSession(ctx, c.id, endedByUnit(), subjectHostOf(c.id))
		if err := t.send(ctx, &wire.Bye{Session: c.id, Reason: wire.EndRevoked}); err != nil {
			return err
		}
	}
	return errKicked
}

// asks answers an Ask: a refusal leaves the connection as it was.
func (t *technician) asks(ctx context.Context, m *wire.Ask) error {
	id, err := t.ask(ctx, m)
	if err == nil || errors.Is(err, errGone) || errors.Is(err, errStopping) {
		return err
	}
	return t.refuse(ctx, id, err)
}

// ask spends the TOTP first, whatever becomes of the rest.
func (t *technician) ask(ctx context.Context, m *wire.Ask) (wire.SessionID, error) {
	var none wire.SessionID
	r, hash, err := readRequest(m.Request)
	if err == nil {
		none = r.Session
	}
	if totpErr := t.spend(ctx, m.TOTP); totpErr != nil {
		return none, totpErr
	}
	if err != nil {
		return none, fmt.Errorf("%w: %w", errProtocol, err)
	}
	if err := t.checkRequest(ctx, m.Request, r); err != nil {
		return r.Session, err
	}
	a := asked{id: r.Session, account: t.account, machine: r.Machine, address: t.from.Addr().String(),
		rights: r.Rights, reason: r.Reason, hash: hash, signed: m.Request}
	if err := t.server.beginSession(ctx, a); err != nil {
		return r.Session, err
	}
	return r.Session, t.deliver(ctx, r, m.Request)
}

// spend checks and uses up one TOTP code (RFC 6238, section 5.2: once). Trouble with the database counts as
// the journal's: the two are one file.
func (t *technician) spend(ctx context.Context, typed string) error {
	counters := tallies(t.account.Login, "totp", true, t.from.Addr())
	err := t.server.attempt(ctx, counters)
	if err == nil {
		err = t.server.spendTOTP(ctx, t.account, typed)
	}
	var wait *tooMany
	switch {
	case err == nil:
		err = t.server.succeeded(ctx, counters)
	case errors.Is(err, errIdentity):
		return errors.Join(err, t.server.recordRefusal(ctx, t.link, t.account, "totp"))
	case errors.As(err, &wait):
		return err
	}
	if err != nil {
		t.server.log.Error("a code could not be checked", "error", err)
		return errJournal
	}
	return nil
}

// readRequest decodes a request and hashes its body.
func readRequest(env []byte) (*wire.Request, [32]byte, error) {
	hash, err := trust.RequestHash(env)
	if err != nil {
		return nil, hash, err
	}
	e, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		return nil, hash, err
	}
	body, err := wire.UnmarshalSigned(e.Body)
	if err != nil {
		return nil, hash, err
	}
	r, ok := body.(*wire.Request)
	if !ok {
		return nil, hash, errors.New("not a request")
	}
	return r, hash, nil
}

// checkRequest makes sure that the request is this technician's own, and names
// a machine of this unit. The host checks all of it again.
func (t *technician) checkRequest(ctx context.Context, env []byte, r *wire.Request) error {
	if r.Session == (wire.SessionID{}) || len(t.calls) >= maxCalls {
		return errProtocol
	}
	if string(r.Certificate) != string(t.certificate) {
		return fmt.Errorf("%w: another certificate", errIdentity)
	}
	if err := t.mayAsk(ctx); err != nil {
		return err
	}
	if trust.CheckMachineID(r.Machine) != nil {
		return errNoMachine // and nothing else may stand in a subject
	}
	check := trust.RequestCheck{Unit: t.server.unit, Machine: r.Machine, Now: t.server.now(),
		SeenNonce: func([32]byte) bool { return false }} // the host remembers them
	if _, err := trust.VerifyRequest(env, check); err != nil {
		return requestError(err)
	}
	known, err := t.server.store.machineKnown(ctx, r.Machine)
	if err == nil && !known {
		err = errNoMachine
	}
	return err
}

// mayAsk asks the charter in force again: an external technician's hours may have
// passed since the log-in.
func (t *technician) mayAsk(ctx context.Context) error {
	if !t.server.admits(t.from.Addr()) {
		return errors.Join(errIdentity, t.server.recordRefusal(ctx, t.link, t.account, "source"))
	}
	_, err := t.server.authorised(t.account)
	return err
}

// requestError tells a technician only what they can mend: sign in anew, or have a certificate
// signed.
func requestError(err error) error {
	switch {
	case errors.Is(err, trust.ErrCertificate):
		return fmt.Errorf("%w: %w", errUnsigned, err) // it ran out since the log-in
	case errors.Is(err, trust.ErrSignature):
		return fmt.Errorf("%w: %w", errIdentity, err)
	}
	return fmt.Errorf("%w: %w", errProtocol, err)
}

// deliver rings the machine. The request is in the journal by now.
func (t *technician) deliver(ctx context.Context, r *wire.Request, env []byte) error {
	c, err := t.join(r.Session)
	if err != nil {
		return err
	}
	reply, err := t.ring(ctx, r, env)
	if err == nil && reply == replyRung {
		c.late = time.AfterFunc(t.server.limits.answer, func() { t.server.giveUp(r.Session) })
		return nil
	}
	if reply != replyBusy && ctx.Err() != nil {
		// The machine is not away: this server stops, and took it off the bus first.
		// hangUp ends the request, as it does one that has rung.
		return errStopping
	}
	t.leave(c)
	why, cause := "offline", errNotListened
	if reply == replyBusy {
		why, cause = "busy", errBusy
	}
	if err := t.server.undelivered(context.WithoutCancel(ctx), r.Session, why); err != nil {
		t.server.log.Error("an undelivered request could not be recorded", "error", err)
	}
	// A host that was merely slow may have rung: it must not ask its user in vain.
	bye := &wire.Bye{Session: r.Session, Reason: wire.EndNetworkLost}
	return errors.Join(cause, t.server.bus.send(subjectHostOf(r.Session), bye))
}

// ring asks twice: interest that has just ended can swallow the first. The second may take
// longer, for a host that is there and is kept waiting by a busy computer is not away.
func (t *technician) ring(ctx context.Context, r *wire.Request, env []byte) (string, error) {
	raw, err := wire.Marshal(&wire.Ring{Session: r.Session, Login: t.account.Login, Address: t.from.Addr().String(), Request: env,
		Photo: t.photo(ctx, r.Certificate)})
	if err != nil {
		return "", err
	}
	subject, wait := subjectMachine(r.Machine), t.server.limits.ring
	reply, err := t.server.bus.ask(ctx, subject, raw, wait)
	if err != nil && !errors.Is(err, errNotListened) {
		reply, err = t.server.bus.ask(ctx, subject, raw, 6*wait)
	}
	return reply, err
}

// giveUp ends a request that the host never answered. It runs on a timer, and
// must never touch a session that was granted.
func (s *Server) giveUp(id wire.SessionID) {
	ctx := context.Background()
	waiting, err := s.store.sessionWaiting(ctx, id)
	if err != nil {
		s.log.Error("a request could not be looked up", "error", err)
	}
	if waiting {
		s.finishSession(ctx, id, ending{wire.EndExpired, byServer}, subjectHostOf(id), subjectTechnician(id))
	}
}
