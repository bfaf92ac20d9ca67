// SPDX-License-Identifier: Apache-2.0

// Package screen holds the values that say what a monitor, a frame and a
// pointer are. It knows no operating system, no toolkit and no network, so
// capture, video, peer, session and ui can all speak of the same things.
//
// Units: every length is in physical pixels; every desktop coordinate is in the
// host's virtual desktop, where a monitor may lie at a negative position.
package screen

import (
	"image"
	"time"
)

// MaxMonitors is how many monitors one session can carry. A MonitorID is always
// smaller, so it doubles as the index of the monitor's media track.
const MaxMonitors = 8

// MaxSide is the largest width or height of a monitor, in pixels, that either
// end accepts.
const MaxSide = 8192

// MaxPixels is how many pixels the monitors of one session may have together: eight
// of 3840 by 2160. It bounds what the other end can have an end keep in memory.
const MaxPixels = MaxMonitors * 3840 * 2160

// MaxPlace is how far from the origin of the virtual desktop a monitor may lie, in
// either direction.
const MaxPlace = MaxMonitors * MaxSide

// MaxCursorSide is the largest side of a pointer shape that travels; larger
// shapes are scaled down where they are read.
const MaxCursorSide = 120

// MonitorID names a monitor for as long as it stays plugged in. The lowest free
// number is taken when a monitor appears.
type MonitorID uint8

// Monitor is one display of the host.
type Monitor struct {
	ID      MonitorID
	Name    string          // connector name as the system gives it, such as "DP-1"
	Bounds  image.Rectangle // place on the virtual desktop, after rotation
	Primary bool
}

// Layout is all monitors at one moment, ordered by ID.
type Layout []Monitor

// Find returns the monitor with this ID.
func (l Layout) Find(id MonitorID) (Monitor, bool) {
	for _, m := range l {
		if m.ID == id {
			return m, true
		}
	}
	return Monitor{}, false
}

// Equal reports whether both layouts hold the same monitors at the same places.
func (l Layout) Equal(o Layout) bool {
	if len(l) != len(o) {
		return false
	}
	for i := range l {
		if l[i] != o[i] {
			return false
		}
	}
	return true
}

// Frame is one captured picture of one monitor.
type Frame struct {
	Monitor MonitorID
	Size    image.Point
	Stride  int               // bytes from one row to the next
	Pix     []byte            // B, G, R, unused: four bytes a pixel
	Damage  []image.Rectangle // what changed since the previous frame; frame coordinates; never empty
	Taken   time.Time         // when the pixels were read
}

// Picture is one decoded picture in planar YUV 4:2:0, BT.709 limited range. The
// chroma planes are half as wide and high, rounded up.
type Picture struct {
	Monitor MonitorID
	Size    image.Point
	Y, U, V []byte
	StrideY int
	StrideC int // of U and of V
}

// Cursor is the shape of the pointer.
type Cursor struct {
	Serial uint32 // rises with each new shape
	Size   image.Point
	Hot    image.Point // the pixel of the shape that points
	Pix    []byte      // R, G, B, A premultiplied, Size.X*4 bytes a row
}

// CursorPlace is where the pointer is.
type CursorPlace struct {
	Monitor MonitorID
	At      image.Point // on the monitor, from its top left
	Visible bool
}

// Change is what a watcher of the screens reports besides pixels. Exactly one
// field is set.
type Change struct {
	Layout Layout
	Cursor *Cursor
	Place  *CursorPlace
}
