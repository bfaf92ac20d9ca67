// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"image"
	"strings"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/wire"
)

func (w *world) counts() (refined, forgot int) {
	l := w.link()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refined, l.forgot
}

// lastShown is the newest picture that left the host.
func (w *world) lastShown() shown {
	l := w.link()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shown[len(l.shown)-1]
}

func TestPicturesFollowWhatIsWatched(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		tech.Watch([]screen.MonitorID{1})
		pass(time.Second)
		if w.shows(0) != 0 || w.shows(1) != 1 {
			t.Errorf("%d and %d pictures", w.shows(0), w.shows(1))
		}
		for range 5 {
			w.machine.draw(0)
			w.machine.draw(1)
			pass(time.Second)
		}
		if w.shows(0) != 0 || w.shows(1) != 6 {
			t.Errorf("%d and %d pictures", w.shows(0), w.shows(1))
		}
		tech.Watch(nil)
		pass(time.Second)
		w.machine.draw(1)
		pass(time.Second)
		if _, forgot := w.counts(); w.shows(1) != 6 || forgot != 1 {
			t.Errorf("%d pictures, %d forgotten", w.shows(1), forgot)
		}
		tech.Watch([]screen.MonitorID{1, 0})
		pass(time.Second)
		// the last one again, whole, and what changed meanwhile
		if w.shows(0) != 1 || w.shows(1) != 8 {
			t.Errorf("%d and %d pictures", w.shows(0), w.shows(1))
		}
	})
}

// A still screen is sent once more when the technician comes back to it.
func TestStillScreenIsSentAgainWhole(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		tech.Watch([]screen.MonitorID{0})
		pass(time.Second)
		tech.Watch(nil)
		pass(time.Second)
		tech.Watch([]screen.MonitorID{0})
		pass(time.Second)
		last := w.lastShown().frame
		if w.shows(0) != 2 || len(last.Damage) != 1 || last.Damage[0] != image.Rect(0, 0, 1920, 1080) {
			t.Errorf("%d pictures, the last with %v", w.shows(0), last.Damage)
		}
	})
}

// In a quiet moment the last picture is made better, until there is nothing more
// to gain; then nothing is sent any more.
func TestRefinement(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		tech.Watch([]screen.MonitorID{0})
		pass(session.RefineAfter - time.Millisecond)
		if refined, _ := w.counts(); refined != 0 {
			t.Error("refined too early")
		}
		pass(time.Hour / 4)
		if refined, _ := w.counts(); refined != 2 || w.shows(0) != 1 {
			t.Errorf("refined %d times, %d pictures", refined, w.shows(0))
		}
		for range 20 {
			w.machine.draw(0)
			pass(session.RefineAfter / 2)
		}
		if refined, _ := w.counts(); refined != 2 || w.shows(0) != 21 {
			t.Errorf("refined %d times, %d pictures", refined, w.shows(0))
		}
	})
}

// What a pause kept from leaving leaves after it.
func TestPictureHeldByAPauseIsNotLost(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		tech.Watch([]screen.MonitorID{0})
		pass(time.Second)
		w.net.mu.Lock()
		w.net.thawed = make(chan struct{}) // the link is full: Show waits before it may send
		thaw := w.net.thawed
		w.net.mu.Unlock()
		w.machine.draw(0)
		pass(100 * time.Millisecond)
		w.host.SetPaused(true)
		close(thaw)
		pass(time.Second)
		if w.shows(0) != 1 {
			t.Fatalf("%d pictures in a pause", w.shows(0))
		}
		w.host.SetPaused(false)
		pass(time.Second)
		if last := w.lastShown().frame; w.shows(0) != 2 || last.Damage[0].Max != last.Size {
			t.Errorf("%d pictures, the last with %v", w.shows(0), last.Damage)
		}
	})
}

func TestPlugging(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		tech.Watch([]screen.MonitorID{0, 1})
		pass(time.Second)
		both := w.machine.layout
		w.machine.plug(w.machine.without(1))
		pass(time.Second)
		if s := tech.State(); len(s.Layout) != 1 || s.Phase != session.TechnicianLive {
			t.Errorf("unplugged: %+v", s.Layout)
		}
		w.machine.draw(1)
		w.machine.draw(0)
		pass(time.Second)
		if w.shows(1) != 1 || w.shows(0) != 2 {
			t.Errorf("%d and %d pictures", w.shows(0), w.shows(1))
		}
		both[1].Bounds = image.Rect(0, -800, 600, 0)
		w.machine.plug(both)
		pass(time.Second)
		if s := tech.State(); !s.Layout.Equal(both) {
			t.Errorf("plugged in again: %+v", s.Layout)
		}
		if last := w.lastShown().frame; last.Monitor != 1 || last.Size != image.Pt(600, 800) {
			t.Errorf("showed %v of %d", last.Size, last.Monitor)
		}
		pass(10 * time.Second)
	})
}

// A monitor may be gone before the layout says so.
func TestGoneBeforeItIsSaid(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		tech.Watch([]screen.MonitorID{0, 1})
		pass(time.Second)
		both := w.machine.layout
		w.machine.set(func() { w.machine.layout = w.machine.without(1) })
		pass(3 * time.Second)
		if tech.State().Phase != session.TechnicianLive {
			t.Fatal("the session ended with the monitor")
		}
		w.machine.set(func() { w.machine.layout = both })
		w.machine.draw(1)
		pass(time.Second)
		if w.shows(1) != 2 {
			t.Errorf("%d pictures", w.shows(1))
		}
	})
}

// A layout as no honest system gives it is cut down to what may travel.
func TestOddLayouts(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.machine.layout[0].Name = strings.Repeat("é", 80) + "\x00"
		w.machine.changes[0].Layout = append(w.machine.layout, screen.Monitor{ID: 3}, screen.Monitor{ID: 9, Bounds: image.Rect(0, 0, 1, 1)},
			screen.Monitor{ID: 4, Bounds: image.Rect(0, 0, screen.MaxSide+1, 5)})
		tech := w.meet(viewPoint)
		s := tech.State()
		if len(s.Layout) != 2 || s.Layout[0].Name != strings.Repeat("é", 50) {
			t.Errorf("%+v", s.Layout)
		}
	})
}

func TestPointerTravels(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		moved := screen.CursorPlace{Monitor: 1, At: image.Pt(30, 40), Visible: true}
		w.machine.set(func() {
			w.machine.changes = append(w.machine.changes, screen.Change{Place: &moved})
		})
		pass(time.Second)
		if s := tech.State(); s.Place != moved {
			t.Errorf("place %+v", s.Place)
		}
		b, err := wire.Marshal(&wire.Place{Sequence: 1, Monitor: 0})
		if err != nil {
			t.Fatal(err)
		}
		w.link().helper.in <- b // an old one, late
		pass(0)
		if s := tech.State(); s.Place != moved {
			t.Errorf("an old place won: %+v", s.Place)
		}
		w.host.SetPaused(true)
		w.machine.set(func() {
			w.machine.changes = append(w.machine.changes, screen.Change{Place: &screen.CursorPlace{}})
		})
		pass(time.Second)
		if s := tech.State(); s.Place != moved {
			t.Errorf("the pointer moved in a pause: %+v", s.Place)
		}
		w.host.SetPaused(false)
		pass(time.Second)
		if s := tech.State(); s.Place.Visible {
			t.Errorf("after the pause: %+v", s.Place)
		}
	})
}

// On a full link the pointer waits inside the view: a pause is short, and after it
// nothing leaves.
func TestPointerOnAFullLinkMindsThePause(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		before := tech.State().Place
		moved := screen.CursorPlace{Monitor: 1, At: image.Pt(30, 40), Visible: true}
		w.net.mu.Lock()
		w.net.thawed = make(chan struct{})
		thaw := w.net.thawed
		w.net.mu.Unlock()
		w.machine.set(func() { w.machine.changes = append(w.machine.changes, screen.Change{Place: &moved}) })
		pass(0)
		start := time.Now()
		w.host.SetPaused(true)
		if took := time.Since(start); took == 0 || took > 300*time.Millisecond {
			t.Errorf("the pause took %v", took)
		}
		close(thaw)
		pass(time.Second)
		if s := tech.State(); s.Place != before {
			t.Errorf("the pointer left in a pause: %+v", s.Place)
		}
		w.host.SetPaused(false)
		pass(time.Second)
		if s := tech.State(); s.Place != moved {
			t.Errorf("after the pause: %+v", s.Place)
		}
	})
}

// The technician is told when the host is not heard, and for how long.
func TestSilenceIsShown(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(consent.AllRights)
		pass(10 * time.Second)
		if s := tech.State(); !s.Silent.IsZero() {
			t.Errorf("silent since %v", s.Silent)
		}
		w.net.freeze()
		pass(5 * time.Second)
		if s := tech.State(); s.Silent.IsZero() || time.Since(s.Silent) < session.StaleTime {
			t.Errorf("silent since %v", s.Silent)
		}
		w.net.thaw()
		pass(2 * time.Second)
		if s := tech.State(); !s.Silent.IsZero() || s.Phase != session.TechnicianLive {
			t.Errorf("heard again, but %+v", s)
		}
	})
}
