// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"image"
	"math/rand/v2"
	"testing"
)

// scaled is a picture brought to another size, the nearest pixel for each.
func scaled(pix []byte, from, to image.Point) []byte {
	out := make([]byte, 4*to.X*to.Y)
	for y := range to.Y {
		for x := range to.X {
			at := 4 * (y*from.Y/to.Y*from.X + x*from.X/to.X)
			copy(out[4*(y*to.X+x):][:4], pix[at:at+4])
		}
	}
	return out
}

// worn adds noise as a lossy codec would.
func worn(pix []byte, by int) {
	r := rand.New(rand.NewPCG(5, 6))
	for i := range pix {
		pix[i] = byte(min(255, max(0, int(pix[i])+r.IntN(2*by)-by)))
	}
}

func TestStampSurvivesScalingAndNoise(t *testing.T) {
	size := image.Pt(960, stampHeight)
	for _, to := range []image.Point{size, {X: 640, Y: 27}, {X: 481, Y: 20}, {X: 1920, Y: 80}} {
		for _, n := range []uint16{1, 2, 255, 256, 12345, 65535} {
			pix := make([]byte, 4*size.X*size.Y)
			drawStamp(pix, size.X, n)
			worn(pix, 60)
			strip := scaled(pix, size, to)[4*to.X*(to.Y/2):][:4*to.X*2]
			if got, ok := readStamp(strip, image.Pt(to.X, 2)); !ok || got != n {
				t.Errorf("%d at %v: %d, %v", n, to, got, ok)
			}
		}
	}
}

// A strip that is half of one frame and half of the next must not count.
func TestHalfUpdatedStampIsRefused(t *testing.T) {
	size := image.Pt(960, stampHeight)
	wrong, tries := 0, 0
	for n := uint16(1); n < 3000; n++ {
		old, pix := make([]byte, 4*size.X*size.Y), make([]byte, 4*size.X*size.Y)
		drawStamp(old, size.X, n)
		drawStamp(pix, size.X, n+1)
		cut := 4 * (40 + int(n)%880)
		copy(pix[cut:4*size.X], old[cut:4*size.X])
		copy(pix[4*size.X:], pix[:4*size.X])
		tries++
		if got, ok := readStamp(pix[:4*size.X*2], image.Pt(size.X, 2)); ok && got != n && got != n+1 {
			wrong++
		}
	}
	if wrong*100 > tries {
		t.Errorf("%d of %d torn strips were read as another frame", wrong, tries)
	}
}

func TestLocate(t *testing.T) {
	size := image.Pt(800, 600)
	want := image.Rect(111, 77, 711, 414)
	dark, bright := make([]byte, 4*size.X*size.Y), make([]byte, 4*size.X*size.Y)
	for y := range size.Y {
		for x := range size.X {
			grey := byte(128)
			if image.Pt(x, y).In(want) {
				grey = blackest
			}
			for i := range 4 {
				dark[4*(y*size.X+x)+i], bright[4*(y*size.X+x)+i] = grey, grey
			}
			if grey == blackest && (x > 300 || y > 100) { // a banner covers a corner
				for i := range 4 {
					bright[4*(y*size.X+x)+i] = whitest
				}
			}
		}
	}
	worn(dark, 30)
	worn(bright, 30)
	if got, ok := locate(dark, bright, size); !ok || got != want {
		t.Errorf("found %v, %v", got, ok)
	}
	if got, ok := locate(dark, dark, size); ok {
		t.Errorf("found %v where nothing changed", got)
	}
}
