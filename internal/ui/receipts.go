// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"

	"assist/internal/consent"
	"assist/internal/wire"
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
	report  *press
	note    *notice
	told    string // what was said last of a report
	busy    bool   // a report is being made
}

func (r *receiptPage) first() fyne.Focusable { return r.save }
func (r *receiptPage) back()                 { r.a.turn(placeHelped, r.before) }

// update offers to report what was not, and says what became of a report; once, for other
// words come to the same place.
func (r *receiptPage) update() {
	known := r.a.reportOf(r.receipt.ID)
	open := known == nil || known.Refused
	r.report.enable(open && !r.busy)
	if open {
		return
	}
	m, said := r.a.reportWords(known, known.Made)
	if !known.Confirmed.IsZero() {
		r.report.setLabel(r.a.say("receipt.told"))
		said = r.a.say("receipt.reported", "time", known.Confirmed.Local().Format("15:04"))
	}
	if said != r.told {
		r.told = said
		r.note.show(m, said)
	}
}

// build tells the whole of one intervention.
func (r *receiptPage) build() fyne.CanvasObject {
	a := r.a
	r.note, r.told = a.newNotice(), ""
	r.save = tag(a, newPress(a.say("receipt.save"), pressPrimary, r.saveAs), "save")
	r.report = tag(a, newPress(a.say("receipt.report"), pressPlain, r.tell), "report")
	lines := newStack(theme.Size(theme.SizeNameText) * 0.6)
	for _, f := range a.facts(r.receipt) {
		lines.Add(container.New(&pair{}, newText(f.Name, styleMuted()), newText(f.Value, styleBody())))
	}
	// Above the rest, which may be long: what they answer must be seen too.
	actions := newActions(r.report, r.save)
	return newPage(a.titled(a.say("receipt.title"), r.back), actions, r.note.box, newCard(lines), r.deeds())
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

// fact is one line of a receipt. Value is safe to show.
type fact struct{ Name, Value string }

// facts are the lines of a receipt, on the screen as on paper; what is unknown is a
// dash.
func (a *App) facts(c Receipt) []fact {
	out := []fact{
		{"receipt.who", plain(c.Who.Name, maxShownName)},
		{"receipt.role", post(plain(c.Who.Role, maxShownName), plain(c.Who.Unit, maxShownName))},
		{"receipt.until", a.tongue.date(c.Who.Until)},
		{"receipt.when", a.moment(c.Began)},
		{"receipt.length", a.tongue.length(c.Length)},
		{"receipt.machine", group(onlyDigits(c.Machine, wire.MachineDigits))},
		{"receipt.reason", plain(c.Reason, wire.MaxReason)},
		{"receipt.allowed", a.rightsWords(c.Allowed)},
		{"receipt.used", a.usedWords(c)},
		{"receipt.end", a.endedHere(c.End, c.Began.Add(c.Length))},
		{"receipt.words", strings.Join(plainAll(c.Words[:]), " – ")},
	}
	for i, f := range out {
		out[i].Name = a.say(f.Name)
		if f.Value == "" {
			out[i].Value = "—"
		}
	}
	return out
}

// usedWords says how often the technician drove and pointed.
func (a *App) usedWords(c Receipt) string {
	return a.say("receipt.both", "driven", a.tongue.count("receipt.driven", c.Driven), "pointed", a.tongue.count("receipt.pointed", c.Pointed))
}

// plainAll is plain for several names.
func plainAll(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = plain(s, maxShownName)
	}
	return out
}

// moment is a day and a time.
func (a *App) moment(t time.Time) string {
	return a.say("format.moment", "date", a.tongue.date(t), "time", t.Local().Format("15:04"))
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
	d.SetFileName(a.say("receipt.file") + "-" + r.receipt.Began.Local().Format("2006-01-02-1504") + ".html")
	d.SetTitleText(a.say("receipt.save"))
	d.SetConfirmText(a.say("receipt.save"))
	d.SetDismissText(a.say("cancel"))
	a.showFiles(d)
}

// keep writes the receipt and says where.
func (r *receiptPage) keep(path string) {
	page, err := r.a.printed(r.receipt)
	if err != nil {
		r.note.fail(err)
		return
	}
	proof := ""
	r.a.background(func(context.Context) (err error) {
		proof, err = r.a.cfg.Receipts.Save(r.receipt.ID, path, page)
		return err
	}, func(err error) {
		if err != nil {
			r.note.fail(err)
			return
		}
		r.note.show(moodOK, r.a.say("receipt.saved", "file", plain(path, maxShownReason), "proof", plain(filepath.Base(proof), maxShownReason)))
	})
}

// tell tells the administrator, and says that it did. Once is enough.
func (r *receiptPage) tell() {
	r.busy = true
	r.update()
	r.a.background(func(ctx context.Context) error { return r.a.cfg.Receipts.Report(ctx, r.receipt.ID) }, func(err error) {
		r.busy = false
		if err != nil {
			r.note.fail(err)
		} else {
			r.a.reported[r.receipt.ID] = r.a.cfg.Now()
		}
		r.update()
	})
}
