// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"assist/internal/consent"
)

// menu opens a menu below a button. The host gets no key meanwhile.
func (w *Window) menu(below *widget.Button, items []*fyne.MenuItem) {
	w.hands.letGo()
	pop := widget.NewPopUpMenu(fyne.NewMenu("", items...), w.win.Canvas())
	pop.ShowAtRelativePosition(fyne.NewPos(0, below.Size().Height), below)
}

func (w *Window) zoomMenu() []*fyne.MenuItem {
	fit := fyne.NewMenuItem(w.c.Text("view.fit.long"), func() { w.zoom(false) })
	actual := fyne.NewMenuItem(w.c.Text("view.actual.long"), func() { w.zoom(true) })
	fit.Checked, actual.Checked = !w.actual, w.actual
	return []*fyne.MenuItem{fit, actual, fyne.NewMenuItemSeparator(), w.fullItem()}
}

func (w *Window) moreMenu() []*fyne.MenuItem {
	each := fyne.NewMenuItem(w.c.Text("view.windows"), w.spreadOut)
	each.Disabled = len(w.state.Layout) < 2
	return []*fyne.MenuItem{w.fullItem(), each}
}

func (w *Window) fullItem() *fyne.MenuItem {
	key := "view.full"
	if w.frame.full {
		key = "view.full.leave"
	}
	return fyne.NewMenuItem(w.c.Text(key), func() { w.fullScreen(!w.frame.full) })
}

// fullScreen shows the picture alone, or everything again.
func (w *Window) fullScreen(full bool) {
	w.frame.full, w.frame.open = full, false
	w.win.SetFullScreen(full)
	w.bar.update()
	w.page.Refresh()
	w.main.focus()
}

// fold folds the toolbar away in full screen, or out again.
func (w *Window) fold(open bool) {
	w.frame.open = open
	w.bar.update()
	w.page.Refresh()
	if !open {
		w.main.focus()
	}
}

// keysMenu lists what the technician's own computer would catch. Without control
// its first line says why the others do nothing.
func (w *Window) keysMenu() []*fyne.MenuItem {
	t := w.c.Text
	items := []*fyne.MenuItem{
		w.strike("view.keys.cad", usageLeftCtrl, usageLeftAlt, usageDelete),
		w.strike("view.keys.alttab", usageLeftAlt, usageTab),
		w.strike("view.keys.super", usageLeftSuper),
		w.strike("view.keys.ctrlesc", usageLeftCtrl, usageEscape),
		w.strike("view.keys.print", usagePrint),
		w.consoles(),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem(t("view.keys.text"), w.bar.typing.open),
	}
	if w.hands.mode == modeDrive {
		return items
	}
	for _, i := range items {
		i.Disabled = true
	}
	why := fyne.NewMenuItem(t("view.keys.why"), nil)
	why.Disabled = true
	return append([]*fyne.MenuItem{why, fyne.NewMenuItemSeparator()}, items...)
}

func (w *Window) strike(key string, usages ...uint16) *fyne.MenuItem {
	return fyne.NewMenuItem(w.c.Text(key), func() {
		w.hands.strike(usages...)
		w.diary.add(w.now(), "view.done.keys")
		w.main.focus()
	})
}

// consoles is the menu of Ctrl+Alt+F1 to F12.
func (w *Window) consoles() *fyne.MenuItem {
	item := fyne.NewMenuItem(w.c.Text("view.keys.console"), nil)
	var list []*fyne.MenuItem
	for n := range uint16(12) {
		entry := w.strike("", usageLeftCtrl, usageLeftAlt, usageF1+n)
		entry.Label = w.c.Text("view.keys.fn", "n", strconv.Itoa(int(n)+1))
		list = append(list, entry)
	}
	item.ChildMenu = fyne.NewMenu("", list...)
	return item
}

// cut shortens a text to n characters.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// control asks for mouse and keyboard, or gives them back.
func (w *Window) control() {
	r, ladder := consent.RightControl, w.c.Ladder
	switch {
	case w.state.Rights.Has(r):
		w.hands.stopText()
		w.hands.letGo()
		w.box.put(item{call: func() { _ = ladder.Release(r) }})
	case w.state.Asked.Has(r):
		w.status.say(w.c.Text("view.said.asked"))
		return
	default:
		w.box.put(item{call: func() { _ = ladder.Want(r) }})
		w.status.say(w.c.Text("view.said.asked"))
	}
	w.main.focus()
}

// pointing turns the pointing mode on or off; without the right to point it asks
// for it.
func (w *Window) pointing() {
	r, ladder := consent.RightPoint, w.c.Ladder
	if !w.state.Rights.Has(r) {
		w.box.put(item{call: func() { _ = ladder.Want(r) }})
		w.status.say(w.c.Text("view.said.askedPoint"))
		return
	}
	w.points = !w.points
	if w.points {
		w.diary.add(w.now(), "view.done.pointed")
		w.status.say(w.c.Text("view.said.pointing"))
	}
	w.setMode()
	w.bar.update()
	w.main.focus()
}
