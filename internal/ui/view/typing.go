// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strconv"
	"time"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"assist/internal/wire"
)

const (
	maxTyped = 4000        // characters that text mode takes at once
	slowText = time.Second // a text that takes longer has its progress shown
)

// typing is the row of text mode, below the toolbar: what stands in its field is
// typed at the host as it is, whatever the layouts of both keyboards.
type typing struct {
	w      *Window
	root   *fyne.Container
	text   *field
	button *widget.Button // types, or stops what is being typed
	note   *widget.Label  // about what stayed in the field; hidden while there is nothing to say
}

func newTyping(w *Window) *typing {
	t := w.c.Text
	y := &typing{w: w, text: newField(t("view.text.hint"), 1)}
	y.text.OnSubmitted = func(string) { y.send() }
	y.text.escape = func() { y.w.hands.stopText() }
	y.button = widget.NewButton(t("view.text.send"), y.press)
	y.button.Importance = widget.HighImportance
	shut := widget.NewButton(t("view.text.close"), y.close)
	buttons := container.NewHBox(y.button, shut)
	y.note = widget.NewLabel("")
	y.note.Wrapping = fyne.TextWrapWord
	y.note.Importance = widget.WarningImportance
	y.note.Hide()
	y.root = container.NewBorder(nil, y.note, nil, container.NewCenter(buttons), y.text)
	y.root.Hide()
	return y
}

// say tells what stayed in the field, in the row itself: the status line cuts what is
// long. Nothing to say hides it.
func (y *typing) say(text string) {
	y.note.SetText(text)
	y.note.Hidden = text == ""
	y.w.page.Refresh()
}

// open shows the row and gives it the keyboard.
func (y *typing) open() {
	y.root.Show()
	y.w.page.Refresh()
	y.w.win.Canvas().Focus(y.text)
}

// close takes the row away, and what was left in it. A text on its way goes on.
func (y *typing) close() {
	y.text.SetText("")
	y.root.Hide()
	y.say("")
	y.w.main.focus()
}

// press is the button: it stops a text, or sends one.
func (y *typing) press() {
	if y.w.hands.text != nil {
		y.w.hands.stopText()
		return
	}
	y.send()
}

// send types the text at the host. It leaves the focus where it is: the space that
// pressed the button would land in the field. What is too long for one time stays.
func (y *typing) send() {
	w := y.w
	switch {
	case y.text.Text == "":
		return
	case w.hands.mode != modeDrive:
		w.refused()
		return
	case w.hands.text != nil:
		w.status.say(y.progress())
		return
	case w.state.Input != wire.PauseNone:
		w.status.say(w.c.Text.held(w.state.Input))
		return
	}
	now := cut(y.text.Text, maxTyped)
	later := y.text.Text[len(now):]
	y.text.SetText(later)
	y.say(y.long(later))
	w.diary.add(w.now(), "view.done.text")
	w.hands.write(now, func(d *dictation, rest string) { w.post(func() { y.typed(d, rest) }) })
	y.label()
}

// long says how much is more than one time takes; empty for nothing.
func (y *typing) long(later string) string {
	if later == "" {
		return ""
	}
	return y.w.c.Text("view.text.long", "max", strconv.Itoa(maxTyped), "n", strconv.Itoa(utf8.RuneCountInString(later)))
}

// typed runs when a text is at its end, or was stopped. What could not be typed is back
// in the field, before what has been written there since.
func (y *typing) typed(d *dictation, rest string) {
	if y.w.hands.text == d {
		y.w.hands.text = nil
	}
	if !y.w.ended.IsZero() || y.w.ctx.Err() != nil {
		return // nothing of the row is shown any more
	}
	y.label()
	if rest == "" {
		return
	}
	y.text.SetText(rest + y.text.Text)
	y.root.Show()
	y.w.diary.add(y.w.now(), "view.done.text.part")
	y.say(y.w.c.Text("view.text.stopped", "n", strconv.Itoa(utf8.RuneCountInString(rest))))
}

// label says what the button does now.
func (y *typing) label() {
	key := "view.text.send"
	if y.w.hands.text != nil {
		key = "view.text.stop"
	}
	y.button.SetText(y.w.c.Text(key))
	y.w.page.Refresh() // the two are not of one width
}

// slow tells how far a text is that takes long; empty while none does.
func (y *typing) slow(now time.Time) string {
	if d := y.w.hands.text; d == nil || now.Sub(d.began) < slowText {
		return ""
	}
	return y.progress()
}

// progress tells how much of a text has left.
func (y *typing) progress() string {
	d := y.w.hands.text
	return y.w.c.Text("view.text.progress", "n", strconv.FormatInt(d.sent.Load(), 10), "all", strconv.Itoa(d.all))
}
