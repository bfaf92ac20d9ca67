// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image"
	"image/color"
	"math"

	"assist/internal/consent"
)

// face is a photo as a card bears one: a head before a wall.
func face() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 128, 128))
	for i := range 128 * 128 {
		x, y := i%128, i/128
		c := color.RGBA{uint8(150 + y/4), uint8(190 - x/4), 205, 255}
		if math.Hypot(float64(x-64), float64(y-150)/1.2) < 48 {
			c = color.RGBA{48, 62, 96, 255}
		}
		if math.Hypot(float64(x-64)/0.82, float64(y-54)) < 34 {
			c = color.RGBA{226, 178, 150, 255}
		}
		if math.Hypot(float64(x-64)/0.9, float64(y-38)) < 33 && y < 40 {
			c = color.RGBA{70, 44, 30, 255}
		}
		m.Set(x, y, c)
	}
	return m
}

func pictured(q *consent.Question) { q.Photo = face() }
