// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// strip has the reins above a page that has none, while somebody sees the screen. The page
// stays as it is, with what was typed and with the focus, which nothing here ever takes.
type strip struct {
	live *livePart
	box  *fyne.Container
}

// newStrip is as wide as a page is, and low, so that there is room left for the page.
func newStrip(a *App) strip {
	s := strip{live: newLivePart(a)}
	s.live.low = true
	s.live.dress(moodAttention)
	gap := theme.Size(sizeGap)
	s.box = container.New(&column{limit: 48 * theme.Size(theme.SizeNameText), margin: gap * 0.75}, s.live.box)
	s.box.Hide()
	return s
}

// showStrip brings it up to date, or takes it away where the page itself has the reins.
func (a *App) showStrip(live *Live) {
	switch a.shown.(type) {
	case *homePage, *sessionPage:
		live = nil
	}
	s := a.frame.strip
	before := s.box.MinSize()
	s.live.show(live)
	if shows := live != nil; shows != s.box.Visible() || shows && s.box.MinSize() != before {
		s.box.Hidden = !shows
		a.win.Content().Refresh() // the page below moves
	}
}
