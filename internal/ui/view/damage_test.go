// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"fmt"
	"image"
	"slices"
	"testing"

	"assist/internal/screen"
)

// dots is a picture with samples of its own everywhere.
func dots(size image.Point) *screen.Picture {
	p := grey(size, 0)
	for _, plane := range [][]byte{p.Y, p.U, p.V} {
		for i := range plane {
			plane[i] = byte(i * 7)
		}
	}
	return p
}

func copyOf(p *screen.Picture) *screen.Picture {
	c := *p
	c.Y, c.U, c.V = slices.Clone(p.Y), slices.Clone(p.U), slices.Clone(p.V)
	return &c
}

func TestDiffers(t *testing.T) {
	size := image.Pt(131, 77)
	a := dots(size)
	if r := differs(a, copyOf(a)); !r.Empty() {
		t.Errorf("%v differs in a copy", r)
	}
	if r := differs(&screen.Picture{}, a); r != (image.Rectangle{Max: size}) {
		t.Errorf("%v of a new picture", r)
	}
	for _, at := range []image.Point{{}, {X: 1, Y: 1}, {X: 130, Y: 76}, {X: 63, Y: 30}, {X: 64, Y: 31}, {X: 96, Y: 2}} {
		for _, plane := range []string{"Y", "U", "V"} {
			b := copyOf(a)
			c := at.Y/2*b.StrideC + at.X/2
			switch plane {
			case "Y":
				b.Y[at.Y*b.StrideY+at.X]++
			case "U":
				b.U[c]++
			case "V":
				b.V[c]++
			}
			r := differs(a, b)
			if !at.In(r) || r.Min.X%2 != 0 || r.Min.Y%2 != 0 || !r.In(image.Rectangle{Max: size}) {
				t.Errorf("%s at %v: %v", plane, at, r)
			}
			if r.Dx() > 2*strip || r.Dy() > 2 {
				t.Errorf("%s at %v: %v is far too much", plane, at, r)
			}
		}
	}
}

// Two far corners must be in one rectangle, whichever is found first.
func TestDiffersInTwoPlaces(t *testing.T) {
	size := image.Pt(300, 200)
	a := dots(size)
	b := copyOf(a)
	b.Y[20*b.StrideY+250]++
	b.Y[180*b.StrideY+10]++
	r := differs(a, b)
	if !image.Pt(250, 20).In(r) || !image.Pt(10, 180).In(r) {
		t.Errorf("%v", r)
	}
}

// paintDots is a Paint that shows each pixel's samples.
func paintDots(p *screen.Picture, dst *image.RGBA) {
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			c := y/2*p.StrideC + x/2
			copy(dst.Pix[y*dst.Stride+4*x:], []byte{p.Y[y*p.StrideY+x], p.U[c], p.V[c], 255})
		}
	}
}

// What is converted in parts must come out as if it were converted whole, in both
// buffers, whatever came before.
func TestPumpConvertsPartsAsTheWhole(t *testing.T) {
	size := image.Pt(200, 120)
	p := newPump(0, nil, paintDots)
	p.post = func(f func()) { f() }
	var shown *image.RGBA
	var changed image.Rectangle
	p.show = func(img *image.RGBA, c image.Rectangle) { shown, changed = img, c }
	pic := dots(size)
	for step := range 40 {
		before := copyOf(pic)
		x, y := step*37%size.X, step*23%size.Y
		pic.Y[y*pic.StrideY+x] += 3
		pic.U[y/2*pic.StrideC+x/2] += 5
		switch step {
		case 15:
			p.target = image.Pt(150, 90)
		case 16, 30:
			p.target = size
		case 25:
			copy(pic.Y, before.Y) // nothing but colour
		}
		p.keep(pic)
		p.draw(context.Background())
		if shown.Rect.Size() != size {
			continue
		}
		want := image.NewRGBA(shown.Rect)
		paintDots(pic, want)
		if !slices.Equal(shown.Pix, want.Pix) {
			t.Fatalf("step %d: not the whole picture", step)
		}
		if !image.Pt(x, y).In(changed) {
			t.Errorf("step %d: %v has changed, told %v", step, image.Pt(x, y), changed)
		}
		if step > 20 && changed.Dx() > 2*strip {
			t.Errorf("step %d: %v is more than changed", step, changed)
		}
	}
}

func TestMinus(t *testing.T) {
	r := image.Rect(10, 10, 50, 40)
	for _, hole := range []image.Rectangle{{}, image.Rect(20, 20, 30, 30), image.Rect(0, 0, 20, 100), r, image.Rect(60, 0, 90, 90),
		image.Rect(30, 0, 90, 20)} {
		rest := minus([]image.Rectangle{r}, hole)
		for y := range 60 {
			for x := range 100 {
				at, n := image.Pt(x, y), 0
				for _, part := range rest {
					if at.In(part) {
						n++
					}
				}
				if want := map[bool]int{true: 1}[at.In(r) && !at.In(hole)]; n != want {
					t.Fatalf("hole %v: %v is in %d parts", hole, at, n)
				}
			}
		}
	}
}

// screenful is a presenter that writes down what is put where.
type screenful struct {
	puts   []string
	err    error
	closed bool
}

func (s *screenful) put(_ *image.RGBA, part image.Rectangle, at image.Point) error {
	s.puts = append(s.puts, fmt.Sprint(part, " at ", at))
	return s.err
}

func (s *screenful) close() { s.closed = true }
