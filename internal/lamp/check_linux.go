// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"
)

// raiseGap bounds how often the windows are raised: a program that fights for
// the top must not make us eat the processor.
const raiseGap = 50 * time.Millisecond

// check verifies that every banner is there, mapped, whole, at its place, under
// nothing, seen on the screen and not darkened there, mends what is not, and reports
// whether all was well. It never is between a change of the monitors and the banners' own.
func (st *stage) check() bool {
	st.checked = time.Now()
	tree, err := xproto.QueryTree(st.c.X, st.c.Root).Reply()
	if err != nil {
		return false
	}
	ok := len(st.banners) > 0 && len(st.banners) == len(st.layout)
	st.develop()
	for _, b := range st.banners {
		if !st.intact(b, tree.Children) || !st.reaches(b) {
			ok = false
			b.gaze.disturbed(st.checked)
		}
	}
	if st.covered(tree.Children) {
		for _, b := range st.banners {
			b.gaze.disturbed(st.checked)
		}
		st.raise()
		return false
	}
	for _, b := range st.banners {
		if ok && !st.seen(b) {
			ok = false
		}
	}
	return ok && !st.unsettled.Load()
}

// intact verifies and mends one banner's own windows.
func (st *stage) intact(b *banner, stack []xproto.Window) bool {
	ok := true
	if !st.framed(b, stack) {
		ok = false
		st.destroy(b.frame)
		if st.buildFrame(b) != nil {
			return false
		}
		st.tell()
		st.raise()
	}
	if !slices.Contains(stack, b.win) { // destroyed, or given another parent
		st.destroy(b.win)
		if st.build(b) == nil {
			st.tell()
			st.raise()
		}
		return false
	}
	attr := xproto.GetWindowAttributes(st.c.X, b.win)
	place := xproto.GetGeometry(st.c.X, xproto.Drawable(b.win))
	inside := xproto.QueryTree(st.c.X, b.win)
	whole := st.whole(b)
	a, errA := attr.Reply()
	g, errG := place.Reply()
	t, errT := inside.Reply()
	if errA != nil || errG != nil || errT != nil {
		return false
	}
	if a.MapState != xproto.MapStateViewable {
		ok = false
		xproto.MapWindow(st.c.X, b.win)
	}
	if geometry(g) != b.place || g.BorderWidth != 0 {
		ok = false
		st.replace(b)
	}
	if len(t.Children) > 0 { // it would take the clicks
		ok = false
		xproto.DestroySubwindows(st.c.X, b.win)
	}
	return ok && whole
}

// framed verifies a banner's frame: that it is there always, the rest in turn.
func (st *stage) framed(b *banner, stack []xproto.Window) bool {
	if !slices.Contains(stack, b.frame) {
		return false
	}
	if b.gaze.phase%frameTurn != 0 {
		return true
	}
	xproto.DeleteProperty(st.c.X, b.frame, st.atoms[opacity])
	attr := xproto.GetWindowAttributes(st.c.X, b.frame)
	place := xproto.GetGeometry(st.c.X, xproto.Drawable(b.frame))
	form := shape.QueryExtents(st.c.X, b.frame)
	a, errA := attr.Reply()
	g, errG := place.Reply()
	f, errF := form.Reply()
	if errA != nil || errG != nil || errF != nil {
		return false
	}
	m := b.monitor.Bounds
	return a.MapState == xproto.MapStateViewable && geometry(g) == m && !f.ClipShaped &&
		int(f.BoundingShapeExtentsWidth) == m.Dx() && int(f.BoundingShapeExtentsHeight) == m.Dy()
}

// whole verifies that all of a banner shows and takes clicks, and makes it so.
func (st *stage) whole(b *banner) bool {
	xproto.DeleteProperty(st.c.X, b.win, st.atoms[opacity])
	form := shape.QueryExtents(st.c.X, b.win)
	clicks := shape.GetRectangles(st.c.X, b.win, shape.SkInput)
	f, errF := form.Reply()
	c, errC := clicks.Reply()
	if errF != nil || errC != nil {
		return false
	}
	all := xproto.Rectangle{Width: uint16(b.place.Dx()), Height: uint16(b.place.Dy())}
	if !f.BoundingShaped && !f.ClipShaped && len(c.Rectangles) == 1 && c.Rectangles[0] == all {
		return true
	}
	for _, kind := range []shape.Kind{shape.SkBounding, shape.SkClip, shape.SkInput} {
		shape.Mask(st.c.X, shape.SoSet, kind, b.win, 0, 0, 0)
	}
	return false
}

func geometry(g *xproto.GetGeometryReply) image.Rectangle {
	return image.Rect(0, 0, int(g.Width)+2*int(g.BorderWidth), int(g.Height)+2*int(g.BorderWidth)).
		Add(image.Pt(int(g.X), int(g.Y)))
}

// covered reports whether a mapped window other than a banner lies over a banner.
// An invisible one counts too: it would take the clicks. So do our own frames and
// pointer, which anybody can put on top.
func (st *stage) covered(stack []xproto.Window) bool {
	own := map[xproto.Window]bool{}
	for _, b := range st.banners {
		own[b.win] = true
	}
	lowest := len(stack)
	for _, b := range st.banners {
		if i := slices.Index(stack, b.win); i >= 0 {
			lowest = min(lowest, i)
		}
	}
	var above []xproto.Window
	for _, w := range stack[min(lowest, len(stack)):] {
		if !own[w] {
			above = append(above, w)
		}
	}
	return st.hides(above, stack)
}

// hides reports whether one of the windows is seen and overlaps a banner below it.
func (st *stage) hides(above, stack []xproto.Window) bool {
	attrs := make([]xproto.GetWindowAttributesCookie, len(above))
	places := make([]xproto.GetGeometryCookie, len(above))
	for i, w := range above {
		attrs[i] = xproto.GetWindowAttributes(st.c.X, w)
		places[i] = xproto.GetGeometry(st.c.X, xproto.Drawable(w))
	}
	hidden := false
	for i, w := range above {
		a, errA := attrs[i].Reply()
		g, errG := places[i].Reply()
		if errA != nil || errG != nil || a.MapState != xproto.MapStateViewable {
			continue // gone since
		}
		for _, b := range st.banners {
			under := slices.Index(stack, b.win) < slices.Index(stack, w)
			hidden = hidden || (under && geometry(g).Overlaps(b.place))
		}
	}
	return hidden
}

// raise puts our windows on top: frames lowest, then the technician's pointer,
// banners last.
func (st *stage) raise() {
	if time.Since(st.raised) < raiseGap {
		return
	}
	st.restack()
}

// restack is raise without its bound.
func (st *stage) restack() {
	st.raised = time.Now()
	up := func(w xproto.Window) {
		if w != 0 {
			xproto.ConfigureWindow(st.c.X, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
		}
	}
	for _, b := range st.banners {
		xproto.MapWindow(st.c.X, b.frame)
		up(b.frame)
	}
	up(st.sprite.win)
	for _, b := range st.banners {
		up(b.win)
	}
}
