// SPDX-License-Identifier: Apache-2.0

package view

import (
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// toolbar is the row of buttons over the picture. Its tab stands for it in full
// screen.
type toolbar struct {
	w        *Window
	root     *fyne.Container
	monitors *fyne.Container
	choices  []choice
	zoom     *widget.Button
	control  *widget.Button
	pointer  *widget.Button
	keys     *widget.Button
	more     *widget.Button
	end      *redButton
	typing   *typing
	tab      *fyne.Container // thin, around unfold
	unfold   *widget.Button
}

// choice is the button of a monitor; id is negative for all of them.
type choice struct {
	id     int
	button *widget.Button
}

func newToolbar(w *Window) *toolbar {
	t := w.c.Text
	b := &toolbar{w: w, monitors: container.NewHBox()}
	b.zoom = widget.NewButton("", func() { w.menu(b.zoom, w.zoomMenu()) })
	b.control = widget.NewButton("", w.control)
	b.pointer = widget.NewButton(t("view.pointer"), w.pointing)
	b.keys = widget.NewButton(t("view.keys")+" ▾", func() { w.menu(b.keys, w.keysMenu()) })
	b.more = widget.NewButtonWithIcon(t("view.more"), theme.MoreHorizontalIcon(), func() { w.menu(b.more, w.moreMenu()) })
	b.end = newRedButton(t("view.end"), func() { w.finish(wire.EndTechnician) })
	b.unfold = widget.NewButton("", func() { w.fold(!w.frame.open) })
	b.tab = container.New(layout.NewCustomPaddedLayout(-7, -5, 0, 0), b.unfold)
	b.tab.Hide()
	row := container.NewHBox(b.monitors, gap(), b.zoom, gap(), b.control, b.pointer, gap(), b.keys, gap(), b.more)
	line := container.NewBorder(nil, nil, nil, b.end, container.NewHScroll(row))
	ground := canvas.NewRectangle(theme.Color(theme.ColorNameBackground))
	b.typing = newTyping(w)
	rows := container.NewVBox(line, b.typing.root)
	b.root = container.NewStack(ground, container.New(layout.NewCustomPaddedLayout(4, 4, 6, 6), rows))
	return b
}

// gap parts two groups of buttons.
func gap() fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(4, 4, 3, 3), widget.NewSeparator())
}

// rebuild makes the monitors' buttons anew.
func (b *toolbar) rebuild() {
	b.choices = b.choices[:0]
	t, l := b.w.c.Text, b.w.state.Layout
	for _, m := range l {
		b.choices = append(b.choices, b.choice(int(m.ID), t("view.monitor", "n", number(l, m.ID))))
	}
	if len(l) > 1 {
		b.choices = append(b.choices, b.choice(-1, t("view.all")))
	}
	b.monitors.RemoveAll()
	for _, c := range b.choices {
		b.monitors.Add(c.button)
	}
	b.update()
}

func (b *toolbar) choice(id int, name string) choice {
	return choice{id, widget.NewButton(name, func() { b.w.choose(id) })}
}

// number is a monitor's place in the layout, from 1, as people count them.
func number(l screen.Layout, id screen.MonitorID) string {
	for i, m := range l {
		if m.ID == id {
			return strconv.Itoa(i + 1)
		}
	}
	return "?"
}

// update brings the buttons in line with the window's state.
func (b *toolbar) update() {
	w, t := b.w, b.w.c.Text
	for _, c := range b.choices {
		on := w.all && c.id < 0 || !w.all && c.id == int(w.one) || len(b.choices) == 1
		setButton(c.button, c.button.Text, radio(on), importance(on))
	}
	zoom := "view.fit"
	if w.actual {
		zoom = "view.actual"
	}
	setButton(b.zoom, t(zoom)+" ▾", nil, widget.MediumImportance)
	switch r := consent.RightControl; {
	case w.state.Rights.Has(r):
		setButton(b.control, t("view.release"), nil, widget.MediumImportance)
	case w.state.Asked.Has(r):
		setButton(b.control, t("view.asking"), nil, widget.MediumImportance)
	default:
		setButton(b.control, t("view.ask"), nil, widget.HighImportance)
	}
	setButton(b.pointer, b.pointer.Text, check(w.points), importance(w.points))
	tab := "▾ " + w.c.Machine
	if w.frame != nil && w.frame.open {
		tab = "▴ " + w.c.Machine
	}
	setButton(b.unfold, tab, nil, widget.MediumImportance)
}

// setButton changes a button, and costs nothing when it is the same.
func setButton(b *widget.Button, text string, icon fyne.Resource, i widget.Importance) {
	if b.Text == text && b.Icon == icon && b.Importance == i {
		return
	}
	b.Text, b.Icon, b.Importance = text, icon, i
	b.Refresh()
}

func importance(on bool) widget.Importance {
	if on {
		return widget.HighImportance
	}
	return widget.MediumImportance
}

// radio and check tell a button's state by shape, beside its colour.
func radio(on bool) fyne.Resource {
	if on {
		return theme.Icon(theme.IconNameRadioButtonChecked)
	}
	return theme.Icon(theme.IconNameRadioButton)
}

func check(on bool) fyne.Resource {
	if on {
		return theme.Icon(theme.IconNameCheckButtonChecked)
	}
	return theme.Icon(theme.IconNameCheckButton)
}
