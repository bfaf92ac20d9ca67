// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/peer"
	"assist/internal/presence"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/trust"
	"assist/internal/wire"
)

// ringing is a request at this computer, answered by a function.
type ringing struct {
	ring   wire.Ring
	answer func(ctx context.Context) error
}

func (r *ringing) Send(context.Context, []byte) error { return nil }
func (r *ringing) Receive(ctx context.Context) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (r *ringing) End(wire.EndReason)                         {}
func (r *ringing) Done() <-chan struct{}                      { return nil }
func (r *ringing) Reason() wire.EndReason                     { return 0 }
func (r *ringing) Note([]byte)                                {}
func (r *ringing) Report([]byte)                              {}
func (r *ringing) Ring() wire.Ring                            { return r.ring }
func (r *ringing) Pledge(context.Context, []byte) error       { return nil }
func (r *ringing) Answer(ctx context.Context, _ []byte) error { return r.answer(ctx) }

// listed is a charter that lets one technician in, and never changes.
type listed struct{ charter *trust.Charter }

func (l listed) Now() (*trust.Charter, error) { return l.charter, nil }
func (l listed) Changed() <-chan struct{}     { return nil }

// asks is a computer of a unit, and a request to it.
func asks(t *testing.T, p *program) (session.HostConfig, wire.Ring) {
	t.Helper()
	host, unit, device := must(trust.NewHostKey())(t), must(trust.NewUnitKey())(t), must(trust.NewDeviceKey())(t)
	now := time.Now()
	certificate := must(unit.IssueCertificate(wire.Certificate{Name: "Prénom Nom", Role: "Assistance", Unit: "INCI",
		DeviceKey: device.Public(), NotBefore: now.Unix() - 60, NotAfter: now.Unix() + 3600}))(t)
	signed := must(unit.SignCharter(trust.Charter{Unit: "INCI", Epoch: 1, Issued: now.Unix(), Expires: now.Add(24 * time.Hour).Unix(),
		Policy: trust.DefaultPolicy(), Servers: []trust.Server{{Address: "assist.example:443", Pin: [32]byte{1}}}, Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Technicians: []trust.Technician{{State: trust.StateActive, Envelope: certificate}}}))(t)
	id := must(host.MachineID(unit.Public()))(t)
	q := &wire.Request{Machine: id, Certificate: certificate, Rights: uint16(consent.AllRights), Reason: "Imprimante introuvable", Session: wire.SessionID{1}, Nonce: [32]byte{1}, Fingerprint: [32]byte{1},
		Expires: now.Add(trust.RequestLife).Unix()}
	machine := p.desktop.machine()
	machine.Fit = func() (screen.Layout, error) { return screen.Layout{{}}, nil }
	return session.HostConfig{
		Key: host, Unit: unit.Public(), ID: id, WordList: p.wordList, Gate: p.helped.gate, Machine: machine,
		Charters: listed{must(trust.VerifyCharter(signed, unit.Public(), now, 0))(t)},
		Nonces:   must(trust.OpenNonces(filepath.Join(t.TempDir(), "nonces")))(t),
		Identity: func() (session.HostDialer, error) {
			id, err := peer.NewIdentity()
			return hostDialer{Identity: id, log: p.log}, err
		},
		Report: func(session.Record) error { return nil }, Broke: broke, Log: p.log,
	}, wire.Ring{Session: q.Session, Request: must(device.SignRequest(q))(t), Login: "prenom.nom", Address: "192.0.2.7"}
}

// Whoever leaves a unit, or closes the app, while another request is being turned away, is
// not asked a moment longer; and until all is over, Cut reaches what there is.
func TestLeavingCutsFirst(t *testing.T) {
	asked, withdrawn := make(chan struct{}), make(chan struct{})
	p, _ := guarded(t, config.Policy{}, func(ctx context.Context, _ consent.Question) (consent.Rights, error) {
		close(asked)
		<-ctx.Done()
		close(withdrawn)
		return 0, ctx.Err()
	})
	cfg, ring := asks(t, p)
	turning, release, late := make(chan struct{}), make(chan struct{}), make(chan struct{})
	calls := make(chan session.Call, 1)
	cfg.Next = func(ctx context.Context) (session.Call, error) {
		select {
		case c := <-calls:
			return c, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &membership{host: must(session.NewHost(cfg))(t), stop: stop}
	m.over.Go(func() { _ = m.host.Run(ctx) })
	p.helped.at = m
	calls <- &ringing{ring, func(context.Context) error { return nil }}
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Fatal(m.host.State().RefusedWhy)
	}
	calls <- &ringing{ring, func(ctx context.Context) error {
		close(turning)
		select {
		case <-release:
		case <-ctx.Done():
			close(late)
		}
		return nil
	}}
	<-turning
	left := make(chan struct{})
	go func() {
		defer close(left)
		p.helped.close()
	}()
	select {
	case <-withdrawn:
	case <-late:
		t.Error("the question stayed until the other request was turned away")
	}
	if _, host, _ := p.helped.now(); host == nil {
		t.Error("nothing could be cut meanwhile")
	}
	close(release)
	<-left
	if _, host, _ := p.helped.now(); host != nil {
		t.Error("the unit was not left")
	}
}

// Who is at the screen and has no hands is not told that it was locked.
func TestHandsThatAreSwitchedOffEndEverything(t *testing.T) {
	for _, c := range []presence.Cause{presence.Bound, presence.Blank, presence.Locked, presence.Left, presence.Asleep} {
		if end := endOf(c); (end == wire.EndInputOff) != (c == presence.Bound) || end != wire.EndInputOff && end != wire.EndLocked {
			t.Errorf("%v ends with %d", c, end)
		}
	}
}

// An app whose place on the display another could take leaves; one that ends waits for nothing.
func TestLeavesWhenItsPlaceIsTaken(t *testing.T) {
	for _, taken := range []bool{true, false} {
		p := &program{log: slog.New(slog.DiscardHandler), quit: make(chan struct{})}
		lost, left := make(chan struct{}), false
		if taken {
			close(lost)
		} else {
			close(p.quit)
		}
		p.leaveOn(lost, func() { left = true })
		if left != taken {
			t.Errorf("taken %v, left %v", taken, left)
		}
	}
}
