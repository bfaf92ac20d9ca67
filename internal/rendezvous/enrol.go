// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"assist/internal/trust"
	"assist/internal/wire"
)

// maxConfirms is how many codes the server takes before the start over.
const maxConfirms = 5

// Enrol turns a one-time enrolment code into an account with this device's key
// and returns its certificate, which is empty until the administrator has signed
// it. confirm shows the otpauth URL and returns the code of the phone; it is
// called again when that code was wrong.
func (t *Technician) Enrol(ctx context.Context, code, password string,
	confirm func(login, url string) (totp string, err error)) ([]byte, error) {
	l, secret, err := t.invited(ctx, code, password)
	if err != nil {
		t.doubt(AboutEnrolment, err)
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	ear := make(chan heard)
	var work sync.WaitGroup
	work.Go(func() { listen(ctx, l, ear) })
	work.Go(func() { t.ping(ctx, l) }) // looking for a phone takes long
	defer func() {
		stop()
		l.sever()
		work.Wait()
		l.drop()
	}()
	for range maxConfirms {
		totp, err := confirm(secret.Login, secret.URL)
		if err != nil {
			return nil, err
		}
		certificate, err := t.confirmed(ctx, l, ear, totp)
		t.doubt(AboutEnrolment, err)
		if err == nil {
			t.certified(certificate)
		}
		var no *RefusedError
		if errors.As(err, &no) && no.Why == wire.RefusedIdentity {
			continue
		}
		return certificate, err
	}
	return nil, &RefusedError{Why: wire.RefusedIdentity}
}

// heard is one message of the server's, or the end of the connection.
type heard struct {
	message wire.FromServer
	err     error
}

// listen reads until the connection or ctx ends.
func listen(ctx context.Context, l *link, ear chan<- heard) {
	for {
		m, err := l.receive(context.WithoutCancel(ctx))
		select {
		case ear <- heard{m, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// invited connects and presents the enrolment code.
func (t *Technician) invited(ctx context.Context, code, password string) (*link, *wire.EnrolSecret, error) {
	ctx, cancel := context.WithTimeout(ctx, t.pace.dial)
	defer cancel()
	l, err := t.reach(ctx)
	if err != nil {
		return nil, nil, err
	}
	secret, err := t.present(ctx, l, code, password)
	if err != nil {
		l.drop()
		return nil, nil, err
	}
	return l, secret, nil
}

// present shows the enrolment code and receives the new account's secret.
func (t *Technician) present(ctx context.Context, l *link, code, password string) (*wire.EnrolSecret, error) {
	sig, err := l.sign(t.key, trust.RoleEnrol)
	if err != nil {
		return nil, err
	}
	err = l.send(ctx, &wire.Enrol{Version: wire.Version, Code: code, Password: password,
		DeviceKey: t.key.Public(), Signature: sig})
	if err != nil {
		return nil, err
	}
	m, err := l.receive(ctx)
	if err != nil {
		return nil, err
	}
	secret, ok := m.(*wire.EnrolSecret)
	if !ok {
		return nil, refusal(m)
	}
	if !usable(secret.URL) {
		return nil, fmt.Errorf("%w: a secret that no phone takes", ErrServer)
	}
	return secret, nil
}

// minSecret is the least length of a secret, in bytes (RFC 4226, section 4, R6).
const minSecret = 16

// usable reports whether a phone makes the server's codes from an otpauth URL: a TOTP secret
// in base32, and no parameter but the usual (RFC 6238: SHA-1, 30 s; six digits). Phones
// differ in what they do of anything else, and a person at one sees only that codes fail.
func usable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		return false
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return false
	}
	for name, usual := range map[string]string{"algorithm": "SHA1", "digits": "6", "period": "30"} {
		if q.Has(name) && q.Get(name) != usual {
			return false
		}
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(q.Get("secret"))
	return err == nil && len(secret) >= minSecret
}

// confirmed sends the phone's code and waits for the certificate.
func (t *Technician) confirmed(ctx context.Context, l *link, ear <-chan heard, totp string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, t.pace.dial)
	defer cancel()
	if err := l.send(ctx, &wire.EnrolConfirm{TOTP: totp}); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case h := <-ear:
		if h.err != nil {
			return nil, h.err
		}
		done, ok := h.message.(*wire.Enrolled)
		if !ok {
			return nil, refusal(h.message)
		}
		return done.Certificate, nil
	}
}
