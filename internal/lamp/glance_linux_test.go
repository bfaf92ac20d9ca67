// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"testing"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// cut shapes a window to these rectangles, in its own pixels.
func (d *desk) cut(w xproto.Window, kind shape.Kind, list ...image.Rectangle) {
	d.t.Helper()
	rects := make([]xproto.Rectangle, len(list))
	for i, r := range list {
		rects[i] = xproto.Rectangle{X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy())}
	}
	d.check(shape.RectanglesChecked(d.c.X, shape.SoSet, kind, 0, w, 0, 0, rects).Check())
}

// strips is parts of an area: one of this size at each step.
func strips(of image.Rectangle, size, step image.Point) (list []image.Rectangle) {
	for y := of.Min.Y; y < of.Max.Y; y += step.Y {
		for x := of.Min.X; x < of.Max.X; x += step.X {
			list = append(list, image.Rectangle{Max: size}.Add(image.Pt(x, y)))
		}
	}
	return list
}

// looks looks at a dialog that nothing changes meanwhile. On a busy machine a look may take
// too long, and is a no then; a yes is one at once.
func (r *rig) looks(t *testing.T, dialog xproto.Window, clear bool) {
	t.Helper()
	if clear {
		eventually(t, "it is clear", func() bool { return r.lamp.Clear(uint32(dialog)) })
	} else if r.lamp.Clear(uint32(dialog)) {
		t.Error("clear")
	}
}

// TestClearUnderPieces lays windows over a dialog that hide a little each, and others
// that hide nothing.
func TestClearUnderPieces(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	place := image.Rect(200, 100, 600, 300)
	all := image.Rect(0, 0, 400, 200)
	type piece struct {
		place image.Rectangle
		shape []image.Rectangle // in the window; nil is all of it
	}
	for name, c := range map[string]struct {
		pieces []piece
		clear  bool
	}{
		"upright strips of two windows": {[]piece{
			{place, strips(all, image.Pt(2, 200), image.Pt(4, 200))},
			{place, strips(all.Add(image.Pt(2, 0)), image.Pt(2, 200), image.Pt(4, 200))}}, false},
		"one narrow window":       {[]piece{{image.Rect(300, 150, 500, 152), nil}}, false},
		"a dot":                   {[]piece{{image.Rect(300, 150, 302, 152), nil}}, true},
		"dots of several windows": {[]piece{{image.Rect(300, 150, 302, 152), nil}, {image.Rect(320, 150, 321, 151), nil}}, false},
		"a grain":                 {[]piece{{place, strips(all, image.Pt(1, 1), image.Pt(40, 40))}}, false},
		"along its edges": {[]piece{
			{image.Rect(100, 50, 202, 350), nil}, {image.Rect(598, 50, 700, 350), nil},
			{image.Rect(100, 50, 700, 102), nil}, {image.Rect(100, 298, 700, 350), nil}}, true},
		"further over its edge": {[]piece{{image.Rect(100, 50, 203, 350), nil}}, false},
		"a frame around it": {[]piece{{place.Inset(-20), []image.Rectangle{
			image.Rect(0, 0, 440, 20), image.Rect(0, 220, 440, 240), image.Rect(0, 0, 20, 240), image.Rect(420, 0, 440, 240)}}}, true},
		"a shape larger than its window": {[]piece{{image.Rect(100, 50, 202, 350), []image.Rectangle{image.Rect(0, 0, 400, 300)}}}, true},
		"a corner cut away": {[]piece{{image.Rect(550, 250, 700, 350), []image.Rectangle{
			image.Rect(50, 0, 150, 50), image.Rect(0, 50, 150, 100)}}}, true},
		"more rectangles round it than are read": {[]piece{{image.Rect(0, 50, 900, 400),
			append(strips(image.Rect(0, 260, 900, 340), image.Pt(1, 1), image.Pt(4, 4)), image.Rect(0, 0, 9, 9))}}, false},
		"many rectangles elsewhere": {[]piece{{image.Rect(0, 300, 900, 400),
			strips(image.Rect(0, 10, 900, 90), image.Pt(1, 1), image.Pt(4, 4))}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dialog := r.window(place, false)
			defer xproto.DestroyWindow(r.c.X, dialog)
			r.looks(t, dialog, true)
			for _, p := range c.pieces {
				w := r.window(p.place, false)
				defer xproto.DestroyWindow(r.c.X, w)
				if p.shape != nil {
					r.cut(w, shape.SkBounding, p.shape...)
				}
			}
			r.looks(t, dialog, c.clear)
		})
	}
}

// rounded is a window of this size with round corners.
func rounded(size image.Point, radius int) (list []image.Rectangle) {
	for y := range size.Y {
		in := 0
		if up := max(radius-y, radius-(size.Y-1-y)); up > 0 {
			for (radius-in)*(radius-in)+up*up > radius*radius {
				in++
			}
		}
		list = append(list, image.Rect(in, y, size.X-in, y+1))
	}
	return list
}

// TestClearInAFrame holds a dialog in a frame, as window managers do, and shapes the
// frame, as every program can.
func TestClearInAFrame(t *testing.T) {
	x11test.Start(t, "1200x900")
	r := lightUp(t)
	place := image.Rect(300, 100, 860, 700)
	all := image.Rect(0, 0, 560, 600)
	hole := []image.Rectangle{image.Rect(0, 0, 560, 60), image.Rect(0, 60, 30, 80), image.Rect(360, 60, 560, 80), image.Rect(0, 80, 560, 600)}
	for name, c := range map[string]struct {
		frame image.Rectangle // on the desktop
		kind  shape.Kind
		shape []image.Rectangle // in the frame
		clear bool
	}{
		"no shape":                       {place, shape.SkBounding, []image.Rectangle{all}, true},
		"its edges":                      {place, shape.SkBounding, []image.Rectangle{all.Inset(2)}, true},
		"more than its edges":            {place, shape.SkBounding, []image.Rectangle{image.Rect(3, 0, 560, 600)}, false},
		"a hole":                         {place, shape.SkBounding, hole, false},
		"a hole to its border":           {place, shape.SkClip, hole, false},
		"round corners":                  {place, shape.SkBounding, rounded(all.Max, 12), true},
		"rounder corners":                {place, shape.SkClip, rounded(all.Max, 24), true},
		"far rounder corners":            {place, shape.SkBounding, rounded(all.Max, 36), false},
		"a square corner above":          {place, shape.SkBounding, []image.Rectangle{image.Rect(26, 0, 560, 26), image.Rect(0, 26, 560, 600)}, false},
		"a square corner below":          {place, shape.SkBounding, []image.Rectangle{image.Rect(0, 0, 560, 574), image.Rect(0, 574, 534, 600)}, false},
		"nothing":                        {place, shape.SkBounding, nil, false},
		"smaller, and its shape is not":  {image.Rect(300, 100, 860, 400), shape.SkBounding, []image.Rectangle{all}, false},
		"smaller, and its border is not": {image.Rect(300, 100, 860, 400), shape.SkClip, []image.Rectangle{all}, false},
	} {
		t.Run(name, func(t *testing.T) {
			frame := r.window(c.frame, false)
			defer xproto.DestroyWindow(r.c.X, frame)
			dialog := r.window(all, false)
			r.check(xproto.ReparentWindowChecked(r.c.X, dialog, frame, 0, 0).Check())
			r.cut(frame, c.kind, c.shape...)
			r.looks(t, dialog, c.clear)
		})
	}
}

// TestGlanceOfACutConnection: only windows that are there no more hide nothing.
func TestGlanceOfACutConnection(t *testing.T) {
	x11test.Start(t, "400x300")
	d := newDesk(t)
	c, err := x11.Dial("", nil)
	d.check(err)
	_, _, err = c.Extension("SHAPE")
	d.check(err)
	g := glance{c: c, place: image.Rect(100, 100, 200, 200)}
	if !g.past([]xproto.Window{0x7fffff}) {
		t.Error("hidden by a window that is gone")
	}
	c.Close()
	if g.past([]xproto.Window{0x7fffff}) {
		t.Error("clear, though nothing was found out")
	}
}
