// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"

	"fyne.io/fyne/v2"
)

// settingsPage is language, theme and text size, each of which takes effect at once,
// and the way to another server.
type settingsPage struct {
	a      *App
	change *press // nil before there is a server, and where the administrator chose it
}

func newSettingsPage(a *App) *settingsPage { return &settingsPage{a: a} }

func (s *settingsPage) first() fyne.Focusable { return nil }
func (s *settingsPage) back()                 { s.a.leaveSettings() }

// update keeps the server for as long as somebody is connected through it.
func (s *settingsPage) update() {
	if s.change != nil {
		s.change.enable(s.a.cfg.Helped.State().Live == nil)
	}
}

func (s *settingsPage) build() fyne.CanvasObject {
	a := s.a
	return newPage(
		a.titled(a.say("place.settings"), s.back),
		newCard(
			newField(a.say("settings.language"), s.languages()),
			newField(a.say("settings.theme"), s.themes()),
			newField(a.say("settings.size"), s.sizes(), newText(a.say("settings.sizeHint"), styleMuted())),
		),
		s.server(),
		newText(a.say("settings.about", "version", a.cfg.Version), styleMuted()),
	)
}

// server names the unit's server and leads to another one.
func (s *settingsPage) server() fyne.CanvasObject {
	a, state := s.a, s.a.cfg.Helped.State()
	s.change = nil
	if !state.Joined {
		return space()
	}
	name := newText(plain(state.Server, maxShownReason), styleBody())
	if a.cfg.Joiner.Fixed() {
		return newCard(newField(a.say("settings.server"), name, newText(a.say("settings.fixed"), styleMuted())))
	}
	s.change = tag(a, newPress(a.say("settings.change"), pressPlain, func() {
		a.turn(placeSettings, newJoinPage(a, placeSettings, s))
	}), "change-server")
	return newCard(newField(a.say("settings.server"), name, newText(a.say("settings.changeHint"), styleMuted())), newRow(0, -1, s.change))
}

func (s *settingsPage) languages() fyne.CanvasObject {
	p := s.a.prefs
	return newFlow(8,
		s.choice("language-system", s.a.say("system"), p.Language == "", func(p *Preferences) { p.Language = "" }),
		s.choice("language-french", "Français", p.Language == "fr", func(p *Preferences) { p.Language = "fr" }),
		s.choice("language-english", "English", p.Language == "en", func(p *Preferences) { p.Language = "en" }),
	)
}

func (s *settingsPage) themes() fyne.CanvasObject {
	p := s.a.prefs
	return newFlow(8,
		s.choice("theme-system", s.a.say("system"), p.Theme == "", func(p *Preferences) { p.Theme = "" }),
		s.choice("theme-light", s.a.say("theme.light"), p.Theme == "light", func(p *Preferences) { p.Theme = "light" }),
		s.choice("theme-dark", s.a.say("theme.dark"), p.Theme == "dark", func(p *Preferences) { p.Theme = "dark" }),
	)
}

func (s *settingsPage) sizes() fyne.CanvasObject {
	line := newFlow(8)
	for _, size := range []int{100, 125, 150, 175, 200} {
		line.Add(s.choice(fmt.Sprint("size-", size), s.a.say("settings.percent", "n", fmt.Sprint(size)),
			s.a.prefs.size() == size, func(p *Preferences) { p.TextSize = size }))
	}
	return line
}

// choice is one value; choosing it shows everything in it.
func (s *settingsPage) choice(id, label string, chosen bool, change func(*Preferences)) *press {
	p := tag(s.a, newPress(label, pressChoice, func() { s.a.prefer(change) }), id)
	p.choose(chosen)
	return p
}
