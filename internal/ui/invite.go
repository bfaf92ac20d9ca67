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

// invitationLife is how long an enrolment code of the server on this computer is good.
const invitationLife = 24 * time.Hour

// invitePage lets a further technician in at the server on this computer.
type invitePage struct {
	a       *App
	before  page
	form    Invitation
	code    string // of the person invited last, with name and until
	name    string
	until   time.Time
	copied  string // what was put on the clipboard
	busy    bool
	fields  [2]*widget.Entry // name, role
	invite  *press
	copy    *press
	fault   *notice
	invited *fyne.Container
	number  *text
	who     *text
}

func newInvitePage(a *App, before page) *invitePage {
	return &invitePage{a: a, before: before, form: Invitation{Role: a.say("trial.roleDefault")}}
}

func (p *invitePage) first() fyne.Focusable { return p.fields[0] }
func (p *invitePage) back()                 { p.a.turn(placeHelped, p.before) }

// build has room for the code above the form, where it is seen.
func (p *invitePage) build() fyne.CanvasObject {
	a := p.a
	p.fault = a.newNotice()
	p.invite = tag(a, newPress("", pressPrimary, p.submit), "invite")
	p.fields[0] = tag(a, newEntry(&p.form.Name, p.submit), "invite-name")
	p.fields[1] = tag(a, newEntry(&p.form.Role, p.submit), "invite-role")
	p.fault.mends(&p.busy, nil, p.fields[:]...)
	p.copy = tag(a, newPress("", pressPlain, p.take), "copy-code").with(a.icon("copy"))
	p.number = tag(a, newLine(p.code, styleTitle()), "enrolment-code")
	p.who = newText("", styleBody())
	p.invited = surface(colorOKBack, theme.ColorNameSuccess, p.who,
		container.New(&ends{gap: theme.Size(sizeGap)}, p.number, p.copy), newText(a.say("share.inviteHow"), styleBody()))
	objs := append([]fyne.CanvasObject{a.titled(a.say("share.invite"), p.back)}, a.trialWarning()...)
	return newPage(append(objs, p.invited, newCard(
		newField(a.say("trial.name"), p.fields[0], newText(a.say("trial.nameHint"), styleMuted())),
		newField(a.say("trial.role"), p.fields[1]),
		p.fault.box,
		newActions(nil, p.invite),
	))...)
}

// update shows the code of the person invited last.
func (p *invitePage) update() {
	p.copy.setLabel(p.a.copyLabel(p.copied, p.code))
	p.invite.enable(!p.busy)
	label := "share.inviteGo"
	if p.busy {
		label = "busy"
	}
	p.invite.setLabel(p.a.say(label))
	p.number.set(p.code)
	p.who.set(p.a.say("share.invited", "name", plain(p.name, maxShownName), "until", p.a.moment(p.until)))
	if p.code == "" {
		p.invited.Hide()
	} else {
		p.invited.Show()
	}
}

// take puts the code on the clipboard.
func (p *invitePage) take() {
	p.a.cfg.App.Clipboard().SetContent(p.code)
	p.copied = p.code
	p.update()
}

// submit invites, once the form lacks nothing.
func (p *invitePage) submit() {
	form := Invitation{Name: strings.TrimSpace(p.form.Name), Role: strings.TrimSpace(p.form.Role)}
	if p.busy {
		return
	}
	if key := firstFault(form.Name == "", "trial.needName", form.Role == "", "trial.needRole"); key != "" {
		p.fault.show(moodAttention, p.a.say(key))
		return
	}
	p.busy = true
	p.fault.fail(nil)
	p.update()
	var code string
	p.a.background(func(ctx context.Context) (err error) {
		code, err = p.a.cfg.Trial.Invite(ctx, form)
		return err
	}, func(err error) {
		p.busy = false
		p.fault.fail(err)
		if err == nil {
			p.welcome(form.Name, code)
		}
		p.update()
	})
}

// welcome keeps the code to be shown, and until when it is good.
func (p *invitePage) welcome(name, code string) {
	p.code, p.name, p.until = code, name, p.a.cfg.Now().Add(invitationLife)
	p.fields[0].SetText("")
}
