// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"assist/internal/consent"
	"assist/internal/wire"
)

// While somebody sees the screen each page shows the reins, once, above what it shows
// besides; and a page that is there already keeps the focus.
func TestReinsOnEachPage(t *testing.T) {
	const words = "Camille Fontaine (INCI) voit"
	for name, open := range map[string]func(*App, *fake){
		"home":      func(*App, *fake) {},
		"settings":  func(a *App, _ *fake) { a.goTo(placeSettings) },
		"give help": func(a *App, _ *fake) { a.goTo(placeHelper) },
		"receipts":  func(a *App, _ *fake) { a.turn(placeHelped, newReceiptsPage(a, a.pages[placeHelped])) },
		"refusals":  func(a *App, _ *fake) { a.turn(placeHelped, newRefusalsPage(a, a.pages[placeHelped])) },
	} {
		t.Run(name, func(t *testing.T) {
			a, f := newTestApp(t, func(f *fake) { f.receipts, f.refusals = someReceipts(), someRefusals() })
			open(a, f)
			was, focus, below := a.shown, a.win.Canvas().Focused(), a.frame.body.Position().Y
			lend(a, f, consent.RightView)
			if n := said(a, words); n != 1 || a.shown != was || a.win.Canvas().Focused() != focus {
				t.Fatalf("said %d times, on %T, focus on %T", n, a.shown, a.win.Canvas().Focused())
			}
			at := a.frame.strip.box
			if at.Visible() == (name == "home") || at.Visible() && at.Position().Y+at.Size().Height > a.frame.body.Position().Y {
				t.Errorf("visible %v at %v, the page at %v", at.Visible(), at.Position(), a.frame.body.Position())
			}
			f.set(func() { f.helped.Live = nil })
			if a.update(); said(a, words) != 0 || a.frame.body.Position().Y != below {
				t.Errorf("afterwards it is there still, or the page is at %v", a.frame.body.Position())
			}
		})
	}
}

// The reins of a page below do what those at home do, and what is typed stays.
func TestReinsBesideAForm(t *testing.T) {
	a, f := newTestApp(t)
	p := signIn(t, a, f)
	p.reason.SetText("Imprimante")
	a.win.Canvas().Focus(p.reason)
	lend(a, f, consent.RightView)
	s := a.frame.strip.live
	if p.reason.Text != "Imprimante" || a.win.Canvas().Focused() != fyne.Focusable(p.reason) || !reaches(a, s.cut) || !reaches(a, s.hold) || !reaches(a, p.reason) {
		t.Errorf("%q, focus on %T", p.reason.Text, a.win.Canvas().Focused())
	}
	if reaches(a, s.report) || said(a, "citron") != 0 {
		t.Error("it has what can wait")
	}
	test.Tap(s.hold)
	a.win.Canvas().Focus(p.reason)
	f.set(func() { f.helped.Live.Paused = wire.PauseUser })
	if a.update(); said(a, "Vous avez mis en pause") != 1 || s.hold.label != "Continuer le partage" || a.win.Canvas().Focused() != fyne.Focusable(p.reason) {
		t.Errorf("paused, it says %q, and the focus is on %T", s.more.seg.Text, a.win.Canvas().Focused())
	}
	test.Tap(s.cut)
	if len(f.paused) != 1 || !f.paused[0] || len(f.cuts) != 1 || f.cuts[0] != wire.EndUserCut {
		t.Errorf("paused %v, cuts %v", f.paused, f.cuts)
	}
}
