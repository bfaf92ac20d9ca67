// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/refusal"
	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/ui"
	"assist/internal/wire"
)

// unit is what both sides of this app know of the unit it belongs to.
type unit struct {
	p *program

	joining sync.Mutex // one change of unit, or of its key, at a time

	mu       sync.Mutex           // guards the rest; never held while joining is waited for
	charters *rendezvous.Charters // nil before the app belongs to a unit
	witness  *trust.Witness       // likewise; both sides of the app share it
	stop     context.CancelFunc
	over     chan struct{} // closed when nothing writes the memory any more
}

// member makes this app part of the unit that the code names.
func (u *unit) member(code trust.JoinCode) error {
	u.joining.Lock()
	defer u.joining.Unlock()
	u.close()
	charters, err := rendezvous.OpenCharters(u.p.dirs.Data, code.Unit, u.p.log)
	if err != nil {
		return err
	}
	charters.Refused = u.p.refuses(refusal.Helped) // one charter serves both sides; its lines are kept once
	witness, err := trust.NewWitness(u.p.dirs.Data, code.Unit, charters.Unit)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	u.mu.Lock()
	u.charters, u.witness, u.stop, u.over = charters, witness, cancel, over
	u.mu.Unlock()
	go func() {
		defer close(over)
		if err := charters.Run(ctx); err != nil && ctx.Err() == nil {
			u.p.log.Error("charters are fetched no more", "error", err)
		}
	}()
	go u.watch(ctx, code, charters)
	if err := u.p.helped.start(code, charters); err != nil {
		return err
	}
	return u.p.helper.start(code, charters)
}

// watch passes changes on to the screens. When the unit's key was handed over, this
// machine's number is another one and is registered anew.
func (u *unit) watch(ctx context.Context, code trust.JoinCode, charters *rendezvous.Charters) {
	key := charters.Unit()
	for {
		changed := charters.Changed() // before the key is read: what comes between is seen the next time round
		if now := charters.Unit(); !bytes.Equal(now, key) {
			key = now
			u.succeed(ctx, code, charters)
		}
		nudge(u.p.helped.changed)
		nudge(u.p.helper.changed)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// succeed cuts first: what was granted to the number of before is nobody's under the new one.
func (u *unit) succeed(ctx context.Context, code trust.JoinCode, charters *rendezvous.Charters) {
	u.joining.Lock()
	defer u.joining.Unlock()
	if ctx.Err() != nil {
		return // another unit meanwhile
	}
	u.p.helped.Cut(wire.EndRevoked)
	if err := u.p.helped.start(code, charters); err != nil {
		u.p.log.Error("not registered under the new key", "error", err)
	}
}

// close forgets the unit, but for what is remembered on disk.
func (u *unit) close() {
	u.mu.Lock()
	stop, over := u.stop, u.over
	u.charters, u.stop = nil, nil
	u.mu.Unlock()
	if stop != nil {
		stop()
		<-over // the next unit's memory may be the same file
	}
}

// now is the charter in force, or why there is none.
func (u *unit) now() (*trust.Charter, error) {
	u.mu.Lock()
	c := u.charters
	u.mu.Unlock()
	if c == nil {
		return nil, trust.ErrNoCharter
	}
	return c.Now()
}

// idle is how long the person's hands may rest: what the unit and this machine allow
// both. Zero is what consent makes of it.
func (u *unit) idle() time.Duration {
	own := time.Duration(u.p.settings.get().Policy.IdleMinutes) * time.Minute
	c, err := u.now()
	if err != nil {
		return own
	}
	units := time.Duration(c.Policy.IdleMinutes) * time.Minute
	if own <= 0 { // this machine says nothing
		return units
	}
	return min(own, units)
}

// server is how either side finds the unit's server.
func (p *program) server(code trust.JoinCode, charters *rendezvous.Charters, side refusal.Side) rendezvous.Config {
	p.unit.mu.Lock()
	witness := p.unit.witness
	p.unit.mu.Unlock()
	return rendezvous.Config{Server: code.Server, Pin: code.Pin, Near: p.trial.near(code), Charters: charters, Witness: witness,
		Refused: p.refuses(side), Log: p.log}
}

// allowed holds each address of a technician against the charter in force at that moment, not
// at the beginning of the session. The address itself stays out of the log.
func allowed(charters *rendezvous.Charters, log *slog.Logger) func(netip.Addr) bool {
	return func(a netip.Addr) bool {
		c, err := charters.Now()
		ok := err == nil && c.AllowsSource(a)
		if !ok {
			log.Warn("an address of the technician is not one of the unit's")
		}
		return ok
	}
}

// firstFetch is how long after joining a charter may take to come before it is missed:
// a notice that goes as soon as it was seen only frightens.
const firstFetch = 10 * time.Second

// standing is what the charter has against everybody, and when it ends if that is near.
// since is when this app began to look for it.
func standing(charters *rendezvous.Charters, since time.Time) (ui.Bar, time.Time) {
	c, err := charters.Now()
	switch {
	case errors.Is(err, trust.ErrNoCharter) && time.Since(since) < firstFetch:
		return ui.BarNone, time.Time{}
	case err != nil:
		return barOf(err), time.Time{}
	case !consent.Rights(c.Policy.Rights).Has(consent.RightView):
		return ui.BarHalted, time.Time{}
	}
	var ends time.Time
	if c.ExpiresSoon(time.Now()) {
		ends = time.Unix(c.Expires, 0)
	}
	switch problem := charters.Problem(); {
	case errors.Is(problem, trust.ErrRollback), errors.Is(problem, trust.ErrForked):
		return ui.BarOlder, ends
	case errors.Is(problem, trust.ErrCharter), errors.Is(problem, trust.ErrRotation):
		return ui.BarStrange, ends
	case errors.Is(problem, trust.ErrNotKept):
		return ui.BarUnkept, ends
	}
	return ui.BarNone, ends
}

// barOf sorts why somebody may not help into what people are told.
func barOf(err error) ui.Bar {
	for _, b := range bars() {
		if errors.Is(err, b.err) {
			return b.bar
		}
	}
	switch {
	case errors.Is(err, trust.ErrCharter) && errors.Is(err, trust.ErrExpired):
		return ui.BarExpired
	case errors.Is(err, trust.ErrCharter):
		return ui.BarEarly
	case errors.Is(err, trust.ErrCertificate) && errors.Is(err, trust.ErrExpired):
		return ui.BarCard
	}
	return ui.BarUnproven
}

// bars are the errors that say it all.
func bars() []struct {
	err error
	bar ui.Bar
} {
	return []struct {
		err error
		bar ui.Bar
	}{
		{trust.ErrNoCharter, ui.BarNoCharter},
		{trust.ErrMemory, ui.BarDamaged},
		{trust.ErrHalted, ui.BarHalted},
		{trust.ErrUnlisted, ui.BarUnlisted},
		{trust.ErrRevoked, ui.BarRevoked},
		{trust.ErrNotOpened, ui.BarNotOpened},
		{trust.ErrWrongZones, ui.BarZone},
		{trust.ErrSource, ui.BarSource},
		{session.ErrBeyond, ui.BarRights},
		{consent.ErrNotGranted, ui.BarRights},
		{session.ErrUnwritten, ui.BarUnwritten}, // within the next
		{session.ErrUnable, ui.BarUnable},
		{consent.ErrBusy, ui.BarBusy},
		{consent.ErrRefused, ui.BarNone}, // the person knows
		{consent.ErrReported, ui.BarNone},
		{consent.ErrNoAnswer, ui.BarNone},
	}
}
