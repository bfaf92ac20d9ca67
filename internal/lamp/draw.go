// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"time"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"assist/internal/consent"
)

// Sizes in pixels at scale 1.
const (
	bannerHeight = 32
	bannerWidth  = 1120 // at most
	minTicker    = 90   // less room than that tells no action
	frameWidth   = 4
	margin       = 12
	buttonHeight = 24
	buttonGap    = 8
	glyphSize    = 8
	textSize     = 14
	maxName      = 60 // characters of a name or an action that are drawn
)

const (
	tickerTime = 5 * time.Second // how long an action is told
	ellipsis   = "…"
	minName    = 6 // characters of a name, before the short form is better
)

// action is what a button does.
type action uint8

const (
	actNone action = iota
	actPause
	actTakeBack
	actResume
	actCut
)

// button is one button of a drawn banner.
type button struct {
	act  action
	rect image.Rectangle
	text string
}

// palette is the colours of one state. Every pair of text and ground reaches a
// contrast of 4.5:1.
type palette struct {
	ground, text         color.RGBA
	button, buttonText   color.RGBA
	cut, cutText, border color.RGBA
}

func rgb(v uint32) color.RGBA {
	return color.RGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

// colours is amber while someone sees, red while someone drives.
func colours(driven bool) palette {
	if driven {
		return palette{
			ground: rgb(0xb3261e), text: rgb(0xffffff), border: rgb(0x7d140f),
			button: rgb(0xffffff), buttonText: rgb(0x7d140f), cut: rgb(0x3d0704), cutText: rgb(0xffffff),
		}
	}
	return palette{
		ground: rgb(0xffb81c), text: rgb(0x211700), border: rgb(0xb37d00),
		button: rgb(0xfff4d9), buttonText: rgb(0x211700), cut: rgb(0xb3261e), cutText: rgb(0xffffff),
	}
}

// driven says whether the status allows driving this computer.
func driven(s consent.Status) bool {
	return s.Rights.Has(consent.RightControl) && s.Paused != consent.PauseUser
}

// artist draws at one scale.
type artist struct {
	scale float64
	face  font.Face
}

// px turns a length at scale 1 into pixels.
func (a *artist) px(n int) int { return int(math.Round(float64(n) * a.scale)) }

// newArtist draws text in the Go font, whose licence lets it be embedded.
func newArtist(percent int) (*artist, error) {
	scale := float64(percent) / 100
	f, err := opentype.Parse(gomedium.TTF)
	if err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{
		Size: textSize * scale, DPI: 72, Hinting: font.HintingFull,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the font: %w", err)
	}
	return &artist{scale: scale, face: face}, nil
}

// scene is everything one banner shows.
type scene struct {
	status  consent.Status
	texts   Texts
	now     time.Time
	pressed action
	width   int // pixels
}

// banner draws a scene and says where its buttons are.
func (a *artist) banner(s scene) (*image.RGBA, []button) {
	p := colours(driven(s.status))
	img := image.NewRGBA(image.Rect(0, 0, s.width, a.px(bannerHeight)))
	draw.Draw(img, img.Rect, image.NewUniform(p.ground), image.Point{}, draw.Src)
	line := image.Rect(0, img.Rect.Max.Y-a.px(1), s.width, img.Rect.Max.Y)
	draw.Draw(img, line, image.NewUniform(p.border), image.Point{}, draw.Src)

	buttons := a.buttons(s)
	right := s.width
	for _, b := range buttons {
		a.button(img, b, p, s.pressed == b.act)
		right = min(right, b.rect.Min.X)
	}
	left := a.mark(img, s.status, p)
	a.words(img, s, image.Rect(left, 0, right-a.px(margin), img.Rect.Max.Y), p.text)
	return img, buttons
}

// words writes the sentence and, for as long as it is new, the last action in the
// middle of what is left. Who sees or drives is always said: the sentence gives up
// at most a third of the room, and an action that has none is not told here.
func (a *artist) words(img *image.RGBA, s scene, room image.Rectangle, c color.Color) {
	told, gap := ticker(s.status, s.now), a.px(2*margin)
	forText := room.Dx()
	if told != "" {
		forText = max(forText-gap-a.measure(told), forText*2/3)
	}
	text := a.sentence(s, forText)
	a.write(img, text, room.Min.X, c)
	room.Min.X += a.measure(text) + gap
	if told == "" || room.Dx() < a.px(minTicker) {
		return
	}
	told = a.cut(told, room.Dx())
	bar := image.Rect(0, a.px(9), a.px(1), a.px(23)).Add(image.Pt(room.Min.X-gap/2, 0))
	draw.Draw(img, bar, image.NewUniform(c), image.Point{}, draw.Src)
	a.write(img, told, room.Min.X+(room.Dx()-a.measure(told))/2, c)
}

// sentence is the longest wording that fits: words go before buttons do, first
// the unit, then the end of the name, then who it is.
func (a *artist) sentence(s scene, room int) string {
	long, short := s.texts.forms(s.status)
	clock := elapsed(s.now.Sub(s.status.Since))
	fill := func(form, name string) string {
		return strings.NewReplacer("{name}", name, "{unit}", plain(s.status.Who.Unit), "{time}", clock).Replace(form)
	}
	full := plain(s.status.Who.Name)
	unitless := strings.Replace(long, " ({unit})", "", 1)
	tries := []string{fill(long, full), fill(unitless, full)}
	name := []rune(full)
	for n := len(name) - 1; n >= minName; n-- {
		tries = append(tries, fill(unitless, strings.TrimSpace(string(name[:n]))+ellipsis))
	}
	for _, text := range append(tries, fill(short, full), clock) {
		if a.measure(text) <= room {
			return text
		}
	}
	return ""
}

// on is the texts where there are so many monitors.
func (t Texts) on(monitors int) Texts {
	if monitors == 1 {
		t.Seen, t.SeenShort, t.Idle = cmp.Or(t.SeenOne, t.Seen), cmp.Or(t.SeenOneShort, t.SeenShort), cmp.Or(t.IdleOne, t.Idle)
	}
	return t
}

// forms chooses the sentence for a status.
func (t Texts) forms(s consent.Status) (long, short string) {
	switch {
	case s.Paused == consent.PauseUser:
		return t.Paused, t.PausedShort
	case s.Input == consent.PausePresence:
		return t.Idle, t.IdleShort
	case driven(s):
		return t.Driven, t.DrivenShort
	}
	return t.Seen, t.SeenShort
}

// ticker is the last action with its time of day, for a few seconds.
func ticker(s consent.Status, now time.Time) string {
	age := now.Sub(s.ActionAt)
	if s.Action == "" || age < 0 || age >= tickerTime {
		return ""
	}
	return s.ActionAt.Format("15:04 ") + plain(s.Action)
}

// elapsed writes a duration as 04:12, or 1:04:12.
func elapsed(d time.Duration) string {
	n := int(max(0, d) / time.Second)
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%02d:%02d", n/60, n%60)
}

// plain makes text from elsewhere harmless: one line, nothing invisible, nothing
// that turns the direction of writing, no more than maxName characters.
func plain(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == '\u2800' {
			continue
		}
		if n++; n > maxName {
			b.WriteString(ellipsis)
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// buttons places the buttons from the right: the one that cuts always at the end.
func (a *artist) buttons(s scene) []button {
	first := button{act: actPause, text: s.texts.Pause}
	switch {
	case s.status.Paused == consent.PauseUser:
		first = button{act: actResume, text: s.texts.Resume}
	case driven(s.status):
		first = button{act: actTakeBack, text: s.texts.TakeBack}
	}
	list := []button{first, {act: actCut, text: s.texts.Cut}}
	right := s.width - a.px(buttonGap)
	top := a.px((bannerHeight - buttonHeight) / 2)
	for i := len(list) - 1; i >= 0; i-- {
		w := a.breadth(list[i].text)
		list[i].rect = image.Rect(right-w, top, right, top+a.px(buttonHeight))
		right -= w + a.px(buttonGap)
	}
	return list
}

// breadth is how wide a button with this text is.
func (a *artist) breadth(text string) int { return a.measure(text) + a.px(2*margin+glyphSize+6) }

// needs is how wide a banner must be at least, in any state: buttons with their
// words, the mark, and the shortest sentence that says what is happening.
func (a *artist) needs(t Texts) int {
	var first, words int
	for _, text := range []string{t.Pause, t.TakeBack, t.Resume} {
		first = max(first, a.breadth(text))
	}
	for _, text := range []string{t.SeenShort, t.SeenOneShort, t.DrivenShort, t.PausedShort} {
		words = max(words, a.measure(strings.ReplaceAll(text, "{time}", "0:00:00")))
	}
	return a.markWidth() + words + a.px(margin) + first + a.breadth(t.Cut) + a.px(3*buttonGap)
}

// cut shortens text to a width.
func (a *artist) cut(text string, room int) string {
	if a.measure(text) <= room {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && a.measure(string(runes)+ellipsis) > room {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimSpace(string(runes)) + ellipsis
}

func (a *artist) measure(text string) int { return font.MeasureString(a.face, text).Ceil() }

// write draws text with its capitals centred in the banner's height.
func (a *artist) write(img draw.Image, text string, x int, c color.Color) {
	a.writeAt(img, text, image.Pt(x, a.px(bannerHeight)/2), c)
}

// writeAt draws text from at.X, centred on the height of at.Y.
func (a *artist) writeAt(img draw.Image, text string, at image.Point, c color.Color) {
	m := a.face.Metrics()
	d := font.Drawer{Dst: img, Src: image.NewUniform(c), Face: a.face}
	d.Dot = fixed.P(at.X, at.Y+m.CapHeight.Round()/2)
	d.DrawString(text)
}
