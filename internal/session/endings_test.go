// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/wire"
)

// ending is one way in which a live session ends.
type ending struct {
	name       string
	do         func(w *world, t *session.Technician)
	host       wire.EndReason
	technician wire.EndReason
	within     time.Duration
}

func cut(why wire.EndReason) func(*world, *session.Technician) {
	return func(w *world, _ *session.Technician) { w.host.Cut(why) }
}

func endings() []ending {
	return []ending{
		{"the person cuts", cut(wire.EndUserCut), wire.EndUserCut, wire.EndUserCut, 0},
		{"the screen is locked", cut(wire.EndLocked), wire.EndLocked, wire.EndLocked, 0},
		{"nobody is there", cut(wire.EndPresence), wire.EndPresence, wire.EndPresence, 0},
		{"nobody says that they are there", func(w *world, _ *session.Technician) { w.rest(); w.now(silent) },
			wire.EndPresence, wire.EndPresence, consent.IdleTime + consent.AnswerTime},
		{"the person reports", cut(wire.EndReported), wire.EndReported, wire.EndReported, 0},
		{"the app is closed", func(w *world, _ *session.Technician) { w.close(); <-w.closed }, wire.EndHostClosed, wire.EndHostClosed, 0},
		{"the technician ends", func(_ *world, t *session.Technician) { t.End() }, wire.EndTechnician, wire.EndTechnician, 0},
		{"the technician gives the view back", func(_ *world, t *session.Technician) { t.Release(consent.RightView) },
			wire.EndTechnician, wire.EndTechnician, 0},
		{"the banner is covered", func(w *world, _ *session.Technician) { w.lamp.Cover(true) },
			wire.EndLampLost, wire.EndLampLost, consent.LoseAfter},
		{"the lease runs out", func(w *world, _ *session.Technician) { w.now(silent) },
			wire.EndExpired, wire.EndExpired, consent.LeaseLife},
		{"the person does not go on", func(w *world, _ *session.Technician) { w.now(says(0, consent.ErrRefused)) },
			wire.EndUserCut, wire.EndUserCut, consent.LeaseLife},
		{"the display dies", func(w *world, _ *session.Technician) { w.machine.set(func() { w.machine.fault = errDead }) },
			wire.EndScreenLost, wire.EndScreenLost, 0},
		{"the pixels cannot be read", func(w *world, _ *session.Technician) { w.machine.set(func() { w.machine.blind = errDead }) },
			wire.EndScreenLost, wire.EndScreenLost, 0},
		{"the server ends it", func(w *world, _ *session.Technician) {
			l := w.server.last()
			l.host.end(wire.EndServerStopped)
			l.technician.end(wire.EndServerStopped)
		}, wire.EndServerStopped, wire.EndServerStopped, 0},
		{"the server ends it for one alone", func(w *world, _ *session.Technician) { w.server.last().host.end(wire.EndUserCut) },
			wire.EndServerStopped, wire.EndServerStopped, 0},
		{"the network freezes", func(w *world, _ *session.Technician) { w.net.freeze() },
			wire.EndNetworkLost, wire.EndNetworkLost, 12 * time.Second},
		{"the network freezes and no link notices", func(w *world, _ *session.Technician) { w.net.deaf = true; w.net.freeze() },
			wire.EndNetworkLost, wire.EndNetworkLost, session.SilenceTime + time.Second},
		{"network and server freeze and no link notices", func(w *world, _ *session.Technician) {
			w.net.deaf, w.server.dead = true, true
			w.net.freeze()
		}, wire.EndNetworkLost, wire.EndNetworkLost, session.SilenceTime + time.Second},
		{"the host's end dies", func(w *world, _ *session.Technician) { w.link().helper.close(errLost) },
			wire.EndNetworkLost, wire.EndNetworkLost, time.Second},
		{"the technician's end dies", func(w *world, _ *session.Technician) { w.link().host.close(errLost) },
			wire.EndNetworkLost, wire.EndNetworkLost, time.Second},
		{"the technician breaks the protocol", func(w *world, _ *session.Technician) { w.link().host.in <- []byte{0xff} },
			wire.EndProtocol, wire.EndProtocol, 0},
		{"the host breaks the protocol", func(w *world, _ *session.Technician) { w.link().helper.in <- []byte{0xff} },
			wire.EndProtocol, wire.EndProtocol, 0},
		{"the technician speaks for the person", func(w *world, _ *session.Technician) { w.say(&wire.SessionBye{Reason: wire.EndUserCut}) },
			wire.EndTechnician, wire.EndTechnician, 0},
	}
}

// say puts a message of the technician's into the link, past the technician.
func (w *world) say(m wire.ToHost) {
	w.t.Helper()
	b, err := wire.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.link().host.in <- b
	synctest.Wait()
}

// Every ending ends both ends, in time, with a plain reason, and leaves nothing;
// and the next session can begin.
func TestEndings(t *testing.T) {
	for _, e := range endings() {
		t.Run(e.name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				tech := w.meet(consent.AllRights)
				if err := errors.Join(tech.Watch([]screen.MonitorID{0, 1}), tech.Input(&wire.Key{Usage: 5, Down: true}),
					tech.Point(wire.Point{Visible: true})); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				start := time.Now()
				e.do(w, tech)
				<-tech.Done()
				if took := time.Since(start); took > e.within+2*time.Second {
					t.Errorf("the technician's end took %v", took)
				}
				end := w.over(tech)
				if took := time.Since(start); took > e.within+2*time.Second {
					t.Errorf("the host's end took %v", took)
				}
				if end.End != e.technician || end.Phase != session.TechnicianEnded {
					t.Errorf("the technician is told %v, want %v", end.End, e.technician)
				}
				if r := w.record(); r.End != e.host {
					t.Errorf("the host recorded %v, want %v", r.End, e.host)
				}
				if last := w.host.State().Last; last == nil || last.Why != e.host {
					t.Errorf("the host shows %+v", last)
				}
				checkLeftNothing(t, w)
				checkDead(t, w, tech)
			})
		})
	}
}

// checkDead makes sure that a technician who is out can do nothing more.
func checkDead(t *testing.T, w *world, tech *session.Technician) {
	t.Helper()
	typed, reads := w.machine.typed(), w.machine.reads
	for name, err := range map[string]error{
		"input": tech.Input(&wire.ReleaseAll{}), "watch": tech.Watch(nil), "want": tech.Want(consent.RightControl),
		"release": tech.Release(consent.RightPoint), "point": tech.Point(wire.Point{}),
	} {
		if err == nil {
			t.Errorf("%s after the end", name)
		}
	}
	if _, err := tech.Picture(t.Context(), 0); err == nil {
		t.Error("a picture after the end")
	}
	tech.End()
	w.host.SetPaused(true)
	w.host.TakeBack()
	w.host.Cut(wire.EndUserCut)
	w.machine.draw(0)
	pass(time.Second)
	if w.machine.typed() != typed || w.machine.reads != reads {
		t.Error("something moved after the end")
	}
}

// However the network is, a cut is done when Cut returns.
func TestCutWaitsForNoNetwork(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		tech.Watch([]screen.MonitorID{0, 1})
		pass(time.Second)
		w.net.freeze()
		w.machine.draw(0)
		w.machine.draw(1)
		pass(100 * time.Millisecond)
		before := w.shows(0) + w.shows(1)
		start := time.Now()
		w.host.Cut(wire.EndUserCut)
		if took := time.Since(start); took != 0 {
			t.Errorf("the cut took %v", took)
		}
		reads := w.machine.reads
		w.machine.draw(0)
		end := w.over(tech)
		if w.machine.reads != reads || w.shows(0)+w.shows(1) != before {
			t.Error("pictures went on")
		}
		if end.End == wire.EndUserCut { // which only a goodbye through the network could prove
			t.Errorf("the technician is told %v", end.End)
		}
		if r := w.record(); r.End != wire.EndUserCut {
			t.Errorf("recorded %v", r.End)
		}
		if took := time.Since(start); took > 12*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A cut returns when the last event is over, not before, and lets none begin.
func TestCutReturnsWhenAllIsStill(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.machine.stuck = make(chan struct{})
		tech := w.meet(consent.AllRights)
		tech.Input(&wire.Move{})
		tech.Input(&wire.Move{})
		pass(0)
		cut := make(chan struct{})
		go func() {
			w.host.Cut(wire.EndUserCut)
			close(cut)
		}()
		pass(time.Second)
		select {
		case <-cut:
			t.Error("the cut returned during an event")
		default:
		}
		close(w.machine.stuck)
		<-cut
		w.over(tech)
		if n := w.machine.typed(); n != 1 {
			t.Errorf("%d inputs done", n)
		}
	})
}

// The lamp's own goroutine may cut, and so may everybody at once.
func TestEverybodyCuts(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		for range 8 {
			go w.host.Cut(wire.EndUserCut)
			go tech.End()
		}
		w.close()
		w.over(tech)
		checkLeftNothing(t, w)
	})
}

// setbacks are the ways in which a request ends before it is live.
func TestRequestsThatEndBeforeTheSession(t *testing.T) {
	at := func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	for _, e := range []struct {
		name    string
		prepare func(w *world)
		act     func(w *world, t *session.Technician)
		want    session.TechnicianState
	}{
		{name: "refused", prepare: func(w *world) { w.now(says(0, consent.ErrRefused)) },
			want: session.TechnicianState{End: wire.EndRefused, Verdict: wire.VerdictRefused}},
		{name: "reported", prepare: func(w *world) { w.now(says(0, consent.ErrReported)) },
			want: session.TechnicianState{End: wire.EndRefused, Verdict: wire.VerdictReported}},
		{name: "not answered", prepare: func(w *world) { w.now(silent) },
			want: session.TechnicianState{End: wire.EndRefused, Verdict: wire.VerdictNoAnswer}},
		{name: "no banner", prepare: func(w *world) { w.lamp.Break(errDead) },
			want: session.TechnicianState{End: wire.EndRefused, Verdict: wire.VerdictUnable}},
		{name: "not fit", prepare: func(w *world) { w.machine.unfit = errDead },
			want: session.TechnicianState{End: wire.EndRefused, Verdict: wire.VerdictUnable}},
		{name: "cancelled", prepare: func(w *world) { w.now(silent) },
			act:  func(_ *world, t *session.Technician) { at(5*time.Second, t.End) },
			want: session.TechnicianState{End: wire.EndCancelled}},
		{name: "app closed", prepare: func(w *world) { w.now(silent) },
			act:  func(w *world, _ *session.Technician) { at(5*time.Second, w.close) },
			want: session.TechnicianState{End: wire.EndHostClosed}},
		{name: "locked while asking", prepare: func(w *world) { w.now(silent) },
			act:  func(w *world, _ *session.Technician) { at(time.Second, func() { w.host.Cut(wire.EndLocked) }) },
			want: session.TechnicianState{End: wire.EndLocked}},
		{name: "server stopped", prepare: func(w *world) { w.now(silent) },
			act: func(w *world, _ *session.Technician) {
				at(time.Second, func() {
					w.server.last().host.end(wire.EndServerStopped)
					w.server.last().technician.end(wire.EndServerStopped)
				})
			}, want: session.TechnicianState{End: wire.EndServerStopped}},
		{name: "wrong code", prepare: func(w *world) { w.server.totp = "654321" },
			want: session.TechnicianState{End: wire.EndRefused, Refusal: wire.RefusedIdentity, Wait: 7 * time.Second}},
		{name: "no way to each other", prepare: func(w *world) { w.net.unable = true },
			want: session.TechnicianState{End: wire.EndNetworkLost}},
		{name: "no capture", prepare: func(w *world) { w.machine.fault = errDead },
			want: session.TechnicianState{End: wire.EndScreenLost}},
	} {
		t.Run(e.name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				if e.prepare != nil {
					e.prepare(w)
				}
				tech := w.ask(consent.AllRights)
				if e.act != nil {
					synctest.Wait()
					e.act(w, tech)
				}
				s := w.over(tech)
				if s.End != e.want.End || s.Verdict != e.want.Verdict || s.Refusal != e.want.Refusal || s.Wait != e.want.Wait {
					t.Errorf("end %v verdict %v refusal %v wait %v err %v, want %+v", s.End, s.Verdict, s.Refusal, s.Wait, s.Err, e.want)
				}
				checkLeftNothing(t, w)
				if w.machine.reads != 0 || w.machine.typed() != 0 {
					t.Error("something moved")
				}
			})
		})
	}
}

func TestTechnicianAppCloses(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		tech, err := session.NewTechnician(w.technicianConfig(), w.wish(viewPoint))
		if err != nil {
			t.Fatal(err)
		}
		tech.Start(ctx)
		tech.Start(ctx) // again: nothing
		until(t, tech.Changed(), func() bool { return tech.State().Phase == session.TechnicianLive })
		cancel()
		w.over(tech)
		if r := w.record(); r.End != wire.EndTechnicianLost {
			t.Errorf("recorded %v", r.End)
		}
	})
}

// An attempt that this computer is not able for is shown to the person like every other.
func TestUnableIsCountedAndTold(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.machine.unfit = errDead
		w.over(w.ask(viewPoint))
		if s := w.host.State(); s.RefusedToday != 1 || !errors.Is(s.RefusedWhy, session.ErrUnable) || !errors.Is(s.RefusedWhy, errDead) {
			t.Errorf("%d refused, because %v", s.RefusedToday, s.RefusedWhy)
		}
	})
}

// Refused attempts are shown to the person, until midnight.
func TestRefusedToday(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(says(0, consent.ErrRefused))
		for n := range 3 {
			w.over(w.ask(viewPoint))
			if got := w.host.State().RefusedToday; got != n+1 {
				t.Errorf("%d refused, want %d", got, n+1)
			}
		}
		if last := w.host.State().Last; last != nil {
			t.Errorf("no intervention took place, but the last ended as %+v", last)
		}
		pass(24 * time.Hour)
		if got := w.host.State().RefusedToday; got != 0 {
			t.Errorf("%d on the next day", got)
		}
	})
}

func TestReasonsSpeak(t *testing.T) {
	if got := fmt.Sprint(&session.Ended{Reason: wire.EndUserCut}); got != "session: ended, reason 1" {
		t.Errorf("got %q", got)
	}
}
