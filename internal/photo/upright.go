// SPDX-License-Identifier: Apache-2.0

package photo

import (
	"bytes"
	"encoding/binary"
	"image"
)

// Marks of a JPEG file (ITU-T T.81, table B.1) and of what a camera notes in it (Exif 2.32,
// section 4).
const (
	markLead, markStart, markScan, markExif = 0xff, 0xd8, 0xda, 0xe1

	exifName       = "Exif\x00\x00"
	tagOrientation = 0x0112
	entrySize      = 12 // of one tag
)

// orientation is how a camera was held when it took a JPEG, 1 to 8: 1 when its rows are rows,
// and when nothing is noted, or nothing that can be read.
func orientation(file []byte) int {
	if len(file) < 2 || file[0] != markLead || file[1] != markStart {
		return 1
	}
	for b := file[2:]; len(b) >= 4 && b[0] == markLead && b[1] != markScan; {
		end := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if end < 4 || end > len(b) {
			return 1
		}
		if note, is := bytes.CutPrefix(b[4:end], []byte(exifName)); is && b[1] == markExif {
			return noted(note)
		}
		b = b[end:]
	}
	return 1
}

// noted reads the orientation from the first directory of a camera's notes (TIFF 6.0,
// section 2).
func noted(tiff []byte) int {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	if len(tiff) < 8 {
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < entrySize {
			break
		}
		if order.Uint16(entries) == tagOrientation {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
		}
		entries = entries[entrySize:]
	}
	return 1
}

// upright turns and mirrors a square picture so that it stands as it was seen.
func upright(m *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return m
	}
	far := m.Rect.Dx() - 1
	out := image.NewRGBA(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			from := [...]image.Point{2: {far - x, y}, 3: {far - x, far - y}, 4: {x, far - y},
				5: {y, x}, 6: {y, far - x}, 7: {far - y, far - x}, 8: {far - y, x}}[orientation]
			out.SetRGBA(x, y, m.RGBAAt(from.X, from.Y))
		}
	}
	return out
}
