// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/input"
	"assist/internal/lamp"
	"assist/internal/presence"
	"assist/internal/process"
	"assist/internal/wire"
)

// screens answer questions, and say whether one is open.
type screens struct {
	consenttest.Person
	open bool
	more bool // the window shows more than the session
}

func (s *screens) DialogOpen() bool { return s.open }
func (s *screens) Contained() bool  { return !s.more }

// guarded is a program under a policy, whose person grants what is wanted.
func guarded(t *testing.T, policy config.Policy, person consenttest.Person) (*program, *screens) {
	t.Helper()
	dir := t.TempDir()
	p := newProgram(config.Dirs{Machine: dir, User: dir, Data: dir}, config.File{Policy: policy}, slog.New(slog.DiscardHandler))
	s := &screens{Person: person}
	p.guard(s, &consenttest.Lamp{})
	return p, s
}

// The app's own gate keeps to this computer's policy: beyond it the person is not even asked.
func TestTheGateIsUnderThisComputersPolicy(t *testing.T) {
	for name, c := range map[string]struct {
		policy config.Policy
		want   consent.Rights
	}{
		"none":     {config.Policy{}, consent.AllRights},
		"view":     {config.Policy{Rights: &[]string{"view"}}, consent.RightView},
		"a zone":   {config.Policy{Zone: "ZRR-1"}, consent.RightView},
		"no right": {config.Policy{Rights: &[]string{}}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked consent.Rights
			p, _ := guarded(t, c.policy, func(_ context.Context, q consent.Question) (consent.Rights, error) {
				asked = q.Wanted
				return consent.AllRights, nil
			})
			lease, err := p.helped.gate.Ask(t.Context(), consent.Question{Wanted: consent.AllRights, Monitors: 1})
			if asked != c.want || (err == nil) != (c.want != 0) {
				t.Errorf("policy %s: asked for %v: %v", name, asked, err)
			}
			if err != nil {
				return
			}
			if got := lease.Rights(); got != c.want {
				t.Errorf("policy %s: granted %v", name, got)
			}
			lease.Revoke(errors.New("over"))
			<-lease.Dark()
		})
	}
}

// It minds idle hands, for as long as the policy says: those who are not there end it.
func TestTheGateMindsIdleHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := guarded(t, config.Policy{IdleMinutes: 5}, func(ctx context.Context, q consent.Question) (consent.Rights, error) {
			if !q.Idle {
				return q.Wanted, nil
			}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		began := time.Now()
		lease, err := p.helped.gate.Ask(t.Context(), consent.Question{Wanted: consent.AllRights, Monitors: 1})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-lease.Done():
		case <-time.After(10 * time.Minute):
			lease.Revoke(errors.New("nobody minds"))
		}
		if took := time.Since(began); !errors.Is(lease.Cause(), consent.ErrAbsent) || took < 5*time.Minute || took > 7*time.Minute {
			t.Errorf("it ended after %v: %v", took, lease.Cause())
		}
		<-lease.Dark()
	})
}

// Nothing is driven while the screens have a question open, or anything but the session.
func TestInputIsHeldWhileAQuestionIsOpen(t *testing.T) {
	p, s := guarded(t, config.Policy{}, nil)
	held := p.desktop.inputOptions(nil).Held
	for _, c := range []struct{ open, more, held bool }{{}, {open: true, held: true}, {more: true, held: true}, {}} {
		if s.open, s.more = c.open, c.more; held() != c.held {
			t.Errorf("question open %v, more than the session shown %v: held %v", c.open, c.more, held())
		}
	}
}

// away is a person who is not, or is, at the screen.
type away presence.Cause

func (a away) Away() presence.Cause { return presence.Cause(a) }
func (away) Close()                 {}

// Nothing is shared by an app with more rights than the person, nor of a person who cannot
// see the screen.
func TestFitForThisPersonAlone(t *testing.T) {
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("XDG_SESSION_TYPE", "x11")
	p, _ := guarded(t, config.Policy{}, nil)
	d := p.desktop
	if d.elevated() != process.Elevated() {
		t.Error("the app does not know what it is")
	}
	d.elevated = func() bool { return true }
	if _, err := d.fit(); !errors.Is(err, errElevated) {
		t.Errorf("more rights: %v", err)
	}
	d.elevated = func() bool { return false }
	if _, err := d.fit(); !errors.Is(err, lamp.ErrUnsupported) {
		t.Errorf("no banner: %v", err)
	}
	d.lamp, d.watcher = &lamp.Lamp{}, &input.Watcher{}
	for c := presence.Here; c <= presence.Asleep; c++ {
		d.presence = away(c)
		if _, err := d.fit(); errors.Is(err, errAway) != (c != presence.Here) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// did keeps what a session window passed on.
type did struct{ ins []wire.Input }

func (d *did) Input(in wire.Input) error { d.ins = append(d.ins, in); return nil }
func (d *did) Point(wire.Point) error    { return nil }

// What strays into a session window while this computer is driven goes on to no third one;
// what lets go always does.
func TestStrayKeysGoNoFurther(t *testing.T) {
	p, s := guarded(t, config.Policy{}, nil)
	p.desktop.watcher = &input.Watcher{} // no device ever did anything
	ups := []wire.Input{&wire.Key{Usage: 4}, &wire.Button{Button: 1}, &wire.ReleaseAll{}}
	downs := []wire.Input{&wire.Key{Usage: 4, Down: true}, &wire.Button{Button: 1, Down: true}, &wire.Move{}, &wire.Scroll{DY: 120}, &wire.Text{Text: "x"}}
	for _, more := range []bool{true, false} {
		s.more = more
		got := &did{}
		h := ownHands{got, p.desktop.strayed}
		for _, in := range append(ups, downs...) {
			if err := h.Input(in); err != nil {
				t.Fatal(err)
			}
		}
		want := len(ups)
		if more { // nobody drives here
			want += len(downs)
		}
		if len(got.ins) != want {
			t.Errorf("driven %v: %d of %d went on", !more, len(got.ins), len(ups)+len(downs))
		}
	}
}

// On the banner, too, only a device goes on after a pause, once mouse and keyboard were given,
// until another intervention begins.
func TestGoingOnByTheBanner(t *testing.T) {
	p, _ := guarded(t, config.Policy{}, nil)
	d := p.desktop
	d.watcher = &input.Watcher{} // no device ever did anything
	for range 2 {
		_, _ = d.Light(consent.Status{}, nil)
		if !d.goesOn() {
			t.Error("nobody drove, and no program may go on")
		}
		lease := consenttest.Lease(t, consent.AllRights)
		control, err := lease.Control()
		if err != nil {
			t.Fatal(err)
		}
		if desk, err := d.drive(control, nil); err == nil {
			_ = desk.Close()
		}
		if d.goesOn() {
			t.Error("a program goes on")
		}
	}
}
