// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/peer"
	"assist/internal/refusal"
	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/ui"
	"assist/internal/wire"
)

var errNotMember = errors.New("this app belongs to no unit")

// helped is the side of the person who is helped: this machine at its server.
type helped struct {
	p       *program
	gate    *consent.Gate
	changed chan struct{} // one slot

	mu sync.Mutex  // guards the rest, and id, since, host and blind of at
	at *membership // nil before the app belongs to a unit

	moved bool // the key file had come from another computer, so this one has a new number
}

// membership is this machine in one unit.
type membership struct {
	code     trust.JoinCode
	charters *rendezvous.Charters
	unit     trust.UnitPublic // in force when this began
	begun    time.Time
	key      *trust.HostKey
	server   *rendezvous.Host
	host     *session.Host // nil until the machine ID is known
	id       string
	since    time.Time // when id became another than people may have noted; zero if it has not lately
	blind    time.Time // until then all requests are refused; zero if earlier ones are known
	stop     context.CancelFunc
	over     sync.WaitGroup
}

// newHelped belongs to no unit yet.
func newHelped(p *program) *helped { return &helped{p: p, changed: make(chan struct{}, 1)} }

// start registers this machine at the server of the code, in place of the one before.
func (h *helped) start(code trust.JoinCode, charters *rendezvous.Charters) error {
	key, moved, err := trust.LoadOrCreateHostKey(filepath.Join(h.p.dirs.Data, "host.key"), thisComputer())
	if err != nil {
		return fmt.Errorf("%w: %w", errHostKey, err)
	}
	if moved {
		h.p.log.Warn("the key was another computer's: a new one was made")
	}
	h.close() // the one before is over first: two that are connected with one key are both refused
	ctx, cancel := context.WithCancel(context.Background())
	m := &membership{code: code, charters: charters, unit: charters.Unit(), begun: time.Now(), key: key, stop: cancel}
	if m.server, err = rendezvous.NewHost(h.p.server(code, charters, refusal.Helped), key); err != nil {
		cancel()
		return err
	}
	h.mu.Lock()
	h.at, h.moved = m, h.moved || moved
	h.mu.Unlock()
	m.over.Go(func() { h.live(ctx, m, key) })
	m.over.Go(func() {
		if err := m.server.Run(ctx); err != nil && ctx.Err() == nil {
			h.p.log.Error("registration ended", "error", err)
		}
	})
	m.over.Go(func() { relay(ctx, m.server.Changed(), h.changed) })
	return nil
}

// live works out the machine ID, which takes a moment by design, then answers calls.
func (h *helped) live(ctx context.Context, m *membership, key *trust.HostKey) {
	id, err := key.MachineID(m.unit)
	if err != nil {
		h.p.log.Error("no machine ID", "error", err)
		return
	}
	host, err := session.NewHost(h.hostConfig(m, key, id))
	if err != nil {
		h.p.log.Error("this machine cannot be helped", "error", err)
		return
	}
	since := renumbered(filepath.Join(h.p.dirs.Data, "number.json"), id, time.Now(), h.p.log)
	h.mu.Lock()
	m.id, m.host, m.since = id, host, since
	h.mu.Unlock()
	nudge(h.changed)
	m.over.Go(func() { relay(ctx, host.Changed(), h.changed) })
	if err := host.Run(ctx); err != nil && ctx.Err() == nil {
		h.p.log.Error("calls are answered no more", "error", err)
	}
}

// hostConfig gives the session nothing but ports. Each intervention has a DTLS key of its own, so
// that whoever listens cannot tell that two of them were the same computer's.
func (h *helped) hostConfig(m *membership, key *trust.HostKey, id string) session.HostConfig {
	return session.HostConfig{
		Key: key, Unit: m.unit, Charters: m.charters, Nonces: h.nonces(m), ID: id, Zone: h.p.settings.get().Policy.Zone, WordList: h.p.wordList, Gate: h.gate,
		Machine: h.p.desktop.machine(),
		Next: func(ctx context.Context) (session.Call, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case c := <-m.server.Calls():
				return c, nil
			}
		},
		Identity: func() (session.HostDialer, error) {
			id, err := peer.NewIdentity()
			if err != nil {
				return nil, err
			}
			return hostDialer{Identity: id, stun: m.server.State().STUN, log: h.p.log, allow: allowed(m.charters, h.p.log)}, nil
		},
		Say:    func(d session.Deed) string { return h.p.texts()(deedKey(d)) },
		Report: func(r session.Record) error { return h.p.receipts.keep(issuer{machine: id, unit: m.unit, key: key}, r) },
		Broke:  broke,
		Barred: barred, Refused: h.p.refuses(refusal.Helped),
		Log: h.p.log,
	}
}

// nonces are those of the requests that were heard, by an app before this one too.
func (h *helped) nonces(m *membership) *trust.Nonces {
	s, err := trust.OpenNonces(filepath.Join(h.p.dirs.Data, "nonces"))
	if err != nil {
		h.p.log.Error("earlier requests are not known, all are refused for a while", "error", err)
		h.mu.Lock()
		m.blind = s.Blind()
		h.mu.Unlock()
	}
	return s
}

// close leaves the unit; the intervention under way ends first, and until all of it is over
// the person's Cut still reaches it.
func (h *helped) close() {
	h.Cut(wire.EndHostClosed)
	h.mu.Lock()
	m := h.at
	h.mu.Unlock()
	if m == nil {
		return
	}
	m.stop()
	m.over.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at == m {
		h.at = nil
	}
}

// now is the membership with what live fills in later: host is nil, and id empty, until then.
func (h *helped) now() (m *membership, host *session.Host, id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at == nil {
		return nil, nil, ""
	}
	return h.at, h.at.host, h.at.id
}

// Changed has a value after each change of State.
func (h *helped) Changed() <-chan struct{} { return h.changed }

// State is what the screens show of the helped side.
func (h *helped) State() ui.HelpedState {
	m, host, id := h.now()
	if m == nil { // not a member, or about to be one again
		return ui.HelpedState{Joined: h.p.settings.get().Unit.Join != ""}
	}
	at := m.server.State()
	s := ui.HelpedState{
		Joined: true, Machine: id, Unit: at.Unit, Server: m.code.Server,
		Trial: h.p.trial.serves(m.code), RetryAt: at.RetryAt,
	}
	s.Phase, s.Refusal = phase(at)
	s.Lack, s.LackEnds = h.lack(m)
	s.Moved, s.NumberSince = h.news(m)
	s.Bar, s.CharterEnds = standing(m.charters, m.begun)
	if host != nil {
		state := host.State()
		s.Live, s.Last = shownLive(state), shownLast(state)
	}
	if s.Last == nil {
		s.Last = h.p.receipts.broken()
	} else {
		s.Last.Lost = h.p.receipts.missing(s.Last.Receipt)
	}
	s.Report = shownReport(m.server.Told())
	s.RefusedToday, s.RefusedWhy = h.turnedDown(time.Now())
	return s
}

// turnedDown is how many requests were turned down here today, by an app before this one
// too, and why the last of them was.
func (h *helped) turnedDown(now time.Time) (int, ui.Bar) {
	n, why := h.p.refused.Today(refusal.Helped, now)
	if why == nil {
		return n, ui.BarNone
	}
	return n, barOf(why)
}

// lack is what keeps this computer from being shared, and when that passes if it does.
func (h *helped) lack(m *membership) (ui.Lack, time.Time) {
	if l := lackOf(h.p.desktop.able()); l != ui.LackNone {
		return l, time.Time{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(m.blind) {
		return ui.LackMemory, m.blind
	}
	return ui.LackNone, time.Time{}
}

// news says that this computer has another number than the one people may have noted: for
// its files had come from another computer, or since when.
func (h *helped) news(m *membership) (moved bool, since time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.moved, m.since
}

// shownReport is what became of the newest report of this app's run.
func shownReport(told rendezvous.Told, any bool) *ui.Report {
	if !any {
		return nil
	}
	return &ui.Report{Receipt: hex.EncodeToString(told.Session[:]), Made: told.Made, Confirmed: told.Confirmed, Refused: told.Refused}
}

// shownLast is the last intervention since the app started, if any.
func shownLast(s session.HostState) *ui.Ending {
	if s.Last == nil {
		return nil
	}
	return &ui.Ending{Why: s.Last.Why, At: s.Last.At, Receipt: hex.EncodeToString(s.Last.Session[:])}
}

// shownLive begins with the person's yes: until then nobody is connected, whoever asks.
func shownLive(s session.HostState) *ui.Live {
	if s.Phase != session.HostConnecting && s.Phase != session.HostLive {
		return nil
	}
	return &ui.Live{Who: s.Card, Rights: s.Rights, Since: s.Since, Paused: s.Pictures, Words: s.Words}
}

// phase puts the state of a connection into the screens' words.
func phase(s rendezvous.State) (ui.Phase, wire.Refusal) {
	switch s.Phase {
	case rendezvous.Ready:
		return ui.PhaseReady, 0
	case rendezvous.Waiting:
		return ui.PhaseWaiting, 0
	case rendezvous.Refused:
		var refused *rendezvous.RefusedError
		if errors.As(s.Err, &refused) {
			return ui.PhaseRefused, refused.Why
		}
		switch {
		case errors.Is(s.Err, rendezvous.ErrHistory):
			return ui.PhaseRewritten, 0
		case errors.Is(s.Err, rendezvous.ErrPin):
			return ui.PhaseWrongServer, 0
		case errors.Is(s.Err, rendezvous.ErrWitness):
			return ui.PhaseUnwitnessed, 0
		}
		return ui.PhaseRefused, wire.RefusedProtocol
	}
	return ui.PhaseConnecting, 0
}

// report tells the server of a problem with a past session of this machine, signed by it.
func (h *helped) report(ctx context.Context, r wire.Record) error {
	m, _, _ := h.now()
	if m == nil {
		return errNotMember
	}
	proof, err := m.key.SignRecord(r)
	if err != nil {
		return err
	}
	return m.server.Report(ctx, r.Session, proof)
}

// Cut ends the question or the intervention under way.
func (h *helped) Cut(why wire.EndReason) {
	if _, host, _ := h.now(); host != nil {
		host.Cut(why)
	}
}

// SetPaused holds pictures and input back, or lets them go on.
func (h *helped) SetPaused(paused bool) {
	if _, host, _ := h.now(); host != nil {
		host.SetPaused(paused)
	}
}

// TakeBack takes mouse and keyboard back.
func (h *helped) TakeBack() {
	if _, host, _ := h.now(); host != nil {
		host.TakeBack()
	}
}
