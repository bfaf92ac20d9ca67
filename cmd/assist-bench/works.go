// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// work draws the n-th frame of something into a picture of four bytes a pixel.
type work interface {
	draw(pix []byte, size image.Point, n int)
}

const lineHeight = 16 // pixels

// dice is a row of numbers that looks random and is the same each time, so that
// runs compare (Lehmer's generator).
type dice uint64

// upTo returns a number from 0 to n-1.
func (d *dice) upTo(n int) int {
	*d = *d * 48271 % 0x7fffffff
	return int(*d) % n
}

// scroll is a page of small text that moves up.
type scroll struct {
	page  *image.RGBA
	speed int // pixels a frame
}

// newScroll writes a page of source-like text, the same each time.
func newScroll(width int) *scroll {
	const lines = 400
	s := &scroll{page: image.NewRGBA(image.Rect(0, 0, width, lines*lineHeight)), speed: 8}
	draw.Draw(s.page, s.page.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	words := strings.Fields("func return if err nil range the lease of screen window frame pointer 0x1f := != && " +
		"struct interface select case default channel mutex packet monitor damage rectangle bytes time")
	r := dice(1)
	pen := font.Drawer{Dst: s.page, Face: basicfont.Face7x13}
	for i := range lines {
		text := fmt.Sprintf("%4d  %s", i, strings.Repeat("    ", r.upTo(4)))
		for len(text) < 30+r.upTo(90) {
			text += words[r.upTo(len(words))] + " "
		}
		shade := color.RGBA{R: uint8(r.upTo(140)), G: uint8(r.upTo(100)), B: uint8(r.upTo(180)), A: 255}
		pen.Src, pen.Dot = image.NewUniform(shade), fixed.P(8, i*lineHeight+12)
		pen.DrawString(text)
	}
	for at := 0; at < len(s.page.Pix); at += 4 { // as X11 wants it: B first
		s.page.Pix[at], s.page.Pix[at+2] = s.page.Pix[at+2], s.page.Pix[at]
	}
	return s
}

func (s *scroll) draw(pix []byte, size image.Point, n int) {
	top := n * s.speed % (s.page.Rect.Dy() - size.Y)
	copy(pix, s.page.Pix[top*s.page.Stride:][:4*size.X*size.Y])
}

// film is a slowly panned picture with grain and two objects that move by
// themselves: what a lecture or an endoscope's video looks like to a codec.
type film struct {
	plate image.Point
	pix   []byte
}

func newFilm(size image.Point) *film {
	f := &film{plate: image.Pt(size.X+512, size.Y+256)}
	f.pix = make([]byte, 4*f.plate.X*f.plate.Y)
	r := dice(2)
	for y := range f.plate.Y {
		for x := range f.plate.X {
			u, v := float64(x), float64(y)
			big := math.Sin(u/90) + math.Sin(v/70) + math.Sin((u+v)/130) + math.Sin(math.Hypot(u-700, v-300)/25)/2
			grain := r.upTo(12)
			p := f.pix[4*(y*f.plate.X+x):]
			p[0] = byte(110 + 28*big + float64(grain))
			p[1] = byte(120 + 25*math.Sin(big*2) + float64(grain))
			p[2] = byte(130 + 22*math.Cos(big+u/200) + float64(grain))
			p[3] = 0xff
		}
	}
	return f
}

func (f *film) draw(pix []byte, size image.Point, n int) {
	t := float64(n) / 60 // seconds
	left := int(256 + 250*math.Sin(t/2))
	top := int(128 + 120*math.Sin(t/3))
	for y := range size.Y {
		copy(pix[4*size.X*y:][:4*size.X], f.pix[4*((top+y)*f.plate.X+left):])
	}
	for i := range 2 {
		s := t*(1.3+float64(i)/2) + float64(i)
		at := image.Pt(int(float64(size.X)*(0.5+0.4*math.Sin(s))), int(float64(size.Y)*(0.5+0.35*math.Cos(s*1.2))))
		f.object(pix, size, image.Rectangle{Min: at, Max: at.Add(image.Pt(80, 60))}, byte(60+120*i))
	}
}

func (f *film) object(pix []byte, size image.Point, r image.Rectangle, shade byte) {
	r = r.Intersect(image.Rectangle{Max: size})
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			p := pix[4*(y*size.X+x):]
			p[0], p[1], p[2] = shade, shade/2, 255-shade
		}
	}
}
