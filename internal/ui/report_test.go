// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"assist/internal/consent"
	"assist/internal/wire"
)

// Cutting and reporting is one press, by mouse or keyboard, and the same cut as the other.
func TestCutAndReport(t *testing.T) {
	a, f := newTestApp(t)
	h := a.shown.(*homePage)
	if h.live.box.Visible() {
		t.Error("it is offered while nobody is connected")
	}
	f.helped.Live = &Live{Who: card(), Rights: consent.RightView, Since: f.now}
	a.update()
	test.Tap(h.live.report)
	a.win.Canvas().Focus(h.live.report)
	h.live.report.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	test.Tap(h.live.cut)
	if len(f.cuts) != 3 || f.cuts[0] != wire.EndReported || f.cuts[1] != wire.EndReported || f.cuts[2] != wire.EndUserCut {
		t.Errorf("cuts %v", f.cuts)
	}
	for language, want := range map[string]string{"fr": "Couper et signaler", "en": "Disconnect and report"} {
		a.prefer(func(p *Preferences) { p.Language = language })
		if got := a.shown.(*homePage).live.report.label; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What is said of a report is what the server said of it, in the dialog as at home.
func TestWhatIsSaidOfAReportIsTrue(t *testing.T) {
	const (
		sending   = "part vers le serveur"
		waits     = "Assist le garde et l’envoie dès que le serveur répond"
		confirmed = "est inscrit au journal du serveur"
		refused   = "n’a pas pris votre signalement"
	)
	for name, c := range map[string]struct {
		report       *Report // made at the press unless it says when
		after        time.Duration
		dialog, home string // what each says
	}{
		"just now":       {nil, 0, sending, ""},
		"no word of it":  {nil, time.Minute, waits, ""},
		"an older one":   {&Report{Made: time.Unix(5, 0), Confirmed: time.Unix(6, 0)}, time.Second, sending, confirmed},
		"on its way":     {&Report{}, time.Second, sending, sending},
		"server is away": {&Report{}, time.Minute, waits, waits},
		"confirmed":      {&Report{Confirmed: time.Unix(1e10, 0)}, time.Second, confirmed, confirmed},
		"refused":        {&Report{Refused: true}, time.Second, refused, refused},
	} {
		t.Run(name, func(t *testing.T) {
			d, f := ask(t)
			test.Tap(d.report)
			if r := c.report; r != nil {
				if r.Made.IsZero() {
					r.Made = f.now
				}
				f.set(func() { f.helped.Report = r })
			}
			f.pass(c.after)
			d.finish(consent.ErrReported)
			d.a.update()
			home := d.a.shown.(*homePage).told
			if home.box.Visible() != (c.home != "") || !strings.Contains(home.said, c.home) {
				t.Errorf("at home: %q, want %q", home.said, c.home)
			}
			f.set(func() { f.helped.Live = &Live{Who: card(), Since: f.now} })
			d.a.update()
			if home.box.Visible() {
				t.Error("it is said beside somebody who is connected")
			}
			// With the one at home out of sight only the dialog's are counted.
			for _, one := range []string{sending, waits, confirmed, refused} {
				if n := said(d.a, one); (n > 0) != (one == c.dialog) {
					t.Errorf("%q is said in %d windows", one, n)
				}
			}
		})
	}
}

// The word at the end of the dialog follows what the server says while it stands there.
func TestTheWordAtTheEndFollows(t *testing.T) {
	d, f := ask(t)
	test.Tap(d.report)
	d.finish(consent.ErrReported)
	f.set(func() { f.helped.Report = &Report{Made: f.now, Confirmed: f.now} })
	d.follow()
	if said(d.a, "part vers le serveur") != 0 || said(d.a, "est inscrit au journal du serveur") == 0 {
		t.Error("the dialog does not follow")
	}
}

// A report made of a question within a session has ended it, and that is said.
func TestReportWithinASessionSaysThatItIsCut(t *testing.T) {
	for want, change := range map[string]func(*consent.Question){
		"Personne n’est entré":        func(*consent.Question) {},
		"plus personne ne voit votre": widening,
	} {
		d, _ := ask(t, change)
		test.Tap(d.report)
		d.finish(consent.ErrReported)
		if said(d.a, want) != 1 {
			t.Errorf("it does not say %q", want)
		}
	}
}

// Nothing in the texts says that the administrator was told, but what the server confirmed.
func TestNoTextClaimsThatSomebodyWasTold(t *testing.T) {
	a, _ := newTestApp(t)
	for _, key := range []string{"dialog.reported", "dialog.reportedCut", "end.here.reported", "report.sending", "report.kept", "report.refused"} {
		for _, claim := range []string{"prévenu", "signalé à", "inscrit"} {
			if strings.Contains(strings.ToLower(a.say(key)), claim) {
				t.Errorf("%s says %q", key, a.say(key))
			}
		}
	}
}

// Reporting says beforehand what it does: in a session it ends it.
func TestReportSaysWhatItDoes(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*consent.Question)
	}{
		{"refuser et signaler", func(*consent.Question) {}},
		{"couper et signaler", widening},
		{"couper et signaler", func(q *consent.Question) { q.Idle = true }},
		{"couper et signaler", func(q *consent.Question) { q.Renewing = true }},
	} {
		if d, _ := ask(t, c.change); !strings.HasSuffix(d.report.label, c.want) {
			t.Errorf("%q, want %q", d.report.label, c.want)
		}
	}
}

// A receipt offers to report an intervention only as long as the app knows of no report.
func TestReceiptOffersNoSecondReport(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.receipts = someReceipts() })
	id := f.receipts[0].ID
	open := func(n int) *receiptPage {
		r := &receiptPage{a: a, before: a.pages[placeHelped], receipt: f.receipts[n]}
		a.turn(placeHelped, r)
		return r
	}
	for name, c := range map[string]struct {
		report *Report
		off    bool
		label  string
		said   string
	}{
		"none":      {nil, false, "Signaler un problème", ""},
		"another's": {&Report{Receipt: "another", Confirmed: f.now}, false, "Signaler un problème", ""},
		"no one's":  {&Report{Confirmed: f.now}, false, "Signaler un problème", ""},
		"refused":   {&Report{Receipt: id, Refused: true}, false, "Signaler un problème", ""},
		"on its way": {&Report{Receipt: id, Made: f.now}, true, "Signaler un problème",
			"part vers le serveur"},
		"confirmed": {&Report{Receipt: id, Made: f.now, Confirmed: f.now}, true, "Signalé", "Inscrit au journal du serveur à "},
	} {
		f.set(func() { f.helped.Report = c.report })
		r := open(0)
		if r.report.Disabled() != c.off || r.report.label != c.label || !strings.Contains(r.note.said, c.said) || c.said == "" && r.note.said != "" {
			t.Errorf("%s: off %v, %q, said %q", name, r.report.Disabled(), r.report.label, r.note.said)
		}
	}
	f.set(func() { f.helped.Report = nil })
	test.Tap(open(1).report)
	if r := open(1); !r.report.Disabled() || r.report.label != "Signalé" || open(0).report.Disabled() {
		t.Errorf("reported on the receipt itself: %q", r.report.label)
	}
}

// What is said on a receipt besides is not written over by what was said of a report.
func TestReceiptSaysAReportOnce(t *testing.T) {
	a, f := newTestApp(t)
	r := &receiptPage{a: a, before: a.pages[placeHelped], receipt: someReceipts()[0]}
	f.set(func() { f.helped.Report = &Report{Receipt: r.receipt.ID, Made: f.now} })
	a.turn(placeHelped, r)
	r.note.show(moodOK, "enregistré")
	if a.update(); r.note.said != "enregistré" {
		t.Errorf("said %q", r.note.said)
	}
	f.set(func() { f.helped.Report = &Report{Receipt: r.receipt.ID, Made: f.now, Confirmed: f.now} })
	if a.update(); !strings.Contains(r.note.said, "Inscrit au journal") {
		t.Errorf("once it is confirmed: %q", r.note.said)
	}
}
