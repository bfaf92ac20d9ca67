// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"time"

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
	dialing, cancel := context.WithTimeout(ctx, t.pace.dial)
	defer cancel()
	l, err := dial(dialing, t.cfg, t.open)
	if err != nil {
		return nil, err
	}
	defer l.ws.CloseNow()
	secret, err := t.present(dialing, l, code, password)
	if err != nil {
		return nil, err
	}
	for range maxConfirms {
		totp, err := t.awake(ctx, l, func() (string, error) { return confirm(secret.Login, secret.URL) })
		if err != nil {
			return nil, err
		}
		certificate, err := t.confirmed(ctx, l, totp)
		var no *RefusedError
		if errors.As(err, &no) && no.Why == wire.RefusedIdentity {
			continue
		}
		return certificate, err
	}
	return nil, &RefusedError{Why: wire.RefusedIdentity}
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
	return secret, nil
}

// confirmed sends the phone's code and receives the certificate.
func (t *Technician) confirmed(ctx context.Context, l *link, totp string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, t.pace.dial)
	defer cancel()
	if err := l.send(ctx, &wire.EnrolConfirm{TOTP: totp}); err != nil {
		return nil, err
	}
	m, err := l.receive(ctx)
	if err != nil {
		return nil, err
	}
	done, ok := m.(*wire.Enrolled)
	if !ok {
		return nil, refusal(m)
	}
	return done.Certificate, nil
}

// awake runs f, which waits for a person, and keeps the connection from being
// forgotten on the way meanwhile. Nobody reads, so no answer is waited for.
func (t *Technician) awake(ctx context.Context, l *link, f func() (string, error)) (string, error) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(t.pace.ping)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			one, cancel := context.WithTimeout(ctx, t.pace.linger)
			_ = l.ws.Ping(one) // its answer stays unread
			cancel()
		}
	}()
	defer func() {
		stop()
		<-ended
	}()
	return f()
}
