// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

const (
	overlap = 2    // pixels along the edges of a dialog that neighbours may lie over, as shadows and borders do
	speck   = 4    // pixels within that all windows together may hide: a point, and no letter
	corner  = 24   // pixels: the radius of the roundest corners of a window manager's frame
	pieces  = 4096 // rectangles of shapes that are read in one look; with more the answer is no
)

// errPieces says that shapes are of too many rectangles.
var errPieces = errors.New("too many rectangles")

// glance is one look at a dialog. It adds up what hides the dialog, for strips and dots
// of many windows hide all of it.
type glance struct {
	c     *x11.Conn
	own   []uint32        // windows that may lie over it
	place image.Rectangle // of the dialog on the desktop, without its edges

	hidden int // pixels of the place so far; what two windows hide counts twice
	read   int // rectangles so far
}

// past reports whether the place is still seen with these windows over it.
func (g *glance) past(windows []xproto.Window) bool {
	for _, w := range windows {
		if slices.Contains(g.own, uint32(w)) {
			continue
		}
		parts, err := g.over(w)
		if err != nil && !gone(err) {
			return false
		}
		for _, p := range parts {
			g.hidden += pixels(p)
		}
		if g.hidden > speck {
			return false
		}
	}
	return true
}

// over is the parts of the place that lie under a window. The rectangles of a window
// whose extents are elsewhere, as those of most, are not read.
func (g *glance) over(w xproto.Window) ([]image.Rectangle, error) {
	attr := xproto.GetWindowAttributes(g.c.X, w)
	origin := xproto.TranslateCoordinates(g.c.X, w, g.c.Root, 0, 0)
	form := shape.QueryExtents(g.c.X, w)
	a, errA := attr.Reply()
	o, errO := origin.Reply()
	f, errF := form.Reply()
	if err := cmp.Or(errA, errO, errF); err != nil {
		return nil, fmt.Errorf("look at a window: %w", err)
	}
	all := rect(xproto.Rectangle{
		X: f.BoundingShapeExtentsX, Y: f.BoundingShapeExtentsY,
		Width: f.BoundingShapeExtentsWidth, Height: f.BoundingShapeExtentsHeight,
	}).Add(image.Pt(int(o.DstX), int(o.DstY)))
	if a.MapState != xproto.MapStateViewable || a.Class == xproto.WindowClassInputOnly || !all.Overlaps(g.place) {
		return nil, nil
	}
	return g.parts(w, shape.SkBounding)
}

// through reports whether a window that holds others lets the place be seen, but for
// round corners. Either of its shapes cuts what lies in it.
func (g *glance) through(w xproto.Window) bool {
	for _, kind := range []shape.Kind{shape.SkBounding, shape.SkClip} {
		parts, err := g.parts(w, kind)
		if err != nil {
			return false
		}
		for _, band := range bands(g.place) {
			missing := pixels(band)
			for _, p := range parts {
				missing -= pixels(p.Intersect(band))
			}
			if missing > 0 {
				return false
			}
		}
	}
	return true
}

// parts is the rectangles of the place in which a window is, by one of its shapes. They
// do not overlap. A shape may be larger than its window, and is cut to it.
func (g *glance) parts(w xproto.Window, kind shape.Kind) (list []image.Rectangle, err error) {
	size := xproto.GetGeometry(g.c.X, xproto.Drawable(w))
	origin := xproto.TranslateCoordinates(g.c.X, w, g.c.Root, 0, 0)
	form := shape.GetRectangles(g.c.X, w, kind)
	s, errS := size.Reply()
	o, errO := origin.Reply()
	f, errF := form.Reply()
	if err := cmp.Or(errS, errO, errF); err != nil {
		return nil, fmt.Errorf("look at a shape: %w", err)
	}
	if g.read += len(f.Rectangles); g.read > pieces {
		return nil, errPieces
	}
	at := image.Pt(int(o.DstX), int(o.DstY))
	most := image.Rect(0, 0, int(s.Width), int(s.Height))
	if kind == shape.SkBounding {
		most = most.Inset(-int(s.BorderWidth))
	}
	most = most.Add(at).Intersect(g.place)
	for _, r := range f.Rectangles {
		if p := rect(r).Add(at).Intersect(most); !p.Empty() {
			list = append(list, p)
		}
	}
	return list, nil
}

// gone reports whether a window could not be looked at for it is there no more; a
// connection that was cut says nothing of the window.
func gone(err error) bool {
	var window xproto.WindowError
	var drawable xproto.DrawableError
	return errors.As(err, &window) || errors.As(err, &drawable)
}

// bands is all of a place but round corners: one for each row of the corners, and one
// for what is between them.
func bands(place image.Rectangle) []image.Rectangle {
	round := min(corner, place.Dx()/4, place.Dy()/4)
	list := []image.Rectangle{image.Rect(place.Min.X, place.Min.Y+round, place.Max.X, place.Max.Y-round)}
	for i := range round {
		up := float64(round - i) // from the middle of the circle to the row's outer side
		cut := round - int(math.Sqrt(float64(round*round)-up*up))
		top := image.Rect(place.Min.X+cut, place.Min.Y+i, place.Max.X-cut, place.Min.Y+i+1)
		list = append(list, top, top.Add(image.Pt(0, place.Dy()-1-2*i)))
	}
	return list
}

func pixels(r image.Rectangle) int { return r.Dx() * r.Dy() }

func rect(r xproto.Rectangle) image.Rectangle {
	return image.Rect(0, 0, int(r.Width), int(r.Height)).Add(image.Pt(int(r.X), int(r.Y)))
}
