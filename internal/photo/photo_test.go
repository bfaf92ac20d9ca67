// SPDX-License-Identifier: Apache-2.0

package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"
)

// picture is of a size, red in its middle square and blue beside it.
func picture(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	inside := middle(m.Bounds())
	for y := range h {
		for x := range w {
			c := color.RGBA{B: 255, A: 255}
			if (image.Point{X: x, Y: y}).In(inside) {
				c = color.RGBA{R: 255, A: 255}
			}
			m.Set(x, y, c)
		}
	}
	return m
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// made is a photo of one colour picture.
func made(t testing.TB, file []byte) []byte {
	t.Helper()
	b, err := Make(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func near(c color.Color, r, g, b uint32) bool {
	x, y, z, _ := c.RGBA()
	d := func(v uint32, want uint32) bool { return v>>8+24 >= want && v>>8 <= want+24 }
	return d(x, r) && d(y, g) && d(z, b)
}

// Whatever is given, the photo is the middle square in the one form.
func TestAPhotoIsTheMiddleSquare(t *testing.T) {
	for name, file := range map[string][]byte{
		"wide JPEG": asJPEG(t, picture(400, 300)), "high PNG": asPNG(t, picture(300, 500)), "small": asPNG(t, picture(64, 64)),
		"grey": asPNG(t, image.NewGray(image.Rect(0, 0, 200, 200))),
	} {
		m, err := Open(made(t, file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "grey" {
			continue
		}
		for _, at := range []image.Point{{2, 2}, {125, 2}, {64, 64}, {2, 125}, {125, 125}} {
			if !near(m.At(at.X, at.Y), 254, 0, 0) {
				t.Errorf("%s: %v at %v", name, m.At(at.X, at.Y), at)
			}
		}
	}
}

func TestWhatIsTransparentIsWhite(t *testing.T) {
	m, err := Open(made(t, asPNG(t, image.NewNRGBA(image.Rect(0, 0, 100, 100)))))
	if err != nil || !near(m.At(50, 50), 255, 255, 255) {
		t.Errorf("%v, %v", m, err)
	}
}

// Even noise, which no codec makes small, fits.
func TestAPhotoFits(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, Side, Side))
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(dice.Uint32()) | 0xff*byte(i%4/3) // opaque
	}
	if b := made(t, asPNG(t, m)); len(b) > MaxBytes {
		t.Errorf("%d bytes", len(b))
	}
}

// Nothing of the file but its pixels comes along: no place, no date, no name.
func TestNothingButPixelsIsKept(t *testing.T) {
	file := asJPEG(t, picture(200, 200))
	secret := []byte("Exif\x00\x00 48.8462 N 2.3449 E, Camille")
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(secret)+2))
	b := made(t, bytes.Join([][]byte{file[:2], head, secret, file[2:]}, nil))
	if bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte("Camille")) || !bytes.Equal(b, made(t, file)) {
		t.Error("something came along")
	}
}

// claims is a PNG that says it has this size, and ends there.
func claims(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
	head = append(head, 8, 2, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(b, head...), crc32.ChecksumIEEE(head))
}

func TestWhatIsNoPicture(t *testing.T) {
	var moving bytes.Buffer
	if err := gif.Encode(&moving, picture(100, 100), nil); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"nothing": nil, "text": []byte("<svg/>"), "GIF": moving.Bytes(), "cut": asJPEG(t, picture(200, 200))[:700], "too small": asPNG(t, picture(63, 200)),
		"huge": claims(60_000, 60_000), "a line": claims(1<<31-1, 64), "too long": make([]byte, maxFile+1),
	} {
		if b, err := Make(bytes.NewReader(file)); !errors.Is(err, ErrPhoto) || b != nil {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// The computer that is helped reads one form only, also when a unit signed another.
func TestOneFormIsRead(t *testing.T) {
	good := made(t, asPNG(t, picture(128, 128)))
	larger := append(bytes.Clone(good), make([]byte, MaxBytes)...)
	resized := bytes.Clone(good)
	at := bytes.Index(resized, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(resized[at+5:], 0xffff)
	for name, b := range map[string][]byte{
		"nothing": nil, "PNG": asPNG(t, picture(Side, Side)), "another size": asJPEG(t, picture(Side+1, Side)), "grey": asJPEG(t, image.NewGray(image.Rect(0, 0, Side, Side))),
		"too long": larger, "cut": good[:len(good)/2], "says another size": resized,
	} {
		if m, err := Open(b); !errors.Is(err, ErrPhoto) || m != nil {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// FuzzOpen: an error, or a picture of the one size, every pixel of which is there.
func FuzzOpen(f *testing.F) {
	f.Add(made(f, asPNG(f, picture(200, 300))))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Open(b)
		if err != nil {
			if !errors.Is(err, ErrPhoto) || m != nil {
				t.Fatalf("%v, %v", m, err)
			}
			return
		}
		if len(b) > MaxBytes || m.Bounds() != image.Rect(0, 0, Side, Side) {
			t.Fatalf("%d bytes, %v", len(b), m.Bounds())
		}
		for i := range Side * Side {
			m.At(i%Side, i/Side)
		}
	})
}
