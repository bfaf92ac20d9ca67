// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/trust"
	"assist/internal/wire"
)

// Every step that is not drawn is refused, and changes nothing.
func TestHostEdges(t *testing.T) {
	drawn := map[[2]HostPhase]bool{
		{HostIdle, HostChecking}:   true,
		{HostChecking, HostAsking}: true, {HostChecking, HostEnding}: true,
		{HostAsking, HostConnecting}: true, {HostAsking, HostEnding}: true,
		{HostConnecting, HostLive}: true, {HostConnecting, HostEnding}: true,
		{HostLive, HostEnding}: true, {HostEnding, HostIdle}: true,
	}
	for from := HostIdle; from <= HostEnding+1; from++ {
		for to := HostIdle; to <= HostEnding+1; to++ {
			h := &Host{cfg: HostConfig{Log: slog.New(slog.DiscardHandler)}, changed: make(chan struct{}, 1)}
			h.state.Phase = from
			want, ok := from, drawn[[2]HostPhase{from, to}]
			if ok {
				want = to
			}
			if h.move(to) != ok || h.State().Phase != want {
				t.Errorf("%d to %d: phase %d, want %d", from, to, h.State().Phase, want)
			}
		}
	}
}

func TestTechnicianEdges(t *testing.T) {
	drawn := map[[2]TechnicianPhase]bool{
		{TechnicianNew, TechnicianAsking}: true, {TechnicianNew, TechnicianEnded}: true,
		{TechnicianAsking, TechnicianWaiting}: true, {TechnicianAsking, TechnicianEnded}: true,
		{TechnicianWaiting, TechnicianConnecting}: true, {TechnicianWaiting, TechnicianEnded}: true,
		{TechnicianConnecting, TechnicianLive}: true, {TechnicianConnecting, TechnicianEnded}: true,
		{TechnicianLive, TechnicianEnded}: true,
	}
	for from := TechnicianNew; from <= TechnicianEnded+1; from++ {
		for to := TechnicianNew; to <= TechnicianEnded+1; to++ {
			x := &Technician{cfg: TechnicianConfig{Log: slog.New(slog.DiscardHandler)}, changed: make(chan struct{}, 1)}
			x.state.Phase = from
			want, ok := from, drawn[[2]TechnicianPhase{from, to}]
			if ok {
				want = to
			}
			if x.move(to, nil) != ok || x.State().Phase != want {
				t.Errorf("%d to %d: phase %d, want %d", from, to, x.State().Phase, want)
			}
		}
	}
}

// The phase has one setter: whatever else changes the state cannot change it.
func TestUpdateKeepsThePhase(t *testing.T) {
	h := &Host{changed: make(chan struct{}, 1)}
	h.update(func(s *HostState) { s.Phase, s.Reason = HostLive, "x" })
	if s := h.State(); s.Phase != HostIdle || s.Reason != "x" {
		t.Errorf("%+v", s)
	}
	x := &Technician{changed: make(chan struct{}, 1)}
	x.update(func(s *TechnicianState) { s.Phase, s.Denials = TechnicianLive, 1 })
	if s := x.State(); s.Phase != TechnicianNew || s.Denials != 1 {
		t.Errorf("%+v", s)
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		cause error
		want  wire.EndReason
	}{
		{&Ended{wire.EndLocked}, wire.EndLocked},
		{errors.Join(errors.New("x"), &Ended{wire.EndProtocol}), wire.EndProtocol},
		{consent.ErrLampLost, wire.EndLampLost},
		{consent.ErrExpired, wire.EndExpired},
		{consent.ErrAbsent, wire.EndPresence},
		{consent.ErrReported, wire.EndReported},
		{consent.ErrRefused, wire.EndUserCut},
		{consent.ErrRevoked, wire.EndUserCut},
		{context.Canceled, wire.EndNetworkLost},
		{nil, wire.EndNetworkLost},
	} {
		if got := reasonOf(c.cause); got != c.want {
			t.Errorf("%v is %v, want %v", c.cause, got, c.want)
		}
	}
}

// Nobody but the host speaks for the person: whatever the technician or the
// server says, the record never blames the person for it.
func TestNobodySpeaksForThePerson(t *testing.T) {
	persons := []wire.EndReason{wire.EndUserCut, wire.EndReported, wire.EndHostClosed, wire.EndLocked, wire.EndPresence, wire.EndLampLost}
	for _, r := range persons {
		if got := fromTechnician(r); got != wire.EndTechnician {
			t.Errorf("technician's %v is %v", r, got)
		}
		if got := fromServer(r); got != wire.EndServerStopped {
			t.Errorf("server's %v is %v", r, got)
		}
	}
	if fromServer(0) != wire.EndNetworkLost || fromServer(wire.EndTechnicianLost) != wire.EndTechnicianLost ||
		fromTechnician(wire.EndNetworkLost) != wire.EndNetworkLost {
		t.Error("what they may say")
	}
}

func TestPausesTranslate(t *testing.T) {
	for from, to := range map[consent.Pause]wire.PauseCause{
		consent.PauseNone: wire.PauseNone, consent.PauseUser: wire.PauseUser,
		consent.PauseLamp: wire.PauseLamp, consent.PauseDialog: wire.PauseDialog,
		consent.PausePresence: wire.PausePresence,
	} {
		if got := pauseOf(from); got != to {
			t.Errorf("%v is %v, want %v", from, got, to)
		}
	}
}

func TestRecordIsBounded(t *testing.T) {
	r := &Record{}
	for range maxDeeds + 7 {
		r.add(Deed{Act: ActAsked})
	}
	if len(r.Done) != maxDeeds || r.Dropped != 7 {
		t.Errorf("%d kept, %d dropped", len(r.Done), r.Dropped)
	}
}

func TestEar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{at: time.Now()}
		start := time.Now()
		time.AfterFunc(7*time.Second, e.heard)
		if !e.silent(t.Context(), 10*time.Second) || time.Since(start) != 17*time.Second {
			t.Errorf("after %v", time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if e.silent(ctx, time.Hour) {
			t.Error("the end is no silence")
		}
	})
}

func TestConfigsMustBeComplete(t *testing.T) {
	if _, err := NewHost(HostConfig{}); err != ErrConfig {
		t.Errorf("host: %v", err)
	}
	if _, err := NewTechnician(TechnicianConfig{}, Wish{}); err != ErrConfig {
		t.Errorf("technician: %v", err)
	}
}

// A host that grants more than was asked is not believed.
func TestAnswerMayNotGrantMoreThanWasAsked(t *testing.T) {
	key, err := trust.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	x := &Technician{wish: Wish{Rights: consent.RightView}}
	r := &request{pledge: &wire.Pledge{HostKey: key.Public()}}
	for rights, want := range map[consent.Rights]error{consent.RightView: nil, consent.AllRights: trust.ErrRights} {
		env, err := key.SignAnswer(&wire.Answer{
			Verdict: wire.VerdictGranted, Rights: uint16(rights), Expires: time.Now().Add(time.Hour).Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.answered(r, env); !errors.Is(err, want) || (r.answer != nil) != (want == nil) {
			t.Errorf("%v: %v", rights, err)
		}
		r.answer = nil
	}
}
