// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// quiet is the white margin that scanners need, in modules.
const quiet = 4

// halfBlocks draws text as a QR for a terminal, two rows of modules to a line.
// The colours are set, so that it scans on dark and on light backgrounds.
func halfBlocks(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("qr: %w", err)
	}
	side := code.Bounds().Dx()
	var b strings.Builder
	for y := -quiet; y < side+quiet; y += 2 {
		b.WriteString("\x1b[30;107m") // black on white
		for x := -quiet; x < side+quiet; x++ {
			b.WriteString(half(dark(code, x, y), dark(code, x, y+1)))
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String(), nil
}

// half is two squares of the picture, one above the other: a character is twice as high as wide.
func half(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}

// dark is false outside the code.
func dark(code barcode.Barcode, x, y int) bool {
	b := code.Bounds()
	if x < 0 || y < 0 || x >= b.Dx() || y >= b.Dy() {
		return false
	}
	r, _, _, _ := code.At(b.Min.X+x, b.Min.Y+y).RGBA()
	return r == 0
}
