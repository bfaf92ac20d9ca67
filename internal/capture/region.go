// SPDX-License-Identifier: Apache-2.0

package capture

import "image"

// maxRects is how many rectangles one frame can name as changed.
const maxRects = 16

// slack is how many unchanged pixels a union of two rectangles may take in
// without a second thought: fewer, larger reads are cheaper.
const slack = 64 * 16

// region is a bounded set of rectangles that covers everything added to it.
type region struct {
	rects []image.Rectangle
}

// add puts in r, joined with what it is close to.
func (g *region) add(r image.Rectangle) {
	for !r.Empty() {
		near, cost := g.nearest(r)
		if near < 0 || (cost > slack && len(g.rects) < maxRects) {
			g.rects = append(g.rects, r)
			return
		}
		// The union may now touch others: put it in again without its part.
		r = r.Union(g.rects[near])
		g.rects[near] = g.rects[len(g.rects)-1]
		g.rects = g.rects[:len(g.rects)-1]
	}
}

// nearest finds the rectangle whose union with r takes in the fewest pixels
// that belong to neither.
func (g *region) nearest(r image.Rectangle) (index, cost int) {
	index = -1
	for i, o := range g.rects {
		c := area(r.Union(o)) - area(r) - area(o) + area(r.Intersect(o))
		if index < 0 || c < cost {
			index, cost = i, c
		}
	}
	return index, cost
}

// take empties the region.
func (g *region) take() []image.Rectangle {
	taken := g.rects
	g.rects = nil
	return taken
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }
