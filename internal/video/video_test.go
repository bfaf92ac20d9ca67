// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package video

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"os"
	"strconv"
	"strings"
	"testing"

	"assist/internal/screen"
)

// codec is an encoder and the decoder at its other end.
type codec struct {
	t   testing.TB
	enc *Encoder
	dec *Decoder
}

func newCodec(t testing.TB, size image.Point, bitrate int) *codec {
	t.Helper()
	e, err := NewEncoder(size, Options{Bitrate: bitrate})
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	c := &codec{t, e, d}
	t.Cleanup(c.close)
	return c
}

func (c *codec) close() {
	c.enc.Close()
	c.dec.Close()
}

// show encodes, decodes and converts.
func (c *codec) show(f *screen.Frame, key bool) (*image.RGBA, Packet) {
	c.t.Helper()
	p, err := c.enc.Encode(f, key)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.decode(p), p
}

func (c *codec) decode(p Packet) *image.RGBA {
	c.t.Helper()
	pic, err := c.dec.Decode(p.Data)
	if err != nil {
		c.t.Fatal(err)
	}
	m := image.NewRGBA(image.Rectangle{Max: pic.Size})
	ToRGBA(pic, m)
	return m
}

// refine goes on until nothing is left to gain.
func (c *codec) refine() (last *image.RGBA, steps int) {
	c.t.Helper()
	for {
		p, ok, err := c.enc.Refine()
		if err != nil {
			c.t.Fatal(err)
		}
		if !ok {
			return last, steps
		}
		steps++
		last = c.decode(p)
	}
}

func TestTextIsReadableAtOnceAndSharpAfterRefinement(t *testing.T) {
	for name, paint := range map[string]func(d *desk){
		"text":     func(d *desk) { d.page(d.Rect) },
		"gradient": func(d *desk) { d.gradient(d.Rect) },
		"photo":    func(d *desk) { d.photo(d.Rect) },
		"mixed": func(d *desk) {
			d.page(image.Rect(0, 0, 500, 600))
			d.photo(image.Rect(500, 100, 700, 300))
			d.gradient(image.Rect(500, 300, 800, 500))
		},
	} {
		for _, bitrate := range []int{500_000, 6_000_000} {
			d := newDesk(t, 800, 600)
			paint(d)
			c := newCodec(t, d.Rect.Size(), bitrate)
			m, p := c.show(d.frame(d.Rect), false)
			if !p.Key {
				t.Errorf("%s: the first packet is no key frame", name)
			}
			first := psnrLuma(d.RGBA, m)
			m, steps := c.refine()
			last := psnrLuma(d.RGBA, m)
			t.Logf("%s at %d kbit/s: first %.1f dB, %d bytes; after %d steps %.1f dB, colours %.1f dB",
				name, bitrate/1000, first, len(p.Data), steps, last, psnr(d.RGBA, m))
			if first < 30 || last < 38 {
				t.Errorf("%s at %d kbit/s: %.1f dB first, %.1f dB at the end", name, bitrate/1000, first, last)
			}
			if steps > 2 {
				t.Errorf("%s: %d refinements", name, steps)
			}
		}
	}
}

// A bit rate far too low for what moves must not blur it: it is the frame rate
// that gives way.
func TestScrollingStaysReadable(t *testing.T) {
	d := newDesk(t, 1280, 960)
	d.page(d.Rect)
	c := newCodec(t, d.Rect.Size(), 300_000)
	f := d.frame(d.Rect)
	c.show(f, false)
	for n := range 12 {
		f.Damage = []image.Rectangle{scrolling(d, n)}
		d.into(f)
		m, _ := c.show(f, false)
		if got := psnrLuma(d.RGBA, m); got < 30 {
			t.Fatalf("frame %d has %.1f dB", n, got)
		}
	}
}

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

// Every size from one pixel up, with every remainder the vector code may leave.
func TestOddSizes(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 9}, {9, 1}, {2, 3}, {3, 2}, {15, 17}, {31, 5}, {63, 65}, {641, 359}, {1366, 768}} {
		d := newDesk(t, size.X, size.Y)
		d.gradient(d.Rect)
		c := newCodec(t, size, 6_000_000)
		m, _ := c.show(d.frame(d.Rect), false)
		if fine, steps := c.refine(); steps > 0 {
			m = fine
		}
		if m.Rect.Size() != size {
			t.Errorf("%v came out as %v", size, m.Rect.Size())
		}
		if got := psnrLuma(d.RGBA, m); got < 30 && size.X*size.Y > 64 {
			t.Errorf("%v has %.1f dB", size, got)
		}
	}
}

func TestLargestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds and memory")
	}
	for _, size := range []image.Point{{screen.MaxSide, 64}, {64, screen.MaxSide}} {
		d := newDesk(t, size.X, size.Y)
		c := newCodec(t, size, 6_000_000)
		if m, _ := c.show(d.frame(d.Rect), false); m.Rect.Size() != size {
			t.Errorf("%v came out as %v", size, m.Rect.Size())
		}
	}
}

func TestImpossibleSizesAreRefused(t *testing.T) {
	for _, size := range []image.Point{{}, {0, 5}, {5, 0}, {-1, 5}, {screen.MaxSide + 1, 5}, {5, screen.MaxSide + 1}} {
		if _, err := NewEncoder(size, Options{}); !errors.Is(err, ErrSize) {
			t.Errorf("%v: %v", size, err)
		}
	}
	c := newCodec(t, image.Pt(32, 32), 1_000_000)
	whole := []image.Rectangle{{Max: image.Pt(32, 32)}}
	for name, f := range map[string]*screen.Frame{
		"another size": {Size: image.Pt(16, 32), Stride: 128, Pix: make([]byte, 4096), Damage: whole},
		"short pixels": {Size: image.Pt(32, 32), Stride: 128, Pix: make([]byte, 4095), Damage: whole},
		"short stride": {Size: image.Pt(32, 32), Stride: 127, Pix: make([]byte, 4096), Damage: whole},
	} {
		if _, err := c.enc.Encode(f, false); !errors.Is(err, ErrSize) && !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
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

// Damage beyond the frame, empty, or in a thousand pieces does no harm.
func TestStrangeDamage(t *testing.T) {
	d := newDesk(t, 100, 80)
	c := newCodec(t, d.Rect.Size(), 6_000_000)
	f := d.frame(d.Rect)
	c.show(f, false)
	d.page(d.Rect)
	d.into(f)
	f.Damage = []image.Rectangle{{}, image.Rect(-50, -50, 10, 10), image.Rect(90, 70, 900, 700), image.Rect(200, 200, 300, 300)}
	for i := range 1000 {
		f.Damage = append(f.Damage, image.Rect(i%100, i%80, i%100+3, i%80+3))
	}
	m, _ := c.show(f, false)
	if got := psnrLuma(d.RGBA, m); got < 28 {
		t.Errorf("%.1f dB", got)
	}
	f.Damage = nil
	c.show(f, false)
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

func TestKeyFramesOnlyOnRequest(t *testing.T) {
	d := newDesk(t, 320, 240)
	d.page(d.Rect)
	c := newCodec(t, d.Rect.Size(), 2_000_000)
	f := d.frame(d.Rect)
	for n := range 200 {
		want := n == 0 || n == 50
		_, p := c.show(f, n == 50)
		if p.Key != want {
			t.Fatalf("frame %d: key is %v", n, p.Key)
		}
		f.Damage = []image.Rectangle{typing(d, n)}
		d.into(f)
	}
	p, err := c.enc.Key()
	if err != nil || !p.Key {
		t.Fatalf("Key gave %v, %v", p.Key, err)
	}
	fresh := &codec{t, c.enc, mustDecoder(t)}
	defer fresh.dec.Close()
	if got := psnrLuma(d.RGBA, fresh.decode(p)); got < 25 {
		t.Errorf("a decoder that starts at the key frame sees %.1f dB", got)
	}
}

func mustDecoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDecoderNeedsAKeyFrame(t *testing.T) {
	d := newDesk(t, 320, 240)
	c := newCodec(t, d.Rect.Size(), 2_000_000)
	f := d.frame(d.Rect)
	c.show(f, false)
	d.page(d.Rect)
	d.into(f)
	p, err := c.enc.Encode(f, false)
	if err != nil {
		t.Fatal(err)
	}
	late := mustDecoder(t)
	defer late.Close()
	if _, err := late.Decode(p.Data); err == nil {
		t.Error("a picture without its reference was shown")
	}
	p, err = c.enc.Key()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Decode(p.Data); err != nil {
		t.Errorf("a key frame after an error: %v", err)
	}
}

func TestOneDecoderFollowsManySizes(t *testing.T) {
	dec := mustDecoder(t)
	defer dec.Close()
	for n := range 60 {
		size := image.Pt(16+37*(n%23), 16+29*(n%17))
		d := newDesk(t, size.X, size.Y)
		d.gradient(d.Rect)
		e, err := NewEncoder(size, Options{Bitrate: 3_000_000})
		if err != nil {
			t.Fatal(err)
		}
		c := &codec{t, e, dec}
		m, _ := c.show(d.frame(d.Rect), false)
		e.Close()
		if got := psnrLuma(d.RGBA, m); m.Rect.Size() != size || got < 28 {
			t.Fatalf("size %v came out as %v with %.1f dB", size, m.Rect.Size(), got)
		}
	}
}

func TestClosedObjectsRefuse(t *testing.T) {
	d := newDesk(t, 32, 32)
	c := newCodec(t, d.Rect.Size(), 1_000_000)
	f := d.frame(d.Rect)
	if _, _, err := c.enc.Refine(); !errors.Is(err, ErrNoFrame) {
		t.Errorf("Refine before Encode: %v", err)
	}
	if _, err := c.enc.Key(); !errors.Is(err, ErrNoFrame) {
		t.Errorf("Key before Encode: %v", err)
	}
	for range 2 {
		c.close()
	}
	c.enc.SetBitrate(1)
	if _, err := c.enc.Encode(f, false); !errors.Is(err, ErrClosed) {
		t.Errorf("Encode: %v", err)
	}
	if _, _, err := c.enc.Refine(); !errors.Is(err, ErrClosed) {
		t.Errorf("Refine: %v", err)
	}
	if _, err := c.enc.Key(); !errors.Is(err, ErrClosed) {
		t.Errorf("Key: %v", err)
	}
	if _, err := c.dec.Decode([]byte{1}); !errors.Is(err, ErrClosed) {
		t.Errorf("Decode: %v", err)
	}
}

// resident is the process's memory in KiB.
func resident(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc")
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(v)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

func TestNothingLeaks(t *testing.T) {
	d := newDesk(t, 320, 240)
	d.page(image.Rect(0, 0, 320, 40))
	f := d.frame(d.Rect)
	round := func() {
		c := newCodec(t, d.Rect.Size(), 2_000_000)
		c.show(f, false)
		_, _ = c.dec.Decode([]byte("garbage, which must not leak either"))
		c.close()
	}
	for range 10 {
		round()
	}
	before := resident(t)
	for range 100 {
		round()
	}
	// a leak of one encoder or decoder a round would be ten times this
	if after := resident(t); after > before+32<<10 {
		t.Errorf("100 encoders and decoders grew the process from %d to %d KiB", before, after)
	}
}

func TestDecoderSurvivesDamage(t *testing.T) {
	d := newDesk(t, 80, 60)
	d.page(d.Rect)
	c := newCodec(t, d.Rect.Size(), 2_000_000)
	_, p := c.show(d.frame(d.Rect), false)
	good := bytes.Clone(p.Data)
	for n := range len(good) {
		bad := bytes.Clone(good)
		bad[n] ^= 0xff
		_, _ = c.dec.Decode(bad)
		_, _ = c.dec.Decode(good[:n])
	}
	for name, b := range map[string][]byte{"nothing": nil, "zeros": make([]byte, 100)} {
		if _, err := c.dec.Decode(b); err == nil {
			t.Errorf("%s was decoded", name)
		}
	}
	if _, err := c.dec.Decode(good); err != nil {
		t.Errorf("after all that, a good key frame: %v", err)
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

// FuzzDecode feeds two units to one decoder: no bytes may crash it, and what it
// shows must be of a size that is allowed.
func FuzzDecode(f *testing.F) {
	d := newDesk(f, 48, 32)
	d.page(d.Rect)
	e, err := NewEncoder(d.Rect.Size(), Options{Bitrate: 1_000_000})
	if err != nil {
		f.Fatal(err)
	}
	defer e.Close()
	frame := d.frame(d.Rect)
	key, err := e.Encode(frame, true)
	if err != nil {
		f.Fatal(err)
	}
	first := bytes.Clone(key.Data)
	d.gradient(d.Rect)
	d.into(frame)
	delta, err := e.Encode(frame, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first, bytes.Clone(delta.Data))
	f.Add([]byte{0x12, 0}, []byte{0x0a, 0x0b})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		dec := mustDecoder(t)
		defer dec.Close()
		for _, tu := range [][]byte{a, b, a} {
			if pic, err := dec.Decode(tu); err == nil && !complete(pic) {
				t.Fatalf("a picture of %v that is not whole", pic.Size)
			}
		}
	})
}
