// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"fmt"
	"time"

	"assist/internal/wire"
)

// IssueCertificate signs a technician's certificate; Version is filled in.
func (k *UnitKey) IssueCertificate(c wire.Certificate) ([]byte, error) {
	c.Version = cardVersion(&c)
	if err := checkCard(&c); err != nil {
		return nil, err
	}
	if c.NotAfter <= c.NotBefore {
		return nil, fmt.Errorf("%w: it would never be valid", ErrCertificate)
	}
	return seal(k.pair, tagCertificate, &c)
}

// VerifyCertificate checks that the unit signed a certificate and that it is
// valid now. Every failure is ErrCertificate, with the cause beside it.
func VerifyCertificate(env []byte, unit UnitPublic, now time.Time) (*wire.Certificate, error) {
	c, e, err := unseal[*wire.Certificate](env)
	if err == nil {
		err = verify(unit, tagCertificate, e.Body, e.Signature)
	}
	if err == nil {
		err = checkCertificate(c, now)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return c, nil
}

// VerifyOwn is VerifyCertificate in the app of the technician whom it is about: it has to be
// for the key of that app, too.
func VerifyOwn(env []byte, unit UnitPublic, device []byte, now time.Time) error {
	c, err := VerifyCertificate(env, unit, now)
	if err == nil && !bytes.Equal(c.DeviceKey, device) {
		err = fmt.Errorf("%w: for another key", ErrCertificate)
	}
	return err
}

func checkCertificate(c *wire.Certificate, now time.Time) error {
	switch t := now.Unix(); {
	case c.Version != cardVersion(c):
		return ErrVersion
	case t < c.NotBefore:
		return ErrNotYetValid
	case t >= c.NotAfter:
		return ErrExpired
	}
	return checkCard(c)
}

// checkCard refuses a card on which the user could not read who it is.
func checkCard(c *wire.Certificate) error {
	for _, s := range []string{c.Name, c.Role, c.Unit} {
		if !wire.Legible(s) {
			return fmt.Errorf("%w: no name, role or unit", ErrCertificate)
		}
	}
	if err := CheckKey(c.DeviceKey); err != nil {
		return fmt.Errorf("%w: device key: %w", ErrCertificate, err)
	}
	return nil
}
