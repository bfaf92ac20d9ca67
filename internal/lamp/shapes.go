// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"bytes"
	"image"
	"image/color"

	"golang.org/x/image/vector"

	"assist/internal/consent"
)

// circle is the length of a Bézier handle that makes a quarter circle of radius 1.
const circle = 0.5523

// outline is a filled shape in pixels.
type outline struct {
	r    *vector.Rasterizer
	area image.Rectangle
}

// newOutline begins a shape that lies within an area of the picture: filling costs
// by its size.
func newOutline(img *image.RGBA, area image.Rectangle) outline {
	if area = area.Intersect(img.Rect); area.Empty() {
		area = img.Rect
	}
	return outline{vector.NewRasterizer(area.Dx(), area.Dy()), area}
}

func (o outline) fill(img *image.RGBA, c color.Color) {
	o.r.Draw(img, o.area, image.NewUniform(c), image.Point{})
}

// in turns a place on the picture into one in the area.
func (o outline) in(x, y float32) (float32, float32) {
	return x - float32(o.area.Min.X), y - float32(o.area.Min.Y)
}

// round adds a rectangle with round corners.
func (o outline) round(x0, y0, x1, y1, radius float32) {
	k := radius * (1 - circle)
	x0, y0 = o.in(x0, y0)
	x1, y1 = o.in(x1, y1)
	o.r.MoveTo(x0+radius, y0)
	o.r.LineTo(x1-radius, y0)
	o.r.CubeTo(x1-k, y0, x1, y0+k, x1, y0+radius)
	o.r.LineTo(x1, y1-radius)
	o.r.CubeTo(x1, y1-k, x1-k, y1, x1-radius, y1)
	o.r.LineTo(x0+radius, y1)
	o.r.CubeTo(x0+k, y1, x0, y1-k, x0, y1-radius)
	o.r.LineTo(x0, y0+radius)
	o.r.CubeTo(x0, y0+k, x0+k, y0, x0+radius, y0)
	o.r.ClosePath()
}

// path adds a polygon.
func (o outline) path(points ...[2]float32) {
	o.r.MoveTo(o.in(points[0][0], points[0][1]))
	for _, p := range points[1:] {
		o.r.LineTo(o.in(p[0], p[1]))
	}
	o.r.ClosePath()
}

func disc(img *image.RGBA, x, y, radius float32, c color.Color) {
	o := newOutline(img, image.Rect(int(x-radius)-1, int(y-radius)-1, int(x+radius)+2, int(y+radius)+2))
	o.round(x-radius, y-radius, x+radius, y+radius, radius)
	o.fill(img, c)
}

// mark draws the sign at the left: an eye-like dot while seen, a full disc while
// driven, two bars while paused. It returns where the words begin.
func (a *artist) mark(img *image.RGBA, s consent.Status, p palette) int {
	k := float32(a.scale)
	x, y := (margin+7)*k, bannerHeight/2*k
	switch {
	case s.Paused == consent.PauseUser:
		o := newOutline(img, img.Rect)
		o.round(x-6*k, y-6*k, x-2*k, y+6*k, k)
		o.round(x+2*k, y-6*k, x+6*k, y+6*k, k)
		o.fill(img, p.text)
	case driven(s):
		disc(img, x, y, 7*k, p.text)
	default:
		disc(img, x, y, 7*k, p.text)
		disc(img, x, y, 5*k, p.ground)
		disc(img, x, y, 3*k, p.text)
	}
	return a.markWidth()
}

func (a *artist) markWidth() int { return a.px(margin + 14 + 10) }

// button draws one button: its sign, then its word.
func (a *artist) button(img *image.RGBA, b button, p palette, pressed bool) {
	ground, text := p.button, p.buttonText
	if b.act == actCut {
		ground, text = p.cut, p.cutText
	}
	if pressed {
		ground, text = text, ground
	}
	k := float32(a.scale)
	r := b.rect
	o := newOutline(img, r)
	o.round(float32(r.Min.X), float32(r.Min.Y), float32(r.Max.X), float32(r.Max.Y), 5*k)
	o.fill(img, ground)
	x, y := float32(r.Min.X)+margin*k, float32(r.Min.Y+r.Max.Y)/2-glyphSize/2*k
	sign := newOutline(img, r)
	sign.sign(b.act, x, y, k)
	sign.fill(img, text)
	a.writeAt(img, b.text, image.Pt(r.Min.X+a.px(margin+glyphSize+6), (r.Min.Y+r.Max.Y)/2), text)
}

// sign adds the picture of an action, 8 by 8 units of k from x, y.
func (o outline) sign(act action, x, y, k float32) {
	switch act {
	case actPause:
		o.round(x+k, y, x+3*k, y+8*k, 0)
		o.round(x+5*k, y, x+7*k, y+8*k, 0)
	case actResume:
		o.path([2]float32{x + k, y}, [2]float32{x + 8*k, y + 4*k}, [2]float32{x + k, y + 8*k})
	case actTakeBack: // an arrow back to the left
		o.path([2]float32{x, y + 4*k}, [2]float32{x + 4*k, y}, [2]float32{x + 4*k, y + 3*k},
			[2]float32{x + 8*k, y + 3*k}, [2]float32{x + 8*k, y + 5*k}, [2]float32{x + 4*k, y + 5*k},
			[2]float32{x + 4*k, y + 8*k})
	case actCut: // a cross, as one twelve-cornered outline
		w := 1.4 * k
		c := [2]float32{x + 4*k, y + 4*k}
		o.path([2]float32{x, y + w}, [2]float32{x + w, y}, [2]float32{c[0], c[1] - w},
			[2]float32{x + 8*k - w, y}, [2]float32{x + 8*k, y + w}, [2]float32{c[0] + w, c[1]},
			[2]float32{x + 8*k, y + 8*k - w}, [2]float32{x + 8*k - w, y + 8*k}, [2]float32{c[0], c[1] + w},
			[2]float32{x + w, y + 8*k}, [2]float32{x, y + 8*k - w}, [2]float32{c[0] - w, c[1]})
	}
}

// pointer draws the technician's pointer and its label; its tip is at tip. What
// is transparent is no part of it.
func (a *artist) pointer(label string) (img *image.RGBA, tip image.Point) {
	ink, paper := rgb(0x3d3dd8), rgb(0xffffff)
	label = a.cut(plain(label), a.px(240))
	k := float32(a.scale)
	w := a.measure(label) + a.px(16)
	img = image.NewRGBA(image.Rect(0, 0, a.px(18)+w, a.px(52)))
	arrow := func(grow float32, c color.Color) {
		o := newOutline(img, img.Rect)
		o.path([2]float32{2*k - grow, 2*k - 2*grow}, [2]float32{20*k + 2*grow, 18*k + grow},
			[2]float32{12*k + grow, 19*k + grow}, [2]float32{8*k + grow, 27*k + grow}, [2]float32{2*k - grow, 27*k + grow})
		o.fill(img, c)
	}
	arrow(1.6*k, paper)
	arrow(0, ink)
	pill := newOutline(img, img.Rect)
	pill.round(16*k, 27*k, 16*k+float32(w), 50*k, 6*k)
	pill.fill(img, ink)
	a.writeAt(img, label, image.Pt(a.px(24), a.px(77)/2), paper)
	return img, image.Pt(a.px(2), a.px(2))
}

// differing is the smallest rectangle outside which both pictures are alike.
func differing(old, img *image.RGBA) image.Rectangle {
	if old == nil || old.Rect != img.Rect {
		return img.Rect
	}
	var r image.Rectangle
	for y := range img.Rect.Dy() {
		a, b := old.Pix[y*old.Stride:(y+1)*old.Stride], img.Pix[y*img.Stride:(y+1)*img.Stride]
		if bytes.Equal(a, b) {
			continue
		}
		first, last := 0, len(a)-1
		for a[first] == b[first] {
			first++
		}
		for a[last] == b[last] {
			last--
		}
		r = r.Union(image.Rect(first/4, y, last/4+1, y+1))
	}
	return r
}
