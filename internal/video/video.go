// SPDX-License-Identifier: Apache-2.0

// Package video turns captured frames into AV1 packets and packets back into
// pictures. It is a thin layer over three well-kept C libraries: libaom
// encodes, dav1d decodes, libyuv scales and converts for the viewer.
//
// Cost follows what changed: only damaged rectangles are converted, and an active
// map tells the encoder to stay off everything else. (libaom 3.6 accepts the map
// without effect and finds unchanged blocks by itself.) The encoder holds the
// quantizer between a floor and a ceiling at which text stays readable; when the
// link is slow it is the caller who sends fewer frames. Refine then brings a picture
// that stands still up to a quality the eye cannot tell from the screen.
//
// Colours are BT.709 limited range with chroma taken at the centre of each two by
// two block, in both directions.
//
// # Memory
//
// An Encoder and a Decoder own C memory until Close, which may be called more
// than once; both refuse to work afterwards. Neither is safe for use by two
// goroutines at once. A Packet's bytes and a Picture's planes are Go memory
// that the next call on the same object overwrites.
package video

import (
	"errors"
	"image"

	"assist/internal/screen"
)

// Errors of this package.
var (
	// ErrNoCodec says that the program was built without the C codecs.
	ErrNoCodec = errors.New("video: built without codecs")
	// ErrClosed says that the encoder or decoder was closed.
	ErrClosed = errors.New("video: closed")
	// ErrSize says that a picture is empty, larger than screen.MaxSide, or not
	// of the size the encoder was made for.
	ErrSize = errors.New("video: picture size")
	// ErrFrame says that a frame's bytes do not hold what its size promises.
	ErrFrame = errors.New("video: frame shorter than its size")
	// ErrCodec wraps what a C library reported.
	ErrCodec = errors.New("video: codec")
	// ErrNoPicture says that a temporal unit was valid but showed nothing.
	ErrNoPicture = errors.New("video: temporal unit without a picture")
	// ErrNoFrame says that Refine came before the first Encode.
	ErrNoFrame = errors.New("video: nothing encoded yet")
)

// NominalRate is the frame rate that a bit rate is spread over: one frame
// is given Bitrate/NominalRate bits, as far as the quantizer's limits let it.
const NominalRate = 30

// Options are an encoder's settings.
type Options struct {
	Bitrate int // bit/s
	Threads int // 1 to 8; zero is 2
}

// Packet is one AV1 temporal unit. Its bytes are valid until the next call on
// the encoder that made it.
type Packet struct {
	Data []byte
	Key  bool
}

// validSize reports whether a picture of this size can be carried at all.
func validSize(s image.Point) bool {
	return s.X > 0 && s.Y > 0 && s.X <= screen.MaxSide && s.Y <= screen.MaxSide
}

// checkFrame makes sure that converting f reads no byte beyond f.Pix.
func checkFrame(f *screen.Frame) error {
	if !validSize(f.Size) {
		return ErrSize
	}
	if f.Stride < 4*f.Size.X || len(f.Pix) < (f.Size.Y-1)*f.Stride+4*f.Size.X {
		return ErrFrame
	}
	return nil
}

// fit gives p planes of this size without gaps between rows.
func fit(p *screen.Picture, size image.Point) {
	cw, ch := (size.X+1)/2, (size.Y+1)/2
	p.Size, p.StrideY, p.StrideC = size, size.X, cw
	p.Y = room(p.Y, size.X*size.Y)
	p.U = room(p.U, cw*ch)
	p.V = room(p.V, cw*ch)
}

func room(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// complete makes sure that converting p reads no byte beyond its planes.
func complete(p *screen.Picture) bool {
	cw, ch := (p.Size.X+1)/2, (p.Size.Y+1)/2
	return validSize(p.Size) && p.StrideY >= p.Size.X && p.StrideC >= cw &&
		len(p.Y) >= (p.Size.Y-1)*p.StrideY+p.Size.X &&
		min(len(p.U), len(p.V)) >= (ch-1)*p.StrideC+cw
}

// even grows r to even coordinates, so that no chroma sample is half old and
// half new, and clips it to size.
func even(r image.Rectangle, size image.Point) image.Rectangle {
	r = r.Intersect(image.Rectangle{Max: size})
	r.Min.X &^= 1
	r.Min.Y &^= 1
	r.Max.X = min((r.Max.X+1)&^1, size.X)
	r.Max.Y = min((r.Max.Y+1)&^1, size.Y)
	return r
}

// ScaleInside returns the largest size with the proportions of size that fits
// into box, at least one pixel each way.
func ScaleInside(size, box image.Point) image.Point {
	if size.X <= 0 || size.Y <= 0 || box.X <= 0 || box.Y <= 0 {
		return image.Point{}
	}
	w, h := box.X, size.Y*box.X/size.X
	if h > box.Y {
		w, h = size.X*box.Y/size.Y, box.Y
	}
	return image.Pt(max(w, 1), max(h, 1))
}
