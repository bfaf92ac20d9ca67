// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// frame is what stays round the pages: places at the left, language, theme and settings
// at the right.
type frame struct {
	helped, helper  *press
	french, english *press
	variant         *press
	settings        *press
	strip           strip
	body            *fyne.Container
	dark            bool // the variant that all of it was drawn in
}

// rebuild makes the window's content anew, in the language and look of now.
func (a *App) rebuild() {
	a.frame.dark = a.isDark()
	a.frame.body, a.frame.strip = container.NewStack(), newStrip(a)
	a.win.SetContent(container.New(&frameLayout{}, newStack(0, a.header(), a.frame.strip.box), a.frame.body))
	a.present(a.current())
}

// frameLayout puts the header at the top, however many lines it takes, and gives the
// body the rest.
type frameLayout struct{}

func (*frameLayout) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	h := fit(objs[0], size.Width)
	objs[1].Move(fyne.NewPos(0, h))
	objs[1].Resize(fyne.NewSize(size.Width, fyne.Max(0, size.Height-h)))
}

func (*frameLayout) MinSize(objs []fyne.CanvasObject) fyne.Size {
	top, body := objs[0].MinSize(), objs[1].MinSize()
	return fyne.NewSize(fyne.Max(top.Width, body.Width), top.Height+body.Height)
}

// header is built anew with the rest, so it always speaks the language of now.
func (a *App) header() fyne.CanvasObject {
	f := &a.frame
	f.helped = tag(a, newPress(a.say("place.helped"), pressTab, func() { a.goTo(placeHelped) }), "tab-helped")
	f.helper = tag(a, newPress(a.say("place.helper"), pressTab, func() { a.goTo(placeHelper) }), "tab-helper")
	f.french = tag(a, newPress("FR", pressChoice, func() { a.speak("fr") }), "language-fr")
	f.english = tag(a, newPress("EN", pressChoice, func() { a.speak("en") }), "language-en")
	f.french.choose(a.tongue.code == "fr")
	f.english.choose(a.tongue.code == "en")
	f.variant = a.variantPress()
	f.settings = tag(a, newPress(a.say("place.settings"), pressQuiet, a.toggleSettings), "settings").with(a.icon("settings"))
	places := newRow(8, -1, f.helped, f.helper)
	tools := newRow(theme.Size(theme.SizeNameText), -1, newRow(6, -1, f.french, f.english), f.variant, f.settings)
	if a.session != nil {
		tools = newRow(0, -1)
	}
	if a.session != nil || a.place == placeFirst {
		places = newRow(4, -1, newLine("Assist", styleTitle()))
	}
	back := canvas.NewRectangle(theme.Color(colorCard))
	line := canvas.NewRectangle(theme.Color(colorLine))
	bar := container.New(&inset{wide: 20, high: 8}, container.New(&ends{gap: 16}, places, tools))
	return container.NewStack(back, container.NewBorder(nil, line1(line), nil, nil, bar))
}

// line1 is a hairline.
func line1(r *canvas.Rectangle) fyne.CanvasObject {
	r.SetMinSize(fyne.NewSize(1, 1))
	return r
}

// variantPress goes to the other theme, and is named after it.
func (a *App) variantPress() *press {
	other, name := "dark", "moon"
	if a.isDark() {
		other, name = "light", "sun"
	}
	p := newPress(a.say("theme."+other), pressQuiet, func() {
		a.prefer(func(p *Preferences) { p.Theme = other })
	})
	return tag(a, p, "theme").with(a.icon(name))
}

// isDark says which variant is shown.
func (a *App) isDark() bool {
	if a.prefs.Theme != "" {
		return a.prefs.Theme == "dark"
	}
	return a.cfg.App.Settings().ThemeVariant() == theme.VariantDark
}

// speak changes the language at once.
func (a *App) speak(language string) {
	a.prefer(func(p *Preferences) { p.Language = language })
}

// toggleSettings opens the settings, or leaves them.
func (a *App) toggleSettings() {
	if a.place == placeSettings {
		a.leaveSettings()
		return
	}
	a.goTo(placeSettings)
}

// leaveSettings goes back to where the person was.
func (a *App) leaveSettings() {
	if _, first := a.pages[placeFirst]; first {
		a.goTo(placeFirst)
		return
	}
	a.goTo(placeHelped)
}

// goTo shows another place.
func (a *App) goTo(p place) {
	if p == a.place {
		return
	}
	a.place = p
	a.rebuild()
	a.focusFirst()
}

// turn puts another page in a place, and shows it if the place is shown.
func (a *App) turn(at place, p page) {
	a.dropTask(at)
	a.pages[at] = p
	if a.place == at && a.session == nil {
		a.present(p)
		a.focusFirst()
	}
}

// joined ends the first run.
func (a *App) joined(at place) {
	a.dropTask(placeFirst)
	delete(a.pages, placeFirst)
	a.place = at
	a.rebuild()
	a.focusFirst()
}

// present shows a page in the body.
func (a *App) present(p page) {
	a.shown = p
	a.frame.helped.choose(a.place == placeHelped)
	a.frame.helper.choose(a.place == placeHelper)
	a.frame.body.Objects = []fyne.CanvasObject{p.build()}
	p.update()
	a.frame.body.Refresh()
	a.showStrip(a.cfg.Helped.State().Live)
}

// focusFirst puts the focus where the page wants it. A page begins at its top all the same: what
// stands there matters most.
func (a *App) focusFirst() {
	if f := a.shown.first(); f != nil {
		a.win.Canvas().Focus(f)
		if s, ok := a.frame.body.Objects[0].(*container.Scroll); ok {
			s.ScrollToTop()
		}
		return
	}
	a.win.Canvas().Unfocus()
}

// ends puts one object at the left and one at the right, or the second below the first
// when both do not fit.
type ends struct {
	gap  float32
	wide float32 // the width of the last layout
}

func (e *ends) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	e.wide = size.Width
	l, r := objs[0].MinSize(), objs[1].MinSize()
	objs[0].Resize(l)
	objs[1].Resize(r)
	if e.stacked(l, r) {
		objs[0].Move(fyne.NewPos(0, 0))
		objs[1].Move(fyne.NewPos(0, l.Height+e.gap/2))
		return
	}
	objs[0].Move(fyne.NewPos(0, (size.Height-l.Height)/2))
	objs[1].Move(fyne.NewPos(size.Width-r.Width, (size.Height-r.Height)/2))
}

// stacked says whether the second object goes below the first.
func (e *ends) stacked(l, r fyne.Size) bool {
	return e.wide > 0 && l.Width+e.gap+r.Width > e.wide
}

func (e *ends) MinSize(objs []fyne.CanvasObject) fyne.Size {
	l, r := objs[0].MinSize(), objs[1].MinSize()
	if e.stacked(l, r) {
		return fyne.NewSize(fyne.Max(l.Width, r.Width), l.Height+r.Height+e.gap/2)
	}
	return fyne.NewSize(fyne.Max(l.Width, r.Width), fyne.Max(l.Height, r.Height))
}
