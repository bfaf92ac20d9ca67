// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/consent"
)

// A word that nobody closes goes by itself, and by then only.
func TestNoticeGoesByItself(t *testing.T) {
	for after, want := range map[time.Duration]int{noticeTime - time.Millisecond: 1, noticeTime: 0} {
		a, _ := newTestApp(t)
		outside := a.done
		synctest.Test(t, func(t *testing.T) {
			a.done = make(chan struct{}) // of the bubble
			d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView})
			d.show()
			d.finish(context.Canceled)
			time.Sleep(after)
			synctest.Wait()
			if n := said(a, "La demande a été annulée."); n != want {
				t.Errorf("%d windows tell it after %v, want %d", n, after, want)
			}
			close(a.done) // whoever looks at windows here must be the last to touch them
			synctest.Wait()
		})
		a.done = outside
	}
}

// A number that is not the one of yesterday is said to be new, once, in plain sight.
func TestHomeSaysThatTheNumberIsNew(t *testing.T) {
	since := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		moved bool
		since time.Time
		words string
	}{
		{false, time.Time{}, ""}, {true, time.Time{}, "viennent d’un autre ordinateur"},
		{true, since, "viennent d’un autre ordinateur"}, {false, since, "depuis le 02/03/2026"},
	} {
		a, _ := newTestApp(t, func(f *fake) { f.helped.Moved, f.helped.NumberSince = c.moved, c.since })
		a.shown.(*homePage).update()
		if n := said(a, "un nouveau numéro"); (n == 1) != (c.words != "") || c.words != "" && said(a, c.words) != 1 {
			t.Errorf("%+v: said %d times", c, n)
		}
	}
}
