// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/wire"
)

// goesOn is what was kept of the intervention that goes on.
func (w *world) goesOn() []session.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.kept)
}

// Whoever kills the app, by the keyboard that was granted or by pulling the plug, leaves a
// record: it is kept before the technician hears yes, and follows what is done.
func TestRecordIsKeptWhileItGoesOn(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		asked, told := make(chan *session.Technician, 1), make(chan session.TechnicianPhase, 1)
		w.disk = sync.OnceFunc(func() {
			time.Sleep(time.Second)
			told <- (<-asked).State().Phase
		})
		tech := w.ask(consent.AllRights)
		asked <- tech
		if phase := <-told; phase != session.TechnicianWaiting {
			t.Errorf("before anything is kept the technician is in phase %d", phase)
		}
		pass(time.Second)
		if err := tech.Input(&wire.Key{Usage: 4, Down: true}); err != nil {
			t.Fatal(err)
		}
		if err := tech.Point(wire.Point{Visible: true}); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		all := w.goesOn()
		r := all[len(all)-1]
		w.checkProof(t, r)
		if len(r.Done) != 3 || r.Done[1].Act != session.ActDrove || r.End != 0 || r.Length < time.Second {
			t.Errorf("kept %+v", r)
		}
		pass(10 * time.Minute)
		all = w.goesOn()
		if r = all[len(all)-1]; r.Length < 9*time.Minute {
			t.Errorf("it lasted %v as far as is kept", r.Length)
		}
		tech.End()
		w.over(tech)
		if last := w.record(); last.End != wire.EndTechnician {
			t.Errorf("the last one: %+v", last)
		}
	})
}

// An intervention that would leave no record does not begin; the next one may.
func TestNothingBeginsWithoutARecord(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.full = true
		tech := w.ask(consent.AllRights)
		if s := w.over(tech); s.Verdict != wire.VerdictUnable {
			t.Errorf("the technician is told %+v", s)
		}
		h := w.host.State()
		if h.RefusedToday != 1 || !errors.Is(h.RefusedWhy, session.ErrUnwritten) || h.Last != nil || w.lamp.Lit() {
			t.Errorf("the host shows %+v, banner lit %v", h, w.lamp.Lit())
		}
		if n := len(w.signed(t, wire.PartyHost, w.who.host.Public())); n != 0 || w.machine.reads != 0 {
			t.Errorf("%d records signed, %d pictures read", n, w.machine.reads)
		}
		w.mu.Lock()
		w.full = false
		w.mu.Unlock()
		tech = w.meet(consent.AllRights)
		w.mu.Lock()
		w.full = true // what has begun goes on, and ends like any other
		w.mu.Unlock()
		pass(2 * time.Minute)
		if phase := tech.State().Phase; phase != session.TechnicianLive {
			t.Errorf("it is in phase %d", phase)
		}
		tech.End()
		if s := w.over(tech); s.End != wire.EndTechnician || w.host.State().Last == nil {
			t.Errorf("it ended as %+v", s)
		}
	})
}

// A flood of deeds is no flood of files.
func TestRecordIsKeptOnceASecondAtMost(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		pass(2 * time.Second)
		before := len(w.goesOn())
		for range 100 {
			w.host.SetPaused(true)
			w.host.SetPaused(false)
			pass(100 * time.Millisecond)
		}
		if n := len(w.goesOn()) - before; n < 5 || n > 11 {
			t.Errorf("kept %d times in 10 s", n)
		}
		tech.End()
		w.over(tech)
	})
}

// A disk that hangs holds up no cut; what it was writing never takes the place of the end.
func TestKeepingHoldsUpNoCut(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		calls, hangs := 0, make(chan struct{})
		w.disk = func() {
			if calls++; calls == 2 {
				<-hangs
			}
		}
		tech := w.meet(consent.AllRights)
		if err := tech.Input(&wire.Move{}); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		before, start := w.machine.typed(), time.Now()
		w.host.Cut(wire.EndUserCut)
		if took := time.Since(start); took != 0 || calls != 2 {
			t.Errorf("it took %v, kept %d times", took, calls)
		}
		w.say(&wire.Move{X: 1})
		pass(time.Second)
		if w.machine.typed() != before || w.lamp.Lit() {
			t.Error("something happens after the cut")
		}
		<-tech.Done()
		pass(5 * time.Second)
		close(hangs)
		w.over(tech)
		synctest.Wait()
		if last := w.record(); last.End != wire.EndUserCut || calls != 3 || w.late {
			t.Errorf("the last of %d: %+v", calls, last)
		}
	})
}
