// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"assist/internal/rendezvous"
	"assist/internal/ui"
	"assist/internal/wire"
)

// enrolment is one under way: a goroutine talks to the server and waits here for
// the code that confirms the secret.
type enrolment struct {
	secret ui.Secret
	codes  chan string
	wrong  chan struct{} // one slot: the last code was not right
	result chan error    // one value, when the server has ended the dialogue
	cancel context.CancelFunc
}

// Enrol begins to turn a one-time code into an account with this password.
func (h *helper) Enrol(ctx context.Context, code, password string) (ui.Enrolment, error) {
	at, err := h.post()
	if err != nil {
		return nil, err
	}
	e, err := begin(ctx, h.ctx, func(ctx context.Context, confirm confirmer) error {
		_, err := at.server.Enrol(ctx, code, password, confirm)
		return err
	})
	if err != nil {
		return nil, shownError(err)
	}
	h.notes.setLogin(e.secret.Login)
	return e, nil
}

// confirmer is what the server dialogue calls with the secret.
type confirmer = func(login, url string) (totp string, err error)

// begin starts the dialogue and waits for the secret. What is begun lives until
// life ends or it is cancelled, not only as long as ctx.
func begin(ctx, life context.Context, dialogue func(context.Context, confirmer) error) (*enrolment, error) {
	e := &enrolment{codes: make(chan string), wrong: make(chan struct{}, 1), result: make(chan error, 1)}
	inner, cancel := context.WithCancel(life)
	e.cancel = cancel
	secrets := make(chan ui.Secret, 1)
	first := true
	go func() {
		e.result <- dialogue(inner, func(login, url string) (string, error) {
			if first {
				first = false
				secrets <- ui.Secret{Login: login, URL: url}
			} else {
				nudge(e.wrong)
			}
			select {
			case code := <-e.codes:
				return code, nil
			case <-inner.Done():
				return "", inner.Err()
			}
		})
	}()
	select {
	case e.secret = <-secrets:
		return e, nil
	case err := <-e.result:
		cancel()
		if err == nil {
			err = errors.New("enrolled without a secret")
		}
		return nil, err
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	}
}

// Secret is what the technician's authenticator application needs.
func (e *enrolment) Secret() ui.Secret { return e.secret }

// Confirm proves that the secret has been taken.
func (e *enrolment) Confirm(ctx context.Context, totp string) error {
	select {
	case e.codes <- totp:
	case err := <-e.result:
		return e.ended(err)
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-e.wrong:
		return &ui.Refused{Why: wire.RefusedIdentity}
	case err := <-e.result:
		return e.ended(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended keeps the result for a further Confirm, and shows it.
func (e *enrolment) ended(err error) error {
	e.result <- err
	if err == nil {
		return nil
	}
	var refused *rendezvous.RefusedError
	if errors.As(err, &refused) && refused.Why == wire.RefusedUnsigned {
		return nil // enrolled; the administrator's signature is awaited at the first login
	}
	return shownError(err)
}

// Cancel gives the enrolment up.
func (e *enrolment) Cancel() { e.cancel() }
