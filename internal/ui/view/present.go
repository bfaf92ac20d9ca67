// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"assist/internal/screen"
)

// presenter puts a part of a picture on a window's screen, over what the toolkit has
// painted, with its first pixel at a device pixel of the window.
type presenter interface {
	put(img *image.RGBA, part image.Rectangle, at image.Point) error
	close()
}

// repaints is what the toolkit's canvas knows besides: whether a paint is due.
type repaints interface {
	CheckDirtyAndClear() bool
	SetDirty()
}

// draw shows a new picture of a monitor, of which a part has changed. The toolkit
// paints whole windows only, so the part goes straight to the screen where that is
// possible; the toolkit gets to know of it when it next paints for another reason.
func (s *stage) draw(id screen.MonitorID, img *image.RGBA, changed image.Rectangle) {
	view := s.pane.images[id]
	if view == nil {
		return
	}
	old := view.Image
	view.Image = img
	if old == nil || old.Bounds() != img.Rect || !s.present(id, img, changed) {
		view.Refresh()
		return
	}
	refreshLater(s.win.Canvas(), view)
}

// refreshLater has the toolkit take over an image in its next paint, and causes none.
func refreshLater(c fyne.Canvas, view *canvas.Image) {
	r, ok := c.(repaints)
	if !ok {
		view.Refresh()
		return
	}
	due := r.CheckDirtyAndClear()
	view.Refresh()
	r.CheckDirtyAndClear()
	if due {
		r.SetDirty()
	}
}

// present puts the changed part of a picture on the screen. It reports false when
// the toolkit has to paint, because the picture is scaled by it, or because something
// that is seen through lies over it.
func (s *stage) present(id screen.MonitorID, img *image.RGBA, changed image.Rectangle) bool {
	spot, ok := spotOf(s.pane.spots, id)
	if !ok || s.direct == nil || spot.rect.Size() != img.Rect.Size() || s.veiled() {
		return false
	}
	origin := s.onWindow(s.pane).Min.Add(spot.rect.Min)
	changed = changed.Add(origin)
	if s.pane.cursor.Visible() && s.onWindow(s.pane.cursor).Overlaps(changed) {
		return false
	}
	parts := []image.Rectangle{changed}
	for _, o := range s.over {
		if o.Visible() {
			parts = minus(parts, s.onWindow(o))
		}
	}
	for _, p := range parts {
		if err := s.direct.put(img, p.Sub(origin), p.Min); err != nil {
			s.dropDirect()
			return false
		}
	}
	return true
}

// veiled reports whether something may lie over all of the picture, or whether only
// a part of it has room.
func (s *stage) veiled() bool {
	room, size := s.scroll.Size(), s.pane.Size()
	return s.veil.root.Visible() || s.win.Canvas().Overlays().Top() != nil ||
		size.Width > room.Width || size.Height > room.Height
}

// onWindow is where an object lies, in device pixels of the window.
func (s *stage) onWindow(o fyne.CanvasObject) image.Rectangle {
	at, size := fyne.CurrentApp().Driver().AbsolutePositionForObject(o), o.Size()
	p := s.pane.pixels
	return image.Rect(p(at.X), p(at.Y), p(at.X+size.Width), p(at.Y+size.Height))
}

// dropDirect gives the short way up.
func (s *stage) dropDirect() {
	if s.direct != nil {
		s.direct.close()
		s.direct = nil
	}
}

// minus is what remains of rectangles without a hole.
func minus(all []image.Rectangle, hole image.Rectangle) []image.Rectangle {
	var rest []image.Rectangle
	for _, r := range all {
		h := r.Intersect(hole)
		if h.Empty() {
			rest = append(rest, r)
			continue
		}
		for _, part := range []image.Rectangle{
			image.Rect(r.Min.X, r.Min.Y, r.Max.X, h.Min.Y), image.Rect(r.Min.X, h.Max.Y, r.Max.X, r.Max.Y),
			image.Rect(r.Min.X, h.Min.Y, h.Min.X, h.Max.Y), image.Rect(h.Max.X, h.Min.Y, r.Max.X, h.Max.Y),
		} {
			if !part.Empty() {
				rest = append(rest, part)
			}
		}
	}
	return rest
}
