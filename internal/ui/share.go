// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// sharePage tells the owner of a server on this computer how a second one joins it.
type sharePage struct {
	a      *App
	before page
	copied string // what was put on the clipboard
	copy   *press
}

func newSharePage(a *App, before page) *sharePage { return &sharePage{a: a, before: before} }

func (s *sharePage) first() fyne.Focusable { return s.copy }
func (s *sharePage) back()                 { s.a.turn(placeHelped, s.before) }

// build has the join code as a picture and as text.
func (s *sharePage) build() fyne.CanvasObject {
	a, code := s.a, s.a.cfg.Trial.Code()
	gap := theme.Size(sizeGap)
	s.copy = tag(a, newPress("", pressPrimary, s.take), "copy-join").with(a.icon("copy"))
	words := newStack(gap*0.75,
		newText(a.say("share.joinHow"), styleBody()),
		newText(a.say("share.joinCode"), styleMuted()),
		tag(a, newText(strings.ReplaceAll(code, "-", " "), styleStrong()), "join-code"),
		newRow(0, -1, s.copy),
	)
	objs := []fyne.CanvasObject{newRow(gap*1.5, 1, a.qrPicture(code), words)}
	if strings.HasPrefix(a.cfg.Helped.State().Server, "127.") {
		n := a.newNotice()
		n.show(moodAttention, a.say("share.alone"))
		objs = append(objs, n.box)
	}
	return newPage(append([]fyne.CanvasObject{a.titled(a.say("share.join"), s.back)}, append(a.trialWarning(), newCard(objs...))...)...)
}

// trialWarning says what such a server is not.
func (a *App) trialWarning() []fyne.CanvasObject {
	n := a.newNotice()
	n.show(moodAttention, a.say("share.key"))
	return []fyne.CanvasObject{n.box, newText(a.say("trial.doneJoin"), styleBody())}
}

func (s *sharePage) update() { s.copy.setLabel(s.a.copyLabel(s.copied, s.a.cfg.Trial.Code())) }

// copyLabel says that this very text was copied, or offers to copy it.
func (a *App) copyLabel(copied, now string) string {
	if copied != "" && copied == now {
		return a.say("home.copied")
	}
	return a.say("home.copy")
}

// take puts the join code on the clipboard.
func (s *sharePage) take() {
	s.copied = s.a.cfg.Trial.Code()
	s.a.cfg.App.Clipboard().SetContent(s.copied)
	s.update()
}
