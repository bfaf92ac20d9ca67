// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// trialPage starts a server on this computer and enrols its first technician.
type trialPage struct {
	a      *App
	before page
	form   TrialForm
	again  string
	busy   bool
	fields [4]*widget.Entry // name, role, password, again
	start  *press
	fault  *notice
}

// newTrialPage proposes a role, since it is seldom thought of.
func newTrialPage(a *App, before page) *trialPage {
	return &trialPage{a: a, before: before, form: TrialForm{Role: a.say("trial.roleDefault")}}
}

func (t *trialPage) first() fyne.Focusable { return t.fields[0] }
func (t *trialPage) back()                 { t.a.turn(placeFirst, t.before) }

func (t *trialPage) build() fyne.CanvasObject {
	a := t.a
	t.fault = a.newNotice()
	t.start = tag(a, newPress(a.say("trial.start"), pressPrimary, t.submit), "start-trial")
	t.fields[0] = tag(a, newEntry(&t.form.Name, t.submit), "name")
	t.fields[1] = tag(a, newEntry(&t.form.Role, t.submit), "role")
	t.fields[2] = tag(a, newSecretEntry(&t.form.Password, t.submit), "password")
	t.fields[3] = tag(a, newSecretEntry(&t.again, t.submit), "password-again")
	t.fault.mends(&t.busy, nil, t.fields[:]...)
	return newPage(
		a.titled(a.say("first.trial"), t.back),
		newText(a.say("trial.intro"), styleBody()),
		newCard(
			newField(a.say("trial.name"), t.fields[0], newText(a.say("trial.nameHint"), styleMuted())),
			newField(a.say("trial.role"), t.fields[1]),
			newField(a.say("password.choose"), t.fields[2], newText(a.say("password.hint"), styleMuted())),
			newField(a.say("password.again"), t.fields[3]),
			t.fault.box,
			newActions(nil, t.start),
		),
	)
}

func (t *trialPage) update() {
	t.start.enable(!t.busy)
	label := "trial.start"
	if t.busy {
		label = "busy"
	}
	t.start.setLabel(t.a.say(label))
}

// submit checks the form, then starts the server.
func (t *trialPage) submit() {
	if t.busy {
		return
	}
	form := t.form
	form.Name, form.Role = strings.TrimSpace(form.Name), strings.TrimSpace(form.Role)
	if key := firstFault(form.Name == "", "trial.needName", form.Role == "", "trial.needRole"); key != "" {
		t.fault.show(moodAttention, t.a.say(key))
		return
	}
	if key := passwordFault(form.Password, t.again); key != "" {
		t.fault.show(moodAttention, t.a.say(key))
		return
	}
	t.run(form)
}

// run starts the server; making its keys takes some seconds.
func (t *trialPage) run(form TrialForm) {
	t.busy = true
	t.fault.show(moodInfo, t.a.say("trial.starting"))
	t.update()
	var enrol Enrolment
	t.a.background(func(ctx context.Context) (err error) {
		enrol, err = t.a.cfg.Trial.Start(ctx, form)
		return err
	}, func(err error) {
		t.busy = false
		t.fault.fail(err)
		t.update()
		if err == nil {
			t.confirm(enrol)
		}
	})
}

// confirm goes on to the secret. The server stays when the person gives up there: they
// start over as the technician they named.
func (t *trialPage) confirm(enrol Enrolment) {
	t.form.Password, t.again = "", ""
	t.a.turn(placeFirst, &secretPage{a: t.a, enrol: enrol, leave: t.back, done: func() {
		t.a.turn(placeFirst, &trialDonePage{a: t.a, login: enrol.Secret().Login})
	}})
}

// minPassword is what a server asks for unless its administrator allows less; the
// server has the last word.
const minPassword = 15

// passwordFault is the text of what is wrong with a chosen password, or empty.
func passwordFault(chosen, again string) string {
	return firstFault(
		len([]rune(chosen)) < minPassword, "password.short",
		chosen != again, "password.differ",
	)
}

// firstFault takes pairs of a condition and its text, and returns the first that holds.
func firstFault(pairs ...any) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if wrong, _ := pairs[i].(bool); wrong {
			key, _ := pairs[i+1].(string)
			return key
		}
	}
	return ""
}

// trialDonePage says what to do next.
type trialDonePage struct {
	a     *App
	login string
	ok    *press
}

func (d *trialDonePage) first() fyne.Focusable { return d.ok }
func (d *trialDonePage) update()               {}

func (d *trialDonePage) build() fyne.CanvasObject {
	a := d.a
	d.ok = tag(a, newPress(a.say("trial.finish"), pressPrimary, d.finish), "finish")
	side := theme.Size(theme.SizeNameText) * 2.4
	head := newRow(side*0.4, 1, a.iconView("check", theme.ColorNameSuccess, side), newText(a.say("trial.done"), styleTitle()))
	return newPage(
		head,
		newCard(
			newText(a.say("trial.doneHelped"), styleBody()),
			newText(a.say("trial.doneHelper", "login", plain(d.login, maxShownName)), styleBody()),
			newText(a.say("trial.doneJoin"), styleBody()),
		),
		newActions(nil, d.ok),
	)
}

// finish leaves the first run; the technician's place knows who was enrolled.
func (d *trialDonePage) finish() {
	d.a.turn(placeHelper, newLoginPage(d.a, d.login))
	d.a.joined(placeHelped)
}
