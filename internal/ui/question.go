// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"image"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver"
	"fyne.io/fyne/v2/driver/desktop"

	"assist/internal/consent"
)

// question is one dialog: its window, what is ticked, and the rules of its answer. All
// but deadline and answers belongs to the toolkit's goroutine.
type question struct {
	a        *App
	q        consent.Question
	deadline time.Time
	answers  chan answer // one slot; the first answer counts

	win      fyne.Window
	born     time.Time // when the person could first see it
	raised   time.Time
	missed   time.Time // when a press last did not count
	entered  time.Time // when Enter was pressed last on what it does nothing to
	covered  time.Time // when it last was not seen whole
	ticked   consent.Rights
	answered bool
	at       time.Time // when the person answered
	over     bool
	tight    bool // drawn in less room

	follow func() // brings the notice at the end up to date

	refuse, accept, report *press
	left                   *text
}

// newQuestion may be called from any goroutine. The deadline is never later than the
// contract with the person allows.
func newQuestion(a *App, q consent.Question) *question {
	limit := a.cfg.Now().Add(consent.AnswerTime)
	if !q.Deadline.IsZero() && q.Deadline.Before(limit) {
		limit = q.Deadline
	}
	q.Who.Name, q.Who.Role = plain(q.Who.Name, maxShownName), plain(q.Who.Role, maxShownName)
	q.Who.Unit, q.Reason = plain(q.Who.Unit, maxShownName), plain(q.Reason, maxShownReason)
	return &question{a: a, q: q, deadline: limit, answers: make(chan answer, 1), ticked: preticked(q)}
}

// under says whether a question is about a session that goes on already.
func under(q consent.Question) bool { return q.Widening || q.Renewing || q.Idle }

// noAnswerKey is the key of what silence led to.
func (d *question) noAnswerKey() string {
	switch {
	case d.q.Renewing, d.q.Idle:
		return "dialog.noAnswerCut"
	case d.q.Widening:
		return "dialog.noAnswerMore"
	}
	return "dialog.noAnswer"
}

// missedKey is the key of why a press did not count.
func (d *question) missedKey() string {
	if d.q.Strict {
		return "dialog.missedStrict"
	}
	return "dialog.missed"
}

// preticked is what is ticked at the start. Mouse and keyboard never are in a first
// question; a question for more is about nothing else than what it asks.
func preticked(q consent.Question) consent.Rights {
	if under(q) {
		return q.Wanted
	}
	return q.Wanted &^ consent.RightControl
}

// show opens the dialog, unless its time is over already. The rest of the screen is
// not dimmed: on X11 that takes a window as large as the screen, and nothing promises
// that it stays below the dialog and the banner, which raise themselves.
func (d *question) show() {
	if d.over {
		return
	}
	d.a.dropLost()
	d.win = d.a.cfg.App.NewWindow(d.headline())
	d.win.SetIcon(d.a.icon("assist"))
	d.win.SetPadded(false)
	d.win.SetCloseIntercept(d.closed)
	d.win.Canvas().SetOnTypedKey(d.unused)
	content, small := d.build(), under(d.q)
	if _, whole := d.a.dialogSize(content, d.win.Canvas().Scale(), small); !whole {
		d.tight = true
		content = d.build()
	}
	d.win.SetContent(content)
	d.a.placeDialog(d.win, small)
	d.win.Canvas().Focus(d.refuse)
	d.born = d.a.cfg.Now()
	d.raise()
	// Once: a dialog that took the keyboard again and again could be accepted by the
	// Tab and the Space of somebody who fills in a form elsewhere.
	d.win.RequestFocus()
	d.tick()
}

// unused is a key that no widget of the dialog has a use for. Enter never says yes, and says so.
func (d *question) unused(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyEscape:
		d.closed()
	case fyne.KeyReturn, fyne.KeyEnter:
		d.entered = d.a.cfg.Now()
		d.tick()
	}
}

// closed is Esc, and the window's own cross.
func (d *question) closed() { d.say(consent.ErrRefused) }

// raise brings the dialog above everything again.
func (d *question) raise() {
	d.raised = d.a.cfg.Now()
	if w, ok := d.win.(desktop.Window); ok {
		w.RequestAlwaysOnTop()
	}
}

// tick shows the time left, opens the accept button after its first second, and keeps
// the dialog on top.
func (d *question) tick() {
	if d.over || d.win == nil {
		return
	}
	now := d.a.cfg.Now()
	d.watch(now)
	d.left.set(d.beside(now))
	d.accept.enable(d.acceptable())
	if now.Sub(d.raised) >= raiseEvery {
		d.raise()
	}
}

// beside is the word between the buttons: the time left, or for a while why a press did nothing.
func (d *question) beside(now time.Time) string {
	lately := func(at time.Time) bool { return !at.IsZero() && now.Sub(at) < missedTime }
	switch {
	case d.hidden(now) && now.Sub(d.born) >= settleTime:
		return d.a.say("dialog.covered")
	case lately(d.missed):
		return d.a.say(d.missedKey())
	case lately(d.entered):
		return d.a.say("dialog.entered")
	}
	left := max(int((d.deadline.Sub(now)+time.Second-1)/time.Second), 0)
	return d.a.tongue.count("ask.seconds", left)
}

// watch notes whether all of the dialog is seen: nobody accepts what another window
// hides, nor by a click that was meant for a window that went away under it.
func (d *question) watch(now time.Time) (clear bool) {
	if clear = d.a.cfg.Clear(handle(d.win)); !clear {
		d.covered = now
	}
	return clear
}

// hidden says whether the dialog was not seen whole in the last second.
func (d *question) hidden(now time.Time) bool {
	return !d.covered.IsZero() && now.Sub(d.covered) < inertTime
}

// acceptable says whether an acceptance may be given now at all.
func (d *question) acceptable() bool {
	now := d.a.cfg.Now()
	if d.hidden(now) || d.answered || d.over || d.born.IsZero() || now.Sub(d.born) < inertTime || !now.Before(d.deadline) {
		return false
	}
	if under(d.q) {
		return d.ticked != 0
	}
	return d.ticked.Has(consent.RightView)
}

// genuine says whether a device of this computer made a press on a widget of this dialog.
// One that does not count is said, so that the person can press again: a very busy
// computer brings a real one late.
func (d *question) genuine(by Act, on fyne.CanvasObject) bool {
	now := d.a.cfg.Now()
	box, isBox := on.(*check)
	less := isBox && box.on // any hand may take away
	p := Press{By: by, Window: handle(d.win), Area: d.area(on), Since: d.born, Strict: d.q.Strict && !less}
	if on == d.accept { // begun when it could be accepted, not only let go then
		p.Since = later(d.born, d.covered).Add(inertTime)
	}
	if d.watch(now) && d.a.cfg.Genuine(p) {
		return true
	}
	d.missed = d.a.cfg.Now()
	d.tick()
	return false
}

// area is where a widget of the dialog is.
func (d *question) area(o fyne.CanvasObject) image.Rectangle { return areaIn(d.win, o) }

// areaIn is where a widget is in its window, in pixels.
func areaIn(w fyne.Window, o fyne.CanvasObject) image.Rectangle {
	at, size := fyne.CurrentApp().Driver().AbsolutePositionForObject(o), o.Size()
	scale := w.Canvas().Scale()
	return image.Rect(int(at.X*scale), int(at.Y*scale), int((at.X+size.Width)*scale), int((at.Y+size.Height)*scale))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// handle is the system's number of a window; 0 where there is none.
func handle(w fyne.Window) (number uintptr) {
	n, ok := w.(driver.NativeWindow)
	if !ok {
		return 0
	}
	n.RunNative(func(context any) {
		if c, ok := context.(driver.X11WindowContext); ok {
			number = c.WindowHandle
		}
	})
	return number
}

// sayYes gives what is ticked, once the accept button has found the press genuine.
func (d *question) sayYes() {
	if !d.acceptable() {
		return
	}
	d.put(answer{rights: d.ticked & d.q.Wanted})
}

// say refuses, for a reason; it needs no proof of a real press.
func (d *question) say(err error) {
	if !d.over {
		d.put(answer{err: err})
	}
}

// put takes the first answer; later ones count for nothing.
func (d *question) put(got answer) {
	if d.answered {
		return
	}
	d.answered, d.at = true, d.a.cfg.Now()
	d.answers <- got // one slot, one answer
}

// tickRight follows a box.
func (d *question) tickRight(r consent.Rights, on bool) {
	d.ticked &^= r
	if on {
		d.ticked |= r
	}
	d.accept.enable(d.acceptable())
}

// finish takes the dialog away. What the person did not do themselves is told in a few
// words before the window goes.
func (d *question) finish(err error) {
	d.over = true
	if d.win == nil {
		return
	}
	switch {
	case errors.Is(err, consent.ErrNoAnswer), errors.Is(err, context.DeadlineExceeded):
		d.notice(d.always(moodAttention, d.noAnswerKey())) // the gate's clock and the dialog's run out together
	case errors.Is(err, context.Canceled):
		d.notice(d.always(moodInfo, "dialog.cancelled"))
	case errors.Is(err, consent.ErrReported):
		d.notice(d.reported)
	default:
		d.win.Close()
	}
}

// always is a word that does not change.
func (d *question) always(m mood, key string) func() (mood, string) {
	return func() (mood, string) { return m, d.a.say(key) }
}

// notice replaces the question by a word, which goes by itself. What it says may change
// while it stands there.
func (d *question) notice(say func() (mood, string)) {
	n := d.a.newNotice()
	n.show(say())
	gone := make(chan struct{})
	ok := tag(d.a, newPress(d.a.say("close"), pressPrimary, d.win.Close), "close")
	d.win.SetCloseIntercept(d.win.Close)
	d.win.SetOnClosed(func() { close(gone) })
	d.win.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) {
		if e.Name == fyne.KeyEscape {
			d.win.Close()
		}
	})
	d.win.SetContent(padded(newStack(16, n.box, newActions(nil, ok))))
	d.follow = func() {
		if m, said := say(); said != n.said {
			n.show(m, said)
			d.a.placeDialog(d.win, true)
		}
	}
	d.a.placeDialog(d.win, true)
	d.win.Canvas().Focus(ok)
	go d.closeLater(gone)
}

// closeLater keeps the notice true, and closes it after a while, unless it was closed.
func (d *question) closeLater(gone <-chan struct{}) {
	t := time.NewTimer(noticeTime)
	defer t.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	unlessGone := func(f func()) {
		fyne.Do(func() {
			select {
			case <-gone:
			default:
				f()
			}
		})
	}
	for {
		select {
		case <-gone:
			return
		case <-d.a.done:
			return
		case <-tick.C:
			unlessGone(d.follow)
		case <-t.C:
			unlessGone(d.win.Close)
			return
		}
	}
}
