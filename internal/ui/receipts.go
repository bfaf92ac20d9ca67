// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"

	"assist/internal/consent"
)

// maxListed is how many receipts are listed; older ones stay in their files.
const maxListed = 100

// receiptsPage lists the interventions on this machine.
type receiptsPage struct {
	a      *App
	before page
	list   []Receipt
	err    error
	top    fyne.Focusable
}

// newReceiptsPage reads the list once; a new receipt shows when it is opened again.
func newReceiptsPage(a *App, before page) *receiptsPage {
	r := &receiptsPage{a: a, before: before}
	r.list, r.err = a.cfg.Receipts.List()
	return r
}

func (r *receiptsPage) first() fyne.Focusable { return r.top }
func (r *receiptsPage) update()               {}
func (r *receiptsPage) back()                 { r.a.turn(placeHelped, r.before) }

// build lists the newest first.
func (r *receiptsPage) build() fyne.CanvasObject {
	a := r.a
	objs := []fyne.CanvasObject{a.titled(a.say("receipts.title"), r.back)}
	fault := a.newNotice()
	fault.fail(r.err)
	objs = append(objs, fault.box)
	if len(r.list) == 0 && r.err == nil {
		objs = append(objs, newCard(newText(a.say("receipts.none"), styleMuted())))
	}
	r.top = nil
	rows := newStack(6)
	for _, one := range r.list[:min(len(r.list), maxListed)] {
		t := r.tile(one)
		if r.top == nil {
			r.top = t
		}
		rows.Add(t)
	}
	return newPage(append(objs, rows)...)
}

// tile is one intervention: who, why, when, how long.
func (r *receiptsPage) tile(one Receipt) *press {
	a := r.a
	who := newText(plain(one.Who.Name, maxShownName), styleStrong())
	reason := newText(plain(one.Reason, maxShownReason), styleMuted())
	when := newLine(a.tongue.when(one.Began, a.cfg.Now()), styleBody())
	words := newStack(2, newRow(12, 0, who, when), newRow(12, 0, reason, newLine(a.tongue.length(one.Length), styleMuted())))
	return tag(a, newTile(plain(one.Who.Name, maxShownName), words, func() {
		a.turn(placeHelped, &receiptPage{a: a, before: r, receipt: one})
	}), "receipt")
}

// receiptPage is one receipt.
type receiptPage struct {
	a       *App
	before  page
	receipt Receipt
	save    *press
	note    *notice
}

func (r *receiptPage) first() fyne.Focusable { return r.save }
func (r *receiptPage) update()               {}
func (r *receiptPage) back()                 { r.a.turn(placeHelped, r.before) }

// build tells the whole of one intervention.
func (r *receiptPage) build() fyne.CanvasObject {
	a, c := r.a, r.receipt
	r.note = a.newNotice()
	r.save = tag(a, newPress(a.say("receipt.save"), pressPrimary, r.saveAs), "save")
	report := tag(a, newPress(a.say("receipt.report"), pressPlain, r.report), "report")
	card := newCard(newStack(theme.Size(theme.SizeNameText)*0.6,
		r.line("receipt.who", plain(c.Who.Name, maxShownName)),
		r.line("receipt.role", join(", ", plain(c.Who.Role, maxShownName), plain(c.Who.Unit, maxShownName))),
		r.line("receipt.when", a.say("format.moment", "date", a.tongue.date(c.Began), "time", c.Began.Local().Format("15:04"))),
		r.line("receipt.length", a.tongue.length(c.Length)),
		r.line("receipt.reason", plain(c.Reason, maxShownReason)),
		r.line("receipt.allowed", a.rightsWords(c.Allowed)),
		r.line("receipt.end", a.endedHere(c.End)),
		r.line("receipt.words", strings.Join(c.Words[:], " – ")),
	))
	return newPage(a.titled(a.say("receipt.title"), r.back), card, r.deeds(), r.note.box, newActions(report, r.save))
}

// join leaves out what is empty.
func join(sep string, parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, sep)
}

// line is a name and its value; what is unknown is a dash.
func (r *receiptPage) line(key, value string) fyne.CanvasObject {
	if value == "" {
		value = "—"
	}
	return container.New(&pair{}, newText(r.a.say(key), styleMuted()), newText(value, styleBody()))
}

// deeds is what was done, minute by minute.
func (r *receiptPage) deeds() fyne.CanvasObject {
	a := r.a
	objs := []fyne.CanvasObject{newText(a.say("receipt.done"), styleStrong())}
	for _, d := range r.receipt.Done[:min(len(r.receipt.Done), 50)] {
		at := newLine(d.At.Local().Format("15:04:05"), styleMuted())
		objs = append(objs, newRow(theme.Size(sizeGap), 1, at, newText(plain(d.What, maxShownReason), styleBody())))
	}
	if len(objs) == 1 {
		objs = append(objs, newText(a.say("receipt.nothing"), styleMuted()))
	}
	return newCard(objs...)
}

// rightsWords says rights as a person reads them.
func (a *App) rightsWords(r consent.Rights) string {
	var out []string
	for _, one := range rightsInOrder() {
		if r.Has(one) {
			out = append(out, a.say("right."+one.String()))
		}
	}
	return strings.Join(out, ", ")
}

// saveAs asks where to, then saves the page.
func (r *receiptPage) saveAs() {
	a := r.a
	d := dialog.NewFileSave(func(f fyne.URIWriteCloser, err error) {
		if err != nil || f == nil {
			return
		}
		path := f.URI().Path()
		if err := f.Close(); err != nil {
			a.cfg.Log.Warn("close the chosen file", "err", err)
		}
		r.keep(path)
	}, a.win)
	d.SetFileName("assist-" + r.receipt.Began.Local().Format("2006-01-02-1504") + ".html")
	d.SetTitleText(a.say("receipt.save"))
	d.SetConfirmText(a.say("receipt.save"))
	d.SetDismissText(a.say("cancel"))
	d.Resize(fyne.NewSize(760, 520))
	d.Show()
}

// keep writes the receipt and says where.
func (r *receiptPage) keep(path string) {
	r.a.background(func(context.Context) error { return r.a.cfg.Receipts.Save(r.receipt.ID, path) }, func(err error) {
		if err != nil {
			r.note.fail(err)
			return
		}
		r.note.show(moodOK, r.a.say("receipt.saved", "file", plain(path, maxShownReason)))
	})
}

// report tells the administrator, and says that it did.
func (r *receiptPage) report() {
	r.a.background(func(context.Context) error { return r.a.cfg.Receipts.Report(r.receipt.ID) }, func(err error) {
		if err != nil {
			r.note.fail(err)
			return
		}
		r.note.show(moodOK, r.a.say("receipt.reported", "time", r.a.cfg.Now().Local().Format("15:04")))
	})
}
