// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// renewBefore its end a certificate is signed anew, when the unit key is open
// or the administrator signs.
const renewBefore = 14 * 24 * time.Hour

// certificateFor returns the account's valid certificate, signing one when it
// may; errUnsigned when there is none and the unit key is closed.
func (s *Server) certificateFor(ctx context.Context, a *account) ([]byte, error) {
	now := s.now()
	_, err := trust.VerifyCertificate(a.certificate, s.unit, now)
	fresh := time.Unix(a.certificateUntil, 0).Sub(now) > renewBefore
	if err == nil && (fresh || s.unitKey == nil) {
		return a.certificate, nil
	}
	if s.unitKey == nil {
		return nil, errUnsigned
	}
	return s.certify(ctx, s.unitKey, a)
}

// certify signs a certificate for an enrolled account and stores it.
func (s *Server) certify(ctx context.Context, key *trust.UnitKey, a *account) ([]byte, error) {
	now := s.now()
	c := wire.Certificate{
		Serial: [16]byte(randomBytes(16)), Name: a.Name, Role: a.Role, Unit: s.cfg.Unit.Name, Zones: a.Zones,
		DeviceKey: a.deviceKey,
		NotBefore: now.Add(-5 * time.Minute).Unix(), // for clocks that are behind
		NotAfter:  now.Add(time.Duration(s.cfg.Accounts.CertificateDays) * 24 * time.Hour).Unix(),
	}
	env, err := key.IssueCertificate(c)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnitKey, err)
	}
	return env, s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`update technician set certificate = ?, certificate_until = ?
			where id = ? and state = 'enrolled' and device_key = ?`, env, c.NotAfter, a.id, a.deviceKey)
		if err != nil {
			return err
		}
		if n != 1 {
			return errIdentity // disabled, or enrolled anew, in between
		}
		return t.record(now, &journal.TechnicianCertified{Login: a.Login, Serial: hex.EncodeToString(c.Serial[:]), Until: c.NotAfter})
	})
}

// SignPending opens the unit key and signs a certificate for every enrolled
// account that has none, or whose certificate ends within two weeks. It returns
// their logins.
func (s *Server) SignPending(ctx context.Context, passphrase string) ([]string, error) {
	key, err := s.unlock(passphrase)
	if err != nil {
		return nil, err
	}
	all, err := s.store.accounts(ctx)
	if err != nil {
		return nil, err
	}
	var done []string
	for _, a := range all {
		if a.state != dbEnrolled || time.Unix(a.certificateUntil, 0).Sub(s.now()) > renewBefore {
			continue
		}
		if _, err := s.certify(ctx, key, a); err != nil {
			return done, err
		}
		done = append(done, a.Login)
	}
	return done, nil
}
