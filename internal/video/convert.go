// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package video

// #include "convert.h"
import "C"

import (
	"image"
	"unsafe"

	"assist/internal/screen"
)

// ToRGBA converts p into dst, pixel for pixel, as far as both reach.
func ToRGBA(p *screen.Picture, dst *image.RGBA) {
	w, h := min(p.Size.X, dst.Rect.Dx()), min(p.Size.Y, dst.Rect.Dy())
	if !complete(p) || w <= 0 || h <= 0 {
		return
	}
	C.i420_to_rgba(planesOf(p), pixels(dst), C.int(dst.Stride), C.int(w), C.int(h))
}

// ScaleToRGBA fills dst with p, whatever their sizes; it averages when it
// shrinks.
func ScaleToRGBA(p *screen.Picture, dst *image.RGBA) {
	size := dst.Rect.Size()
	if size == p.Size {
		ToRGBA(p, dst)
		return
	}
	if !complete(p) || size.X <= 0 || size.Y <= 0 {
		return
	}
	C.i420_scale_to_rgba(planesOf(p), C.int(p.Size.X), C.int(p.Size.Y),
		pixels(dst), C.int(dst.Stride), C.int(size.X), C.int(size.Y))
}

// fromBGRX converts one even rectangle of a frame into to, which is as large as
// the frame.
func fromBGRX(f *screen.Frame, r image.Rectangle, to *screen.Picture) {
	luma, chroma := r.Min.Y*to.StrideY+r.Min.X, r.Min.Y/2*to.StrideC+r.Min.X/2
	C.bgrx_to_i420(first(f.Pix[r.Min.Y*f.Stride+4*r.Min.X:]), C.int(f.Stride), C.planes{
		y: first(to.Y[luma:]), u: first(to.U[chroma:]), v: first(to.V[chroma:]),
		stride_y: C.int(to.StrideY), stride_c: C.int(to.StrideC),
	}, C.int(r.Dx()), C.int(r.Dy()))
}

func planesOf(p *screen.Picture) C.planes {
	return C.planes{
		y: first(p.Y), u: first(p.U), v: first(p.V),
		stride_y: C.int(p.StrideY), stride_c: C.int(p.StrideC),
	}
}

func pixels(m *image.RGBA) *C.uint8_t { return first(m.Pix) }

func first(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }
