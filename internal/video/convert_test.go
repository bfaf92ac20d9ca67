// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package video

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"testing"

	"assist/internal/screen"
)

func TestColoursAgreeInBothDirections(t *testing.T) {
	for _, want := range []color.RGBA{
		{0, 0, 0, 255}, {255, 255, 255, 255}, {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {128, 64, 200, 255},
	} {
		d := newDesk(t, 64, 64)
		draw.Draw(d, d.Rect, image.NewUniform(want), image.Point{}, draw.Src)
		c := newCodec(t, d.Rect.Size(), 6_000_000)
		c.show(d.frame(d.Rect), false)
		m, _ := c.refine()
		got := m.RGBAAt(33, 33)
		if far(got.R, want.R) || far(got.G, want.G) || far(got.B, want.B) || got.A != 255 {
			t.Errorf("%v came out as %v", want, got)
		}
	}
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 3 }

// The vector code and the plain code give the same picture, to a step of rounding.
func TestConversionBackIsExact(t *testing.T) {
	pic := &screen.Picture{}
	fit(pic, image.Pt(23, 256))
	for i := range pic.Y {
		pic.Y[i] = byte(i / 23)
	}
	for i := range pic.U {
		pic.U[i], pic.V[i] = byte(7*i), byte(13*i)
	}
	m := image.NewRGBA(image.Rectangle{Max: pic.Size})
	ToRGBA(pic, m)
	for y := range 256 {
		for x := range 23 {
			c := y/2*pic.StrideC + x/2
			want := exact(pic.Y[y*23+x], pic.U[c], pic.V[c])
			got := m.RGBAAt(x, y)
			for n, v := range [3]uint8{got.R, got.G, got.B} {
				if e := float64(v) - want[n]; e > 1 || e < -1 {
					t.Fatalf("pixel %d,%d channel %d is %d, not %.2f", x, y, n, v, want[n])
				}
			}
		}
	}
}

// exact is BT.709 limited range as the standard has it.
func exact(y, u, v uint8) [3]float64 {
	a, d, e := 255.0/219*(float64(y)-16), 255.0/224*(float64(u)-128), 255.0/224*(float64(v)-128)
	clip := func(v float64) float64 { return min(max(v, 0), 255) }
	return [3]float64{clip(a + 1.5748*e), clip(a - 0.1873242729*d - 0.4681242729*e), clip(a + 1.8556*d)}
}

// Every pixel of every rectangle is converted as the standard has it, to a step of
// rounding, and none beside it is read: those hold another colour.
func TestConversionIsExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for w := 1; w <= 35; w++ {
		size := image.Pt(w, 1+w%5)
		f := &screen.Frame{Size: size, Stride: 4*w + 16}
		f.Pix = make([]byte, f.Stride*size.Y)
		for i := range f.Pix {
			f.Pix[i] = byte(rnd.IntN(256))
		}
		pic := &screen.Picture{}
		fit(pic, size)
		fromBGRX(f, image.Rectangle{Max: size}, pic)
		checkPlanes(t, f, pic)
	}
}

// checkPlanes compares a converted picture with the standard's sums.
func checkPlanes(t *testing.T, f *screen.Frame, pic *screen.Picture) {
	t.Helper()
	at := func(x, y int) (r, g, b float64) {
		p := f.Pix[min(y, f.Size.Y-1)*f.Stride+4*min(x, f.Size.X-1):]
		return float64(p[2]), float64(p[1]), float64(p[0])
	}
	near := func(what string, got uint8, want float64) {
		if e := float64(got) - want; e > 1 || e < -1 {
			t.Fatalf("%v: %s is %d, not %.2f", f.Size, what, got, want)
		}
	}
	for y := range f.Size.Y {
		for x := range f.Size.X {
			r, g, b := at(x, y)
			near("brightness", pic.Y[y*pic.StrideY+x], 16+219.0/255*(0.2126*r+0.7152*g+0.0722*b))
		}
	}
	for y := 0; y < f.Size.Y; y += 2 {
		for x := 0; x < f.Size.X; x += 2 {
			var r, g, b float64
			for _, d := range []image.Point{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
				dr, dg, db := at(x+d.X, y+d.Y)
				r, g, b = r+dr/4, g+dg/4, b+db/4
			}
			luma := 0.2126*r + 0.7152*g + 0.0722*b
			near("blue", pic.U[y/2*pic.StrideC+x/2], 128+224.0/255*(b-luma)/1.8556)
			near("red", pic.V[y/2*pic.StrideC+x/2], 128+224.0/255*(r-luma)/1.5748)
		}
	}
}

// planesCopy is the encoder's own picture, row by row without padding.
func planesCopy(e *Encoder) []byte {
	var all []byte
	p := &e.source
	for y := range p.Size.Y {
		all = append(all, p.Y[y*p.StrideY:][:p.Size.X]...)
	}
	for _, plane := range [][]byte{p.U, p.V} {
		for y := range (p.Size.Y + 1) / 2 {
			all = append(all, plane[y*p.StrideC:][:(p.Size.X+1)/2]...)
		}
	}
	return all
}

// Only damaged pixels are read: what changed outside the damage is not seen, and
// what the damage covers is.
func TestOnlyDamageIsConverted(t *testing.T) {
	d := newDesk(t, 101, 67)
	d.page(d.Rect)
	c := newCodec(t, d.Rect.Size(), 6_000_000)
	f := d.frame(d.Rect)
	c.show(f, false)
	before := planesCopy(c.enc)
	for i := range f.Pix { // everything changes, a little is said to
		f.Pix[i] ^= 0x5a
	}
	damage := image.Rect(33, 21, 34, 22)
	f.Damage = []image.Rectangle{damage}
	if _, err := c.enc.Encode(f, false); err != nil {
		t.Fatal(err)
	}
	after := planesCopy(c.enc)
	inside := even(damage, f.Size)
	for i := range 101 * 67 {
		at := image.Pt(i%101, i/101)
		if changed := before[i] != after[i]; changed && !at.In(inside) {
			t.Fatalf("brightness at %v changed", at)
		}
	}
	if before[21*101+33] == after[21*101+33] {
		t.Error("the damaged pixel was not read")
	}
	chroma := 101 * 67
	for i := range 51 * 34 {
		at := image.Pt(i%51*2, i/51*2)
		if before[chroma+i] != after[chroma+i] && !at.In(inside) {
			t.Fatalf("colour at %v changed", at)
		}
	}
}

func TestEvenAlignment(t *testing.T) {
	size := image.Pt(11, 7)
	for in, want := range map[image.Rectangle]image.Rectangle{
		image.Rect(1, 1, 2, 2):     image.Rect(0, 0, 2, 2),
		image.Rect(3, 2, 4, 5):     image.Rect(2, 2, 4, 6),
		image.Rect(10, 6, 11, 7):   image.Rect(10, 6, 11, 7),
		image.Rect(-5, -5, 50, 50): image.Rect(0, 0, 11, 7),
	} {
		if got := even(in, size); got != want {
			t.Errorf("%v became %v, not %v", in, got, want)
		}
	}
}

func TestScaling(t *testing.T) {
	d := newDesk(t, 400, 300)
	d.gradient(d.Rect)
	c := newCodec(t, d.Rect.Size(), 6_000_000)
	c.show(d.frame(d.Rect), false)
	p, err := c.enc.Key()
	if err != nil {
		t.Fatal(err)
	}
	pic, err := c.dec.Decode(p.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []image.Point{{200, 150}, {400, 300}, {800, 600}, {33, 77}, {1, 1}} {
		want := newDesk(t, size.X, size.Y)
		want.gradient(want.Rect)
		got := image.NewRGBA(image.Rectangle{Max: size})
		ScaleToRGBA(pic, got)
		if db := psnrLuma(want.RGBA, got); db < 28 && size.X > 1 {
			t.Errorf("scaled to %v: %.1f dB", size, db)
		}
	}
}

// A shorter or larger destination, or a picture that lies about its planes, is
// neither overrun nor a crash.
func TestConversionStaysInside(t *testing.T) {
	pic := &screen.Picture{}
	fit(pic, image.Pt(20, 10))
	parent := image.NewRGBA(image.Rect(0, 0, 40, 40))
	ToRGBA(pic, parent.SubImage(image.Rect(10, 10, 20, 15)).(*image.RGBA))
	if parent.RGBAAt(9, 10).A != 0 || parent.RGBAAt(10, 9).A != 0 || parent.RGBAAt(20, 10).A != 0 || parent.RGBAAt(10, 15).A != 0 {
		t.Error("pixels outside the destination were written")
	}
	if parent.RGBAAt(10, 10).A != 255 || parent.RGBAAt(19, 14).A != 255 {
		t.Error("pixels inside the destination were not written")
	}
	ToRGBA(pic, image.NewRGBA(image.Rect(0, 0, 100, 100)))
	pic.Y = pic.Y[:20]
	ToRGBA(pic, parent)
	ScaleToRGBA(pic, parent)
	ScaleToRGBA(&screen.Picture{}, parent)
	ScaleToRGBA(pic, image.NewRGBA(image.Rectangle{}))
}

func TestScaleInside(t *testing.T) {
	for _, c := range []struct{ size, box, want image.Point }{
		{image.Pt(1920, 1080), image.Pt(960, 960), image.Pt(960, 540)},
		{image.Pt(100, 200), image.Pt(300, 100), image.Pt(50, 100)},
		{image.Pt(8000, 1), image.Pt(10, 10), image.Pt(10, 1)},
		{image.Pt(0, 1), image.Pt(10, 10), image.Pt(0, 0)},
	} {
		if got := ScaleInside(c.size, c.box); got != c.want {
			t.Errorf("%v in %v became %v, not %v", c.size, c.box, got, c.want)
		}
	}
}
