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
	a, _ := newTestApp(t)
	outside := a.done
	defer func() { a.done = outside }()
	synctest.Test(t, func(t *testing.T) {
		a.done = make(chan struct{}) // of the bubble
		d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView})
		d.show()
		d.finish(context.Canceled)
		time.Sleep(noticeTime - time.Millisecond)
		synctest.Wait()
		if n := said(a, "La demande a été annulée."); n != 1 {
			t.Errorf("%d windows tell it, %v after", n, noticeTime)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if n := said(a, "La demande a été annulée."); n != 0 {
			t.Errorf("%d windows still tell it", n)
		}
	})
}
