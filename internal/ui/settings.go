// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"

	"fyne.io/fyne/v2"
)

// settingsPage is language, theme and text size. Each choice takes effect at once.
type settingsPage struct {
	a *App
}

func newSettingsPage(a *App) *settingsPage { return &settingsPage{a: a} }

func (s *settingsPage) first() fyne.Focusable { return nil }
func (s *settingsPage) update()               {}
func (s *settingsPage) back()                 { s.a.leaveSettings() }

func (s *settingsPage) build() fyne.CanvasObject {
	a := s.a
	return newPage(
		a.titled(a.say("place.settings"), s.back),
		newCard(
			newField(a.say("settings.language"), s.languages()),
			newField(a.say("settings.theme"), s.themes()),
			newField(a.say("settings.size"), s.sizes(), newText(a.say("settings.sizeHint"), styleMuted())),
		),
		newText(a.say("settings.about", "version", a.cfg.Version), styleMuted()),
	)
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
