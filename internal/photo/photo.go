// SPDX-License-Identifier: Apache-2.0

// Package photo makes and reads the one form of picture that a technician's card may
// bear: a square JPEG of fixed size and few bytes. The unit's administrator makes it of
// any picture; the computer that is helped reads it, after its hash was found in a
// certificate of the unit. Whatever else stood in the administrator's file (places, dates,
// thumbnails) is left behind: only pixels are taken over, turned as the camera was held.
package photo

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"

	"assist/internal/wire"
)

// ErrPhoto says that bytes are not a picture that can be used, or not in the one form.
var ErrPhoto = errors.New("photo: not a picture that can be used")

// Side is the width and the height of a photo, in pixels: a card shows it at 50 to 100.
const Side = 128

// MaxBytes is the size of a photo at most. A face takes some 5 KiB.
const MaxBytes = wire.MaxPhoto

// Limits of the picture that a photo is made of: what telephones take.
const (
	maxFile   = 24 << 20   // bytes
	maxPixels = 64_000_000 // of all of it, known before anything is decoded
	minSide   = Side / 2   // pixels; of less no face is made out
)

// Make reads a JPEG or PNG file and returns the photo of its middle square.
func Make(file io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPhoto, err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrPhoto, maxFile)
	}
	whole, err := decode(b)
	if err != nil {
		return nil, err
	}
	small := image.NewRGBA(image.Rect(0, 0, Side, Side))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src) // behind what is transparent
	draw.CatmullRom.Scale(small, small.Bounds(), whole, middle(whole.Bounds()), draw.Over, nil)
	return encode(upright(small, orientation(b)))
}

// decode looks at the size before it makes room for the pixels.
func decode(b []byte) (image.Image, error) {
	size, whole := jpeg.DecodeConfig, jpeg.Decode
	if bytes.HasPrefix(b, []byte("\x89PNG")) {
		size, whole = png.DecodeConfig, png.Decode
	}
	c, err := size(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: neither JPEG nor PNG: %w", ErrPhoto, err)
	}
	if min(c.Width, c.Height) < minSide || c.Width > maxPixels/c.Height {
		return nil, fmt.Errorf("%w: %d by %d pixels; at least %d by %d, at most %d million", ErrPhoto, c.Width, c.Height, minSide, minSide, maxPixels/1_000_000)
	}
	m, err := whole(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPhoto, err)
	}
	return m, nil
}

// middle is the largest square in the middle.
func middle(r image.Rectangle) image.Rectangle {
	side := min(r.Dx(), r.Dy())
	at := r.Min.Add(image.Pt((r.Dx()-side)/2, (r.Dy()-side)/2))
	return image.Rectangle{at, at.Add(image.Pt(side, side))}
}

// encode takes the best quality that fits. Every face does at the first; pure noise at
// the second.
func encode(m image.Image) ([]byte, error) {
	for _, quality := range []int{90, 70, 50} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPhoto, err)
		}
		if b.Len() <= MaxBytes {
			return b.Bytes(), nil
		}
	}
	return nil, fmt.Errorf("%w: it does not fit into %d bytes", ErrPhoto, MaxBytes)
}

// Open reads a photo that Make could have made, and no other form: a JPEG in colour, of
// Side by Side pixels. Nothing is decoded before the size is known to be this one.
func Open(b []byte) (image.Image, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrPhoto, MaxBytes)
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPhoto, err)
	}
	if c.Width != Side || c.Height != Side || c.ColorModel != color.YCbCrModel {
		return nil, fmt.Errorf("%w: not %d by %d pixels in colour", ErrPhoto, Side, Side)
	}
	m, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPhoto, err)
	}
	if m.Bounds() != image.Rect(0, 0, Side, Side) {
		return nil, fmt.Errorf("%w: not of the size that its head says", ErrPhoto)
	}
	return m, nil
}
