// SPDX-License-Identifier: Apache-2.0

package photo

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"testing"
)

// corners are the colours of a picture's corners: top left, top right, bottom left, bottom
// right.
type corners [4]color.RGBA

// cornered is a square picture of four quarters.
func cornered(c corners) *image.RGBA {
	const side = 2 * Side
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			m.SetRGBA(x, y, c[2*(2*y/side)+2*x/side])
		}
	}
	return m
}

// held is a JPEG file in which the camera noted how it was held.
func held(t testing.TB, m image.Image, orientation uint16, order binary.AppendByteOrder) []byte {
	t.Helper()
	head := "MM"
	if order == binary.LittleEndian {
		head = "II"
	}
	tiff := order.AppendUint32(order.AppendUint16([]byte(head), 42), 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, tag := range [][2]uint16{{0x010f, 7}, {tagOrientation, orientation}} {
		tiff = order.AppendUint16(order.AppendUint16(tiff, tag[0]), 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(order.AppendUint16(tiff, tag[1]), 0)
	}
	tiff = order.AppendUint32(tiff, 0)
	note := append([]byte(exifName), tiff...)
	file := asJPEG(t, m)
	out := append([]byte{}, file[:2]...)
	out = append(out, markLead, 0xe0, 0, 4, 0, 0) // another segment before it
	out = append(out, markLead, markExif)
	out = binary.BigEndian.AppendUint16(out, uint16(2+len(note)))
	return append(append(out, note...), file[2:]...)
}

// A telephone stores what its sensor saw, and notes how it was held: the face on the card
// must stand upright all the same.
func TestAFaceStandsUpright(t *testing.T) {
	red, green := color.RGBA{R: 255, A: 255}, color.RGBA{G: 255, A: 255}
	blue, white := color.RGBA{B: 255, A: 255}, color.RGBA{R: 255, G: 255, B: 255, A: 255}
	// What the sensor's four corners are when the person is seen as red, green, blue, white.
	for orientation, stored := range map[uint16]corners{
		0: {red, green, blue, white}, 1: {red, green, blue, white}, 2: {green, red, white, blue},
		3: {white, blue, green, red}, 4: {blue, white, red, green}, 5: {red, blue, green, white},
		6: {green, white, red, blue}, 7: {white, green, blue, red}, 8: {blue, red, white, green},
		9: {red, green, blue, white},
	} {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			t.Run(fmt.Sprint(orientation, order), func(t *testing.T) {
				m, err := Open(made(t, held(t, cornered(stored), orientation, order)))
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range (corners{red, green, blue, white}) {
					at := image.Pt(Side/4+Side/2*(i%2), Side/4+Side/2*(i/2))
					if c := m.At(at.X, at.Y); !near(c, uint32(want.R), uint32(want.G), uint32(want.B)) {
						t.Errorf("corner %d is %v, want %v", i, c, want)
					}
				}
			})
		}
	}
}

// FuzzOrientation: whatever stands in a file, reading it ends, and within bounds.
func FuzzOrientation(f *testing.F) {
	f.Add(held(f, cornered(corners{}), 6, binary.BigEndian))
	f.Add(held(f, cornered(corners{}), 3, binary.LittleEndian)[:60])
	f.Add([]byte{markLead, markStart, markLead, markExif, 0, 0})
	f.Fuzz(func(t *testing.T, file []byte) {
		if o := orientation(file); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
