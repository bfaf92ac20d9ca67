// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// sendingTime is how long a report may be on its way before it is said to be kept.
const sendingTime = 3 * time.Second

// reportWords say what became of a report made since then: only what the server said, for
// nobody was told before it did.
func (a *App) reportWords(r *Report, since time.Time) (mood, string) {
	if r == nil || r.Made.Before(since) { // the newest one is on its way to where it is kept
		r = &Report{Made: since}
	}
	made := r.Made.Local().Format("15:04")
	switch {
	case r.Refused:
		return moodAttention, a.say("report.refused", "time", made)
	case !r.Confirmed.IsZero():
		return moodOK, a.say("report.told", "time", made)
	case a.cfg.Now().Sub(r.Made) < sendingTime:
		return moodInfo, a.say("report.sending", "time", made)
	}
	return moodAttention, a.say("report.kept", "time", made)
}

// reportOf is the report of an intervention that the app knows of: one made of its receipt,
// or the last one made by cutting. Nil: it knows of none, and one more does no harm.
func (a *App) reportOf(receipt string) *Report {
	if at, ok := a.reported[receipt]; ok {
		return &Report{Receipt: receipt, Made: at, Confirmed: at}
	}
	if r := a.cfg.Helped.State().Report; r != nil && receipt != "" && r.Receipt == receipt {
		return r
	}
	return nil
}

// showReport tells what became of the last report, until somebody is connected again.
func (h *homePage) showReport() {
	r := h.seen.Report
	if r == nil || h.seen.Live != nil {
		h.told.show(moodInfo, "")
		return
	}
	if m, said := h.a.reportWords(r, r.Made); said != h.told.said {
		h.told.show(m, said)
	}
}

// reported is the word at the end of a dialog that was answered with a report.
func (d *question) reported() (mood, string) {
	key := "dialog.reported"
	if under(d.q) {
		key = "dialog.reportedCut"
	}
	m, said := d.a.reportWords(d.a.cfg.Helped.State().Report, d.at)
	return m, d.a.say(key) + " " + said
}
