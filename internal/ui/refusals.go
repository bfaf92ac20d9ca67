// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"slices"
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

	hint, rows *fyne.Container
	tiles      []*press // of the list
}

func newRefusalsPage(a *App, before page) *refusalsPage {
	r := &refusalsPage{a: a, before: before}
	r.read()
	return r
}

// read takes the list as it is now, and reports whether it has changed.
func (r *refusalsPage) read() bool {
	list, older := r.a.cfg.Refusals.List()
	for len(list) > maxListed {
		last := len(list) - 1
		older += list[last].Count
		list = list[:last]
	}
	if older == r.older && slices.Equal(list, r.list) {
		return false
	}
	r.list, r.older = list, older
	return true
}

func (r *refusalsPage) first() fyne.Focusable {
	if len(r.tiles) == 0 {
		return nil
	}
	return r.tiles[0]
}

func (r *refusalsPage) back() { r.a.turn(placeHelped, r.before) }

// update shows what was refused meanwhile. The focus stays with its line, wherever that is now.
func (r *refusalsPage) update() {
	was := r.list
	if !r.read() {
		return
	}
	canvas, at := r.a.win.Canvas(), -1
	for i, t := range r.tiles {
		if canvas.Focused() == fyne.Focusable(t) {
			at = slices.IndexFunc(r.list, was[i].alike)
		}
	}
	r.fill()
	if at >= 0 {
		canvas.Focus(r.tiles[at])
	}
}

// alike tells whether two lines are one, whatever its count is by now.
func (r Refusal) alike(o Refusal) bool {
	return r.First.Equal(o.First) && r.Helper == o.Helper && r.What == o.What && r.Why == o.Why && r.Who == o.Who
}

// build lists the newest first.
func (r *refusalsPage) build() fyne.CanvasObject {
	r.hint, r.rows = newStack(0), newStack(6)
	r.fill()
	return newPage(r.a.titled(r.a.say("refusals.title"), r.back), r.hint, r.rows)
}

// fill writes the list.
func (r *refusalsPage) fill() {
	a := r.a
	r.rows.RemoveAll()
	r.tiles = nil
	for _, one := range r.list {
		t := r.tile(one)
		r.tiles = append(r.tiles, t)
		r.rows.Add(t)
	}
	if len(r.list) == 0 {
		r.rows.Add(newCard(newText(a.say("refusals.none"), styleMuted())))
	}
	r.hint.RemoveAll()
	r.hint.Add(newText(a.say("refusals.hint"), styleMuted()))
	if r.older > 0 { // above the list: below its last line the keyboard alone would not get
		r.hint.Add(newText(a.tongue.count("refusals.older", r.older), styleMuted()))
	}
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
