// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"slices"
	"sync"
	"time"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// clearLimit is how long the server's answers may take, or the window counts as hidden.
const clearLimit = 300 * time.Millisecond

// eye looks at windows over a connection of its own.
type eye struct {
	mu sync.Mutex // one look at a time; guards c
	c  *x11.Conn  // nil before the first look

	// The last window looked at and where it was.
	last  xproto.Window
	place image.Rectangle
}

// clear reports whether a window can be seen whole; own are those that may lie over it.
func (e *eye) clear(display string, window uint32, own []uint32) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil || !e.c.Alive() {
		c, err := x11.Dial(display, nil)
		if err != nil {
			return false
		}
		if _, _, err := c.Extension("SHAPE"); err != nil {
			c.Close()
			return false
		}
		e.c = c
	}
	defer time.AfterFunc(clearLimit, e.c.Kill).Stop()
	win := xproto.Window(window)
	place, ok := located(e.c, win)
	moved := win == e.last && place != e.place
	e.last, e.place = win, place
	return ok && !moved && uncovered(e.c, win, own)
}

func uncovered(c *x11.Conn, win xproto.Window, own []uint32) bool {
	place, whole := standing(c, win)
	g := glance{c: c, own: own, place: place.Inset(overlap)}
	if !whole || g.place.Empty() {
		return false
	}
	inside, err := xproto.QueryTree(c.X, win).Reply()
	if err != nil || !g.past(inside.Children) {
		return false
	}
	// Outwards, level by level: what lies over it there.
	for at, parent := win, inside.Parent; ; {
		level, err := xproto.QueryTree(c.X, parent).Reply()
		if err != nil {
			return false
		}
		i := slices.Index(level.Children, at)
		if i < 0 || !g.past(level.Children[i+1:]) {
			return false
		}
		if parent == level.Root {
			return true
		}
		if !g.through(parent) {
			return false
		}
		at, parent = parent, level.Parent
	}
}

// standing is where a window is on the desktop, and whether all of it can be seen if
// nothing covers it.
func standing(c *x11.Conn, win xproto.Window) (image.Rectangle, bool) {
	attr := xproto.GetWindowAttributes(c.X, win)
	form := shape.QueryExtents(c.X, win)
	desk := xproto.GetGeometry(c.X, xproto.Drawable(c.Root))
	a, errA := attr.Reply()
	f, errF := form.Reply()
	d, errD := desk.Reply()
	place, ok := located(c, win)
	if errA != nil || errF != nil || errD != nil || !ok || a.MapState != xproto.MapStateViewable ||
		f.BoundingShaped || f.ClipShaped {
		return place, false
	}
	all := image.Rect(0, 0, int(d.Width), int(d.Height))
	small := place.Dx() <= all.Dx() && place.Dy() <= all.Dy()
	return place, !small || place.In(all)
}

// located is where a window is on the desktop.
func located(c *x11.Conn, win xproto.Window) (image.Rectangle, bool) {
	size := xproto.GetGeometry(c.X, xproto.Drawable(win))
	origin := xproto.TranslateCoordinates(c.X, win, c.Root, 0, 0)
	g, errG := size.Reply()
	o, errO := origin.Reply()
	if errG != nil || errO != nil {
		return image.Rectangle{}, false
	}
	return image.Rect(0, 0, int(g.Width), int(g.Height)).Add(image.Pt(int(o.DstX), int(o.DstY))), true
}
