// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package video

import (
	"image"

	"assist/internal/screen"
)

// Encoder cannot be made in this build.
type Encoder struct{}

// NewEncoder returns ErrNoCodec.
func NewEncoder(image.Point, Options) (*Encoder, error) { return nil, ErrNoCodec }

// Encode returns ErrNoCodec.
func (*Encoder) Encode(*screen.Frame, bool) (Packet, error) { return Packet{}, ErrNoCodec }

// Refine returns ErrNoCodec.
func (*Encoder) Refine() (Packet, bool, error) { return Packet{}, false, ErrNoCodec }

// Key returns ErrNoCodec.
func (*Encoder) Key() (Packet, error) { return Packet{}, ErrNoCodec }

// SetBitrate does nothing.
func (*Encoder) SetBitrate(int) {}

// Close does nothing.
func (*Encoder) Close() {}

// Decoder cannot be made in this build.
type Decoder struct{}

// NewDecoder returns ErrNoCodec.
func NewDecoder() (*Decoder, error) { return nil, ErrNoCodec }

// Decode returns ErrNoCodec.
func (*Decoder) Decode([]byte) (*screen.Picture, error) { return nil, ErrNoCodec }

// DecodeInto returns ErrNoCodec.
func (*Decoder) DecodeInto(*screen.Picture, []byte) error { return ErrNoCodec }

// Close does nothing.
func (*Decoder) Close() {}

// ToRGBA does nothing: without a decoder there are no pictures.
func ToRGBA(*screen.Picture, *image.RGBA) {}

// ScaleToRGBA does nothing.
func ScaleToRGBA(*screen.Picture, *image.RGBA) {}
