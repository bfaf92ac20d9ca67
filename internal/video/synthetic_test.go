// SPDX-License-Identifier: Apache-2.0

package video

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"assist/internal/screen"
)

// desk is a drawable desktop: what a capture would read its frames from.
type desk struct {
	*image.RGBA
	face font.Face
	rnd  *rand.Rand
}

func newDesk(t testing.TB, w, h int) *desk {
	t.Helper()
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: 11, DPI: 96, Hinting: font.HintingFull})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{image.NewRGBA(image.Rect(0, 0, w, h)), face, rand.New(rand.NewPCG(1, 2))}
	draw.Draw(d, d.Rect, image.White, image.Point{}, draw.Src)
	return d
}

func (d *desk) text(x, y int, s string, c color.Color) {
	dr := font.Drawer{Dst: d, Src: image.NewUniform(c), Face: d.face, Dot: fixed.P(x, y)}
	dr.DrawString(s)
}

const words = "the kernel reads each damaged block once and the quick brown fox jumps over lazy dogs 0123456789 {}[]();"

// page fills r with lines of text, some of it coloured as an editor would.
func (d *desk) page(r image.Rectangle) {
	inks := []color.Color{color.Black, color.RGBA{0, 0, 160, 255}, color.RGBA{160, 0, 0, 255}, color.RGBA{0, 110, 0, 255}}
	all := strings.Fields(words)
	for y := r.Min.Y + 16; y < r.Max.Y-4; y += 18 {
		var line strings.Builder
		for line.Len() < r.Dx()/8 {
			line.WriteString(all[d.rnd.IntN(len(all))] + " ")
		}
		d.text(r.Min.X+4, y, line.String(), inks[d.rnd.IntN(len(inks))])
	}
}

// gradient fills r with a smooth colour ramp.
func (d *desk) gradient(r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			d.SetRGBA(x, y, color.RGBA{uint8(255 * (x - r.Min.X) / r.Dx()), uint8(255 * (y - r.Min.Y) / r.Dy()), 128, 255})
		}
	}
}

// photo fills r with smooth shapes and a little grain.
func (d *desk) photo(r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			v := 128 + 60*math.Sin(float64(x)/37) + 50*math.Cos(float64(y)/23+float64(x)/91) + float64(d.rnd.IntN(9))
			c := uint8(min(max(v, 0), 255))
			d.SetRGBA(x, y, color.RGBA{c, uint8(255 - int(c)/2), uint8(int(c) / 3), 255})
		}
	}
}

// frame is the desk as a capture delivers it.
func (d *desk) frame(damage ...image.Rectangle) *screen.Frame {
	size := d.Rect.Size()
	f := &screen.Frame{Size: size, Stride: 4 * size.X, Pix: make([]byte, 4*size.X*size.Y), Damage: damage, Taken: time.Now()}
	d.into(f)
	return f
}

func (d *desk) into(f *screen.Frame) {
	for i := 0; i < len(d.Pix); i += 4 {
		f.Pix[i], f.Pix[i+1], f.Pix[i+2], f.Pix[i+3] = d.Pix[i+2], d.Pix[i+1], d.Pix[i], 0
	}
}

// psnr compares the colours of two pictures; 99 when they are equal.
func psnr(a, b *image.RGBA) float64 {
	var sum, n float64
	for i := range a.Pix {
		if i&3 == 3 {
			continue
		}
		e := float64(a.Pix[i]) - float64(b.Pix[i])
		sum += e * e
		n++
	}
	return decibel(sum / n)
}

// psnrLuma compares brightness alone, which is what makes text readable: colour
// has half the resolution whatever the quantizer.
func psnrLuma(a, b *image.RGBA) float64 {
	luma := func(p []byte) float64 {
		return 0.2126*float64(p[0]) + 0.7152*float64(p[1]) + 0.0722*float64(p[2])
	}
	var sum float64
	for i := 0; i < len(a.Pix); i += 4 {
		e := luma(a.Pix[i:]) - luma(b.Pix[i:])
		sum += e * e
	}
	return decibel(sum / float64(len(a.Pix)/4))
}

func decibel(mse float64) float64 {
	if mse == 0 {
		return 99
	}
	return min(10*math.Log10(255*255/mse), 99)
}
