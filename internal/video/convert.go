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

func planesOf(p *screen.Picture) C.planes {
	return C.planes{
		y: bytes(p.Y), u: bytes(p.U), v: bytes(p.V),
		stride_y: C.int(p.StrideY), stride_c: C.int(p.StrideC),
	}
}

func pixels(m *image.RGBA) *C.uint8_t { return bytes(m.Pix) }

func bytes(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }
