// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"

	"assist/internal/screen"
)

// snapNum/snapDen is the largest magnification that is not worth its blur: a
// picture that fits at 1:1 and would grow by less stays at 1:1.
const snapNum, snapDen = 115, 100

// spot is where the picture of one monitor lies on a pane.
type spot struct {
	id   screen.MonitorID
	host image.Point     // the monitor's size, in the host's pixels
	rect image.Rectangle // on the pane, in the technician's device pixels
}

// spread places monitors on an area of device pixels as they lie on the host's
// desktop, centred: one host pixel to a device pixel when actual is set, else as
// large as fits.
func spread(area image.Point, shown screen.Layout, actual bool) []spot {
	if len(shown) == 0 || area.X <= 0 || area.Y <= 0 {
		return nil
	}
	all := union(shown)
	num, den := 1, 1
	if !actual {
		num, den = ratio(area, all.Size())
	}
	edge := func(v int) int { return (2*v*num + den) / (2 * den) } // rounded; v is never negative
	margin := area.Sub(image.Pt(edge(all.Dx()), edge(all.Dy()))).Div(2)
	margin = image.Pt(max(margin.X, 0), max(margin.Y, 0))
	spots := make([]spot, 0, len(shown))
	for _, m := range shown {
		b := m.Bounds.Sub(all.Min)
		r := image.Rect(edge(b.Min.X), edge(b.Min.Y), edge(b.Max.X), edge(b.Max.Y))
		r.Max.X, r.Max.Y = max(r.Max.X, r.Min.X+1), max(r.Max.Y, r.Min.Y+1)
		spots = append(spots, spot{m.ID, m.Bounds.Size(), r.Add(margin)})
	}
	return spots
}

// ratio is the scale, as a fraction, at which size fits into area.
func ratio(area, size image.Point) (num, den int) {
	num, den = area.X, size.X
	if area.Y*size.X < area.X*size.Y {
		num, den = area.Y, size.Y
	}
	if num >= den && num*snapDen < den*snapNum {
		return 1, 1
	}
	return num, den
}

// union is the smallest rectangle that holds all monitors.
func union(l screen.Layout) image.Rectangle {
	var r image.Rectangle
	for _, m := range l {
		r = r.Union(m.Bounds)
	}
	return r
}

// toHost returns the host pixel that is shown at the centre of a device pixel; a
// device pixel outside the picture counts as the nearest one inside.
func (s spot) toHost(p image.Point) image.Point {
	return image.Pt(
		scaled(p.X-s.rect.Min.X, s.rect.Dx(), s.host.X),
		scaled(p.Y-s.rect.Min.Y, s.rect.Dy(), s.host.Y))
}

// toPane returns the device pixel that shows the centre of a host pixel.
func (s spot) toPane(h image.Point) image.Point {
	return s.rect.Min.Add(image.Pt(
		scaled(h.X, s.host.X, s.rect.Dx()),
		scaled(h.Y, s.host.Y, s.rect.Dy())))
}

// scaled maps pixel v of from pixels to the pixel under its centre out of to.
func scaled(v, from, to int) int {
	v = min(max(v, 0), from-1)
	return (2*v + 1) * to / (2 * from)
}

// painted is the size in which a picture is converted: no larger than the host's
// own, because magnifying is cheaper for the painter of the window.
func (s spot) painted() image.Point {
	if s.rect.Dx() >= s.host.X {
		return s.host
	}
	return s.rect.Size()
}

// spotAt returns the spot that holds a device pixel of the pane.
func spotAt(spots []spot, p image.Point) (spot, bool) {
	for _, s := range spots {
		if p.In(s.rect) {
			return s, true
		}
	}
	return spot{}, false
}

// spotOf returns the spot of a monitor.
func spotOf(spots []spot, id screen.MonitorID) (spot, bool) {
	for _, s := range spots {
		if s.id == id {
			return s, true
		}
	}
	return spot{}, false
}
