// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"assist/internal/consent"
	"assist/internal/wire"
)

// driven is an App while somebody drives.
func driven(t *testing.T, change ...func(*fake)) (*App, *fake) {
	t.Helper()
	a, f := newTestApp(t, change...)
	lend(a, f, consent.AllRights)
	return a, f
}

// lend begins an intervention with these rights, or changes them.
func lend(a *App, f *fake, r consent.Rights) {
	f.set(func() {
		f.helped.Live = &Live{Who: card(), Rights: r, Since: f.now.Add(-time.Minute), Words: checkWords()}
	})
	a.update()
}

func checkWords() [3]string { return [3]string{"citron", "valise", "orage"} }

// reinsOf are those that the window shows.
func reinsOf(a *App) *livePart {
	if a.session != nil {
		return a.session.live
	}
	return a.shown.(*homePage).live
}

// focusable lists what the keyboard can reach in the window, in the order of Tab.
func focusable(a *App) []fyne.Focusable {
	var all []fyne.Focusable
	c := a.win.Canvas()
	c.Unfocus()
	for {
		c.FocusNext()
		f := c.Focused()
		if f == nil || len(all) > 0 && f == all[0] {
			return all
		}
		all = append(all, f)
	}
}

// While somebody drives there is the session alone, whatever was open: the keyboard reaches
// its reins and nothing else, and at first not even these.
func TestContainedToTheSession(t *testing.T) {
	for name, open := range map[string]func(*App){
		"home":     func(*App) {},
		"settings": func(a *App) { a.goTo(placeSettings) },
		"another server": func(a *App) {
			a.goTo(placeSettings)
			a.turn(placeSettings, newJoinPage(a, placeSettings, a.pages[placeSettings]))
		},
		"give help": func(a *App) { a.goTo(placeHelper) },
		"receipts":  func(a *App) { a.turn(placeHelped, newReceiptsPage(a, a.pages[placeHelped])) },
		"a receipt": func(a *App) {
			a.turn(placeHelped, &receiptPage{a: a, before: a.pages[placeHelped], receipt: someReceipts()[0]})
		},
		"refusals":  func(a *App) { a.turn(placeHelped, newRefusalsPage(a, a.pages[placeHelped])) },
		"join code": func(a *App) { a.turn(placeHelped, newSharePage(a, a.pages[placeHelped])) },
		"invite":    func(a *App) { a.turn(placeHelped, newInvitePage(a, a.pages[placeHelped])) },
		"a dialog": func(a *App) {
			r := &receiptPage{a: a, before: a.pages[placeHelped], receipt: someReceipts()[0]}
			a.turn(placeHelped, r)
			widget.NewModalPopUp(newPress("Save", pressPrimary, nil), a.win.Canvas()).Show()
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, f := newTestApp(t, func(f *fake) { f.receipts = someReceipts() })
			open(a)
			was, place := a.shown, a.place
			if a.Contained() {
				t.Error("contained while nobody drives")
			}
			lend(a, f, consent.RightView|consent.RightPoint)
			if a.Contained() || a.shown != was {
				t.Error("contained while nobody but the person can do anything")
			}
			lend(a, f, consent.AllRights)
			s, ok := a.shown.(*sessionPage)
			if !ok || !a.Contained() || a.win.Canvas().Focused() != nil || len(a.win.Canvas().Overlays().List()) > 0 {
				t.Fatalf("it shows %T, focus on %T", a.shown, a.win.Canvas().Focused())
			}
			reach := focusable(a)
			reins := []fyne.Focusable{s.live.hold, s.live.take, s.live.cut, s.live.report}
			if len(reach) != len(reins) {
				t.Fatalf("%d things can be reached", len(reach))
			}
			for i := range reins {
				if reach[i] != reins[i] {
					t.Errorf("%q can be reached", reach[i])
				}
			}
			lend(a, f, consent.RightView)
			if a.Contained() || a.shown != was || a.place != place {
				t.Errorf("it comes back as %T", a.shown)
			}
		})
	}
}

// Nothing that goes on behind it brings another page, dialog or header to the window.
func TestContainedWhateverGoesOn(t *testing.T) {
	a, f := driven(t)
	alone := func(what string) {
		t.Helper()
		_, ok := a.shown.(*sessionPage)
		if !ok || !a.Contained() || len(focusable(a)) != 4 || len(a.win.Canvas().Overlays().List()) > 0 {
			t.Errorf("%s: it shows %T, with %d things to reach", what, a.shown, len(focusable(a)))
		}
	}
	other := newReceiptsPage(a, a.pages[placeHelped])
	for what, do := range map[string]func(){
		"a page turns":     func() { a.turn(placeHelped, other) },
		"another place":    func() { a.goTo(placeSettings) },
		"the settings":     a.toggleSettings,
		"joined":           func() { a.joined(placeHelped) },
		"another language": func() { a.speak("en") },
		"another theme":    func() { a.prefer(func(p *Preferences) { p.Theme = "dark" }) },
		"the system's":     func() { a.frame.dark = !a.frame.dark; a.followSystem() },
		"a menu": func() {
			widget.NewPopUp(newPress("Paste", pressPlain, nil), a.win.Canvas()).Show()
			a.update()
		},
		"files": func() { (&receiptPage{a: a, receipt: someReceipts()[0]}).saveAs() },
		"a pause": func() {
			f.set(func() { f.helped.Live.Paused = wire.PauseUser })
			a.update()
		},
		"Escape":        func() { a.win.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: fyne.KeyEscape}) },
		"raised":        a.Raise,
		"another start": func() { a.update(); a.update() },
	} {
		do()
		alone(what)
	}
	f.set(func() { f.helped.Live = nil })
	if a.update(); a.Contained() || a.shown != a.pages[a.place] {
		t.Errorf("afterwards it shows %T", a.shown)
	}
}

// What was begun is there again afterwards.
func TestContainedKeepsWhatWasTyped(t *testing.T) {
	a, f := newTestApp(t)
	p := signIn(t, a, f)
	p.reason.SetText("Imprimante")
	lend(a, f, consent.AllRights)
	if reaches(a, p.reason) {
		t.Error("the form is still there")
	}
	f.set(func() { f.helped.Live = nil })
	a.update()
	if a.shown != page(p) || p.reason.Text != "Imprimante" || !reaches(a, p.reason) {
		t.Errorf("it shows %T with %q", a.shown, p.reason.Text)
	}
}

// reaches says whether the window holds a widget that takes the keyboard.
func reaches(a *App, o fyne.Focusable) bool {
	for _, f := range focusable(a) {
		if f == o {
			return true
		}
	}
	return false
}

// Once somebody drove, only a device goes on after a pause: neither a key that strayed nor
// a program that they left behind, even when they have nothing in hand any more. Anything
// pauses, takes back or cuts.
func TestGoingOnWantsADevice(t *testing.T) {
	space, enter := &fyne.KeyEvent{Name: fyne.KeySpace}, &fyne.KeyEvent{Name: fyne.KeyReturn}
	a, f := driven(t)
	reins := func() *livePart { return reinsOf(a) }
	pause := func(on wire.PauseCause) {
		f.set(func() { f.helped.Live.Paused = on })
		a.update()
	}
	for _, taken := range []bool{false, true} {
		if taken {
			f.set(func() { f.helped.Live.Rights = consent.RightView })
		}
		pause(wire.PauseNone)
		f.set(func() { f.paused, f.real, f.played, f.typing = nil, true, true, true })
		reins().hold.TypedKey(space)
		if len(f.paused) != 1 || !f.paused[0] {
			t.Fatalf("a program cannot pause: %v", f.paused)
		}
		pause(wire.PauseUser)
		reins().hold.TypedKey(space)
		reins().hold.TypedKey(enter)
		f.set(func() { f.typing = false })
		test.Tap(reins().hold)
		f.set(func() { f.real, f.played = false, false })
		test.Tap(reins().hold)
		if len(f.paused) != 1 {
			t.Errorf("taken back %v: a program goes on: %v", taken, f.paused)
		}
		if said := reins().more.seg.Text; !strings.Contains(said, "vraie souris") {
			t.Errorf("said %q", said)
		}
		f.pass(missedTime)
		a.update()
		if said := reins().more.seg.Text; !strings.HasPrefix(said, "Vous avez mis en pause") {
			t.Errorf("said later %q", said)
		}
		f.set(func() { f.real = true })
		test.Tap(reins().hold)
		if len(f.paused) != 2 || f.paused[1] {
			t.Errorf("taken back %v: a device does not go on: %v", taken, f.paused)
		}
	}
	lend(a, f, consent.AllRights)
	for _, p := range []*press{reins().take, reins().cut, reins().report} {
		if p.allow != nil {
			t.Errorf("%q is not anybody's", p.label)
		}
	}
}

// Where nobody ever drove, anything goes on, as anything accepts the first question.
func TestGoingOnWhereNobodyDrove(t *testing.T) {
	a, f := newTestApp(t)
	lend(a, f, consent.RightView)
	f.set(func() { f.helped.Live.Paused = wire.PauseUser })
	a.update()
	reinsOf(a).hold.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if len(f.paused) != 1 || f.paused[0] {
		t.Errorf("paused %v", f.paused)
	}
}
