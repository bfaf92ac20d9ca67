// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2/driver/desktop"

	"assist/internal/screen"
)

// shape is a pointer as the toolkit wants it. It is compared by address, so it is
// made once for each shape.
type shape struct {
	img *image.RGBA
	hot image.Point
}

// Image implements desktop.Cursor.
func (s *shape) Image() (image.Image, int, int) { return s.img, s.hot.X, s.hot.Y }

// newShape copies the host's pointer; nil when it has no pixels.
func newShape(c *screen.Cursor) *shape {
	if c == nil || c.Size.X <= 0 || c.Size.Y <= 0 || len(c.Pix) < 4*c.Size.X*c.Size.Y {
		return nil
	}
	img := image.NewRGBA(image.Rectangle{Max: c.Size})
	copy(img.Pix, c.Pix)
	return &shape{img, c.Hot}
}

// laserSide is the diameter of the technician's own pointer, in device pixels.
const laserSide = 17

// newLaser draws the pointer of the pointing mode: a red disc with a light rim,
// which is seen on any ground.
func newLaser() *shape {
	img := image.NewRGBA(image.Rect(0, 0, laserSide, laserSide))
	const mid = laserSide / 2
	for y := range laserSide {
		for x := range laserSide {
			switch d := (x-mid)*(x-mid) + (y-mid)*(y-mid); {
			case d <= 36:
				img.SetRGBA(x, y, color.RGBA{0xe0, 0x10, 0x10, 0xff})
			case d <= 64:
				img.SetRGBA(x, y, color.RGBA{0xff, 0xff, 0xff, 0xff})
			}
		}
	}
	return &shape{img, image.Pt(mid, mid)}
}

// pointer decides how the pointers look: the host's own, as an overlay on the
// picture or as the shape of the technician's mouse, and the laser.
//
// While driving the technician's mouse wears the host's shape: it moves without
// the delay of the network, and moving it redraws nothing. The overlay is left
// out then, unless the person at the host has the mouse.
type pointer struct {
	laser  *shape
	host   *shape // nil until the first shape arrives
	serial uint32
	place  screen.CursorPlace
}

// update takes the session's state over, and reports whether the shape changed.
func (p *pointer) update(s State) bool {
	p.place = s.Place
	if s.Cursor == nil || p.host != nil && p.serial == s.Cursor.Serial {
		return false
	}
	p.host, p.serial = newShape(s.Cursor), s.Cursor.Serial
	return true
}

// local is the shape of the technician's mouse over a picture.
func (p *pointer) local(m mode, yielding bool) desktop.Cursor {
	switch {
	case m == modePoint:
		return p.laser
	case m != modeDrive || yielding:
		return desktop.DefaultCursor
	case !p.place.Visible:
		return desktop.HiddenCursor
	case p.host == nil:
		return desktop.DefaultCursor
	}
	return p.host
}
