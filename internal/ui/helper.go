// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// newHelperPage is where the technician's place begins: the form when signed in, the
// login otherwise.
func newHelperPage(a *App) page {
	s := a.cfg.Helper.State()
	if s.SignedIn {
		return newAskPage(a)
	}
	return newLoginPage(a, s.Login)
}

// loginPage signs a technician in.
type loginPage struct {
	a               *App
	login, password string
	note            string // key of what brought the person here, until the next try
	busy            bool
	fields          [2]*widget.Entry
	enter           *press
	fault           *notice
}

func newLoginPage(a *App, login string) *loginPage { return &loginPage{a: a, login: login} }

// first is the password when the login is known.
func (l *loginPage) first() fyne.Focusable {
	if l.login != "" {
		return l.fields[1]
	}
	return l.fields[0]
}

func (l *loginPage) build() fyne.CanvasObject {
	a := l.a
	l.fault = a.newNotice()
	l.showNote()
	l.enter = tag(a, newPress(a.say("login.enter"), pressPrimary, l.submit), "sign-in")
	enrol := tag(a, newPress(a.say("login.enrol"), pressPlain, func() { a.turn(placeHelper, newEnrolPage(a, l)) }), "enrol").with(a.icon("code"))
	l.fields[0] = tag(a, newEntry(&l.login, l.submit), "login")
	l.fields[1] = tag(a, newSecretEntry(&l.password, l.submit), "password")
	l.fault.mends(&l.busy, l.staleNote, l.fields[:]...)
	return newPage(
		newText(a.say("login.title"), styleTitle()),
		newCard(
			newField(a.say("login.login"), l.fields[0]),
			newField(a.say("login.password"), l.fields[1]),
			l.fault.box,
			newActions(nil, l.enter),
		),
		newCard(newText(a.say("login.first"), styleStrong()), newText(a.say("login.firstMore"), styleMuted()), newRow(0, -1, enrol)),
	)
}

// showNote says what brought the person here, when there is something to say.
func (l *loginPage) showNote() {
	switch l.note {
	case "":
	case "refusal.identity.out":
		l.fault.show(moodAttention, l.a.wrongFactor(l.note))
	default:
		l.fault.show(moodOK, l.a.say(l.note))
	}
}

// staleNote forgets a fault that is being mended. Good news stays until the next try.
func (l *loginPage) staleNote() {
	if l.note == "refusal.identity.out" {
		l.note = ""
	}
	l.showNote()
}

// update goes on to the form as soon as the account is signed in.
func (l *loginPage) update() {
	l.enter.enable(!l.busy)
	label := "login.enter"
	if l.busy {
		label = "busy"
	}
	l.enter.setLabel(l.a.say(label))
	if !l.busy && l.a.cfg.Helper.State().SignedIn {
		l.a.turn(placeHelper, newAskPage(l.a))
	}
}

// submit signs in. The password is forgotten here whatever the answer.
func (l *loginPage) submit() {
	login := strings.TrimSpace(l.login)
	if l.busy {
		return
	}
	if key := firstFault(login == "", "login.needLogin", l.password == "", "login.needPassword"); key != "" {
		l.fault.show(moodAttention, l.a.say(key))
		return
	}
	l.busy, l.note = true, ""
	l.fault.fail(nil)
	l.update()
	password := l.password
	l.a.background(func(ctx context.Context) error { return l.a.cfg.Account.Login(ctx, login, password) }, func(err error) {
		l.busy = false
		l.fields[1].SetText("")
		l.fault.failAt("refusal.identity.login", err)
		l.update()
	})
}

// enrolPage turns an enrolment code into an account.
type enrolPage struct {
	a                     *App
	before                *loginPage
	code, password, again string
	busy                  bool
	fields                [3]*widget.Entry
	next                  *press
	fault                 *notice
}

func newEnrolPage(a *App, before *loginPage) *enrolPage { return &enrolPage{a: a, before: before} }

func (e *enrolPage) first() fyne.Focusable { return e.fields[0] }
func (e *enrolPage) back()                 { e.a.turn(placeHelper, newLoginPage(e.a, e.before.login)) }

func (e *enrolPage) build() fyne.CanvasObject {
	a := e.a
	e.fault = a.newNotice()
	e.next = tag(a, newPress(a.say("enrol.next"), pressPrimary, e.submit), "next")
	e.fields[0] = tag(a, newEntry(&e.code, e.submit), "code")
	e.fields[1] = tag(a, newSecretEntry(&e.password, e.submit), "password")
	e.fields[2] = tag(a, newSecretEntry(&e.again, e.submit), "password-again")
	e.fault.mends(&e.busy, nil, e.fields[:]...)
	return newPage(
		a.titled(a.say("enrol.title"), e.back),
		newCard(
			newField(a.say("enrol.code"), e.fields[0], newText(a.say("enrol.codeHint"), styleMuted())),
			newField(a.say("password.choose"), e.fields[1], newText(a.say("password.hint"), styleMuted())),
			newField(a.say("password.again"), e.fields[2]),
			e.fault.box,
			newActions(nil, e.next),
		),
	)
}

func (e *enrolPage) update() {
	e.next.enable(!e.busy)
	label := "enrol.next"
	if e.busy {
		label = "busy"
	}
	e.next.setLabel(e.a.say(label))
}

// submit checks what can be checked here, the rest is the server's.
func (e *enrolPage) submit() {
	code := strings.TrimSpace(e.code)
	if e.busy {
		return
	}
	key := firstFault(code == "", "enrol.needCode")
	if key == "" {
		key = passwordFault(e.password, e.again)
	}
	if key != "" {
		e.fault.show(moodAttention, e.a.say(key))
		return
	}
	e.run(code)
}

// run sends the code; the answer holds the secret to confirm.
func (e *enrolPage) run(code string) {
	e.busy = true
	e.fault.fail(nil)
	e.update()
	password := e.password
	var enrol Enrolment
	e.a.background(func(ctx context.Context) (err error) {
		enrol, err = e.a.cfg.Account.Enrol(ctx, code, password)
		return err
	}, func(err error) {
		e.busy = false
		e.fault.failAt("refusal.identity.enrol", err)
		e.update()
		if err == nil {
			e.confirm(enrol)
		}
	})
}

// confirm shows the secret, then leads to the login.
func (e *enrolPage) confirm(enrol Enrolment) {
	e.password, e.again = "", ""
	a := e.a
	a.turn(placeHelper, &secretPage{a: a, enrol: enrol, leave: e.back, done: func() {
		l := newLoginPage(a, enrol.Secret().Login)
		l.note = "enrol.done"
		a.turn(placeHelper, l)
	}})
}

// signedLine says who is signed in, until when, and signs out.
func (a *App) signedLine(state *statusLine) fyne.CanvasObject {
	out := tag(a, newPress(a.say("ask.signOut"), pressQuiet, func() {
		a.cfg.Account.Logout()
		a.turn(placeHelper, newLoginPage(a, a.cfg.Helper.State().Login))
	}), "sign-out")
	return newRow(theme.Size(sizeGap), 0, state.row, out)
}

// thrownOut goes back to the login of a technician whom the server no longer takes.
func (a *App) thrownOut() {
	a.cfg.Account.Logout()
	l := newLoginPage(a, a.cfg.Helper.State().Login)
	l.note = "refusal.identity.out"
	a.turn(placeHelper, l)
}
