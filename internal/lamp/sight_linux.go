// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"
)

const (
	rowsRead   = 4                      // of a banner, at each look; others each time, less than a letter apart
	edge       = 2                      // rows, at scale 1, that a compositor may round or shade
	tint       = 48                     // levels that a compositor may change a colour by
	stray      = 8                      // pixels of a row that may differ: far less than a word
	flight     = 250 * time.Millisecond // a compositor may still show what was before a redraw
	regain     = 150 * time.Millisecond // after trouble, all is well for so long before a banner counts as seen again
	regainMost = 600 * time.Millisecond // and after long trouble: as long as it lasted, but no longer than this
	frameTurn  = 4                      // looks from one verification of the frame to the next
	rebuildGap = time.Second            // between two attempts with a window made anew
	hopeless   = 400 * time.Millisecond // painting does not help: the window is made anew
)

// gaze is what looking at a banner has told.
type gaze struct {
	phase   int       // which rows come next
	since   time.Time // when trouble began: missing, covered, not as it must be; zero without any
	trouble time.Time // when it was last found
	lost    time.Time // when it was first missed; zero while it is seen
	rebuilt time.Time // when its window was last made anew

	before *image.RGBA // what the banner showed until drawn
	drawn  time.Time
	moved  time.Time
}

// disturbed notes trouble.
func (g *gaze) disturbed(now time.Time) {
	if g.since.IsZero() {
		g.since = now
	}
	g.trouble = now
}

// calm reports whether there is no trouble, and has not been for long enough. It is
// asked when all is well.
func (g *gaze) calm(now time.Time) bool {
	if g.since.IsZero() {
		return true
	}
	if now.Sub(g.trouble) < max(regain, min(g.trouble.Sub(g.since), regainMost)) {
		return false
	}
	g.since = time.Time{}
	return true
}

// seen reads rows of the desktop where the banner is, and compares them with what
// was drawn. So it notices whatever hides a banner whose windows are all in place:
// redirection, an overlay, paint, opacity. After any trouble a banner must be found
// well for a while to count, so flickering does not pass for showing.
func (st *stage) seen(b *banner) bool {
	now := time.Now()
	if st.matches(b, now) {
		b.gaze.lost = time.Time{}
		return b.gaze.calm(now)
	}
	if now.Sub(b.gaze.moved) > flight {
		b.gaze.disturbed(now)
	}
	st.mend(b, now)
	return false
}

// mend draws a banner that is not seen all over again, and after a while makes
// its window anew: what was done to the old one does not hold for the new one.
func (st *stage) mend(b *banner, now time.Time) {
	if b.gaze.lost.IsZero() {
		b.gaze.lost = now
	}
	if now.Sub(b.gaze.lost) < hopeless || now.Sub(b.gaze.rebuilt) < rebuildGap {
		b.shown = nil
		st.draw(b, now)
		return
	}
	b.gaze.rebuilt = now
	st.destroy(b.win)
	if st.build(b) == nil {
		st.tell()
		st.raise()
	}
}

// matches reports whether the desktop shows the banner.
func (st *stage) matches(b *banner, now time.Time) bool {
	if b.shown == nil {
		return false
	}
	a := b.artist
	whole := b.shown.Rect.Inset(a.px(edge))
	whole.Min.X, whole.Max.X = a.px(margin), b.shown.Rect.Max.X-a.px(margin)
	if whole.Empty() {
		return false
	}
	b.gaze.phase++
	var rows [rowsRead]image.Rectangle
	var replies [rowsRead]xproto.GetImageCookie
	for i := range rows {
		y := whole.Min.Y + (b.gaze.phase+i*whole.Dy()/rowsRead)%whole.Dy()
		rows[i] = image.Rect(whole.Min.X, y, whole.Max.X, y+1)
		at := rows[i].Min.Add(b.place.Min)
		replies[i] = xproto.GetImage(st.c.X, xproto.ImageFormatZPixmap, xproto.Drawable(st.c.Root),
			int16(at.X), int16(at.Y), uint16(whole.Dx()), 1, 0xffffffff)
	}
	ok := true
	for i := range rows {
		r, err := replies[i].Reply()
		ok = ok && err == nil && len(r.Data) >= 4*whole.Dx() && st.alike(b, rows[i], r.Data, now)
	}
	return ok
}

// alike compares a row of the desktop with the banner's picture, or, shortly after
// a redraw, with the one before.
func (st *stage) alike(b *banner, row image.Rectangle, data []byte, now time.Time) bool {
	old := b.gaze.before
	if now.Sub(b.gaze.drawn) > flight || old != nil && old.Rect != b.shown.Rect {
		old = nil
	}
	others := st.across(b)
	strays := 0
	for x := row.Min.X; x < row.Max.X; x++ {
		i, px := b.shown.PixOffset(x, row.Min.Y), data[4*(x-row.Min.X):]
		if near(px, b.shown.Pix[i:]) || old != nil && near(px, old.Pix[i:]) {
			continue
		}
		at := b.place.Min.Add(image.Pt(x, row.Min.Y))
		if !slices.ContainsFunc(others, func(r image.Rectangle) bool { return at.In(r) }) {
			strays++
		}
	}
	return strays <= b.artist.px(stray)
}

// across is where other banners overlap this one, as they do on monitors that
// overlap.
func (st *stage) across(b *banner) []image.Rectangle {
	var others []image.Rectangle
	for _, o := range st.banners {
		if o != b && o.place.Overlaps(b.place) {
			others = append(others, o.place)
		}
	}
	return others
}

// near compares a pixel of the display, in B, G, R, with one of a picture.
func near(px, want []uint8) bool {
	for i := range 3 {
		if d := int(px[i]) - int(want[2-i]); d > tint || d < -tint {
			return false
		}
	}
	return true
}
