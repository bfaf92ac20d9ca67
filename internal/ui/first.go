// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// firstPage is the first run: three tiles, never a blank form.
type firstPage struct {
	a    *App
	code *press
}

func newFirstPage(a *App) *firstPage { return &firstPage{a: a} }

func (f *firstPage) first() fyne.Focusable { return f.code }
func (f *firstPage) update()               {}

// build leaves the trial out where this build holds no server.
func (f *firstPage) build() fyne.CanvasObject {
	a := f.a
	f.code = f.tile("code", "first.code", func() { a.turn(placeFirst, newJoinPage(a, placeFirst, f)) })
	tiles := []fyne.CanvasObject{f.code}
	if a.cfg.Trial != nil {
		tiles = append(tiles, f.tile("computer", "first.trial", func() { a.turn(placeFirst, newTrialPage(a, f)) }))
	}
	tiles = append(tiles, f.tile("info", "first.learn", func() { a.turn(placeFirst, newLearnPage(a, f)) }))
	objs := []fyne.CanvasObject{newText(a.say("first.title"), styleTitle()), newText(a.say("first.intro"), styleMuted())}
	return newPage(append(objs, newStack(theme.Size(sizeGap)*0.75, tiles...))...)
}

// tile is one way to begin; key has a title and a line, key.more, below it.
func (f *firstPage) tile(icon, key string, tapped func()) *press {
	a := f.a
	side := theme.Size(theme.SizeNameText) * 2.4
	words := newStack(4, newText(a.say(key), styleStrong()), newText(a.say(key+".more"), styleMuted()))
	content := newRow(side*0.6, 1, a.iconView(icon, theme.ColorNamePrimary, side), words)
	return tag(a, newTile(a.say(key), content, tapped), "tile-"+icon)
}

// learnPage says what the app does and does not, in a few lines.
type learnPage struct {
	a      *App
	before page
	ok     *press
}

func newLearnPage(a *App, before page) *learnPage { return &learnPage{a: a, before: before} }

func (l *learnPage) first() fyne.Focusable { return l.ok }
func (l *learnPage) update()               {}
func (l *learnPage) back()                 { l.a.turn(placeFirst, l.before) }

// build is four promises, each in two lines.
func (l *learnPage) build() fyne.CanvasObject {
	a := l.a
	l.ok = tag(a, newPress(a.say("learn.ok"), pressPrimary, l.back), "ok")
	objs := []fyne.CanvasObject{a.titled(a.say("first.learn"), l.back)}
	for _, key := range []string{"learn.what", "learn.consent", "learn.server", "learn.never"} {
		objs = append(objs, newCard(newText(a.say(key), styleStrong()), newText(a.say(key+".more"), styleBody())))
	}
	return newPage(append(objs, newActions(nil, l.ok))...)
}
