// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package video

// #cgo pkg-config: aom dav1d
// #cgo LDFLAGS: -lyuv
// #cgo CFLAGS: -O3 -Wall -Wextra
// #include "encoder.h"
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"assist/internal/screen"
)

// Encoder turns the frames of one monitor at one size into AV1.
type Encoder struct {
	c       *C.encoder // nil once closed
	size    image.Point
	source  screen.Picture // what is encoded next; its planes are C memory
	quality quality
	out     []byte // the last packet
}

// NewEncoder makes an encoder for pictures of one size; another size wants
// another encoder.
func NewEncoder(size image.Point, o Options) (*Encoder, error) {
	if !validSize(size) {
		return nil, fmt.Errorf("%w: %v", ErrSize, size)
	}
	if o.Threads <= 0 {
		o.Threads = 2
	}
	var code C.int
	c := C.encoder_new(C.int(size.X), C.int(size.Y), C.int(min(o.Threads, 8)), kbps(o.Bitrate), &code)
	if c == nil {
		return nil, fmt.Errorf("%w: encoder not made (%d)", ErrCodec, int(code))
	}
	active := unsafe.Slice((*byte)(unsafe.Pointer(c.active)), int(c.cols)*int(c.rows))
	return &Encoder{c: c, size: size, source: sourceOf(c.img, size), quality: newQuality(size, active)}, nil
}

// sourceOf is libaom's picture seen as one of ours.
func sourceOf(img *C.aom_image_t, size image.Point) screen.Picture {
	plane := func(p, rows int) []byte {
		return unsafe.Slice((*byte)(img.planes[p]), rows*int(img.stride[p]))
	}
	half := (size.Y + 1) / 2
	return screen.Picture{
		Size: size, Y: plane(0, size.Y), U: plane(1, half), V: plane(2, half),
		StrideY: int(img.stride[0]), StrideC: int(img.stride[1]),
	}
}

// kbps keeps a bit rate within what libaom's sums can hold.
func kbps(bitrate int) C.int { return C.int(min(max(bitrate/1000, 50), 200_000)) }

// SetBitrate changes the rate from the next frame on.
func (e *Encoder) SetBitrate(bitrate int) {
	if e.c != nil {
		C.encoder_set_bitrate(e.c, kbps(bitrate))
	}
}

// Encode codes a frame, of which only f.Damage is read; the first call reads
// all of it and makes a key frame, as does key.
func (e *Encoder) Encode(f *screen.Frame, key bool) (Packet, error) {
	if e.c == nil {
		return Packet{}, ErrClosed
	}
	if f.Size != e.size {
		return Packet{}, fmt.Errorf("%w: frame is %v, encoder %v", ErrSize, f.Size, e.size)
	}
	if err := checkFrame(f); err != nil {
		return Packet{}, err
	}
	first := !e.quality.started
	damage := f.Damage
	if first {
		damage = []image.Rectangle{{Max: e.size}}
	}
	e.quality.begin()
	for _, r := range simplify(damage) {
		e.convert(f, even(r, e.size))
	}
	key = key || first
	return e.encode(key, e.quality.forFrame(key))
}

// convert brings one even rectangle of the frame into the encoder's picture.
func (e *Encoder) convert(f *screen.Frame, r image.Rectangle) {
	if r.Empty() {
		return
	}
	fromBGRX(f, r, &e.source)
	e.quality.touch(r)
}

// Refine codes the same picture again, finer, where it is not yet as good as
// it gets. It returns false, and no packet, when nothing is left to gain.
func (e *Encoder) Refine() (Packet, bool, error) {
	if e.c == nil {
		return Packet{}, false, ErrClosed
	}
	if !e.quality.started {
		return Packet{}, false, ErrNoFrame
	}
	limits, ok := e.quality.forRefinement()
	if !ok {
		return Packet{}, false, nil
	}
	p, err := e.encode(false, limits)
	return p, err == nil, err
}

// Key codes the same picture again as a key frame, for a decoder that lost its
// way while nothing moves.
func (e *Encoder) Key() (Packet, error) {
	if e.c == nil {
		return Packet{}, ErrClosed
	}
	if !e.quality.started {
		return Packet{}, ErrNoFrame
	}
	return e.encode(true, e.quality.forFrame(true))
}

func (e *Encoder) encode(key bool, l limits) (Packet, error) {
	r := C.encoder_encode(e.c, flag(key), flag(!key), C.int(l.min), C.int(l.max))
	if r.err != 0 {
		return Packet{}, fmt.Errorf("%w: encode (%d)", ErrCodec, int(r.err))
	}
	if r.size == 0 {
		return Packet{}, fmt.Errorf("%w: encoder gave no packet", ErrCodec)
	}
	e.out = append(e.out[:0], unsafe.Slice((*byte)(r.data), int(r.size))...)
	e.quality.done(r.key != 0, int(r.quantizer))
	return Packet{Data: e.out, Key: r.key != 0}, nil
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// Close frees the encoder's memory.
func (e *Encoder) Close() {
	if e.c == nil {
		return
	}
	C.encoder_free(e.c)
	e.c, e.source, e.quality = nil, screen.Picture{}, quality{}
}
