// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/wire"
)

func (w *world) acts() []session.Act {
	w.mu.Lock()
	defer w.mu.Unlock()
	var acts []session.Act
	for _, d := range w.said {
		acts = append(acts, d.Act)
	}
	return acts
}

func TestControlIsAskedForAndGranted(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		if err := tech.Input(&wire.Move{}); err != consent.ErrNotGranted {
			t.Errorf("input without the right: %v", err)
		}
		w.now(func(_ context.Context, q consent.Question) (consent.Rights, error) {
			if !q.Widening || q.Wanted != consent.RightControl {
				t.Errorf("asked %+v", q)
			}
			pass(10 * time.Second)
			if s := tech.State(); s.Asked != consent.RightControl || s.Rights != viewPoint {
				t.Errorf("while the question is open: %+v", s)
			}
			return q.Wanted, nil
		})
		if err := tech.Want(consent.RightControl); err != nil {
			t.Fatal(err)
		}
		pass(11 * time.Second)
		if s := tech.State(); s.Asked != 0 || s.Rights != consent.AllRights || s.Denials != 0 {
			t.Errorf("granted: %+v", s)
		}
		if err := tech.Input(&wire.Move{}); err != nil {
			t.Error(err)
		}
		pass(0)
		if w.machine.typed() != 1 || w.host.State().Rights != consent.AllRights {
			t.Errorf("%d inputs", w.machine.typed())
		}
		asked := len(w.asked())
		tech.Want(consent.RightControl) // has it already
		pass(0)
		if len(w.asked()) != asked {
			t.Error("asked for what was granted")
		}
		tech.End()
		w.over(tech)
		if r := w.record(); r.Allowed != consent.AllRights {
			t.Errorf("allowed %v", r.Allowed)
		}
		want := []session.Act{session.ActBegan, session.ActAsked, session.ActGranted, session.ActDrove, session.ActEnded}
		if !slices.Equal(w.acts(), want) {
			t.Errorf("acts %v, want %v", w.acts(), want)
		}
	})
}

func TestWishesAreDenied(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		w.now(says(0, consent.ErrRefused))
		tech.Want(consent.RightControl)
		pass(0)
		if s := tech.State(); s.Asked != 0 || s.Denials != 1 || s.Rights != viewPoint {
			t.Errorf("refused: %+v", s)
		}
		asked := len(w.asked())
		for range 20 { // a technician who does not take no for an answer
			tech.Want(consent.RightControl)
			pass(100 * time.Millisecond)
		}
		if s := tech.State(); len(w.asked()) != asked || s.Denials != 21 || s.Asked != 0 {
			t.Errorf("%d questions, %d denials", len(w.asked())-asked, s.Denials)
		}
		pass(10 * time.Second)
		w.now(silent)
		tech.Want(consent.RightControl)
		pass(time.Second)
		tech.Want(consent.RightControl) // beside the open question
		pass(time.Second)
		if n := len(w.asked()) - asked; n != 1 {
			t.Errorf("%d questions", n)
		}
		pass(time.Minute)
		if s := tech.State(); s.Asked != 0 || s.Phase != session.TechnicianLive {
			t.Errorf("not answered: %+v", s)
		}
	})
}

func TestWishThatIsReportedEnds(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		w.now(says(0, consent.ErrReported))
		tech.Want(consent.RightControl)
		if s := w.over(tech); s.End != wire.EndReported {
			t.Errorf("ended as %v", s.End)
		}
	})
}

// A cut while the technician's wish is on the screen takes the question away.
func TestCutDuringAWish(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		w.now(silent)
		tech.Want(consent.RightControl)
		pass(time.Second)
		start := time.Now()
		w.host.Cut(wire.EndUserCut)
		w.over(tech)
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestThePersonTakesControlBack(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		tech.Input(&wire.Key{Usage: 4, Down: true})
		pass(0)
		w.host.TakeBack()
		w.host.TakeBack() // again: nothing
		w.say(&wire.Move{X: 1})
		pass(0)
		if n := w.machine.typed(); n != 1 {
			t.Errorf("%d inputs done", n)
		}
		if s := tech.State(); s.Rights != viewPoint || s.Phase != session.TechnicianLive {
			t.Errorf("technician %+v", s)
		}
		if w.machine.held != 0 {
			t.Error("a key is still down")
		}
		tech.Want(consent.RightControl)
		pass(0)
		tech.Input(&wire.Move{X: 2})
		pass(0)
		if n := w.machine.typed(); n != 2 {
			t.Errorf("%d inputs done", n)
		}
	})
}

func TestTheTechnicianGivesBack(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		tech.Point(wire.Point{Monitor: 0, X: 3, Y: 4, Visible: true})
		pass(0)
		tech.Release(consent.RightControl | consent.RightPoint)
		tech.Release(consent.RightControl)
		pass(0)
		if s := tech.State(); s.Rights != consent.RightView {
			t.Errorf("rights %v", s.Rights)
		}
		if w.machine.pointer().Visible {
			t.Error("the pointer stayed")
		}
		if err := tech.Point(wire.Point{}); err != consent.ErrNotGranted {
			t.Errorf("point: %v", err)
		}
		w.say(&wire.Point{X: 1, Y: 1, Visible: true}) // past the technician's own check
		w.say(&wire.Key{Usage: 5, Down: true})
		if w.machine.pointer().Visible || w.machine.typed() != 0 {
			t.Error("the host believed it")
		}
	})
}

func TestPointerStaysOnTheScreens(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		for _, p := range []wire.Point{{Monitor: 5, Visible: true}, {Monitor: 1, X: 1280, Visible: true}, {Monitor: 0, Y: 1080, Visible: true}} {
			tech.Point(p)
		}
		pass(0)
		if n := len(w.machine.points); n != 0 {
			t.Errorf("%+v", w.machine.points)
		}
	})
}

func TestPause(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		tech.Watch([]screen.MonitorID{0})
		pass(time.Second)
		w.host.SetPaused(true)
		w.host.SetPaused(true)
		pass(0)
		if s := tech.State(); s.Pictures != wire.PauseUser || s.Input != wire.PauseUser || s.Rights != consent.AllRights {
			t.Errorf("technician %+v", s)
		}
		if h := w.host.State(); h.Pictures != wire.PauseUser {
			t.Errorf("host %+v", h)
		}
		shows := w.shows(0)
		w.machine.draw(0)
		tech.Input(&wire.Move{})
		pass(time.Minute)
		if w.shows(0) != shows || w.machine.typed() != 0 {
			t.Error("a pause that lets something through")
		}
		w.host.SetPaused(false)
		pass(0)
		if w.shows(0) != shows+1 {
			t.Errorf("%d pictures after the pause", w.shows(0)-shows)
		}
		tech.Input(&wire.Move{})
		pass(0)
		if s := tech.State(); s.Pictures != wire.PauseNone || s.Input != wire.PauseNone || w.machine.typed() != 1 {
			t.Errorf("technician %+v, typed %d", s, w.machine.typed())
		}
	})
}

func TestCoveredBannerHoldsEverything(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.lamp.Cover(true)
		pass(time.Second)
		if s := tech.State(); s.Pictures != wire.PauseLamp || s.Input != wire.PauseLamp {
			t.Errorf("technician %+v", s)
		}
		w.lamp.Cover(false)
		pass(time.Second)
		if s := tech.State(); s.Pictures != wire.PauseNone || s.Phase != session.TechnicianLive {
			t.Errorf("technician %+v", s)
		}
	})
}

// The record tells what the person was kept from seeing, and how often mouse and
// pointer were used with a rest between.
func TestRecordTellsWhatHappened(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		for range 3 {
			tech.Input(&wire.Move{})
			tech.Point(wire.Point{Visible: true})
			pass(time.Second)
			tech.Input(&wire.Move{})
			tech.Point(wire.Point{Visible: true})
			pass(time.Minute)
		}
		tech.Point(wire.Point{})
		w.flicker()
		w.now(hesitant(10 * time.Second))
		w.rest()
		pass(consent.IdleTime + time.Minute)
		w.host.Cut(wire.EndUserCut)
		w.over(tech)
		r := w.record()
		if r.Driven != 3 || r.Pointed != 3 {
			t.Errorf("driven %d times, pointed %d times", r.Driven, r.Pointed)
		}
		var acts []session.Act
		for _, d := range r.Done {
			acts = append(acts, d.Act)
		}
		want := []session.Act{session.ActBegan, session.ActDrove, session.ActPointed, session.ActLampLost, session.ActLampBack,
			session.ActIdle, session.ActStillHere, session.ActEnded}
		if !slices.Equal(acts, want) {
			t.Errorf("done %v, want %v", acts, want)
		}
	})
}

// Idle hands hold the technician's input back, who is told why, until the person says
// that they are there; the pictures go on.
func TestIdleHands(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.now(hesitant(30 * time.Second))
		w.rest()
		pass(consent.IdleTime + time.Second)
		tech.Input(&wire.Move{})
		pass(0)
		if s := tech.State(); s.Input != wire.PausePresence || s.Pictures != wire.PauseNone || w.machine.typed() != 0 {
			t.Errorf("technician %+v, typed %d", s, w.machine.typed())
		}
		pass(30 * time.Second)
		tech.Input(&wire.Move{})
		pass(0)
		if s := tech.State(); s.Input != wire.PauseNone || w.machine.typed() != 1 {
			t.Errorf("technician %+v, typed %d", s, w.machine.typed())
		}
	})
}

// The person at the mouse outranks the technician, who is told so.
func TestYield(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		w.machine.set(func() { w.machine.active = true })
		tech.Input(&wire.Move{})
		pass(0)
		if s := tech.State(); s.Input != wire.PauseLocalInput || s.Pictures != wire.PauseNone {
			t.Errorf("technician %+v", s)
		}
		for range 10 {
			pass(500 * time.Millisecond)
			tech.Input(&wire.Move{})
		}
		pass(0)
		if s := tech.State(); s.Input != wire.PauseLocalInput {
			t.Error("the person goes on, the pause does not")
		}
		w.machine.set(func() { w.machine.active = false })
		pass(3 * time.Second)
		if s := tech.State(); s.Input != wire.PauseNone {
			t.Errorf("still paused by %v", s.Input)
		}
	})
}

func TestDeskThatCannotBeOpened(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.machine.noDesk = errDead
		tech := w.meet(consent.AllRights)
		tech.Input(&wire.ReleaseAll{})
		tech.Input(&wire.Move{})
		pass(0)
		w.machine.set(func() { w.machine.noDesk = nil })
		tech.Input(&wire.Move{}) // too soon to try again
		pass(0)
		if n := w.machine.typed(); n != 0 {
			t.Errorf("%d inputs", n)
		}
		pass(3 * time.Second)
		tech.Input(&wire.Move{})
		pass(0)
		if n := w.machine.typed(); n != 1 || tech.State().Phase != session.TechnicianLive {
			t.Errorf("%d inputs", n)
		}
	})
}

// A flood of input neither holds up nor outlives the cut.
func TestCutUnderAFlood(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		stop := make(chan struct{})
		flooded := make(chan struct{})
		go func() {
			defer close(flooded)
			for tech.Input(&wire.Move{X: 1}) == nil {
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		for w.machine.typed() < 1000 {
			runtime.Gosched() // time stands still: the flood never waits
		}
		w.host.Cut(wire.EndUserCut)
		typed := w.machine.typed()
		synctest.Wait()
		if n := w.machine.typed(); n != typed {
			t.Errorf("%d inputs after the cut", n-typed)
		}
		close(stop)
		<-flooded
		w.over(tech)
	})
}
