// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"assist/internal/consent"
	"assist/internal/wire"
)

// askPage is where a technician asks to help: number, reason, code, rights.
type askPage struct {
	a       *App
	form    AskForm
	busy    bool
	last    error // how the request before ended
	machine *widget.Entry
	reason  *widget.Entry
	totp    *widget.Entry
	hint    *statusLine
	state   *statusLine
	fault   *notice
	bar     *notice
	ask     *press
	recents *fyne.Container
}

// newAskPage asks to see and to point, as most requests do.
func newAskPage(a *App) *askPage {
	return &askPage{a: a, form: AskForm{Rights: consent.RightView | consent.RightPoint}}
}

// first is the first field that still lacks something.
func (p *askPage) first() fyne.Focusable {
	switch {
	case p.a.cfg.Check(p.form.Machine) != nil:
		return p.machine
	case p.form.Reason == "":
		return p.reason
	}
	return p.totp
}

// build puts the number first, since it is being said on the phone.
func (p *askPage) build() fyne.CanvasObject {
	a := p.a
	p.fields()
	p.hint, p.state, p.fault, p.bar = a.newStatusLine(), a.newStatusLine(), a.newNotice(), a.newNotice()
	tag(a, p.hint.line, "machine-hint")
	p.fault.failAt("refusal.identity.ask", p.last)
	p.fault.mends(&p.busy, func() { p.last = nil }, p.machine, p.reason, p.totp)
	p.ask = tag(a, newPress("", pressPrimary, p.submit), "connect")
	p.recents = newStack(6)
	p.listRecents()
	gap := theme.Size(sizeGap)
	return newPage(
		a.signedLine(p.state),
		p.bar.box,
		newCard(
			newField(a.say("ask.machine"), digitField(p.machine, 13, p.hint.row)),
			newField(a.say("ask.reason"), p.reason),
			newField(a.say("ask.totp"), digitField(p.totp, 7, newText(a.say("ask.totpHint"), styleMuted()))),
			newField(a.say("ask.rights"), newFlow(gap, p.checks()...)),
			p.fault.box,
			newActions(nil, p.ask),
		),
		p.recents,
	)
}

// fields are the three that are typed in.
func (p *askPage) fields() {
	a := p.a
	p.machine = tag(a, newMachineEntry(&p.form.Machine, p.update, p.submit), "machine-number")
	p.reason = tag(a, newEntry(&p.form.Reason, p.submit), "reason")
	p.reason.SetPlaceHolder(a.say("ask.reasonExample"))
	p.totp = tag(a, newTOTPEntry(&p.form.TOTP, p.submit), "totp")
}

// checks are the rights to ask for. To see is the least there is, so it stays on.
func (p *askPage) checks() []fyne.CanvasObject {
	a := p.a
	var out []fyne.CanvasObject
	for _, r := range rightsInOrder() {
		c := tag(a, a.newCheck(a.say("ask."+r.String()), p.form.Rights.Has(r), func(on bool) { p.want(r, on) }), "right-"+r.String())
		if r == consent.RightView {
			c.Disable()
		}
		out = append(out, c)
	}
	return out
}

// rightsInOrder are the steps of the ladder.
func rightsInOrder() []consent.Rights {
	return []consent.Rights{consent.RightView, consent.RightPoint, consent.RightControl}
}

// want follows a box.
func (p *askPage) want(r consent.Rights, on bool) {
	p.form.Rights &^= r
	if on {
		p.form.Rights |= r
	}
}

// update follows the connection; the login comes back when the account was signed out.
func (p *askPage) update() {
	s := p.a.cfg.Helper.State()
	if !s.SignedIn {
		p.a.turn(placeHelper, newLoginPage(p.a, s.Login))
		return
	}
	if s.Phase == PhaseRefused && s.Refusal == wire.RefusedIdentity {
		p.a.thrownOut()
		return
	}
	p.a.showPhase(p.state, s.Phase, s.RetryAt, s.Refusal)
	if s.Phase == PhaseReady {
		p.state.set("check", theme.ColorNameSuccess, p.a.signedWords(s.Who))
	}
	p.showBar(s)
	p.checkMachine()
	p.ask.enable(!p.busy && s.Phase == PhaseReady && !s.Bar.Stops())
	label := "ask.ask"
	if p.busy {
		label = "busy"
	}
	p.ask.setLabel(p.a.say(label))
}

// showBar says what keeps this technician from helping, or soon will.
func (p *askPage) showBar(s HelperState) {
	if s.Bar == BarNone && !s.CardEnds.IsZero() {
		p.bar.showBar("bar.card.", BarNone, s.CardEnds)
		return
	}
	p.bar.showBar("bar.there.", s.Bar, s.CharterEnds)
}

// signedWords is who is signed in, and until when: to the minute where it is hours, as an
// external technician is let in for.
func (a *App) signedWords(who consent.Card) string {
	key := "ask.signedIn"
	if !who.Until.IsZero() && who.Until.Sub(a.cfg.Now()) < 48*time.Hour {
		key = "ask.signedInHours"
	}
	return a.say(key, "name", plain(who.Name, maxShownName), "unit", plain(who.Unit, maxShownName),
		"date", a.tongue.date(who.Until), "time", who.Until.Local().Format("15:04"))
}

// checkMachine says at once whether a whole number can be right. One that can is said
// calmly: whether there is such a computer only the server knows, when it is asked.
func (p *askPage) checkMachine() {
	switch n := len(p.form.Machine); {
	case n == 0:
		p.hint.row.Hide()
		return
	case n < wire.MachineDigits:
		p.hint.set("wait", colorMuted, p.a.tongue.count("ask.digitsLeft", wire.MachineDigits-n))
	case p.a.cfg.Check(p.form.Machine) != nil:
		p.hint.set("attention", theme.ColorNameWarning, p.a.say("ask.badDigit"))
	default:
		p.hint.set("tick", colorMuted, p.a.say("ask.goodDigit"))
	}
	p.hint.row.Show()
}

// lacks is the text of what the form lacks, or empty.
func (p *askPage) lacks() string {
	key := firstFault(len(p.form.Machine) < wire.MachineDigits, "ask.needMachine")
	if key == "" {
		key = firstFault(p.a.cfg.Check(p.form.Machine) != nil, "ask.badDigit")
	}
	if key == "" {
		key = firstFault(!wire.Legible(p.form.Reason), "ask.needReason", len(p.form.TOTP) != 6, "ask.needTOTP")
	}
	return key
}

// submit sends the request, once the form lacks nothing.
func (p *askPage) submit() {
	if p.busy {
		return
	}
	if key := p.lacks(); key != "" {
		p.fault.show(moodAttention, p.a.say(key))
		return
	}
	p.busy, p.last = true, nil
	p.fault.fail(nil)
	p.update()
	form := p.form
	form.Reason = cutBytes(plain(form.Reason, wire.MaxReason), wire.MaxReason)
	var running Request
	p.a.background(func(ctx context.Context) (err error) {
		running, err = p.a.cfg.Asking.Ask(ctx, form)
		return err
	}, func(err error) { p.asked(running, form, err) })
}

// cutBytes shortens a text to limit bytes without cutting a character.
func cutBytes(s string, limit int) string {
	for len(s) > limit {
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}

// asked goes on to the waiting page, or says why there is no request.
func (p *askPage) asked(running Request, form AskForm, err error) {
	p.busy = false
	p.form.TOTP = "" // each code is good once
	p.totp.SetText("")
	if err != nil {
		p.last = err
		p.fault.failAt("refusal.identity.ask", err)
		p.update()
		return
	}
	p.a.running = running
	w := newWaitPage(p, form, running)
	p.a.turn(placeHelper, w)
	go w.follow()
}

// ended comes back to the form after a request or a session, with how it went.
func (p *askPage) ended(err error) {
	p.a.running = nil
	p.last = err
	if errors.Is(err, errSilent) {
		p.last = nil
	}
	p.a.turn(placeHelper, p)
}

// errSilent is an end that needs no sentence: the technician cancelled.
var errSilent = errors.New("nothing to say")

// listRecents shows the machines asked before.
func (p *askPage) listRecents() {
	a := p.a
	list := a.cfg.Asking.Recent()
	p.recents.Objects = nil
	if len(list) > 0 {
		clear := tag(a, newPress(a.say("ask.clear"), pressQuiet, p.forget), "clear-recents")
		p.recents.Add(newRow(8, 0, newText(a.say("ask.recents"), styleStrong()), clear))
	}
	for _, r := range list[:min(len(list), 8)] {
		p.recents.Add(p.recent(r, a.cfg.Now()))
	}
	p.recents.Refresh()
}

// recent is one line that fills the form again; the code is always typed anew.
func (p *askPage) recent(r Recent, now time.Time) fyne.CanvasObject {
	a := p.a
	reason := newText(plain(r.Reason, maxShownReason), styleBody())
	line := newRow(theme.Size(sizeGap), 1, newLine(group(r.Machine), styleStrong()), reason, newLine(a.tongue.when(r.At, now), styleMuted()))
	return tag(a, newTile(group(r.Machine), line, func() {
		p.form.Machine, p.form.Reason = r.Machine, plain(r.Reason, wire.MaxReason)
		p.machine.SetText(group(r.Machine))
		p.reason.SetText(p.form.Reason)
		a.win.Canvas().Focus(p.totp)
	}), "recent")
}

// forget clears the list of recent machines.
func (p *askPage) forget() {
	if err := p.a.cfg.Asking.Clear(); err != nil {
		p.fault.fail(ErrDisk)
		return
	}
	p.listRecents()
}
