// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"sync"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Technician is a technician's connection to the server.
type Technician struct {
	*client
	key *trust.DeviceKey

	account sync.Mutex // held while Login or Logout works
	stop    context.CancelFunc
	stopped chan struct{} // closed when the connection's goroutine is gone

	secret      sync.Mutex // guards the rest
	login       string
	password    string // kept to log in again by itself; only in memory
	certificate []byte
}

// Outgoing is one request that this technician made.
type Outgoing struct{ *line }

// NewTechnician prepares a connection; Login makes it.
func NewTechnician(cfg Config, key *trust.DeviceKey) (*Technician, error) {
	if !cfg.complete() {
		return nil, ErrConfig
	}
	t := &Technician{client: newClient(cfg), key: key}
	t.client.greet, t.client.handle, t.client.final = t.greet, t.handle, hopeless
	t.client.eager, t.client.person = true, true
	return t, nil
}

// hopeless is what trying again with the same password cannot mend.
func hopeless(err error) bool {
	var no *RefusedError
	return errors.As(err, &no) && (no.Why == wire.RefusedIdentity || no.Why == wire.RefusedUnsigned)
}

// Login logs in; ctx bounds this first attempt only. From then on the
// connection is kept, and made again when it is lost, until Logout or until the
// server no longer takes the password.
func (t *Technician) Login(ctx context.Context, login, password string) error {
	t.account.Lock()
	defer t.account.Unlock()
	t.leave()
	t.remember(login, password)
	t.publish(State{Phase: Connecting})
	l, err := t.connect(ctx)
	if err != nil {
		t.remember("", "")
		t.publish(State{Err: err})
		return err
	}
	t.up(l) // so that the caller may ask at once
	keep, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	t.stop, t.stopped = stop, stopped
	go func() {
		defer close(stopped)
		if err := t.run(keep, l); err != nil && keep.Err() == nil {
			t.remember("", "")
			t.log.Info("logged out by the server", "error", err)
		}
	}()
	return nil
}

// Logout ends the connection and forgets the password. It returns when nothing
// of the connection is left.
func (t *Technician) Logout() {
	t.account.Lock()
	defer t.account.Unlock()
	t.leave()
}

// leave is Logout; account is held.
func (t *Technician) leave() {
	if t.stop != nil {
		t.stop()
		<-t.stopped
		t.stop, t.stopped = nil, nil
	}
	t.remember("", "")
	t.publish(State{})
}

// remember keeps the login for as long as it is good; empty forgets it.
func (t *Technician) remember(login, password string) {
	t.secret.Lock()
	defer t.secret.Unlock()
	t.login, t.password = login, password
	if login == "" {
		t.certificate = nil
	}
}

// Certificate is the envelope of this technician's certificate; empty before
// the login.
func (t *Technician) Certificate() []byte {
	t.secret.Lock()
	defer t.secret.Unlock()
	return append([]byte(nil), t.certificate...)
}

// STUN is the host:port of the STUN service, or empty.
func (t *Technician) STUN() string { return t.State().STUN }

// greet logs in, for the first time and each time the connection was lost.
func (t *Technician) greet(ctx context.Context, l *link) (ready, error) {
	sig, err := l.sign(t.key, trust.RoleTechnician)
	if err != nil {
		return ready{}, err
	}
	t.secret.Lock()
	hello := &wire.TechnicianHello{Version: wire.Version, Login: t.login, Password: t.password,
		DeviceKey: t.key.Public(), Signature: sig}
	t.secret.Unlock()
	if err := l.send(ctx, hello); err != nil {
		return ready{}, err
	}
	m, err := l.receive(ctx)
	if err != nil {
		return ready{}, err
	}
	r, ok := m.(*wire.TechnicianReady)
	if !ok {
		return ready{}, refusal(m)
	}
	t.secret.Lock()
	t.certificate = r.Certificate
	t.secret.Unlock()
	return ready{r.Address, r.STUN, r.Certificate}, nil
}

// Ask sends a signed request with one TOTP code. It returns when the host has
// pledged or answered, or with the server's *RefusedError. When ctx ends first,
// the request is cancelled.
func (t *Technician) Ask(ctx context.Context, totp string, request []byte) (*Outgoing, error) {
	id, err := sessionOf(request)
	if err != nil {
		return nil, err
	}
	if box, _ := t.outbox(); box == nil {
		return nil, ErrOffline // a code typed now would be stale later
	}
	if err := t.current(ctx); err != nil {
		return nil, err
	}
	o := &Outgoing{newLine(t.client, id)}
	if !t.add(o.line) {
		return nil, ErrEnded
	}
	if err := o.post(ctx, &wire.Ask{TOTP: totp, Request: request}); err != nil {
		o.End(wire.EndCancelled)
		return nil, err
	}
	if err := o.heard(ctx); err != nil {
		o.End(wire.EndCancelled)
		return nil, err
	}
	return o, nil
}

// sessionOf reads the session number of a request.
func sessionOf(env []byte) (wire.SessionID, error) {
	e, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		return wire.SessionID{}, err
	}
	body, err := wire.UnmarshalSigned(e.Body)
	if err != nil {
		return wire.SessionID{}, err
	}
	r, ok := body.(*wire.Request)
	if !ok {
		return wire.SessionID{}, wire.ErrMalformed
	}
	return r.Session, nil
}

// heard waits for the first word on a request, and leaves it to be read.
func (o *Outgoing) heard(ctx context.Context) error {
	select {
	case <-o.word:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-o.done:
		return o.failure()
	}
}

// Pledge returns the envelope of the host's pledge.
func (o *Outgoing) Pledge(ctx context.Context) ([]byte, error) { return o.envelope(ctx, o.pledge) }

// Answer returns the envelope of the host's answer.
func (o *Outgoing) Answer(ctx context.Context) ([]byte, error) { return o.envelope(ctx, o.answer) }

// handle takes the host's two envelopes, which the server forwards.
func (t *Technician) handle(m wire.FromServer) error {
	switch m := m.(type) {
	case *wire.Pledged:
		if l := t.find(m.Session); l != nil {
			l.takePledge(m.Pledge)
		}
	case *wire.Answered:
		if l := t.find(m.Session); l != nil {
			t.answered(l, m.Answer)
		}
	default:
		return ErrServer
	}
	return nil
}

// answered keeps an answer. A line that is granted goes on without the server;
// any other is over, and its owner reads why.
func (t *Technician) answered(l *line, env []byte) {
	yes, err := grants(env)
	if err != nil {
		t.cfg.Refused(AboutMessage, ErrServer)
		if l.finish(wire.EndProtocol, ErrServer) {
			t.bye(l.id, wire.EndProtocol) // or the host would wait for somebody who has gone
		}
		return
	}
	switch {
	case !l.takeAnswer(env):
	case yes:
		l.granted()
	default:
		l.settle()
	}
}
