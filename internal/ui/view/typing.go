// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// maxTyped is the longest text that text mode takes, in characters.
const maxTyped = 4000

// typing is the row of text mode, below the toolbar: what stands in its field is
// typed at the host as it is, whatever the layouts of both keyboards.
type typing struct {
	w    *Window
	root *fyne.Container
	text *field
}

func newTyping(w *Window) *typing {
	t := w.c.Text
	y := &typing{w: w, text: newField(t("view.text.hint"), 1)}
	y.text.OnSubmitted = func(string) { y.send() }
	send := widget.NewButton(t("view.text.send"), y.send)
	send.Importance = widget.HighImportance
	shut := widget.NewButton(t("view.text.close"), y.close)
	buttons := container.NewHBox(send, shut)
	y.root = container.NewBorder(nil, nil, nil, container.NewCenter(buttons), y.text)
	y.root.Hide()
	return y
}

// open shows the row and gives it the keyboard.
func (y *typing) open() {
	y.root.Show()
	y.w.page.Refresh()
	y.w.win.Canvas().Focus(y.text)
}

// close takes the row away, and what was left in it.
func (y *typing) close() {
	y.text.SetText("")
	y.root.Hide()
	y.w.page.Refresh()
	y.w.main.focus()
}

// send types the text at the host. It leaves the focus where it is: the space that
// pressed the button would land in the field.
func (y *typing) send() {
	if y.text.Text == "" {
		return
	}
	if y.w.hands.mode != modeDrive {
		y.w.refused()
		return
	}
	y.w.hands.write(cut(y.text.Text, maxTyped))
	y.w.diary.add(y.w.now(), "view.done.text")
	y.text.SetText("")
}
