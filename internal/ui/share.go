// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// sharePage is for the owner of a server on this computer: how a second computer joins
// it, and how a further technician is let in.
type sharePage struct {
	a          *App
	before     page
	form       Invitation
	code       string    // of the person invited last
	copied     [2]string // what is on the clipboard: the join code, the enrolment code
	busy       bool
	copy       *press
	copyCode   *press
	fields     [2]*widget.Entry // name, role
	invite     *press
	fault      *notice
	invited    *fyne.Container
	invitation *text
	who        *text
}

func newSharePage(a *App, before page) *sharePage {
	return &sharePage{a: a, before: before, form: Invitation{Role: a.say("trial.roleDefault")}}
}

func (s *sharePage) first() fyne.Focusable { return s.copy }
func (s *sharePage) back()                 { s.a.turn(placeHelped, s.before) }

// build says first what such a server is not.
func (s *sharePage) build() fyne.CanvasObject {
	a := s.a
	warning := a.newNotice()
	warning.show(moodAttention, a.say("share.key"))
	return newPage(
		a.titled(a.say("share.title"), s.back),
		warning.box,
		newText(a.say("trial.doneJoin"), styleBody()),
		s.joinCard(),
		s.inviteCard(),
	)
}

// joinCard is the join code, to be copied or photographed.
func (s *sharePage) joinCard() fyne.CanvasObject {
	a, code := s.a, s.a.cfg.Trial.Code()
	gap := theme.Size(sizeGap)
	s.copy = tag(a, newPress("", pressPrimary, func() { s.take(0, a.cfg.Trial.Code()) }), "copy-join").with(a.icon("copy"))
	how := newText(a.say("share.joinHow"), styleBody())
	words := newStack(gap*0.75, how, newText(a.say("share.joinCode"), styleMuted()),
		tag(a, newText(strings.ReplaceAll(code, "-", " "), styleStrong()), "join-code"), newRow(0, -1, s.copy))
	objs := []fyne.CanvasObject{newText(a.say("share.join"), styleStrong()), newRow(gap*1.5, 1, a.qrPicture(code), words)}
	if strings.HasPrefix(a.cfg.Helped.State().Server, "127.") {
		n := a.newNotice()
		n.show(moodAttention, a.say("share.alone"))
		objs = append(objs, n.box)
	}
	return newCard(objs...)
}

// inviteCard lets one more technician in.
func (s *sharePage) inviteCard() fyne.CanvasObject {
	a := s.a
	s.fault = a.newNotice()
	s.invite = tag(a, newPress("", pressPlain, s.submit), "invite")
	s.fields[0] = tag(a, newEntry(&s.form.Name, s.submit), "invite-name")
	s.fields[1] = tag(a, newEntry(&s.form.Role, s.submit), "invite-role")
	s.copyCode = tag(a, newPress("", pressPlain, func() { s.take(1, s.code) }), "copy-code").with(a.icon("copy"))
	s.invitation = tag(a, newLine("", styleTitle()), "enrolment-code")
	s.who = newText("", styleBody())
	gap := theme.Size(sizeGap)
	s.invited = surface(colorOKBack, theme.ColorNameSuccess, s.who,
		container.New(&ends{gap: gap}, s.invitation, s.copyCode), newText(a.say("share.inviteHow"), styleBody()))
	return newCard(
		newText(a.say("share.invite"), styleStrong()),
		newField(a.say("trial.name"), s.fields[0], newText(a.say("trial.nameHint"), styleMuted())),
		newField(a.say("trial.role"), s.fields[1]),
		s.fault.box,
		newActions(nil, s.invite),
		s.invited,
	)
}

// update shows the code of the person invited last.
func (s *sharePage) update() {
	a := s.a
	s.copy.setLabel(s.copyLabel(0, a.cfg.Trial.Code()))
	s.copyCode.setLabel(s.copyLabel(1, s.code))
	s.invite.enable(!s.busy)
	label := "share.inviteGo"
	if s.busy {
		label = "busy"
	}
	s.invite.setLabel(a.say(label))
	s.invitation.set(s.code)
	if s.code == "" {
		s.invited.Hide()
	} else {
		s.invited.Show()
	}
}

// copyLabel says that this very text is on the clipboard.
func (s *sharePage) copyLabel(i int, now string) string {
	if s.copied[i] != "" && s.copied[i] == now {
		return s.a.say("home.copied")
	}
	return s.a.say("home.copy")
}

// take puts a text on the clipboard.
func (s *sharePage) take(i int, code string) {
	s.a.cfg.App.Clipboard().SetContent(code)
	s.copied = [2]string{}
	s.copied[i] = code
	s.update()
}

// submit invites, once the form lacks nothing.
func (s *sharePage) submit() {
	form := Invitation{Name: strings.TrimSpace(s.form.Name), Role: strings.TrimSpace(s.form.Role)}
	if s.busy {
		return
	}
	if key := firstFault(form.Name == "", "trial.needName", form.Role == "", "trial.needRole"); key != "" {
		s.fault.show(moodAttention, s.a.say(key))
		return
	}
	s.busy = true
	s.fault.fail(nil)
	s.update()
	var code string
	s.a.background(func(ctx context.Context) (err error) {
		code, err = s.a.cfg.Trial.Invite(ctx, form)
		return err
	}, func(err error) {
		s.busy = false
		s.fault.fail(err)
		if err == nil {
			s.welcome(form.Name, code)
		}
		s.update()
	})
}

// welcome shows the code, and until when it is good.
func (s *sharePage) welcome(name, code string) {
	until := s.a.moment(s.a.cfg.Now().Add(24 * time.Hour))
	s.code = code
	s.who.set(s.a.say("share.invited", "name", plain(name, maxShownName), "until", until))
	s.fields[0].SetText("")
}
