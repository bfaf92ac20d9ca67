// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package video

// #include "decoder.h"
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"assist/internal/screen"
)

// Decoder turns AV1 temporal units into pictures. It survives any bytes: after
// an error it refuses everything up to the next key frame.
type Decoder struct {
	c   *C.decoder // nil once closed
	pic screen.Picture
}

// NewDecoder makes a decoder; it learns the size from what it decodes.
func NewDecoder() (*Decoder, error) {
	c := C.decoder_new(screen.MaxSide, screen.MaxPixels)
	if c == nil {
		return nil, fmt.Errorf("%w: decoder not made", ErrCodec)
	}
	return &Decoder{c: c}, nil
}

// Decode returns the picture that a temporal unit shows; it is valid until the
// next call.
func (d *Decoder) Decode(tu []byte) (*screen.Picture, error) {
	if err := d.DecodeInto(&d.pic, tu); err != nil {
		return nil, err
	}
	return &d.pic, nil
}

// DecodeInto decodes into p, reusing its planes where they are large enough;
// p belongs to the caller and its Monitor is left alone.
func (d *Decoder) DecodeInto(p *screen.Picture, tu []byte) error {
	if d.c == nil {
		return ErrClosed
	}
	if len(tu) == 0 {
		return fmt.Errorf("%w: empty temporal unit", ErrCodec)
	}
	r := C.decoder_decode(d.c, (*C.uint8_t)(unsafe.Pointer(&tu[0])), C.size_t(len(tu)))
	if err := decodeError(int(r)); err != nil {
		return err
	}
	fit(p, image.Pt(int(d.c.pic.p.w), int(d.c.pic.p.h)))
	C.decoder_copy(d.c, planesOf(p))
	return nil
}

func decodeError(r int) error {
	switch r {
	case C.DECODED:
		return nil
	case C.DECODED_NOTHING:
		return ErrNoPicture
	case C.DECODE_FORMAT:
		return fmt.Errorf("%w: not 8 bits 4:2:0", ErrSize)
	case C.DECODE_MEMORY:
		return fmt.Errorf("%w: no memory", ErrCodec)
	}
	return fmt.Errorf("%w: damaged temporal unit", ErrCodec)
}

// Close frees the decoder's memory; pictures it gave stay valid.
func (d *Decoder) Close() {
	if d.c == nil {
		return
	}
	C.decoder_free(d.c)
	d.c = nil
}
