// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// reveal scrolls the page round an object until all of it shows, or its top where it is
// taller than the page: who goes from one to the next by the keyboard must see where they are.
func reveal(o fyne.CanvasObject) {
	d := fyne.CurrentApp().Driver()
	c := d.CanvasForObject(o)
	if c == nil {
		return
	}
	s := scrolled(c.Content(), o)
	if s == nil {
		return
	}
	gap := theme.Size(sizeGap)
	top := d.AbsolutePositionForObject(o).Y - d.AbsolutePositionForObject(s.Content).Y - gap
	bottom := top + o.Size().Height + 2*gap
	switch {
	case top < s.Offset.Y || bottom-top > s.Size().Height:
		s.ScrollToOffset(fyne.NewPos(0, max(top, 0)))
	case bottom > s.Offset.Y+s.Size().Height:
		s.ScrollToOffset(fyne.NewPos(0, bottom-s.Size().Height))
	}
}

// scrolled is the innermost scroll below root that holds an object; nil: none does.
func scrolled(root, o fyne.CanvasObject) *container.Scroll {
	s, _ := holder(root, o, nil)
	return s
}

// holder walks the containers of a page, which are a few dozen.
func holder(at, o fyne.CanvasObject, in *container.Scroll) (*container.Scroll, bool) {
	if at == o {
		return in, true
	}
	switch at := at.(type) {
	case *container.Scroll:
		return holder(at.Content, o, at)
	case *fyne.Container:
		for _, one := range at.Objects {
			if s, ok := holder(one, o, in); ok {
				return s, true
			}
		}
	}
	return nil, false
}
