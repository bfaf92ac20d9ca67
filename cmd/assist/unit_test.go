// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/rendezvous"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/ui"
	"assist/internal/wire"
)

func TestPhasesOfAConnection(t *testing.T) {
	for _, c := range []struct {
		err  error
		want ui.Phase
		why  wire.Refusal
	}{
		{&rendezvous.RefusedError{Why: wire.RefusedCrowded}, ui.PhaseRefused, wire.RefusedCrowded},
		{rendezvous.ErrHistory, ui.PhaseRewritten, 0},
		{rendezvous.ErrWitness, ui.PhaseUnwitnessed, 0},
		{fmt.Errorf("dial: %w", rendezvous.ErrPin), ui.PhaseWrongServer, 0},
		{rendezvous.ErrVersion, ui.PhaseRefused, wire.RefusedProtocol},
	} {
		if got, why := phase(rendezvous.State{Phase: rendezvous.Refused, Err: c.err}); got != c.want || why != c.why {
			t.Errorf("%v: %v, %v", c.err, got, why)
		}
	}
}

func TestBars(t *testing.T) {
	both := func(a, b error) error { return fmt.Errorf("%w: %w", a, b) }
	for _, c := range []struct {
		err  error
		want ui.Bar
	}{
		{trust.ErrNoCharter, ui.BarNoCharter},
		{both(trust.ErrCharter, trust.ErrExpired), ui.BarExpired},
		{both(trust.ErrCharter, trust.ErrNotYetValid), ui.BarEarly},
		{both(trust.ErrMemory, trust.ErrMalformed), ui.BarDamaged},
		{both(trust.ErrCertificate, trust.ErrExpired), ui.BarCard},
		{both(trust.ErrCertificate, trust.ErrSignature), ui.BarUnproven},
		{trust.ErrExpired, ui.BarUnproven}, // the request did
		{trust.ErrReplayed, ui.BarUnproven},
		{both(trust.ErrSource, errors.New("x")), ui.BarSource},
		{trust.ErrRevoked, ui.BarRevoked},
		{session.ErrBeyond, ui.BarRights},
		{fmt.Errorf("%w: %w", session.ErrUnable, errWayland), ui.BarUnable},
		{fmt.Errorf("%w: %w", session.ErrUnable, session.ErrUnwritten), ui.BarUnwritten},
		{consent.ErrRefused, ui.BarNone},
	} {
		if got := barOf(c.err); got != c.want {
			t.Errorf("%v is %d, want %d", c.err, got, c.want)
		}
	}
	var barred *ui.Barred
	if err := notBegun(session.ErrConfig); !errors.As(err, &barred) || barred.Why != ui.BarUnexpected {
		t.Errorf("not begun: %v", err)
	}
}

// remembered is a unit whose charter this computer has, as if fetched before.
func remembered(t *testing.T, change func(*trust.Charter)) *rendezvous.Charters {
	t.Helper()
	key, err := trust.NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	return rememberedOf(t, key, change)
}

// rememberedOf is remembered for a unit key that certifies somebody.
func rememberedOf(t *testing.T, key *trust.UnitKey, change func(*trust.Charter)) *rendezvous.Charters {
	t.Helper()
	now := time.Now()
	c := trust.Charter{
		Unit: "INCI", Epoch: 3, Issued: now.Unix(), Expires: now.Add(90 * 24 * time.Hour).Unix(), Policy: trust.DefaultPolicy(),
		Servers: []trust.Server{{Address: "assist.example:443", Pin: [32]byte{1}}},
		Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}
	change(&c)
	b, err := key.SignCharter(c)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	memory, err := trust.NewMemory(dir, key.Public())
	if err == nil {
		_, err = memory.Learn(b, now)
	}
	if err != nil {
		t.Fatal(err)
	}
	charters, err := rendezvous.OpenCharters(dir, key.Public(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return charters
}

// Who is in the charter and not let in reads that, not that a signature is awaited.
func TestASignInThatIsNotOpenSaysSo(t *testing.T) {
	key, err := trust.NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	device, err := trust.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	card, err := key.IssueCertificate(wire.Certificate{Name: "Paul Externe", Role: "IT", Unit: "INCI", DeviceKey: device.Public(),
		NotBefore: now.Unix() - 60, NotAfter: now.Unix() + 3600})
	if err != nil {
		t.Fatal(err)
	}
	no := &rendezvous.RefusedError{Why: wire.RefusedUnsigned}
	var barred *ui.Barred
	for state, want := range map[trust.TechnicianState]ui.Bar{
		trust.StateExternal: ui.BarNotOpened, trust.StateRevoked: ui.BarRevoked, trust.StateActive: ui.BarNone,
	} {
		charters := rememberedOf(t, key, func(c *trust.Charter) { c.Technicians = []trust.Technician{{State: state, Envelope: card}} })
		if err := unsigned(no, charters, device.Public()); errors.As(err, &barred) != (want != ui.BarNone) || want != ui.BarNone && barred.Why != want {
			t.Errorf("%v: %v", state, err)
		}
		if err := unsigned(&rendezvous.RefusedError{Why: wire.RefusedIdentity}, charters, device.Public()); errors.As(err, &barred) {
			t.Errorf("%v, with a wrong password: %v", state, err)
		}
	}
	var refused *ui.Refused
	if err := unsigned(no, remembered(t, func(*trust.Charter) {}), device.Public()); !errors.As(err, &refused) {
		t.Errorf("not listed: %v", err)
	}
}

func TestStanding(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		change func(*trust.Charter)
		bar    ui.Bar
		ends   bool
	}{
		"in force":  {func(*trust.Charter) {}, ui.BarNone, false},
		"ends soon": {func(c *trust.Charter) { c.Expires = c.Issued + int64((13 * day).Seconds()) }, ui.BarNone, true},
		"stopped":   {func(c *trust.Charter) { c.Policy.Rights = 0 }, ui.BarHalted, false},
	} {
		if bar, ends := standing(remembered(t, c.change), time.Time{}); bar != c.bar || ends.IsZero() == c.ends {
			t.Errorf("%s: %d, ends %v", name, bar, ends)
		}
	}
	none, err := trust.NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	empty, err := rendezvous.OpenCharters(t.TempDir(), none.Public(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if bar, _ := standing(empty, time.Time{}); bar != ui.BarNoCharter {
		t.Errorf("without a charter: %d", bar)
	}
	if bar, _ := standing(empty, time.Now()); bar != ui.BarNone {
		t.Errorf("missed at once: %d", bar)
	}
}

func TestAddressesAreTheCharters(t *testing.T) {
	ok := allowed(remembered(t, func(*trust.Charter) {}), slog.New(slog.NewTextHandler(io.Discard, nil)))
	for address, want := range map[string]bool{"192.0.2.7": true, "::ffff:192.0.2.7": true, "198.51.100.7": false, "fe80::1": false} {
		if ok(netip.MustParseAddr(address)) != want {
			t.Errorf("%s", address)
		}
	}
}

// The shorter of what the unit and this machine let hands rest counts.
func TestIdleIsTheShorter(t *testing.T) {
	for _, c := range []struct {
		own  int
		want time.Duration
	}{{0, 10 * time.Minute}, {5, 5 * time.Minute}, {30, 10 * time.Minute}} {
		p := &program{settings: &settings{file: config.File{Policy: config.Policy{IdleMinutes: c.own}}}}
		p.unit = &unit{p: p, charters: remembered(t, func(c *trust.Charter) { c.Policy.IdleMinutes = 10 })}
		if got := p.unit.idle(); got != c.want {
			t.Errorf("own %d: %v", c.own, got)
		}
	}
}
