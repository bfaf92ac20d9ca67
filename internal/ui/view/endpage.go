// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"assist/internal/wire"
)

// maxNote is the longest closing note, in characters.
const maxNote = 500

// now is the time of what the technician does.
func (w *Window) now() time.Time { return time.Now() }

// finish ends the session, whoever began it, and shows the end page. What the host
// still holds down is released first.
func (w *Window) finish(why wire.EndReason) {
	if !w.ended.IsZero() {
		return
	}
	w.ended = w.now()
	if d := w.hands.text; d != nil && int(d.sent.Load()) < d.all {
		w.diary.add(w.ended, "view.done.text.part")
	}
	w.hands.setMode(modeWatch)
	w.hands.letGo()
	if w.state.Ended == 0 {
		w.box.put(item{call: w.c.Ladder.End})
	}
	w.cancel()
	w.main.leave()
	for _, s := range w.apart {
		s.close()
	}
	if w.frame.full {
		w.win.SetFullScreen(false)
	}
	page := newEndPage(w, why)
	w.win.SetCloseIntercept(page.leave)
	w.win.SetContent(page.root) // the note has no focus: keys meant for the host must not land in it
}

// closed runs when the main window has gone.
func (w *Window) closed() {
	w.hands.stopText()
	w.hands.letGo()
	w.cancel()
	w.main.leave()
	for _, s := range w.apart {
		s.close()
	}
	closed := w.c.Closed
	w.c = Config{App: w.c.App, Log: w.c.Log, Text: w.c.Text} // the session's decoders hang on the rest
	closed()
}

// endPage sums the session up and takes the closing note, which is required.
type endPage struct {
	w     *Window
	root  *fyne.Container
	note  *field
	error *widget.Label
	back  *widget.Button
}

func newEndPage(w *Window, why wire.EndReason) *endPage {
	t := w.c.Text
	p := &endPage{w: w, note: newField(t("view.note.hint"), 3), error: widget.NewLabel("")}
	p.note.Wrapping = fyne.TextWrapWord
	p.error.Importance = widget.WarningImportance
	p.error.Wrapping = fyne.TextWrapWord
	p.back = widget.NewButtonWithIcon(t("view.note.save"), theme.ConfirmIcon(), p.leave)
	p.back.Importance = widget.HighImportance
	title := widget.NewLabelWithStyle(t("view.end.title"), fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	title.SizeName = theme.SizeNameHeadingText
	reason := widget.NewLabel(t.ended(why))
	reason.Wrapping = fyne.TextWrapWord
	length := widget.NewLabel(t("view.end.length", "time", clock(w.ended.Sub(w.state.Since))))
	top := container.NewVBox(title, widget.NewLabel(w.title()), reason, length, p.done())
	ask := widget.NewLabelWithStyle(t("view.note.title"), fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	bottom := container.NewVBox(ask, p.note, p.error, container.NewHBox(layout.NewSpacer(), p.back))
	p.root = container.New(column{}, container.NewVBox(top, bottom))
	return p
}

// maxDone is how many lines of what was done show at a time; the rest is scrolled to.
const maxDone = 6

// done lists what was done.
func (p *endPage) done() fyne.CanvasObject {
	t := p.w.c.Text
	lines := make([]string, 0, len(p.w.diary.deeds))
	for _, d := range p.w.diary.deeds {
		lines = append(lines, d.at.Local().Format("15:04:05")+"  "+t(d.key))
	}
	if len(lines) == 0 {
		lines = append(lines, t("view.done.nothing"))
	}
	head := widget.NewLabelWithStyle(t("view.done.title"), fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	list := container.NewVScroll(widget.NewLabel(strings.Join(lines, "\n")))
	shown := widget.NewLabel(strings.Join(lines[:min(len(lines), maxDone)], "\n")) // in the text size of now
	list.SetMinSize(fyne.NewSize(0, shown.MinSize().Height))
	return container.NewVBox(head, list)
}

// leave keeps the note and closes the window; without a note it asks for one.
func (p *endPage) leave() {
	note := strings.TrimSpace(p.note.Text)
	if note == "" {
		p.error.SetText(p.w.c.Text("view.note.missing"))
		p.w.win.Canvas().Focus(p.note)
		return
	}
	p.back.Disable()
	keep := p.w.c.Note
	note = cut(note, maxNote)
	go func() {
		err := keep(note)
		p.w.post(func() { p.kept(err) })
	}()
}

// kept runs when the note is kept, or could not be.
func (p *endPage) kept(err error) {
	if err != nil {
		p.w.c.Log.Warn("closing note not kept", "error", err)
		p.error.SetText(p.w.c.Text("view.note.failed"))
		p.back.Enable()
		return
	}
	p.w.win.SetCloseIntercept(nil)
	p.w.win.Close()
}

// column centres its one object in a column of readable width.
type column struct{}

// MinSize implements fyne.Layout.
func (column) MinSize(o []fyne.CanvasObject) fyne.Size {
	m := o[0].MinSize()
	return fyne.NewSize(max(m.Width, 480), m.Height).AddWidthHeight(32, 32)
}

// Layout implements fyne.Layout.
func (column) Layout(o []fyne.CanvasObject, size fyne.Size) {
	width := min(size.Width-32, 640)
	o[0].Resize(fyne.NewSize(width, size.Height-32))
	o[0].Move(fyne.NewPos((size.Width-width)/2, 16))
}
