// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/boombuler/barcode/qr"
)

// code is the modules of a QR, as a phone's camera sees them; true is dark. What is
// drawn on a screen is never damaged, so nothing is corrected.
type code struct {
	side int
	dark func(x, y int) bool
}

var errNoCode = errors.New("no QR")

// findCode finds the one QR of a picture: the three finders are the only things with
// dark and light in a ratio of 1:1:3:1:1, and the one at the top left comes first.
func findCode(img *image.RGBA) (code, error) {
	dark := func(x, y int) bool { return luma(img.Pix[img.PixOffset(x, y):]) < 100 }
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			if run := finderAt(img.Rect.Size(), dark, x, y); run > 0 {
				if c, err := measureCode(img.Rect.Size(), dark, image.Pt(x, y), run); err == nil {
					return c, nil
				}
			}
		}
	}
	return code{}, errNoCode
}

// finderAt is how wide a finder is whose top left corner is here, else 0. Modules
// need not be whole pixels.
func finderAt(size image.Point, dark func(x, y int) bool, x, y int) int {
	if x < 0 || !dark(x, y) || x > 0 && dark(x-1, y) || y > 0 && dark(x, y-1) {
		return 0
	}
	run := 0
	for x+run < size.X && dark(x+run, y) {
		run++
	}
	if run < 14 || y+run >= size.Y || x+run >= size.X {
		return 0
	}
	for i, want := range []bool{true, false, true, true, true, false, true} {
		at := (2*i + 1) * run / 14
		if dark(x+at, y+run/2) != want || dark(x+run/2, y+at) != want {
			return 0
		}
	}
	return run
}

// measureCode finds the top right finder, which tells how many modules there are.
func measureCode(size image.Point, dark func(x, y int) bool, o image.Point, run int) (code, error) {
	for wide := 2 * run; o.X+wide < size.X && o.Y+wide < size.Y; wide++ {
		if !dark(o.X+wide-1, o.Y) || dark(o.X+wide, o.Y) {
			continue
		}
		for off := -1; off <= 1; off++ {
			if r := finderAt(size, dark, o.X+wide-run+off, o.Y); r < run-1 || r > run+1 {
				continue
			}
			side := 17 + (wide*7-17*run+2*run)/(4*run)*4
			at := func(i int) int { return (2*i + 1) * wide / (2 * side) }
			return code{side, func(x, y int) bool { return dark(o.X+at(x), o.Y+at(y)) }}, nil
		}
	}
	return code{}, errNoCode
}

// function reports whether a module carries no data.
func (c code) function(x, y int) bool {
	n := c.side
	if x < 9 && (y < 9 || y >= n-8) || y < 9 && x >= n-8 || x == 6 || y == 6 {
		return true
	}
	if n >= 45 && (x < 6 && y >= n-11 || y < 6 && x >= n-11) { // the version is written down
		return true
	}
	for _, ax := range c.centres() {
		for _, ay := range c.centres() {
			corner := ax == 6 && (ay == 6 || ay == n-7) || ay == 6 && ax == n-7
			if !corner && x >= ax-2 && x <= ax+2 && y >= ay-2 && y <= ay+2 {
				return true
			}
		}
	}
	return false
}

// centres are the rows and columns of the alignment marks, versions 1 to 12.
func (c code) centres() []int {
	switch v := (c.side - 17) / 4; {
	case v < 2:
		return nil
	case v < 7:
		return []int{6, c.side - 7}
	default:
		return []int{6, 6 + (c.side-13)/2, c.side - 7}
	}
}

// masked reports whether a mask inverts a module.
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (y/2+x/3)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	}
	return ((x+y)%2+x*y%3)%2 == 0
}

// codewords reads the bytes in the order they are written: columns in pairs from the
// right, up and down by turns.
func (c code) codewords(mask int) []byte {
	var out []byte
	var b byte
	n := 0
	for x, up := c.side-1, true; x > 0; x, up = x-2, !up {
		if x == 6 {
			x--
		}
		for i := range c.side {
			y := i
			if up {
				y = c.side - 1 - i
			}
			for _, xx := range []int{x, x - 1} {
				if c.function(xx, y) {
					continue
				}
				b <<= 1
				if c.dark(xx, y) != masked(mask, xx, y) {
					b |= 1
				}
				if n++; n%8 == 0 {
					out, b = append(out, b), 0
				}
			}
		}
	}
	return out
}

// blocksM is the data bytes of each block at the level M, versions 1 to 12.
func blocksM(version int) []int {
	short := [...][2]int{{1, 16}, {1, 28}, {1, 44}, {2, 32}, {2, 43}, {4, 27}, {4, 31}, {2, 38}, {3, 36}, {4, 43}, {1, 50}, {6, 36}}
	long := [...]int{0, 0, 0, 0, 0, 0, 0, 2, 2, 1, 4, 2}
	var out []int
	for range short[version-1][0] {
		out = append(out, short[version-1][1])
	}
	for range long[version-1] {
		out = append(out, short[version-1][1]+1)
	}
	return out
}

// text is what the QR says, of the level M and in bytes, as the app writes it.
func (c code) text() (string, error) {
	format := 0
	for i := range 5 { // the first five bits of the format, beside the top left finder
		format <<= 1
		if c.dark(i, 8) {
			format |= 1
		}
	}
	format ^= 0b10101
	version := (c.side - 17) / 4
	if level := format >> 3; level != 0 || version > 12 {
		return "", fmt.Errorf("level %d, version %d", level, version)
	}
	all := c.codewords(format & 7)
	sizes := blocksM(version)
	data := make([][]byte, len(sizes))
	for i, at := 0, 0; i < sizes[len(sizes)-1]; i++ {
		for b, size := range sizes {
			if i < size {
				data[b] = append(data[b], all[at])
				at++
			}
		}
	}
	var flat []byte
	for _, b := range data {
		flat = append(flat, b...)
	}
	return bytesOf(flat, version)
}

// bytesOf reads one segment of bytes.
func bytesOf(data []byte, version int) (string, error) {
	at := 0
	bits := func(n int) (v int) {
		for range n {
			v = v<<1 | int(data[at/8]>>(7-at%8))&1
			at++
		}
		return v
	}
	if mode := bits(4); mode != 4 {
		return "", fmt.Errorf("mode %d", mode)
	}
	n := 8
	if version > 9 {
		n = 16
	}
	length := bits(n)
	if length > len(data)-2 {
		return "", fmt.Errorf("%d bytes of %d", length, len(data))
	}
	out := make([]byte, length)
	for i := range out {
		out[i] = byte(bits(8))
	}
	return string(out), nil
}

// TestCode reads what the library writes.
func TestCode(t *testing.T) {
	text := "otpauth://totp/x:y?secret="
	for len(text) < 280 {
		text += "ABCDEFGHIJKLMNOP"
		c, err := qr.Encode(text, qr.M, qr.Auto)
		if err != nil {
			t.Fatal(err)
		}
		n := c.Bounds().Dx()
		side := n*4 + n*len(text)%97/10 // modules are no whole pixels
		img := image.NewRGBA(image.Rect(0, 0, side+50, side+50))
		for y := range img.Rect.Dy() {
			for x := range img.Rect.Dx() {
				img.Set(x, y, color.White)
				if p := image.Pt(x-20, y-30); p.In(image.Rect(0, 0, side, side)) {
					img.Set(x, y, c.At(p.X*n/side, p.Y*n/side))
				}
			}
		}
		found, err := findCode(img)
		if err != nil {
			t.Fatalf("%d bytes: %v", len(text), err)
		}
		if got, err := found.text(); got != text {
			t.Fatalf("%d bytes: %q, %v", len(text), got, err)
		}
	}
}
