// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"assist/assets"
	"assist/internal/consent"
	"assist/internal/peer"
	"assist/internal/refusal"
	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/ui"
	"assist/internal/wire"
)

// helper is the technician's side: their account at the server.
type helper struct {
	p       *program
	changed chan struct{} // one slot
	notes   *notes
	numbers trust.Numbers // of machines asked before: each takes 0.3 s to work out

	ctx  context.Context // ends with the app
	stop context.CancelFunc

	mu sync.Mutex // guards at, and its login
	at *post      // nil before the app belongs to a unit
}

// post is a technician's app in one unit.
type post struct {
	charters *rendezvous.Charters
	begun    time.Time
	key      *trust.DeviceKey
	server   *rendezvous.Technician
	login    string // signed in; empty otherwise
	stop     context.CancelFunc
}

// newHelper belongs to no unit yet.
func newHelper(p *program) *helper {
	h := &helper{p: p, changed: make(chan struct{}, 1), notes: newNotes(filepath.Join(p.dirs.Data, "technician.json"), p.log)}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h
}

// start makes this app one that can help in the unit of the code.
func (h *helper) start(code trust.JoinCode, charters *rendezvous.Charters) error {
	key, moved, err := trust.LoadOrCreateDeviceKey(filepath.Join(h.p.dirs.Data, "device.key"), thisComputer())
	if err != nil {
		return fmt.Errorf("%w: %w", errDeviceKey, err)
	}
	if moved {
		h.p.log.Warn("the technician's key was another computer's: a new one was made")
	}
	server, err := rendezvous.NewTechnician(h.p.server(code, charters, refusal.Helper), key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(h.ctx)
	at := &post{charters: charters, begun: time.Now(), key: key, server: server, stop: cancel}
	h.mu.Lock()
	before := h.at
	h.at = at
	h.mu.Unlock()
	before.leave()
	go relay(ctx, at.server.Changed(), h.changed)
	return nil
}

// leave signs out and forgets the unit.
func (at *post) leave() {
	if at == nil {
		return
	}
	at.server.Logout()
	at.stop()
}

// close ends what goes on and signs out: the password is in memory only while it is needed.
func (h *helper) close() {
	h.stop()
	h.mu.Lock()
	at := h.at
	h.at = nil
	h.mu.Unlock()
	at.leave()
}

// post is this app in its unit, or errNotMember.
func (h *helper) post() (*post, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at == nil {
		return nil, errNotMember
	}
	return h.at, nil
}

// Changed has a value after each change of State.
func (h *helper) Changed() <-chan struct{} { return h.changed }

// State is what the screens show of the technician's side.
func (h *helper) State() ui.HelperState {
	s := ui.HelperState{Login: h.notes.login()}
	at, err := h.post()
	if err != nil {
		return s
	}
	h.mu.Lock()
	signedIn := at.login != ""
	h.mu.Unlock()
	if !signedIn {
		return s
	}
	now := at.server.State()
	s.SignedIn, s.RetryAt = true, now.RetryAt
	s.Phase, s.Refusal = phase(now)
	s.Who = h.who(at)
	s.Bar, s.CharterEnds = standing(at.charters, at.begun)
	if !s.Bar.Stops() {
		h.own(at, &s)
	}
	return s
}

// own is what the charter says of this technician.
func (h *helper) own(at *post, s *ui.HelperState) {
	now := time.Now()
	c, err := at.charters.Now()
	if err != nil {
		return // standing tells of a charter that is missing
	}
	card, err := c.Technician(at.key.Public(), now)
	switch {
	case err != nil:
		s.Bar = barOf(err)
	case trust.EndsSoon(card.NotAfter, now):
		s.CardEnds = time.Unix(card.NotAfter, 0)
	}
}

// who is the technician as hosts will see them.
func (h *helper) who(at *post) consent.Card {
	c, err := trust.VerifyCertificate(at.server.Certificate(), at.charters.Unit(), time.Now())
	if err != nil {
		return consent.Card{}
	}
	card := consent.Card{Name: c.Name, Role: c.Role, Unit: c.Unit, Until: time.Unix(c.NotAfter, 0)}
	if charter, err := at.charters.Now(); err == nil { // an external one's hours end before the card does
		if end := charter.LetsInUntil(at.key.Public(), time.Now()); !end.IsZero() {
			card.Until = end
		}
	}
	return card
}

// Login signs in; the connection is kept until Logout.
func (h *helper) Login(ctx context.Context, login, password string) error {
	at, err := h.post()
	if err != nil {
		return err
	}
	if err := at.server.Login(ctx, login, password); err != nil {
		return unsigned(err, at.charters, at.key.Public())
	}
	h.mu.Lock()
	at.login = login
	h.mu.Unlock()
	h.notes.setLogin(login)
	nudge(h.changed)
	return nil
}

// unsigned is shownError of a sign-in: to whom the charter names already, no signature is
// lacking when the server says so, but the hours that an administrator opens, or the trust.
func unsigned(err error, charters *rendezvous.Charters, deviceKey []byte) error {
	if why, _, _ := saysNo(err); why != wire.RefusedUnsigned {
		return shownError(err)
	}
	c, barred := charters.Now()
	if barred == nil {
		_, barred = c.Technician(deviceKey, time.Now())
	}
	if errors.Is(barred, trust.ErrNotOpened) || errors.Is(barred, trust.ErrRevoked) {
		return &ui.Barred{Why: barOf(barred)}
	}
	return shownError(err)
}

// Logout signs out and forgets the password.
func (h *helper) Logout() {
	at, err := h.post()
	if err != nil {
		return
	}
	at.server.Logout()
	h.mu.Lock()
	at.login = ""
	h.mu.Unlock()
	nudge(h.changed)
}

// rung is a request that tells when the host has been rung: its pledge is there.
type rung struct {
	session.Outgoing
	tell func()
}

// Pledge tells before the session acts on the pledge. The session waits for it once.
func (r rung) Pledge(ctx context.Context) ([]byte, error) {
	env, err := r.Outgoing.Pledge(ctx)
	if err == nil {
		r.tell()
	}
	return env, err
}

// Ask makes a request, and remembers the machine once it has been rung.
func (h *helper) Ask(_ context.Context, f ui.AskForm) (ui.Request, error) {
	at, err := h.post()
	if err != nil {
		return nil, err
	}
	link := new(atomic.Pointer[peer.Technician])
	t, err := session.NewTechnician(session.TechnicianConfig{
		Key: at.key, Certificate: at.server.Certificate(), Unit: at.charters.Unit(), WordLists: assets.WordLists(h.p.language()),
		Charters: at.charters, Numbers: &h.numbers,
		Ask: func(ctx context.Context, totp string, request []byte) (session.Outgoing, error) {
			o, err := at.server.Ask(ctx, totp, request)
			if err != nil {
				return nil, err
			}
			return rung{o, func() { h.notes.remember(ui.Recent{Machine: f.Machine, Reason: f.Reason, At: time.Now()}) }}, nil
		},
		Identity: func() (session.TechnicianDialer, error) {
			id, err := peer.NewIdentity()
			if err != nil {
				return nil, err
			}
			return technicianDialer{Identity: id, stun: at.server.STUN(), log: h.p.log, link: link}, nil
		},
		Refusal: saysNo,
		Broke:   broke,
		Refused: h.p.refuses(refusal.Helper),
		Log:     h.p.log,
	}, session.Wish{Machine: f.Machine, Reason: f.Reason, TOTP: f.TOTP, Rights: f.Rights})
	if err != nil {
		return nil, notBegun(err)
	}
	t.Start(h.ctx) // not the call's: the request outlives the page that made it
	return &request{t: t, link: link}, nil
}

// notBegun says why there is no request.
func notBegun(err error) error {
	b := barOf(err)
	if b == ui.BarUnproven { // nothing has left this app, so there was nothing to prove
		b = ui.BarUnexpected
	}
	return &ui.Barred{Why: b}
}

// Recent lists the machines asked in the last 30 days, newest first.
func (h *helper) Recent() []ui.Recent { return h.notes.recent(time.Now()) }

// Clear forgets the machines asked.
func (h *helper) Clear() error { return h.notes.clear() }

// saysNo tells a refusal of the server from other errors.
func saysNo(err error) (wire.Refusal, time.Duration, bool) {
	var r *rendezvous.RefusedError
	if errors.As(err, &r) {
		return r.Why, r.Wait, true
	}
	return 0, 0, false
}

// shownError is an error of the server dialogue as the screens know it. What is of no kind that they
// know is a server that is away: the log has the rest.
func shownError(err error) error {
	why, wait, refused := saysNo(err)
	switch {
	case refused:
		return &ui.Refused{Why: why, Wait: wait}
	case errors.Is(err, rendezvous.ErrPin):
		return ui.ErrWrongServer
	case errors.Is(err, rendezvous.ErrHistory):
		return ui.ErrRewritten
	case errors.Is(err, rendezvous.ErrWitness):
		return ui.ErrUnwitnessed
	case errors.Is(err, context.Canceled):
		return err
	}
	return ui.ErrUnreachable
}
