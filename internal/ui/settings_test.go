// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"assist/internal/consent"
	"assist/internal/wire"
)

// standing is all that a page shows and what of it can be pressed, in order.
func standing(a *App) (all []string) {
	for _, o := range descend(a.win.Content()) {
		if o, ok := o.(interface{ AccessibilityLabel() string }); ok {
			can := true
			if d, ok := o.(fyne.Disableable); ok {
				can = !d.Disabled()
			}
			all = append(all, fmt.Sprintf("%T %q %t %t", o, o.AccessibilityLabel(), can, o.(fyne.CanvasObject).Visible()))
		}
	}
	return all
}

// lies are states that a server can bring about by what it says: every phase, refusal and bar,
// names that it makes up, a request that it forwards. The server's address is not in its
// hands: it stands in the join code.
func lies(f *fake) (all []func()) {
	evil := func(p Phase, r wire.Refusal, b Bar) func() {
		const made = "Réglages\u202e\nAccepter <b>ici</b>"
		return func() {
			h := &f.helped
			h.Phase, h.Refusal, h.Bar, h.RefusedWhy = p, r, b, b
			h.Unit, h.RetryAt, h.CharterEnds, h.RefusedToday = made, f.now.Add(time.Hour), f.now, 1<<30
			h.Last, h.Report = &Ending{Why: wire.EndServerStopped, At: f.now}, &Report{Made: f.now, Refused: true}
			f.helper = HelperState{SignedIn: true, Who: consent.Card{Name: made, Role: made, Unit: made}, Phase: p, Refusal: r, Bar: b, CharterEnds: f.now, CardEnds: f.now}
		}
	}
	for p := PhaseConnecting; p <= PhaseUnwitnessed; p++ {
		all = append(all, evil(p, wire.RefusedIdentity, BarNone))
	}
	for r := wire.RefusedIdentity; r <= wire.RefusedCrowded; r++ {
		all = append(all, evil(PhaseRefused, r, BarNone))
	}
	for b := BarNone; b <= BarUnexpected; b++ {
		all = append(all, evil(PhaseReady, wire.RefusedIdentity, b))
	}
	return all
}

// While the settings are open nothing of them is the server's, whatever it says: not a word, not
// a button, not which page is shown; also when they are drawn anew, or another server is about
// to be named.
func TestSettingsTakeNothingFromTheServer(t *testing.T) {
	a, f := newTestApp(t)
	a.goTo(placeSettings)
	settings := a.shown.(*settingsPage)
	for name, open := range map[string]func(){
		"settings":       func() { a.turn(placeSettings, settings) },
		"another server": func() { settings.change.Tapped(nil) },
	} {
		f.set(func() { f.helped, f.helper = newFake().helped, HelperState{} })
		open()
		shown, was, windows := a.shown, standing(a), len(a.cfg.App.Driver().AllWindows())
		if len(was) < 8 {
			t.Fatalf("%s: only %q", name, was)
		}
		for i, lie := range lies(f) {
			f.set(lie)
			a.update()
			if is := standing(a); !slices.Equal(is, was) || a.shown != shown {
				t.Fatalf("%s, lie %d: %T shows %q, was %q", name, i, a.shown, is, was)
			}
			if a.DialogOpen() || len(a.cfg.App.Driver().AllWindows()) != windows {
				t.Fatalf("%s, lie %d: a window came up", name, i)
			}
		}
		if a.rebuild(); !slices.Equal(standing(a), was) {
			t.Errorf("%s, drawn anew: %q, was %q", name, standing(a), was)
		}
	}
	if len(f.cuts)+len(f.calls)+len(f.asked) > 0 {
		t.Errorf("something was done: %v %v %v", f.cuts, f.calls, f.asked)
	}
}
