// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/pquerna/otp"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// enrolment is an account being set up: nothing of it is stored before the
// technician has proved that the phone has the secret.
type enrolment struct {
	*link
	account  *account
	code     []byte // its hash
	password string // its hash
	device   []byte
	secret   *otp.Key
}

// maxConfirms is how often a code may be mistyped before the start over.
const maxConfirms = 5

// serveEnrolment is the dialogue Enrol, EnrolSecret, EnrolConfirm, Enrolled. The code is
// looked at before the password, whose hash takes memory that a stranger must not spend.
func (s *Server) serveEnrolment(ctx context.Context, l *link, m *wire.Enrol) error {
	if m.Version != wire.Version {
		return errProtocol
	}
	e, err := s.invited(ctx, l, m)
	if err != nil {
		return err
	}
	if err := s.checkPassword(m.Password, e.account.Login); err != nil {
		return err
	}
	if e.password, err = s.hashPassword(ctx, m.Password); err != nil {
		return err
	}
	if e.secret, err = s.newTOTP(e.account.Login); err != nil {
		return err
	}
	if err := l.send(ctx, &wire.EnrolSecret{Login: e.account.Login, URL: e.secret.URL()}); err != nil {
		return err
	}
	step, err := e.confirm(ctx)
	if err != nil {
		return err
	}
	return e.complete(ctx, step)
}

// invited finds the account of an enrolment code that is still good. The code
// is not used up yet.
func (s *Server) invited(ctx context.Context, l *link, m *wire.Enrol) (*enrolment, error) {
	counters := []tally{fromAddress(l.from.Addr())} // a wrong code names no account to slow down
	if err := s.attempt(ctx, counters); err != nil {
		return nil, err
	}
	hash := hashCode(m.Code)
	a, err := s.store.accountBy(ctx, "code_hash", hash)
	if err != nil {
		return nil, err
	}
	good, err := s.store.codeGood(ctx, hash, s.now().Unix())
	if err != nil {
		return nil, err
	}
	genuine := trust.VerifyHello(m.DeviceKey, trust.RoleEnrol, l.nonce, l.exporter, m.Signature) == nil
	if a == nil || !good || !genuine {
		return nil, errors.Join(errIdentity, s.refuseStranger(ctx, l, nil, "enrolment"))
	}
	if !s.admits(l.from.Addr()) { // who may not help from here need not enrol from here
		return nil, errors.Join(errIdentity, s.recordRefusal(ctx, l, a, "source"))
	}
	return &enrolment{link: l, account: a, code: hash, device: m.DeviceKey}, s.succeeded(ctx, counters)
}

// codeGood looks without using the code up, now in Unix seconds: complete asks again in its transaction.
func (st *store) codeGood(ctx context.Context, hash []byte, now int64) (bool, error) {
	var n int
	err := st.reader.QueryRowContext(ctx, `select count(*) from technician
		where code_hash = ? and state = 'invited' and code_until > ?`, hash, now).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("server: database: %w", err)
	}
	return n == 1, nil
}

// confirm waits for a code of the new secret and returns its step.
func (e *enrolment) confirm(ctx context.Context) (int64, error) {
	for range maxConfirms { // so many guesses at six digits, and the connection ends
		m, err := e.next(ctx, e.server.limits.enrol)
		if err != nil {
			return 0, err
		}
		c, ok := m.(*wire.EnrolConfirm)
		if !ok {
			return 0, errProtocol
		}
		step, err := matchTOTP(e.secret.Secret(), c.TOTP, e.server.now())
		if err != nil || step != 0 {
			return step, err
		}
		if err := e.refuse(ctx, wire.SessionID{}, errIdentity); err != nil {
			return 0, err
		}
	}
	return 0, errIdentity
}

// complete stores the account and uses the code up: of two who hold the same
// code only one changes the row. The confirming TOTP code is spent too.
func (e *enrolment) complete(ctx context.Context, step int64) error {
	s, a := e.server, e.account
	sealed, err := s.seal(a.id, e.secret.Secret())
	if err != nil {
		return err
	}
	device := sha256.Sum256(e.device)
	now := s.now()
	err = s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`update technician set state = 'enrolled', code_hash = null, password = ?, device_key = ?,
			totp_sealed = ?, totp_last_step = ?, certificate = null, certificate_until = 0, last_use = ?
			where id = ? and code_hash = ? and state = 'invited' and code_until > ?`,
			e.password, e.device, sealed, step, now.Unix(), a.id, e.code, now.Unix())
		if err != nil {
			return err
		}
		if n != 1 {
			return errIdentity
		}
		if err := t.takeDevice(a, e.device, now); err != nil {
			return err
		}
		return t.record(now, &journal.TechnicianEnrolled{Login: a.Login, Address: e.from.Addr().String(), Device: hex.EncodeToString(device[:])})
	})
	if err != nil {
		return err
	}
	a.deviceKey = e.device
	// Where the unit key is kept elsewhere there is no certificate yet: that is no failure.
	cert, err := s.authorise(ctx, a)
	if err != nil && !errors.Is(err, errUnsigned) {
		return err
	}
	return e.send(ctx, &wire.Enrolled{Certificate: cert})
}

// takeDevice makes the device of an enrolment this account's alone: a charter
// lists a device once. An account that had it is closed.
func (t *transaction) takeDevice(a *account, device []byte, now time.Time) error {
	logins, err := texts(t, t.Tx, `select login from technician where device_key = ? and id <> ?`, device, a.id)
	if err != nil {
		return err
	}
	for _, login := range logins {
		if err := t.disable(login, now); err != nil {
			return err
		}
	}
	_, err = t.exec(`delete from revoked where device_key = ?`, device)
	return err
}
