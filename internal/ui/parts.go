// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// mood is the tone of a notice: its shape and its colours.
type mood uint8

const (
	moodInfo mood = iota
	moodOK
	moodAttention
	moodDrive // somebody drives this computer
)

// look is a mood's icon, ink and tint.
func (m mood) look() (icon string, ink, back fyne.ThemeColorName) {
	switch m {
	case moodOK:
		return "check", theme.ColorNameSuccess, colorOKBack
	case moodAttention:
		return "attention", theme.ColorNameWarning, colorWarnBack
	case moodDrive:
		return "drive", colorDrive, colorDriveBack
	}
	return "info", theme.ColorNamePrimary, colorInfoBack
}

// newCard is a raised surface round objects below each other.
func newCard(objs ...fyne.CanvasObject) *fyne.Container {
	return surface(colorCard, colorLine, objs...)
}

// surface is a rounded sheet of one colour round objects below each other.
func surface(back, line fyne.ThemeColorName, objs ...fyne.CanvasObject) *fyne.Container {
	r := canvas.NewRectangle(theme.Color(back))
	r.StrokeColor, r.StrokeWidth, r.CornerRadius = theme.Color(line), 1, 10
	gap := theme.Size(sizeGap)
	return container.NewStack(r, container.New(&inset{wide: gap * 1.25, high: gap}, newStack(gap*0.75, objs...)))
}

// iconView is an icon that is not pressed.
func (a *App) iconView(name string, ink fyne.ThemeColorName, side float32) *canvas.Image {
	i := canvas.NewImageFromResource(theme.NewColoredResource(a.icon(name), ink))
	i.FillMode = canvas.ImageFillContain
	i.SetMinSize(fyne.NewSquareSize(side))
	return i
}

// notice is one message with its shape; it is hidden while it has nothing to say.
type notice struct {
	a    *App
	box  *fyne.Container
	said string
}

// newNotice is a notice with nothing to say yet.
func (a *App) newNotice() *notice {
	n := &notice{a: a, box: container.NewStack()}
	n.box.Hide()
	return n
}

// show puts a message; an empty one hides the notice.
func (n *notice) show(m mood, s string) {
	n.said = s
	if s == "" {
		n.box.Hide()
		return
	}
	icon, ink, back := m.look()
	side := theme.Size(theme.SizeNameInlineIcon) * 1.2
	t := tag(n.a, newText(s, styleBody()), "notice")
	line := newRow(side*0.6, 1, n.a.iconView(icon, ink, side), t)
	r := canvas.NewRectangle(theme.Color(back))
	r.StrokeColor, r.StrokeWidth, r.CornerRadius = theme.Color(ink), 1, 8
	n.box.Objects = []fyne.CanvasObject{r, container.New(&inset{wide: side * 0.7, high: side * 0.5}, line)}
	n.box.Show()
	n.box.Refresh()
}

// fail shows an error as a sentence, none hides it.
func (n *notice) fail(err error) {
	if err == nil {
		n.show(moodInfo, "")
		return
	}
	n.show(moodAttention, n.a.sentence(err))
}

// statusLine is a state: a shape, its colour and its words.
type statusLine struct {
	a    *App
	icon *canvas.Image
	line *text
	row  *fyne.Container
	name string
	ink  fyne.ThemeColorName
}

// newStatusLine is a state still unknown.
func (a *App) newStatusLine() *statusLine {
	s := &statusLine{a: a, line: newText("", styleStrong())}
	side := theme.Size(theme.SizeNameInlineIcon)
	s.icon = a.iconView("wait", colorMuted, side)
	s.row = newRow(side*0.5, 1, s.icon, s.line)
	return s
}

// set changes shape, colour and words, and draws only what changed.
func (s *statusLine) set(icon string, ink fyne.ThemeColorName, words string) {
	if s.name != icon || s.ink != ink {
		s.name, s.ink = icon, ink
		s.icon.Resource = theme.NewColoredResource(s.a.icon(icon), ink)
		s.icon.Refresh()
	}
	s.line.set(words)
}

// newField is a label above what it names, with room for a hint below.
func newField(label string, field fyne.CanvasObject, below ...fyne.CanvasObject) fyne.CanvasObject {
	objs := append([]fyne.CanvasObject{newText(label, styleStrong()), field}, below...)
	return newStack(theme.Size(theme.SizeNameText)*0.4, objs...)
}

// digitField is a field for digits, as wide as they need, with a remark beside it; ems is
// its width in characters. Larger digits would take a theme of their own for the field,
// for which the toolkit loads all fonts once more and never lets them go.
func digitField(e *widget.Entry, ems float32, remark fyne.CanvasObject) fyne.CanvasObject {
	unit := theme.Size(theme.SizeNameText)
	hold := canvas.NewRectangle(color.Transparent)
	hold.SetMinSize(fyne.NewSize(ems*unit, 0))
	field := container.NewStack(hold, e)
	return newRow(unit, 1, field, remark)
}

// newEntry is a field that keeps what is typed in a variable of its page, and goes on at
// Enter.
func newEntry(kept *string, enter func()) *widget.Entry {
	e := widget.NewEntry()
	bind(e, kept, enter)
	return e
}

// newSecretEntry is newEntry for a password.
func newSecretEntry(kept *string, enter func()) *widget.Entry {
	e := widget.NewPasswordEntry()
	bind(e, kept, enter)
	return e
}

// bind makes a field keep its text in a variable and call enter at Enter.
func bind(e *widget.Entry, kept *string, enter func()) {
	e.SetText(*kept)
	e.OnChanged = func(s string) { *kept = s }
	e.OnSubmitted = func(string) {
		if enter != nil {
			enter()
		}
	}
}

// newActions is the last line of a form: what leads away at the left, the main action at
// the right.
func newActions(away, main fyne.CanvasObject) fyne.CanvasObject {
	if away == nil {
		away = space()
	}
	return newRow(12, 1, away, space(), main)
}

// titled is the head of a page that can be left.
func (a *App) titled(title string, back func()) fyne.CanvasObject {
	p := tag(a, newPress(a.say("back"), pressQuiet, back), "back").with(a.icon("back"))
	return newStack(6, newRow(0, -1, p), newText(title, styleTitle()))
}
