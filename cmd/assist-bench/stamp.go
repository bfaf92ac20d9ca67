// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "image"

// A stamp is a frame's number drawn as a strip of black and white blocks: 16 bits
// of number and 8 of checksum. The blocks are large enough to survive scaling
// and compression.
const (
	stampBits   = 24
	stampHeight = 40 // pixels
	blackest    = 40 // luma that a block is drawn with
	whitest     = 220
	middle      = (blackest + whitest) / 2
)

// stampCode is the 24 bits of a frame's number.
func stampCode(n uint16) uint32 { return uint32(n)<<8 | uint32(checksum(n)) }

// checksum is CRC-8 with polynomial 0x07, so that a half-updated strip is told
// from a whole one.
func checksum(n uint16) uint8 {
	crc := uint8(0x5a)
	for _, b := range [2]uint8{uint8(n >> 8), uint8(n)} {
		crc ^= b
		for range 8 {
			top := crc & 0x80
			if crc <<= 1; top != 0 {
				crc ^= 0x07
			}
		}
	}
	return crc
}

// drawStamp draws the stamp over the top of a picture of four bytes a pixel.
func drawStamp(pix []byte, width int, n uint16) {
	row, code := pix[:4*width], stampCode(n)
	for x := range width {
		v := byte(blackest)
		if code>>(stampBits-1-x*stampBits/width)&1 == 1 {
			v = whitest
		}
		row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = v, v, v, 0xff
	}
	for y := 1; y < stampHeight; y++ {
		copy(pix[4*width*y:], row)
	}
}

// readStamp reads the stamp from rows of the strip's middle, wherever it has been
// scaled to; false when it is not whole.
func readStamp(pix []byte, size image.Point) (uint16, bool) {
	var code uint32
	for i := range stampBits {
		centre := (2*i + 1) * size.X / (2 * stampBits)
		spread := max(1, size.X/stampBits/6)
		sum, count := 0, 0
		for y := range size.Y {
			for x := max(0, centre-spread); x < min(size.X, centre+spread+1); x++ {
				sum += luma(pix[4*(y*size.X+x):])
				count++
			}
		}
		code <<= 1
		if count > 0 && sum/count > middle {
			code |= 1
		}
	}
	n := uint16(code >> 8)
	return n, uint8(code) == checksum(n)
}

// luma is the brightness of a pixel in B, G, R order.
func luma(p []byte) int { return (int(p[0])*29 + int(p[1])*150 + int(p[2])*77) >> 8 }

// locate finds where the rectangle that was dark and is now bright lies, in two
// pictures of the whole screen.
func locate(dark, bright []byte, size image.Point) (image.Rectangle, bool) {
	rows, columns := make([]int, size.Y), make([]int, size.X)
	for y := range size.Y {
		for x := range size.X {
			at := 4 * (y*size.X + x)
			if luma(bright[at:])-luma(dark[at:]) > (whitest-blackest)/2 {
				rows[y]++
				columns[x]++
			}
		}
	}
	y0, y1 := span(rows)
	x0, x1 := span(columns)
	r := image.Rect(x0, y0, x1, y1)
	return r, r.Dx() >= 4*stampBits && r.Dy() >= 4*stampHeight/2
}

// span is the first and last index that has at least half the greatest count.
func span(counts []int) (first, end int) {
	most := 0
	for _, c := range counts {
		most = max(most, c)
	}
	first = -1
	for i, c := range counts {
		if most > 0 && c >= (most+1)/2 {
			if first < 0 {
				first = i
			}
			end = i + 1
		}
	}
	return max(first, 0), end
}
