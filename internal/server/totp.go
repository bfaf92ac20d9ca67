// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/chacha20poly1305"

	"assist/internal/wire"
)

// totpStep is the life of one code; one step before and after are accepted.
const totpStep = 30 // seconds

const totpTag = "assist/totp/1\x00"

// newTOTP makes a secret of 160 bits (RFC 4226, section 4) and the URL that the technician's
// phone scans. SHA-1, six digits and 30 s are the ones that every authenticator application
// understands; some pass over any other choice, and then show wrong codes.
func (s *Server) newTOTP(login string) (*otp.Key, error) {
	issuer := []rune(strings.ReplaceAll(s.cfg.Unit.Name, ":", " "))
	for {
		key, err := totp.Generate(totp.GenerateOpts{Issuer: string(issuer), AccountName: login,
			Period: totpStep, SecretSize: 20, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return nil, fmt.Errorf("server: totp: %w", err)
		}
		if len(key.URL()) <= wire.MaxURL || len(issuer) < 2 {
			return key, nil
		}
		// The URL holds the unit's name twice, escaped: a long one must give way.
		issuer = issuer[:len(issuer)*3/4]
	}
}

// matchTOTP returns the step whose code was typed, newest first; 0 for none. A step either
// way is for clocks that differ and for the time it takes to type (RFC 6238, section 5.2).
// All three are computed whichever fits, so that the time taken tells nothing.
func matchTOTP(secret, typed string, now time.Time) (int64, error) {
	found, at := int64(0), now.Unix()/totpStep
	for _, step := range []int64{at - 1, at, at + 1} {
		code, err := totp.GenerateCode(secret, time.Unix(step*totpStep, 0))
		if err != nil {
			return 0, fmt.Errorf("server: totp: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(typed)) == 1 {
			found = step
		}
	}
	return found, nil
}

// spendTOTP accepts a code once: of two uses of one code, at the same time or
// after a restart, only one changes the row.
func (s *Server) spendTOTP(ctx context.Context, a *account, typed string) error {
	secret, err := s.unseal(a.id, a.totpSealed)
	if err != nil {
		return err
	}
	step, err := matchTOTP(secret, typed, s.now())
	if err != nil {
		return err
	}
	if step == 0 {
		return errIdentity
	}
	return s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`update technician set totp_last_step = ?, last_use = ?
			where id = ? and state = 'enrolled' and totp_last_step < ?`, step, s.now().Unix(), a.id, step)
		if err != nil {
			return err
		}
		if n != 1 {
			return errIdentity
		}
		return nil
	})
}

// seal protects a TOTP secret in the database; it opens for that account only: whoever can
// write the database cannot put their own secret into another's row. A nonce of 24 bytes
// may be random without ever coming twice.
func (s *Server) seal(account, secret string) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(s.secret[:])
	if err != nil {
		return nil, fmt.Errorf("server: seal: %w", err)
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, []byte(secret), []byte(totpTag+account)), nil
}

func (s *Server) unseal(account string, sealed []byte) (string, error) {
	aead, err := chacha20poly1305.NewX(s.secret[:])
	if err != nil {
		return "", fmt.Errorf("server: unseal: %w", err)
	}
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return "", fmt.Errorf("server: unseal: no secret")
	}
	nonce, box := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	b, err := aead.Open(nil, nonce, box, []byte(totpTag+account))
	if err != nil {
		return "", fmt.Errorf("server: unseal: %s does not fit the database: %w", fileSecret, err)
	}
	return string(b), nil
}
