// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"assist/internal/consent"
	"assist/internal/wire"
)

// homePage is where help is got: the number, the state of things, and the reins while
// somebody is connected.
type homePage struct {
	a       *App
	spelled bool
	copied  time.Time // when the number was copied last
	live    *livePart
	ending  *notice
	told    *notice // what became of a report
	bar     *notice
	moved   *notice  // the number is a new one
	unruled *Unruled // told until the app ends; nil: nothing to tell
	number  *text
	digits  *text
	copy    *press
	state   *statusLine
	server  *text
	refused *text
	share   *fyne.Container // the way to the server of this computer
	seen    HelpedState     // what is shown
}

func newHomePage(a *App) *homePage { return &homePage{a: a} }

func (h *homePage) first() fyne.Focusable { return h.copy }

// build puts what matters most at the top: who is connected, then the number.
func (h *homePage) build() fyne.CanvasObject {
	a := h.a
	h.number = tag(a, newLine("", styleMachine()), "machine")
	h.digits = newText("", styleBody())
	h.copy = tag(a, newPress(a.say("home.copy"), pressPlain, h.copyNumber), "copy").with(a.icon("copy"))
	spell := tag(a, newPress(a.say("home.spell"), pressPlain, h.toggleSpelling), "spell").with(a.icon("speak"))
	h.state = a.newStatusLine()
	tag(a, h.state.line, "state")
	h.server = newText("", styleMuted())
	h.live, h.ending, h.told, h.bar, h.moved = newLivePart(a), a.newNotice(), a.newNotice(), a.newNotice(), a.newNotice()
	h.refused = tag(a, newText("", styleMuted()), "refused")
	h.share = newFlow(8,
		tag(a, newPress(a.say("share.join"), pressPlain, h.openShare), "share").with(a.icon("computer")),
		tag(a, newPress(a.say("share.invite"), pressPlain, h.openInvite), "open-invite").with(a.icon("person")))
	receipts := tag(a, newPress(a.say("home.receipts"), pressQuiet, h.openReceipts), "receipts").with(a.icon("next"))
	refusals := tag(a, newPress(a.say("home.refusals"), pressQuiet, h.openRefusals), "refusals").with(a.icon("next"))
	gap := theme.Size(sizeGap)
	number := container.New(&ends{gap: gap}, h.number, newRow(gap*0.6, -1, h.copy, spell))
	return newPage(
		h.live.box,
		h.ending.box,
		h.told.box,
		h.bar.box,
		h.rules(),
		h.moved.box,
		newCard(newText(a.say("home.number"), styleMuted()), number, h.digits),
		newCard(h.state.row, h.server, h.share),
		newText(a.say("home.promise"), styleBody()),
		newRow(gap, 0, h.refused, refusals, receipts),
	)
}

// rules says that the file which the person joined by sets no rules.
func (h *homePage) rules() fyne.CanvasObject {
	n := h.a.newNotice()
	if h.unruled != nil {
		n.show(moodAttention, h.a.say("home.unruled", "file", plain(h.unruled.File, maxShownReason)))
	}
	return n.box
}

// update shows the state. The number stays whatever the connection does.
func (h *homePage) update() {
	s := h.a.cfg.Helped.State()
	h.seen = s
	h.number.set(group(s.Machine))
	h.copy.enable(s.Machine != "")
	h.copy.setLabel(h.copyLabel())
	h.showSpelling()
	h.showServer()
	h.a.showPhase(h.state, s.Phase, s.RetryAt, s.Refusal)
	switch {
	case s.Phase != PhaseReady:
	case s.Live != nil:
		h.state.set("eye", theme.ColorNameWarning, h.a.say("home.connected"))
	case s.Lack != LackNone:
		h.state.set("attention", theme.ColorNameWarning, h.a.say("home.unable"))
	default:
		h.state.set("check", theme.ColorNameSuccess, h.a.say("home.ready"))
	}
	h.refused.set(h.refusedWords())
	if s.Lack != LackNone {
		h.bar.showLack(s.Lack, s.LackEnds)
	} else {
		h.bar.showBar("bar.here.", s.Bar, s.CharterEnds)
	}
	switch {
	case h.moved.said != "":
	case s.Moved:
		h.moved.show(moodAttention, h.a.say("home.moved"))
	case !s.NumberSince.IsZero():
		h.moved.show(moodAttention, h.a.say("home.renumbered", "date", h.a.tongue.date(s.NumberSince)))
	}
	h.live.show(s.Live)
	h.showEnding()
	h.showReport()
}

// refusedWords are how many were turned down today, and why the last one was. Of none
// nothing is said: a count of refusals reads as an alarm.
func (h *homePage) refusedWords() string {
	if h.seen.RefusedToday == 0 {
		return ""
	}
	said := h.a.tongue.count("home.refused", h.seen.RefusedToday)
	if h.seen.RefusedWhy == BarNone {
		return said
	}
	return said + " " + h.a.say(barKey("bar.tried.", h.seen.RefusedWhy))
}

// copyLabel says for three seconds that the number was copied.
func (h *homePage) copyLabel() string {
	if h.a.cfg.Now().Sub(h.copied) < 3*time.Second {
		return h.a.say("home.copied")
	}
	return h.a.say("home.copy")
}

// serverKey is the line about the server; the unit's name comes with the first
// connection.
func (h *homePage) serverKey() string {
	switch known := h.seen.Unit != ""; {
	case h.seen.Trial && known:
		return "home.serverTrial"
	case h.seen.Trial:
		return "home.serverTrialAlone"
	case known:
		return "home.server"
	}
	return "home.serverAlone"
}

// showServer names the unit and its server.
func (h *homePage) showServer() {
	if h.seen.Trial && h.a.cfg.Trial != nil {
		h.share.Show()
	} else {
		h.share.Hide()
	}
	h.server.set(h.a.say(h.serverKey(), "unit", plain(h.seen.Unit, maxShownName), "server", plain(h.seen.Server, maxShownReason)))
}

// showEnding tells how the last intervention ended, until the next one.
func (h *homePage) showEnding() {
	last := h.seen.Last
	if last == nil || h.seen.Live != nil {
		h.ending.show(moodInfo, "")
		return
	}
	said := h.a.say("home.ended", "when", h.a.tongue.when(last.At, h.a.cfg.Now()), "why", h.a.endedHere(last.Why, last.At))
	tone := moodInfo
	if last.Lost {
		tone, said = moodAttention, said+" "+h.a.say("home.lost")
	}
	if said != h.ending.said {
		h.ending.show(tone, said)
	}
}

// copyNumber puts the number on the clipboard, in its groups.
func (h *homePage) copyNumber() {
	h.a.cfg.App.Clipboard().SetContent(group(h.seen.Machine))
	h.copied = h.a.cfg.Now()
	h.update()
}

// toggleSpelling shows the digits in words, or hides them.
func (h *homePage) toggleSpelling() {
	h.spelled = !h.spelled
	h.showSpelling()
}

// showSpelling writes the number digit by digit in words, as one says it.
func (h *homePage) showSpelling() {
	if !h.spelled || h.seen.Machine == "" {
		h.digits.Hide()
		return
	}
	h.digits.set(h.a.spell(h.seen.Machine))
	h.digits.Show()
}

// spell is a number in words, in its groups of four.
func (a *App) spell(number string) string {
	var groups []string
	for _, g := range strings.Fields(group(number)) {
		var named []string
		for _, d := range g {
			named = append(named, a.say("digit."+string(d)))
		}
		groups = append(groups, strings.Join(named, ", "))
	}
	return strings.Join(groups, " — ")
}

func (h *homePage) openReceipts() { h.a.turn(placeHelped, newReceiptsPage(h.a, h)) }

func (h *homePage) openRefusals() { h.a.turn(placeHelped, newRefusalsPage(h.a, h)) }

func (h *homePage) openShare()  { h.a.turn(placeHelped, newSharePage(h.a, h)) }
func (h *homePage) openInvite() { h.a.turn(placeHelped, newInvitePage(h.a, h)) }

// showPhase tells where the connection to the server stands.
func (a *App) showPhase(s *statusLine, p Phase, retry time.Time, why wire.Refusal) {
	switch p {
	case PhaseReady:
		s.set("check", theme.ColorNameSuccess, a.say("phase.ready"))
	case PhaseConnecting:
		s.set("wait", colorMuted, a.say("phase.connecting"))
	case PhaseWaiting:
		left := max(int(retry.Sub(a.cfg.Now()).Round(time.Second)/time.Second), 1)
		s.set("wait", theme.ColorNameWarning, a.tongue.count("phase.waiting", left))
	case PhaseRefused:
		s.set("attention", theme.ColorNameWarning, a.sentence(&Refused{Why: why}))
	case PhaseRewritten:
		s.set("attention", theme.ColorNameError, a.sentence(ErrRewritten))
	case PhaseWrongServer:
		s.set("attention", theme.ColorNameError, a.sentence(ErrWrongServer))
	case PhaseUnwitnessed:
		s.set("attention", theme.ColorNameError, a.sentence(ErrUnwitnessed))
	}
}

// livePart is the intervention under way, and the reins.
type livePart struct {
	a    *App
	box  *fyne.Container
	rest *fyne.Container // what the box holds
	mood mood
	head *text
	more *text
	hold *press
	take *press
	cut  *press
	seen Live
	low  bool // without what can wait: the check words, and the report

	report *press    // cuts too
	missed time.Time // when a press that would have gone on last did not count
}

// newLivePart makes the reins; they show once somebody is connected.
func newLivePart(a *App) *livePart {
	l := &livePart{a: a, box: newStack(0)}
	l.hold = tag(a, newPress("", pressPlain, l.toggleHold), "pause").with(a.icon("pause"))
	l.take = tag(a, newPress(a.say("live.take"), pressPlain, a.cfg.Reins.TakeBack), "take-back")
	l.cut = tag(a, newPress(a.say("live.cut"), pressDanger, func() { a.cfg.Reins.Cut(wire.EndUserCut) }), "cut").with(a.icon("cut"))
	l.report = tag(a, newPress(a.say("live.report"), pressQuiet, func() { a.cfg.Reins.Cut(wire.EndReported) }), "cut-report")
	l.head, l.more = newText("", styleTitle()), newText("", styleBody())
	l.dress(moodAttention)
	l.box.Hide()
	return l
}

// show brings the part up to date; nil hides it.
func (l *livePart) show(live *Live) {
	if live == nil {
		l.box.Hide()
		return
	}
	m := moodAttention
	if live.Rights.Has(consent.RightControl) && live.Paused == wire.PauseNone {
		m = moodDrive
	}
	if m != l.mood {
		l.dress(m)
	}
	l.seen = *live
	who := plain(live.Who.Name, maxShownName)
	l.head.set(l.a.tongue.count(l.key(), l.screens(), "name", who, "unit", plain(live.Who.Unit, maxShownName), "time", clock(l.a.cfg.Now().Sub(live.Since))))
	l.more.set(l.a.say("words", "words", strings.Join(live.Words[:], " – ")))
	if live.Paused != wire.PauseNone {
		l.more.set(l.a.say(pauseKey(live.Paused)))
	}
	l.more.Hidden = l.low && live.Paused == wire.PauseNone
	l.showHold()
	if live.Rights.Has(consent.RightControl) != l.take.Visible() {
		l.showTake(live.Rights.Has(consent.RightControl))
	}
	l.box.Show()
}

// screens is how many screens may be seen, as far as the sentence tells them apart: all
// monitors are shared, and several when their number is not known.
func (l *livePart) screens() int {
	if l.key() == "live.sees" && l.a.cfg.Monitors != nil && len(l.a.cfg.Monitors()) == 1 {
		return 1
	}
	return 2
}

// showHold offers to pause, or to go on. Anything may pause; once somebody drove, going on
// takes a press of a device: neither a key of theirs that strayed here nor a program that
// they left behind gives anything back.
func (l *livePart) showHold() {
	hold := "live.pause"
	l.hold.allow = nil
	if l.seen.Paused == wire.PauseUser {
		hold = "live.resume"
		if !l.a.lent.IsZero() && l.a.lent.Equal(l.seen.Since) {
			l.hold.allow = l.goesOn
		}
	}
	l.hold.setLabel(l.a.say(hold))
	if l.hold.allow == nil {
		return
	}
	if !l.a.DialogOpen() { // from this look on it is known who has the keyboard
		l.a.cfg.Clear(handle(l.a.win))
	}
	if l.a.cfg.Now().Sub(l.missed) < missedTime {
		l.more.set(l.a.say("dialog.missedStrict"))
	}
}

// goesOn says whether a device of this computer made the press.
func (l *livePart) goesOn(by Act, on fyne.CanvasObject) bool {
	p := Press{By: by, Window: handle(l.a.win), Area: areaIn(l.a.win, on), Strict: true}
	if l.a.cfg.Genuine(p) {
		return true
	}
	l.missed = l.a.cfg.Now()
	l.showHold()
	return false
}

// toggleHold pauses, or goes on.
func (l *livePart) toggleHold() { l.a.cfg.Reins.SetPaused(l.seen.Paused != wire.PauseUser) }

// showTake offers to take back the mouse only while it is lent.
func (l *livePart) showTake(on bool) {
	if on {
		l.take.Show()
	} else {
		l.take.Hide()
	}
	l.box.Refresh()
}

// key is the sentence that says what is happening.
func (l *livePart) key() string {
	switch {
	case l.seen.Paused != wire.PauseNone:
		return "live.paused"
	case l.seen.Rights.Has(consent.RightControl):
		return "live.drives"
	}
	return "live.sees"
}

// dress makes the part anew in another mood.
func (l *livePart) dress(m mood) {
	l.mood = m
	icon, ink, back := m.look()
	if m == moodAttention {
		icon = "eye"
	}
	side := theme.Size(theme.SizeNameInlineIcon) * 1.5
	head := newRow(side*0.5, 1, l.a.iconView(icon, ink, side), l.head)
	buttons := container.New(&ends{gap: 16}, newRow(8, -1, l.hold, l.take), l.cut) // the latter below, where they are too wide
	report := newRow(0, -1, l.report)
	report.Hidden = l.low
	l.rest = surface(back, ink, head, l.more, buttons, report)
	l.box.Objects = []fyne.CanvasObject{l.rest}
	l.box.Refresh()
}
