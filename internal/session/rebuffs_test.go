// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"errors"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/session"
	"assist/internal/wire"
)

// A technician who asks again and again is soon heard by nobody, and later once more.
func TestAskedAgainAHundredTimes(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(says(0, consent.ErrRefused))
		for n := range 100 {
			want := wire.VerdictRefused
			if n >= 3 { // what nobody was asked, nobody refused
				want = wire.VerdictTooOften
			}
			if s := w.over(w.ask(viewPoint)); s.Verdict != want {
				t.Fatalf("request %d ended as %+v", n, s)
			}
			pass(time.Second)
		}
		h := w.host.State()
		if n := len(w.asked()); n != 3 || h.RefusedToday != 100 || !errors.Is(h.RefusedWhy, session.ErrTooOften) {
			t.Errorf("%d dialogs, %d refused, because %v", n, h.RefusedToday, h.RefusedWhy)
		}
		w.now(says(viewPoint, nil))
		pass(10 * time.Minute)
		tech := w.meet(viewPoint)
		tech.End()
		w.over(tech)
		if n := len(w.asked()); n != 4 {
			t.Errorf("%d dialogs", n)
		}
	})
}

// Silence wears down like a no: three dialogs that nobody answered, and no fourth.
func TestAskedAgainInSilence(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(silent)
		for n := range 5 {
			want := wire.VerdictNoAnswer
			if n >= 3 {
				want = wire.VerdictTooOften
			}
			if s := w.over(w.ask(viewPoint)); s.Verdict != want {
				t.Errorf("request %d ended as %+v", n, s)
			}
		}
		if n := len(w.asked()); n != 3 {
			t.Errorf("%d dialogs", n)
		}
	})
}

// Who withdraws each request before it is answered does not make the dialog come and go
// for ever.
func TestWithdrawnAgainAndAgain(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.now(silent)
		for range 10 {
			tech := w.ask(viewPoint)
			pass(time.Second)
			tech.End()
			w.over(tech)
		}
		if n, why := len(w.asked()), w.host.State().RefusedWhy; n != 6 || !errors.Is(why, session.ErrTooOften) {
			t.Errorf("%d dialogs, refused because %v", n, why)
		}
		w.now(says(viewPoint, nil))
		pass(10 * time.Minute)
		tech := w.meet(viewPoint)
		tech.End()
		w.over(tech)
	})
}

// raw makes the technician's end say something, whatever its own app would allow.
func (w *world) raw(m wire.ToHost) {
	w.t.Helper()
	b, err := wire.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.link().host.in <- b
}

// A technician who wants more again and again puts three questions, not one every ten
// seconds, and still helps with what they have.
func TestWantedWithoutEnd(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		w.now(says(0, consent.ErrRefused))
		for range 9 * 60 { // nine minutes
			for range 20 {
				w.raw(&wire.Want{Rights: uint16(consent.RightControl)})
			}
			pass(time.Second)
		}
		if n := len(w.asked()); n != 1+3 {
			t.Errorf("%d questions", n)
		}
		if h := w.host.State(); h.Phase != session.HostLive || h.Rights != viewPoint {
			t.Errorf("host %+v", h)
		}
		w.now(says(consent.RightControl, nil))
		pass(2 * time.Minute)
		w.raw(&wire.Want{Rights: uint16(consent.RightControl)})
		pass(time.Second)
		if n := len(w.asked()); n != 1+4 || !w.host.State().Rights.Has(consent.RightControl) {
			t.Errorf("later: %d questions", n)
		}
		tech.End()
		w.over(tech)
	})
}

// Who asks and never reads the replies does not keep the host from letting go.
func TestUnreadRepliesHoldNothing(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		w.net.deaf = true
		tech := w.meet(consent.RightView | consent.RightControl)
		w.now(says(0, consent.ErrRefused))
		w.raw(&wire.Want{Rights: uint16(consent.RightPoint)})
		pass(0)
		w.raw(&wire.Key{Usage: 0xe0, Down: true})
		pass(0)
		if w.machine.holds() != 1 {
			t.Fatal("nothing is held")
		}
		w.net.freeze() // nothing leaves the host
		for range 3 {
			w.raw(&wire.Want{Rights: uint16(consent.AllRights)})
		}
		pass(time.Second)
		if w.machine.holds() != 0 {
			t.Error("a key is still held")
		}
		w.over(tech)
	})
}

// Whoever was let in starts over.
func TestYesForgives(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		for range 5 {
			for range 2 {
				w.now(says(0, consent.ErrRefused))
				w.over(w.ask(viewPoint))
			}
			w.now(says(viewPoint, nil))
			tech := w.meet(viewPoint)
			tech.End()
			w.over(tech)
		}
		if n := len(w.asked()); n != 15 {
			t.Errorf("%d dialogs", n)
		}
	})
}
