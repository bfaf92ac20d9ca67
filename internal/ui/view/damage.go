// SPDX-License-Identifier: Apache-2.0

package view

import (
	"bytes"
	"image"

	"assist/internal/screen"
)

// strip is how many bytes of a row are compared at once.
const strip = 32

// differs finds the rectangle in which b differs from a, whose size is the same, with
// even edges where the picture goes on.
func differs(a, b *screen.Picture) image.Rectangle {
	whole := image.Rectangle{Max: b.Size}
	half := image.Pt((b.Size.X+1)/2, (b.Size.Y+1)/2)
	if a.Size != b.Size || a.StrideY != b.StrideY || a.StrideC != b.StrideC ||
		len(a.Y) != len(b.Y) || len(a.U) != len(b.U) || len(a.V) != len(b.V) {
		return whole
	}
	r := planeDiffers(a.Y, b.Y, b.StrideY, b.Size)
	for _, c := range []image.Rectangle{planeDiffers(a.U, b.U, b.StrideC, half), planeDiffers(a.V, b.V, b.StrideC, half)} {
		r = r.Union(image.Rectangle{Min: c.Min.Mul(2), Max: c.Max.Mul(2)})
	}
	r.Min = image.Pt(r.Min.X&^1, r.Min.Y&^1)
	r.Max = image.Pt((r.Max.X+1)&^1, (r.Max.Y+1)&^1)
	return r.Intersect(whole)
}

// planeDiffers is differs for one plane; columns count in strips.
func planeDiffers(a, b []byte, stride int, size image.Point) image.Rectangle {
	var r image.Rectangle
	for y := range size.Y {
		ra, rb := a[y*stride:][:size.X], b[y*stride:][:size.X]
		if bytes.Equal(ra, rb) {
			continue
		}
		if r.Empty() {
			r = image.Rectangle{Min: image.Pt(size.X, y), Max: image.Pt(0, y+1)} // as yet without a column
		}
		r.Max.Y = y + 1
		for x := 0; x < r.Min.X; x += strip {
			end := min(x+strip, size.X)
			if !bytes.Equal(ra[x:end], rb[x:end]) {
				r.Min.X = x
			}
		}
		for end := size.X; end > r.Max.X; end = (end - 1) / strip * strip {
			x := (end - 1) / strip * strip
			if !bytes.Equal(ra[x:end], rb[x:end]) {
				r.Max.X = end
			}
		}
	}
	return r
}

// window is the part of a picture inside a rectangle whose first edges are even.
func window(p *screen.Picture, r image.Rectangle) screen.Picture {
	y, c := r.Min.Y*p.StrideY+r.Min.X, r.Min.Y/2*p.StrideC+r.Min.X/2
	part := *p
	part.Size, part.Y, part.U, part.V = r.Size(), p.Y[y:], p.U[c:], p.V[c:]
	return part
}
