// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"assist/internal/consent"
	"assist/internal/wire"
)

// light is the relative luminance of a colour laid over another.
func light(c, over color.NRGBA) float64 {
	part := func(c, o uint8, a uint8) float64 {
		v := (float64(c)*float64(a) + float64(o)*float64(255-a)) / 255 / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c.R, over.R, c.A) + 0.7152*part(c.G, over.G, c.A) + 0.0722*part(c.B, over.B, c.A)
}

func contrast(a, b color.NRGBA) float64 {
	x, y := light(a, b), light(b, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestContrast(t *testing.T) {
	inks := []fyne.ThemeColorName{theme.ColorNameForeground, colorMuted, theme.ColorNameHyperlink, theme.ColorNameSuccess, theme.ColorNameWarning, theme.ColorNameError}
	papers := []fyne.ThemeColorName{theme.ColorNameBackground, colorCard, theme.ColorNameOverlayBackground, theme.ColorNameMenuBackground, theme.ColorNameInputBackground}
	type couple struct {
		ink, paper fyne.ThemeColorName
		least      float64
	}
	var all []couple
	for _, i := range inks {
		for _, p := range papers {
			all = append(all, couple{i, p, 4.5})
		}
	}
	for _, p := range []fyne.ThemeColorName{colorOKBack, colorWarnBack, colorInfoBack, colorDriveBack} {
		all = append(all, couple{theme.ColorNameForeground, p, 4.5}, couple{colorMuted, p, 4.5})
	}
	all = append(all,
		couple{theme.ColorNameForegroundOnPrimary, theme.ColorNamePrimary, 4.5},
		couple{colorOnDrive, colorDrive, 4.5},
		couple{colorDrive, colorDriveBack, 4.5},
		couple{theme.ColorNameForeground, theme.ColorNameButton, 4.5},
		couple{theme.ColorNamePrimary, colorInfoBack, 4.5},
		couple{theme.ColorNamePlaceHolder, theme.ColorNameInputBackground, 4.5},
		couple{theme.ColorNameInputBorder, theme.ColorNameBackground, 3},
		couple{theme.ColorNameInputBorder, colorCard, 3},
		couple{colorRing, theme.ColorNameBackground, 3},
		couple{colorRing, colorCard, 3},
	)
	for name, set := range map[string]colors{"light": lightColors(), "dark": darkColors()} {
		for _, c := range all {
			ink, ok1 := set[c.ink]
			paper, ok2 := set[c.paper]
			if got := contrast(ink, paper); !ok1 || !ok2 || got < c.least {
				t.Errorf("%s: %s on %s: %.2f, want %.1f", name, c.ink, c.paper, got, c.least)
			}
		}
	}
}

// TestRedIsReserved: only the two drive colours are red.
func TestRedIsReserved(t *testing.T) {
	for name, set := range map[string]colors{"light": lightColors(), "dark": darkColors()} {
		for k, c := range set {
			red := int(c.R) > int(c.G)+90 && int(c.R) > int(c.B)+70 && int(c.G)-int(c.B) < 40
			if red != (k == colorDrive) {
				t.Errorf("%s: %s is %v", name, k, c)
			}
		}
	}
}

func TestTypeScale(t *testing.T) {
	test.NewTempApp(t)
	for percent, want := range map[int][3]float32{0: {34, 20, 14}, 100: {34, 20, 14}, 150: {51, 30, 21}, 200: {68, 40, 28}, 900: {68, 40, 28}} {
		l := NewLook(Preferences{TextSize: percent})
		if got := [3]float32{l.Size(sizeMachine), l.Size(sizeTitle), l.Size(theme.SizeNameText)}; got != want {
			t.Errorf("%d %%: %v", percent, got)
		}
	}
}

func TestDigitsAreTabular(t *testing.T) {
	newTestApp(t)
	wide := fyne.MeasureText("0", 34, fyne.TextStyle{Bold: true}).Width
	for d := range 10 {
		if got := fyne.MeasureText(fmt.Sprint(d), 34, fyne.TextStyle{Bold: true}).Width; got != wide {
			t.Errorf("%d is %v wide, 0 is %v", d, got, wide)
		}
	}
}

// everyPage is every page that can be shown, by name.
func everyPage(a *App, f *fake) map[string]func() {
	f.receipts, f.refusals, f.older = someReceipts(), someRefusals(), 12
	f.recent = []Recent{{Machine: "482917305566", Reason: "Imprimante du 2e étage introuvable", At: f.now}}
	show := func(at place, p page) func() {
		return func() { a.session, a.pages[at], a.place = nil, p, at; a.rebuild(); a.focusFirst() }
	}
	f.helper = HelperState{SignedIn: true, Who: card(), Phase: PhaseReady}
	askForm := newAskPage(a)
	r := &fakeRequest{changed: make(chan struct{}, 1), state: RequestState{Words: [3]string{"citron", "valise", "orage"}}}
	askForm.form.Machine = "482917305567"
	return map[string]func(){
		"home":     show(placeHelped, newHomePage(a)),
		"first":    show(placeFirst, newFirstPage(a)),
		"learn":    show(placeFirst, newLearnPage(a, newFirstPage(a))),
		"join":     show(placeFirst, newJoinPage(a, placeFirst, newFirstPage(a))),
		"trial":    show(placeFirst, newTrialPage(a, newFirstPage(a))),
		"secret":   show(placeFirst, &secretPage{a: a, enrol: fakeEnrolment{f}}),
		"done":     show(placeFirst, &trialDonePage{a: a, login: "camille"}),
		"enrol":    show(placeHelper, newEnrolPage(a, newLoginPage(a, ""))),
		"ask":      show(placeHelper, askForm),
		"wait":     show(placeHelper, newWaitPage(askForm, AskForm{Machine: "482917305566", Reason: "x"}, r)),
		"settings": show(placeSettings, newSettingsPage(a)),
		"receipts": show(placeHelped, newReceiptsPage(a, newHomePage(a))),
		"receipt":  show(placeHelped, &receiptPage{a: a, before: newHomePage(a), receipt: someReceipts()[1]}),
		"refusals": show(placeHelped, newRefusalsPage(a, newHomePage(a))),
		"live": func() {
			f.helped.Live = &Live{Who: card(), Rights: consent.RightView, Since: f.now}
			show(placeHelped, newHomePage(a))()
			f.helped.Live = nil
		},
		"seen": func() {
			f.helped.Live = &Live{Who: card(), Rights: consent.RightView, Since: f.now, Words: checkWords()}
			show(placeHelped, newRefusalsPage(a, newHomePage(a)))()
			f.helped.Live = nil
		},
		"driven": func() {
			f.helped.Live = &Live{Who: card(), Rights: consent.AllRights, Since: f.now, Paused: wire.PauseUser}
			a.session = &sessionPage{a: a}
			a.rebuild()
			a.focusFirst()
			f.helped.Live = nil
		},
		"login": func() {
			f.helper.SignedIn = false
			show(placeHelper, newLoginPage(a, "camille"))()
			f.helper.SignedIn = true
		},
	}
}

// settle lays a window out until wrapped texts know their height.
func settle(w fyne.Window, size fyne.Size) {
	for range 3 {
		w.Resize(size.AddWidthHeight(1, 0))
		w.Resize(size)
	}
}

func TestNothingIsCutAtTwiceTheSize(t *testing.T) {
	for _, lang := range languages() {
		for _, percent := range []int{100, 200} {
			a, f := newTestApp(t, func(f *fake) { f.prefs = Preferences{Language: lang, TextSize: percent} })
			for name, show := range everyPage(a, f) {
				show()
				settle(a.win, fyne.NewSize(1024, 700))
				whole(t, fmt.Sprintf("%s %d %% %s", lang, percent, name), a.win.Content(), 1024)
			}
		}
	}
}

// whole checks that each text, button and box has the room it asks for, inside the
// window's width.
func whole(t *testing.T, where string, root fyne.CanvasObject, width float32) {
	t.Helper()
	if m := root.MinSize(); m.Width > width {
		t.Errorf("%s: needs %v, wider than %v", where, m.Width, width)
	}
	d := fyne.CurrentApp().Driver()
	type box struct {
		label string
		at    image.Rectangle
	}
	var boxes []box
	defer func() {
		for i, a := range boxes {
			for _, b := range boxes[:i] {
				if a.at.Overlaps(b.at) {
					t.Errorf("%s: %q lies over %q", where, a.label, b.label)
				}
			}
		}
	}()
	for _, o := range descend(root) {
		var label string
		switch o := o.(type) {
		case *press:
			label = o.label
		case *check:
			label = o.label
		case *text:
			label = o.seg.Text
		case *widget.Entry:
			label = o.Text
		default:
			continue
		}
		at, size, least := d.AbsolutePositionForObject(o), o.Size(), o.MinSize()
		if size.Width+0.5 < least.Width || size.Height+0.5 < least.Height {
			t.Errorf("%s: %q has %v, needs %v", where, label, size, least)
		}
		if p, ok := o.(*press); !ok || p.content == nil {
			boxes = append(boxes, box{label, image.Rect(int(at.X+1), int(at.Y+1), int(at.X+size.Width-1), int(at.Y+size.Height-1))})
		}
		if at.X < 0 || at.X+size.Width > width+0.5 {
			t.Errorf("%s: %q reaches from %v to %v", where, label, at.X, at.X+size.Width)
		}
	}
}

func TestDialogFitsASmallScreen(t *testing.T) {
	for _, lang := range languages() {
		for _, percent := range []int{100, 200} {
			a, f := newTestApp(t, func(f *fake) { f.prefs = Preferences{Language: lang, TextSize: percent} })
			f.layout = testPrimary()
			f.layout[0].Bounds.Max.X, f.layout[0].Bounds.Max.Y = 1024, 700
			q := consent.Question{Who: card(), Reason: "Imprimante du 2e étage introuvable", Wanted: consent.AllRights, Words: [3]string{"citron", "valise", "orage"}, Monitors: 2}
			d := newQuestion(a, q)
			d.show()
			size := d.win.Canvas().Size()
			scroll := d.win.Content().(*fyne.Container).Objects[0].(*container.Scroll)
			if hidden := scroll.Content.MinSize().Height - scroll.Size().Height; percent == 100 && hidden > 0 {
				t.Errorf("%s: %v of the question are hidden", lang, hidden)
			}
			settle(d.win, size)
			whole(t, fmt.Sprint(lang, percent), d.win.Content(), 1024)
			if size.Height > 700-64 {
				t.Errorf("%s %d %%: %v high", lang, percent, size.Height)
			}
			for _, p := range []*press{d.refuse, d.accept, d.report} {
				at := fyne.CurrentApp().Driver().AbsolutePositionForObject(p)
				if at.Y+p.Size().Height > size.Height {
					t.Errorf("%s %d %%: %q below the edge", lang, percent, p.label)
				}
			}
		}
	}
}

func TestLargeDialogIsDrawnTighter(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.prefs = Preferences{Language: "fr", TextSize: 200} })
	f.layout = testPrimary()
	q := consent.Question{Who: card(), Reason: "Imprimante du 2e étage introuvable", Wanted: consent.AllRights, Words: [3]string{"citron", "valise", "orage"}, Monitors: 2}
	d := newQuestion(a, q)
	d.show()
	settle(d.win, d.win.Canvas().Size())
	scroll := d.win.Content().(*fyne.Container).Objects[0].(*container.Scroll)
	if hidden := scroll.Content.MinSize().Height - scroll.Size().Height; hidden > 0 {
		t.Errorf("%v of the question are hidden at 1280×800", hidden)
	}
}

func TestFitKnowsTheHeightOfWrappedText(t *testing.T) {
	newTestApp(t)
	o := newText("un texte assez long pour tenir sur plusieurs lignes étroites", styleBody())
	if h := fit(o, 120); h < 60 || h != o.MinSize().Height || h != o.Size().Height {
		t.Errorf("%v high, asks for %v, has %v", h, o.MinSize().Height, o.Size().Height)
	}
}

// TestKeyboardReachesAll walks each page by the tab key alone: every control that can be
// used gets the focus, once, from top to bottom.
func TestKeyboardReachesAll(t *testing.T) {
	a, f := newTestApp(t)
	for name, show := range everyPage(a, f) {
		show()
		settle(a.win, fyne.NewSize(1024, 700))
		var want []fyne.Focusable
		for _, o := range descend(a.win.Content()) {
			if o, ok := o.(fyne.Focusable); ok {
				if d, ok := o.(fyne.Disableable); !ok || !d.Disabled() {
					want = append(want, o)
				}
			}
		}
		c := a.win.Canvas()
		c.Unfocus()
		for i, w := range want {
			c.FocusNext()
			if c.Focused() != w {
				t.Errorf("%s: stop %d is %T, want %T", name, i, c.Focused(), w)
			}
		}
	}
}

func TestEscGoesBack(t *testing.T) {
	a, f := newTestApp(t)
	everyPage(a, f)["receipt"]()
	a.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if _, ok := a.shown.(*homePage); !ok {
		t.Errorf("shown %T", a.shown)
	}
}
