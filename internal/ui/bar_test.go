// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"assist/internal/consent"
	"assist/internal/wire"
)

// Whoever is let in for hours reads until which.
func TestSignedInForHoursSaysTheHour(t *testing.T) {
	a, f := newTestApp(t)
	who := consent.Card{Name: "Paul Externe", Unit: "INCI", Until: f.now.Add(4 * time.Hour)}
	if said, hour := a.signedWords(who), who.Until.Local().Format("15:04"); !strings.HasSuffix(said, " à "+hour) {
		t.Errorf("%q, want %s", said, hour)
	}
	who.Until = f.now.Add(60 * 24 * time.Hour)
	if said := a.signedWords(who); !strings.HasSuffix(said, who.Until.Local().Format("02/01/2006")) {
		t.Errorf("%q", said)
	}
}

// Every reason has a sentence for whoever may meet it.
func TestEveryBarHasASentence(t *testing.T) {
	for name, w := range tongues(t) {
		for b := BarNoCharter; b <= BarUnexpected; b++ {
			sides := []string{"bar.there.", "bar.tried."}
			if b <= BarStrange {
				sides = append(sides, "bar.here.") // nothing about one technician
			}
			for _, side := range sides {
				key := barKey(side, b)
				p, known := w.phrases[key]
				if !known || strings.HasSuffix(key, "unknown") || len(strings.Fields(p.Other)) < 4 || !strings.HasSuffix(p.Other, ".") {
					t.Errorf("%s: %s is %q", name, key, p.Other)
				}
			}
		}
	}
	if s := barKey("bar.here.", BarUnexpected+1); s != "bar.here.unknown" {
		t.Errorf("a reason of a later version is %s", s)
	}
}

func TestHomeSaysWhatBarsHelp(t *testing.T) {
	a, f := newTestApp(t)
	h := a.shown.(*homePage)
	a.update()
	if h.bar.said != "" {
		t.Errorf("all is well, and it says %q", h.bar.said)
	}
	f.helped.Bar = BarExpired
	a.update()
	if !strings.Contains(h.bar.said, "ont expiré") || !strings.HasSuffix(h.bar.said, "(C2)") {
		t.Errorf("expired: %q", h.bar.said)
	}
	f.helped.Bar, f.helped.CharterEnds = BarNone, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	a.update()
	if !strings.Contains(h.bar.said, "se terminent le") || !strings.Contains(h.bar.said, "01/12/2026") {
		t.Errorf("ends soon: %q", h.bar.said)
	}
	if got := h.refused.seg.Text; got != "" {
		t.Errorf("nobody was refused, and it says %q", got)
	}
	f.helped.RefusedToday, f.helped.RefusedWhy = 2, BarSource
	a.update()
	if got := h.refused.seg.Text; !strings.Contains(got, "2 tentatives refusées") || !strings.Contains(got, "adresse réseau") {
		t.Errorf("refused: %q", got)
	}
	f.helped.RefusedWhy = BarNone
	a.update()
	if got := h.refused.seg.Text; strings.Contains(got, "dernière") {
		t.Errorf("refused by the person: %q", got)
	}
}

// A receipt that is not there is told with the end of its intervention.
func TestHomeSaysThatAReceiptIsLost(t *testing.T) {
	a, f := newTestApp(t)
	h := a.shown.(*homePage)
	for _, lost := range []bool{false, true} {
		f.helped.Last = &Ending{Why: wire.EndUserCut, At: f.now, Lost: lost}
		a.update()
		if strings.Contains(h.ending.said, "n’a pas pu être écrit") != lost {
			t.Errorf("lost %v: %q", lost, h.ending.said)
		}
	}
}

// It is also said where the person looks then, whatever page is open: once, until it was
// read, and never over a question or a session.
func TestLostReceiptIsSaidAtOnce(t *testing.T) {
	const missing = "n’a pas pu être écrit"
	a, f := newTestApp(t)
	a.turn(placeHelped, newReceiptsPage(a, a.shown))
	tells := func(when string, want int) {
		t.Helper()
		if a.update(); said(a, missing) != want {
			t.Errorf("%s: %d windows say it, want %d", when, said(a, missing), want)
		}
	}
	f.helped.Last = &Ending{Why: wire.EndUserCut, At: f.now}
	tells("written", 0)
	f.helped.Last = &Ending{Why: wire.EndUserCut, At: f.now, Lost: true}
	tells("lost", 1)
	tells("a second later", 1)
	if said(a, "Vous avez coupé. Plus personne n’est connecté. Le reçu") != 1 || said(a, "garde la trace") != 1 || said(a, "Libérez de la place") != 1 {
		t.Error("it does not say what happened, what it means, what to do")
	}
	a.lost.win.Close()
	tells("it was read", 0)
	f.helped.Last = &Ending{Why: wire.EndLocked, At: f.now.Add(time.Hour), Lost: true}
	tells("another", 1)
	f.helped.Live = &Live{Who: card()}
	tells("somebody is connected", 0)
	f.helped.Live, f.helped.Last = nil, &Ending{Why: wire.EndUserCut, At: f.now.Add(2 * time.Hour), Lost: true}
	tells("a third", 1)
	d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightView})
	a.open.Add(1)
	d.show()
	tells("somebody asks", 0)
	f.helped.Last = &Ending{Why: wire.EndUserCut, At: f.now.Add(3 * time.Hour), Lost: true}
	tells("a question is open", 0)
	d.finish(nil)
	a.open.Add(-1)
	tells("and was answered", 1)
}

// Where nothing can be shared the page does not say that it is ready.
func TestHomeSaysWhatThisComputerLacks(t *testing.T) {
	a, f := newTestApp(t)
	h := a.shown.(*homePage)
	for l, want := range map[Lack]string{
		LackX11: "Xorg", LackBanner: "bannière", LackDevices: "c’est bien vous", LackMemory: "jusqu’à 12:04", LackOther: "rouvrez-le",
	} {
		f.helped.Lack, f.helped.LackEnds = l, time.Date(2026, 11, 21, 12, 4, 0, 0, time.Local)
		f.helped.Bar = BarExpired // what is nearer counts
		a.update()
		if !strings.Contains(h.bar.said, want) || h.state.name != "attention" || strings.Contains(h.state.line.seg.Text, "Prêt") {
			t.Errorf("%d: %q, %q", l, h.bar.said, h.state.line.seg.Text)
		}
	}
	f.helped.Live = &Live{Who: card()}
	if a.update(); h.state.name != "eye" {
		t.Errorf("connected: %q", h.state.name)
	}
	f.helped.Live, f.helped.Lack, f.helped.RefusedToday, f.helped.RefusedWhy = nil, LackNone, 1, BarUnable
	a.update()
	if !strings.HasPrefix(h.state.line.seg.Text, "Prêt") || !strings.Contains(h.bar.said, "expiré") {
		t.Errorf("nothing is missing: %q, %q", h.bar.said, h.state.line.seg.Text)
	}
	if got := h.refused.seg.Text; !strings.Contains(got, "ne pouvait pas partager") {
		t.Errorf("refused: %q", got)
	}
}

func TestEveryLackHasASentence(t *testing.T) {
	for name, w := range tongues(t) {
		for l := LackNone + 1; l <= LackOther+1; l++ {
			key := lackKey(l)
			if p := w.phrases[key]; len(strings.Fields(p.Other)) < 10 || strings.HasSuffix(key, "unknown") != (l > LackOther) {
				t.Errorf("%s: %s is %q", name, key, p.Other)
			}
		}
	}
}

func TestAskSaysWhatBarsTheTechnician(t *testing.T) {
	a, f := newTestApp(t)
	f.helper = HelperState{SignedIn: true, Login: "camille", Who: card(), Phase: PhaseReady}
	a.turn(placeHelper, newAskPage(a))
	a.goTo(placeHelper)
	p := a.shown.(*askPage)
	for name, c := range map[string]struct {
		change func(*HelperState)
		says   string
		stops  bool
	}{
		"nothing":           {func(*HelperState) {}, "", false},
		"revoked":           {func(s *HelperState) { s.Bar = BarRevoked }, "a retiré votre autorisation", true},
		"no charter":        {func(s *HelperState) { s.Bar = BarNoCharter }, "pas encore arrivées", true},
		"older offered":     {func(s *HelperState) { s.Bar = BarOlder }, "plus anciennes", false},
		"not written down":  {func(s *HelperState) { s.Bar = BarUnkept }, "n’a pas pu les écrire", false},
		"charter ends":      {func(s *HelperState) { s.CharterEnds = f.now }, "Les règles de votre unité se terminent", false},
		"certificate ends":  {func(s *HelperState) { s.CardEnds = f.now }, "Votre autorisation se termine", false},
		"both, own is said": {func(s *HelperState) { s.CharterEnds, s.CardEnds = f.now, f.now }, "Votre autorisation se termine", false},
	} {
		f.helper = HelperState{SignedIn: true, Login: "camille", Who: card(), Phase: PhaseReady}
		c.change(&f.helper)
		a.update()
		if (c.says == "") != (p.bar.said == "") || !strings.Contains(p.bar.said, c.says) {
			t.Errorf("%s: %q", name, p.bar.said)
		}
		if p.ask.Disabled() != c.stops {
			t.Errorf("%s: asking is disabled: %v", name, p.ask.Disabled())
		}
	}
	if s := a.sentence(errors.Join(&Barred{BarZone})); !strings.Contains(s, "zone à régime restrictif") || !strings.HasSuffix(s, "(C12)") {
		t.Errorf("barred: %q", s)
	}
}

// Another server can be chosen in the settings, unless the administrator chose it or
// somebody is connected.
func TestServerIsChangedInTheSettings(t *testing.T) {
	a, f := newTestApp(t)
	a.goTo(placeSettings)
	s := a.shown.(*settingsPage)
	f.helped.Live = &Live{Who: card(), Since: f.now}
	a.update()
	if !s.change.Disabled() {
		t.Error("could be changed under somebody who is connected")
	}
	f.helped.Live = nil
	a.update()
	test.Tap(s.change)
	j := a.shown.(*joinPage)
	if j.title() != "settings.change" {
		t.Errorf("titled %s", j.title())
	}
	j.back()
	if a.shown != page(s) {
		t.Error("back leads elsewhere")
	}
	a.goTo(placeHelped)
	f.set(func() { f.fixed = true })
	a.goTo(placeSettings)
	if s := a.shown.(*settingsPage); s.change != nil {
		t.Error("what the administrator fixed can be changed")
	}
}
