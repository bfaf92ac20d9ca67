// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package video

import (
	"bytes"
	"errors"
	"image"
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
