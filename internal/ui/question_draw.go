// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image"
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"

	"assist/internal/consent"
)

// headline is the first sentence, which is also the window's title and so what a screen
// reader says first.
func (d *question) headline() string {
	key := "dialog.wantsView"
	switch {
	case d.q.Idle:
		return d.a.say("dialog.idle")
	case d.q.Renewing:
		key = "dialog.wantsTime"
	case d.q.Widening && d.q.Wanted.Has(consent.RightControl):
		key = "dialog.wantsControl"
	case d.q.Widening && d.q.Wanted.Has(consent.RightPoint):
		key = "dialog.wantsPoint"
	}
	return d.a.tongue.count(key, max(d.q.Monitors, 1), "name", d.q.Who.Name)
}

// build lays the dialog out. The buttons stay in view even where the screen is too low
// for the rest, which then scrolls.
func (d *question) build() fyne.CanvasObject {
	a := d.a
	d.refuse = tag(a, newPress(a.say(d.refuseKey()), pressPlain, func() { d.say(consent.ErrRefused) }), "refuse")
	d.accept = tag(a, newPress(a.say(d.acceptKey()), pressPrimary, d.sayYes), "accept")
	d.accept.allow = d.genuine
	d.accept.Disable()
	d.report = tag(a, newPress(a.say(d.reportKey()), pressQuiet, func() { d.say(consent.ErrReported) }), "refuse-report")
	d.left = tag(a, newLine("", styleMuted()), "seconds")
	gap := d.gap()
	head := tag(a, newText(d.headline(), styleTitle()), "headline")
	parts := []fyne.CanvasObject{head, d.card()}
	if d.q.Reason != "" {
		parts = append(parts, tag(a, newText(a.say("reason", "reason", d.q.Reason), styleBody()), "reason"))
	}
	switch {
	case d.q.Idle:
		parts = []fyne.CanvasObject{head, newText(a.tongue.count("dialog.idleWhy", max(d.q.Monitors, 1), "name", d.q.Who.Name), styleBody())}
	case d.single():
		parts = append(parts, newText(a.say("dialog.keepHand"), styleBody()))
	case !d.q.Renewing:
		parts = append(parts, d.rights())
	}
	if !under(d.q) {
		parts = append(parts, d.words())
	}
	foot := newStack(gap*0.4, newRow(theme.Size(sizeGap)*0.75, 2, d.refuse, d.left, space(), d.accept), newRow(0, -1, d.report))
	return container.New(&footed{margin: theme.Size(sizeGap) * 1.1, gap: gap}, container.NewVScroll(newStack(gap, parts...)), foot)
}

// gap is the blank between two blocks, halved where the screen is low for the text size.
func (d *question) gap() float32 {
	if d.tight {
		return theme.Size(sizeGap) * 0.4
	}
	return theme.Size(sizeGap)
}

// acceptKey is the word on the button that says yes.
func (d *question) acceptKey() string {
	switch {
	case d.q.Idle:
		return "dialog.here"
	case d.q.Renewing:
		return "dialog.continue"
	case d.q.Widening:
		return "dialog.allow"
	}
	return "dialog.accept"
}

// refuseKey is the word on the button that says no.
func (d *question) refuseKey() string {
	if d.q.Idle {
		return "dialog.leave"
	}
	return "dialog.refuse"
}

// reportKey is the word on the button that reports: in a session it cuts, too.
func (d *question) reportKey() string {
	if under(d.q) {
		return "dialog.reportCut"
	}
	return "dialog.report"
}

// card is who asks, as the verified certificate says.
func (d *question) card() fyne.CanvasObject {
	a, who := d.a, d.q.Who
	unit := theme.Size(theme.SizeNameText)
	until := a.say("dialog.until", "unit", who.Unit, "date", a.tongue.date(who.Until))
	ok := newLine(a.say("dialog.verified"), styleStrong())
	ok.paint(theme.ColorNameSuccess)
	verified := newRow(unit*0.3, -1, a.iconView("tick", theme.ColorNameSuccess, unit*1.2), ok)
	facts := newStack(unit*0.2, newText(post(who.Role, who.Unit), styleBody()), newText(until, styleMuted()), verified)
	if d.tight {
		facts = newStack(0, newRow(unit, 0, newText(post(who.Role, who.Unit), styleBody()), verified), newText(until, styleMuted()))
	}
	switch {
	case d.tight && d.q.Photo == nil:
		return facts
	case d.tight: // no higher than the two lines beside it
		return newRow(unit, 1, portrait(d.q.Photo, unit*2.6), facts)
	case d.q.Photo == nil:
		return newRow(unit, 1, avatar(initials(who.Name), faceSide*unit), facts)
	}
	return newRow(unit, 1, portrait(d.q.Photo, faceSide*unit), facts)
}

// faceSide is the size of a face on the card, in heights of text.
const faceSide = 3.6

// portrait is the photo in the same circle, of the same size, so that nothing else on the
// card stands elsewhere for it. It says nothing that the words beside it do not: it takes no
// focus, and a screen reader reads the name.
func portrait(photo image.Image, side float32) fyne.CanvasObject {
	m := canvas.NewImageFromImage(photo)
	m.CornerRadius = canvas.RadiusMaximum
	m.SetMinSize(fyne.NewSquareSize(side))
	round := canvas.NewCircle(color.Transparent)
	round.StrokeColor, round.StrokeWidth = theme.Color(theme.ColorNamePrimary), 1.5
	return container.NewStack(m, round)
}

// avatar is two letters in a circle, in place of a picture.
func avatar(letters string, side float32) fyne.CanvasObject {
	round := canvas.NewCircle(theme.Color(colorInfoBack))
	round.StrokeColor, round.StrokeWidth = theme.Color(theme.ColorNamePrimary), 1.5
	t := canvas.NewText(letters, theme.Color(theme.ColorNamePrimary))
	t.TextSize, t.TextStyle.Bold = side*0.36, true
	hold := canvas.NewRectangle(theme.Color(colorInfoBack))
	hold.FillColor = nil
	hold.SetMinSize(fyne.NewSquareSize(side))
	return container.NewStack(hold, round, container.NewCenter(t))
}

// single says that one more right is asked, alone: the headline names it, the answer is
// about it, and no box is needed.
func (d *question) single() bool { return d.q.Widening && d.q.Wanted&(d.q.Wanted-1) == 0 }

// rights are boxes for what is asked, and nothing else.
func (d *question) rights() fyne.CanvasObject {
	a := d.a
	boxes := newFlow(theme.Size(sizeGap) * 0.5)
	for _, r := range rightsInOrder() {
		if !d.q.Wanted.Has(r) {
			continue
		}
		label := a.tongue.count("dialog."+r.String(), max(d.q.Monitors, 1))
		c := tag(a, a.newCheck(label, d.ticked.Has(r), func(on bool) { d.tickRight(r, on) }), "right-"+r.String())
		c.allow = d.genuine
		boxes.Add(c)
	}
	all := newStack(d.gap()*0.3, newText(a.say("dialog.may"), styleStrong()), boxes)
	if !d.q.Wanted.Has(consent.RightControl) {
		all.Add(newText(a.say("dialog.notControl"), styleMuted()))
	}
	return all
}

// words are the check words, to compare over the phone.
func (d *question) words() fyne.CanvasObject {
	a := d.a
	said := strings.Join(d.q.Words[:], " – ")
	if d.tight {
		return newStack(0, tag(a, newText(a.say("words", "words", said), styleStrong()), "words"), newText(a.say("dialog.wordsHint"), styleMuted()))
	}
	words := tag(a, newText(said, styleTitle()), "words")
	return surface(colorInfoBack, colorInfoBack, newText(a.say("dialog.words"), styleMuted()), words, newText(a.say("dialog.wordsHint"), styleBody()))
}

// footed is a body above a foot, with a margin round both.
type footed struct{ margin, gap float32 }

// Layout gives the foot its height first, and the body the rest.
func (f *footed) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	w := size.Width - 2*f.margin
	foot := fit(objs[1], w)
	objs[1].Move(fyne.NewPos(f.margin, size.Height-f.margin-foot))
	objs[0].Move(fyne.NewPos(f.margin, f.margin))
	objs[0].Resize(fyne.NewSize(w, fyne.Max(0, size.Height-2*f.margin-f.gap-foot)))
}

func (f *footed) MinSize(objs []fyne.CanvasObject) fyne.Size {
	body, foot := objs[0].MinSize(), objs[1].MinSize()
	return fyne.NewSize(fyne.Max(body.Width, foot.Width)+2*f.margin, body.Height+foot.Height+f.gap+2*f.margin)
}

// heightAt is the height that shows everything without scrolling, at a width.
func (f *footed) heightAt(objs []fyne.CanvasObject, width float32) float32 {
	body := objs[0]
	if s, ok := body.(*container.Scroll); ok {
		body = s.Content
	}
	w := width - 2*f.margin
	return fit(body, w) + fit(objs[1], w) + f.gap + 2*f.margin + 1
}

// padded is a margin round a short content.
func padded(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(&column{limit: 1e4, margin: theme.Size(sizeGap) * 1.25}, newStack(0, o))
}

// dialogSize is the size that a content asks for, and whether the primary monitor has
// room for all of it.
func (a *App) dialogSize(content fyne.CanvasObject, scale float32, small bool) (size fyne.Size, whole bool) {
	width := 46 * theme.Size(theme.SizeNameText)
	if small {
		width = 40 * theme.Size(theme.SizeNameText)
	}
	room := fyne.NewSize(960, 660)
	if area := a.primary(); !area.Empty() {
		room = fyne.NewSize(float32(area.Dx())/scale-40, float32(area.Dy())/scale-64)
	}
	width = fyne.Min(width, room.Width)
	height := heightAt(content, width)
	return fyne.NewSize(width, fyne.Min(height, room.Height)), height <= room.Height
}

// placeDialog gives a dialog its size and shows it on the primary monitor: in the middle,
// or below the banner when it is a small one.
func (a *App) placeDialog(w fyne.Window, small bool) {
	scale, area := w.Canvas().Scale(), a.primary()
	size, _ := a.dialogSize(w.Content(), scale, small)
	w.Resize(size)
	d, ok := w.(desktop.Window)
	if !ok || area.Empty() {
		w.CenterOnScreen()
		w.Show()
		return
	}
	d.RequestAlwaysOnTop()
	at := dialogCorner(area, image.Pt(int(size.Width*scale), int(size.Height*scale)), small)
	d.RequestPosition(at.X, at.Y)
	w.Show()
	d.RequestPosition(at.X, at.Y)
}

// dialogCorner is the top left of a dialog on a monitor, in pixels.
func dialogCorner(area image.Rectangle, size image.Point, small bool) image.Point {
	at := image.Pt(area.Min.X+(area.Dx()-size.X)/2, area.Min.Y+(area.Dy()-size.Y)/2)
	if small {
		at.Y = area.Min.Y + min(72, (area.Dy()-size.Y)/2)
	}
	return at
}

// heightAt is the height that a dialog's content needs at a width.
func heightAt(o fyne.CanvasObject, width float32) float32 {
	c, ok := o.(*fyne.Container)
	if !ok {
		return o.MinSize().Height
	}
	if f, ok := c.Layout.(*footed); ok {
		return f.heightAt(c.Objects, width)
	}
	return fit(o, width)
}

// primary is where the primary monitor is, empty when unknown.
func (a *App) primary() image.Rectangle {
	if a.cfg.Monitors == nil {
		return image.Rectangle{}
	}
	all := a.cfg.Monitors()
	for _, m := range all {
		if m.Primary {
			return m.Bounds
		}
	}
	if len(all) > 0 {
		return all[0].Bounds
	}
	return image.Rectangle{}
}
