// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// refusalsPage lists what was refused on this computer, or came to nothing, and why.
type refusalsPage struct {
	a      *App
	before page
	list   []Refusal
	older  int // refusals that are not in the list
	top    fyne.Focusable
}

// newRefusalsPage reads the list once; what is new shows when it is opened again.
func newRefusalsPage(a *App, before page) *refusalsPage {
	r := &refusalsPage{a: a, before: before}
	r.list, r.older = a.cfg.Refusals.List()
	for len(r.list) > maxListed {
		last := len(r.list) - 1
		r.older += r.list[last].Count
		r.list = r.list[:last]
	}
	return r
}

func (r *refusalsPage) first() fyne.Focusable { return r.top }
func (r *refusalsPage) update()               {}
func (r *refusalsPage) back()                 { r.a.turn(placeHelped, r.before) }

// build lists the newest first.
func (r *refusalsPage) build() fyne.CanvasObject {
	a := r.a
	r.top = nil
	rows := newStack(6)
	for _, one := range r.list {
		t := r.tile(one)
		if r.top == nil {
			r.top = t
		}
		rows.Add(t)
	}
	if len(r.list) == 0 {
		rows.Add(newCard(newText(a.say("refusals.none"), styleMuted())))
	}
	hint := newStack(0, newText(a.say("refusals.hint"), styleMuted()))
	if r.older > 0 { // above the list: below its last line the keyboard alone would not get
		hint.Add(newText(a.tongue.count("refusals.older", r.older), styleMuted()))
	}
	return newPage(a.titled(a.say("refusals.title"), r.back), hint, rows)
}

// tile is one line: what was refused and when, why, and of whom that is known. It does
// nothing; it takes the focus so that the keyboard alone gets to read it.
func (r *refusalsPage) tile(one Refusal) *press {
	a := r.a
	what, why, rest := a.refusalWhat(one), a.say("refusals.why."+wordKey(one.Why)), a.refusalRest(one)
	when := newLine(a.tongue.when(one.Last, a.cfg.Now()), styleBody())
	words := newStack(theme.Size(theme.SizeNameText)*0.3,
		newRow(12, 0, newText(what, styleStrong()), when), newText(why, styleBody()), newText(rest, styleMuted()))
	return tag(a, newTile(strings.Join([]string{what, why, rest}, " "), words, nil), "refusal")
}

// refusalWhat names who asked where that is proved, and only there.
func (a *App) refusalWhat(one Refusal) string {
	if one.Who != "" {
		return a.say("refusals.asked", "name", plain(one.Who, maxShownName))
	}
	return a.say("refusals.what." + wordKey(one.What))
}

// refusalRest is what was done here then, how often it was refused that day, and how sure
// a name is.
func (a *App) refusalRest(one Refusal) string {
	side := "place.helped"
	if one.Helper {
		side = "place.helper"
	}
	rest := a.say("refusals.side", "side", a.say(side))
	if one.Who != "" {
		rest += " " + a.say("refusals.proved")
	} else if one.What == "request" {
		rest += " " + a.say("refusals.unproved")
	}
	if one.Count > 1 {
		rest += " " + a.tongue.count("refusals.times", one.Count, "time", one.First.Local().Format("15:04"))
	}
	return rest
}

// wordKey is a word of a closed list as part of a key: "server: not there" becomes
// "serverNotThere".
func wordKey(word string) string {
	var out strings.Builder
	for i, part := range strings.FieldsFunc(word, func(c rune) bool { return c == ' ' || c == ':' }) {
		if i > 0 {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		out.WriteString(part)
	}
	return out.String()
}
