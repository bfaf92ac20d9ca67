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

const (
	clearLimit = 300 * time.Millisecond // the server's answers come within, or the window counts as hidden
	overlap    = 2                      // pixels that a neighbour may overlap by, as shadows and borders do
)

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
	if !whole {
		return false
	}
	inside, err := xproto.QueryTree(c.X, win).Reply()
	if err != nil || hiding(c, inside.Children, place, own) {
		return false
	}
	// Outwards, level by level: what lies over it there.
	for at, parent := win, inside.Parent; ; {
		level, err := xproto.QueryTree(c.X, parent).Reply()
		if err != nil {
			return false
		}
		i := slices.Index(level.Children, at)
		if i < 0 || hiding(c, level.Children[i+1:], place, own) {
			return false
		}
		if parent == level.Root {
			return true
		}
		if !shows(c, parent, place) {
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

// shows reports whether a window that holds others lets this place of the desktop be
// seen: round corners do.
func shows(c *x11.Conn, win xproto.Window, place image.Rectangle) bool {
	at, ok := located(c, win)
	form, err := shape.GetRectangles(c.X, win, shape.SkBounding).Reply()
	if !ok || err != nil {
		return false
	}
	seen := 0
	for _, r := range form.Rectangles {
		part := rect(r).Add(at.Min).Intersect(place)
		seen += part.Dx() * part.Dy()
	}
	return seen >= place.Dx()*place.Dy()*98/100
}

// hiding reports whether one of these windows can be seen and lies over the place.
func hiding(c *x11.Conn, windows []xproto.Window, place image.Rectangle, own []uint32) bool {
	for _, w := range windows {
		if slices.Contains(own, uint32(w)) {
			continue
		}
		a, err := xproto.GetWindowAttributes(c.X, w).Reply()
		if err != nil || a.MapState != xproto.MapStateViewable || a.Class == xproto.WindowClassInputOnly {
			continue
		}
		at, ok := located(c, w)
		form, err := shape.GetRectangles(c.X, w, shape.SkBounding).Reply()
		if !ok || err != nil {
			continue // gone since
		}
		for _, r := range form.Rectangles {
			if over := rect(r).Add(at.Min).Intersect(place); over.Dx() > overlap && over.Dy() > overlap {
				return true
			}
		}
	}
	return false
}

func rect(r xproto.Rectangle) image.Rectangle {
	return image.Rect(0, 0, int(r.Width), int(r.Height)).Add(image.Pt(int(r.X), int(r.Y)))
}
