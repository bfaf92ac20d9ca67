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
		for range 100 {
			if s := w.over(w.ask(viewPoint)); s.Verdict != wire.VerdictRefused {
				t.Fatalf("ended as %+v", s)
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
