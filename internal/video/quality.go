// SPDX-License-Identifier: Apache-2.0

package video

import "image"

// Quantizers go from 0 (lossless) to 63. Measured on dense coloured text at 1080p,
// brightness alone: 8 gives 42 dB, 20 gives 39, 36 gives 36, 44 gives 35, 52 gives 31.
const (
	finest      = 8  // what a picture that stands still ends with
	fine        = 20 // first step of a refinement that starts from far
	coarsest    = 44 // while things move; beyond it the caller sends fewer frames
	finestKey   = 32 // a finer key frame takes twice the time and the bytes
	coarsestKey = 44
)

// block is the side of the squares that the active map and the quality are
// kept in, in pixels; libaom's active map prescribes it.
const block = 16

// maxRects bounds the work of one frame: more rectangles are taken as one.
const maxRects = 64

// limits are the quantizers the encoder may choose from.
type limits struct{ min, max int }

// quality knows how well each block of the picture has been coded so far, and
// which blocks the encoder may touch next.
type quality struct {
	started bool
	cols    int
	active  []byte // C memory: 1 where the next encode may change the picture
	coded   []byte // the quantizer each block was last coded with
}

func newQuality(size image.Point, active []byte) quality {
	cols := (size.X + block - 1) / block
	return quality{cols: cols, active: active, coded: make([]byte, len(active))}
}

// begin forgets which blocks were touched.
func (q *quality) begin() { clear(q.active) }

// touch opens the blocks under r, which is inside the picture.
func (q *quality) touch(r image.Rectangle) {
	x0, x1 := r.Min.X/block, (r.Max.X+block-1)/block
	for y := r.Min.Y / block; y < (r.Max.Y+block-1)/block; y++ {
		row := q.active[y*q.cols+x0 : y*q.cols+x1]
		for i := range row {
			row[i] = 1
		}
	}
}

// forFrame returns the limits of a frame that shows something new.
func (q *quality) forFrame(key bool) limits {
	if key {
		return limits{finestKey, coarsestKey}
	}
	return limits{finest, coarsest}
}

// forRefinement opens the blocks that can be better and returns the quantizer to
// bring them to; false when there are none.
func (q *quality) forRefinement() (limits, bool) {
	worst := 0
	for i, c := range q.coded {
		q.active[i] = 0
		if c > finest {
			q.active[i] = 1
			worst = max(worst, int(c))
		}
	}
	if worst == 0 {
		return limits{}, false
	}
	if worst > fine {
		return limits{fine, fine}, true
	}
	return limits{finest, finest}, true
}

// done records the quantizer of what was just encoded.
func (q *quality) done(key bool, quantizer int) {
	q.started = true
	for i, a := range q.active {
		if key || a != 0 {
			q.coded[i] = byte(quantizer)
		}
	}
}

// simplify returns the rectangles to convert: the same, or one around all of
// them when they are too many.
func simplify(damage []image.Rectangle) []image.Rectangle {
	if len(damage) <= maxRects {
		return damage
	}
	var all image.Rectangle
	for _, r := range damage {
		all = all.Union(r)
	}
	return []image.Rectangle{all}
}
