// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"

	"assist/internal/refusal"
)

// Whatever a line may hold has a sentence, so that nobody reads a key.
func TestEveryRefusalHasASentence(t *testing.T) {
	var keys []string
	for _, what := range refusal.Whats() {
		keys = append(keys, "refusals.what."+wordKey(what))
	}
	for _, why := range refusal.Whys() {
		keys = append(keys, "refusals.why."+wordKey(why))
	}
	for name, w := range tongues(t) {
		for _, k := range keys {
			p, ok := w.phrases[k]
			if n := len(strings.Fields(p.Other)); !ok || n < 3 && k != "refusals.why.refused" || !strings.HasSuffix(p.Other, ".") {
				t.Errorf("%s: %s is no sentence: %q", name, k, p.Other)
			}
		}
	}
}

// tiles are the lines that a page of refusals shows, from the top.
func tiles(a *App) (all []*press) {
	for _, o := range descend(a.win.Content()) {
		if p, ok := o.(*press); ok && p.kind == pressTile {
			all = append(all, p)
		}
	}
	return all
}

// From the home page one button leads to who asked and when, and what became of it.
func TestRefusalsAreTold(t *testing.T) {
	a, f := newTestApp(t)
	f.refusals, f.older = someRefusals(), 12
	press := func(label string) {
		t.Helper()
		for _, o := range descend(a.win.Content()) {
			if p, ok := o.(interface{ AccessibilityLabel() string }); ok && p.AccessibilityLabel() == label {
				o.(fyne.Tappable).Tapped(nil)
				return
			}
		}
		t.Fatalf("nothing says %q", label)
	}
	press(a.say("home.refusals"))
	all := tiles(a)
	if len(all) != len(f.refusals) {
		t.Fatalf("%d lines", len(all))
	}
	const side = "Côté «\u00a0Obtenir de l’aide\u00a0». "
	for i, want := range []string{
		"Camille Fontaine a demandé à vous aider. Vous n’avez pas répondu à temps, ce qui vaut refus. " + side +
			"Nom prouvé par le certificat de votre unité. 2 fois ce jour-là, depuis " + f.refusals[0].First.Local().Format("15:04") + ".",
		"Une demande d’aide a été refusée. La signature n’était pas la bonne. " + side + "Aucun nom n’a été prouvé.",
	} {
		if all[i].AccessibilityLabel() != want {
			t.Errorf("%q, want %q", all[i].label, want)
		}
	}
	if !shows(a, "12 plus anciennes ne sont plus affichées.") {
		t.Error("the older ones are not told")
	}
	a.shown.(*refusalsPage).back()
	if _, ok := a.shown.(*homePage); !ok {
		t.Errorf("back leads to %T", a.shown)
	}
}

// shows reports whether a text stands on the page.
func shows(a *App, s string) bool {
	for _, o := range descend(a.win.Content()) {
		if o, ok := o.(*text); ok && o.seg.Text == s {
			return true
		}
	}
	return false
}

// The list is bounded, what is beyond is counted, and a name from elsewhere is plain text.
func TestRefusalsAreBounded(t *testing.T) {
	a, f := newTestApp(t)
	one := Refusal{First: f.now, Last: f.now, What: "request", Why: "refused", Who: "A\u202enne\n" + strings.Repeat("x", 200), Count: 3}
	for range maxListed + 5 {
		f.refusals = append(f.refusals, one)
	}
	f.older = 7
	p := newRefusalsPage(a, newHomePage(a))
	a.turn(placeHelped, p)
	if n := len(tiles(a)); n != maxListed || p.older != 7+5*3 {
		t.Errorf("%d lines, %d older", n, p.older)
	}
	if said := tiles(a)[0].label; strings.ContainsAny(said, "\u202e\n") || !strings.Contains(said, "A nne") && !strings.Contains(said, "Anne") || len(said) > 400 {
		t.Errorf("%q", said)
	}
	f.refusals, f.older = nil, 0
	a.turn(placeHelped, newRefusalsPage(a, newHomePage(a)))
	if !shows(a, a.say("refusals.none")) || a.win.Canvas().Focused() != nil {
		t.Errorf("an empty list, with the focus on %v", a.win.Canvas().Focused())
	}
}

// What is refused while the page is open shows there, and takes the focus from no line.
func TestRefusalsShowWhileThePageIsOpen(t *testing.T) {
	a, f := newTestApp(t)
	a.turn(placeHelped, newRefusalsPage(a, newHomePage(a)))
	a.update()
	if len(tiles(a)) != 0 {
		t.Fatal("lines of nothing")
	}
	f.refusals = []Refusal{{First: f.now, Last: f.now, What: "request", Why: "zone", Who: "Paul Externe", Count: 1}}
	a.update()
	all := tiles(a)
	if len(all) != 1 || !strings.Contains(all[0].label, "Paul Externe") || shows(a, a.say("refusals.none")) {
		t.Fatalf("%d lines", len(all))
	}
	a.win.Canvas().Focus(all[0])
	f.refusals[0].Count++
	f.refusals = append([]Refusal{{First: f.now, Last: f.now, What: "request", Why: "signature", Count: 1}}, f.refusals...)
	a.update()
	if all = tiles(a); len(all) != 2 || a.win.Canvas().Focused() != all[1] || !strings.Contains(all[1].label, "2 fois") {
		t.Errorf("%d lines, the focus is on %v", len(all), a.win.Canvas().Focused())
	}
	a.update()
	if tiles(a)[0] != all[0] {
		t.Error("drawn anew though nothing changed")
	}
}

// Whoever goes through a long page by the keyboard sees where they are; what lies below the
// pointer stays there.
func TestTheFocusIsInSight(t *testing.T) {
	a, f := newTestApp(t)
	for range 30 {
		f.refusals = append(f.refusals, Refusal{First: f.now, Last: f.now.Add(-time.Hour), What: "request", Why: "refused", Count: 1})
	}
	a.turn(placeHelped, newRefusalsPage(a, newHomePage(a)))
	settle(a.win, fyne.NewSize(1024, 700))
	scroll := a.frame.body.Objects[0].(*container.Scroll)
	d, all := fyne.CurrentApp().Driver(), tiles(a)
	seen := func(p *press) bool {
		y := d.AbsolutePositionForObject(p).Y - d.AbsolutePositionForObject(scroll).Y
		return y >= 0 && y+p.Size().Height <= scroll.Size().Height
	}
	if seen(all[29]) {
		t.Fatal("the page is not long enough for this test")
	}
	for i := range 29 {
		if a.win.Canvas().FocusNext(); a.win.Canvas().Focused() != all[i+1] || !seen(all[i+1]) {
			t.Fatalf("line %d is out of sight", i+1)
		}
	}
	for i := 28; i >= 0; i-- {
		if a.win.Canvas().FocusPrevious(); !seen(all[i]) {
			t.Fatalf("line %d is out of sight on the way back", i)
		}
	}
	at := scroll.Offset
	all[29].MouseIn(&desktop.MouseEvent{})
	a.win.Canvas().Focus(all[29])
	if scroll.Offset != at {
		t.Error("a click moved what it was on")
	}
}
