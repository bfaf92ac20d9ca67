// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"errors"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"assist/internal/wire"
)

// waitPage is a request under way: first the person's answer is awaited, then the
// session window has it.
type waitPage struct {
	a       *App
	before  *askPage
	form    AskForm
	running Request
	granted bool
	over    bool
	head    *text
	left    *text
	words   *text
	more    *text
	end     *press
	gone    chan struct{} // closed when the page has done its part
}

// newWaitPage is a page for a request just sent; follow must be started.
func newWaitPage(before *askPage, form AskForm, running Request) *waitPage {
	return &waitPage{a: before.a, before: before, form: form, running: running, gone: make(chan struct{})}
}

func (w *waitPage) first() fyne.Focusable { return w.end }

// build shows the number that was asked, the state, and the check words in large.
func (w *waitPage) build() fyne.CanvasObject {
	a := w.a
	w.head = tag(a, newText("", styleTitle()), "wait-state")
	w.left = newText("", styleMuted())
	w.words = tag(a, newText("", styleTitle()), "words")
	w.more = newText(a.say("wait.wordsHint"), styleMuted())
	w.end = tag(a, newPress("", pressPlain, w.stop), "cancel")
	who := newLine(group(w.form.Machine), styleMachine())
	reason := newText(a.say("reason", "reason", plain(w.form.Reason, maxShownReason)), styleBody())
	return newPage(
		newCard(who, reason),
		newCard(w.head, w.left),
		newCard(newText(a.say("wait.words"), styleMuted()), w.words, w.more),
		newActions(w.end, space()),
	)
}

// follow carries the request's changes to the page until it is over or granted: from
// then on the session window follows them, and no other may read them.
func (w *waitPage) follow() {
	for {
		select {
		case <-w.gone:
			return
		case <-w.a.done:
			return
		case <-w.running.Changed():
			granted := false
			fyne.DoAndWait(func() {
				w.check()
				granted = w.granted
			})
			if granted {
				return
			}
		}
	}
}

// check looks whether the request was granted or ended, whichever page is shown.
func (w *waitPage) check() {
	s := w.running.State()
	switch {
	case w.over:
	case s.Err != nil && !w.granted:
		w.finish(s.Err)
	case s.Granted && !w.granted:
		w.granted = true
		w.open(s)
	}
	if w.a.shown == page(w) {
		w.update()
	}
}

// open hands the session to its window.
func (w *waitPage) open(s RequestState) {
	w.a.cfg.Session(Opening{
		Request: w.running, Machine: w.form.Machine, Reason: w.form.Reason,
		Words: s.Words, Language: w.a.tongue.code,
		Closed: func(why wire.EndReason) { fyne.Do(func() { w.finish(&Ended{Reason: why}) }) },
	})
}

// finish goes back to the form.
func (w *waitPage) finish(err error) {
	if w.over {
		return
	}
	w.over = true
	close(w.gone)
	var ended *Ended
	if errors.As(err, &ended) && (ended.Reason == wire.EndTechnician || ended.Reason == wire.EndCancelled) {
		err = errSilent
	}
	w.before.ended(err)
}

// stop cancels the request; a session is ended by it too.
func (w *waitPage) stop() {
	w.running.Cancel()
	if !w.granted {
		w.finish(errSilent)
	}
}

// update shows the state, and settles what check would.
func (w *waitPage) update() {
	s := w.running.State()
	if !w.granted && (s.Err != nil || s.Granted) {
		w.check()
		if w.over {
			return
		}
	}
	head, end := "wait.waiting", "cancel"
	if w.granted {
		head, end = "wait.open", "wait.end"
	}
	w.head.set(w.a.say(head))
	w.end.setLabel(w.a.say(end))
	w.words.set(w.a.say("wait.noWords"))
	w.more.set(w.a.say("wait.wordsHint"))
	if s.Words[0] != "" {
		w.words.set(strings.Join(s.Words[:], " – "))
		w.more.set(w.a.say("wait.wordsHint") + " " + w.a.say("wait.otherWords", "words", strings.Join(s.OtherWords[:], " – ")))
	}
	w.showLeft(s)
}

// showLeft counts down to the moment when silence is a refusal.
func (w *waitPage) showLeft(s RequestState) {
	if w.granted {
		w.left.set(w.a.say("wait.openHint"))
		return
	}
	left := int(s.Deadline.Sub(w.a.cfg.Now()).Round(time.Second) / time.Second)
	if s.Deadline.IsZero() || left < 0 {
		w.left.set(w.a.say("wait.hint"))
		return
	}
	w.left.set(w.a.tongue.count("wait.left", left))
	w.left.paint(theme.ColorNameForeground)
}
