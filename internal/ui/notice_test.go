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
	for _, moved := range []bool{true, false} {
		a, _ := newTestApp(t, func(f *fake) { f.helped.Moved = moved })
		a.shown.(*homePage).update()
		if n := said(a, "un nouveau numéro"); (n == 1) != moved {
			t.Errorf("moved %v: said %d times", moved, n)
		}
	}
}
