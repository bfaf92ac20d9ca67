// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fyne.io/fyne/v2"

	"assist/internal/consent"
)

// While somebody has mouse and keyboard, the main window shows the session and nothing else.
// Remote input is kept from our windows as it is made, but whether a key gets there is
// decided by the display a moment later, when a window manager may just have given us the
// keyboard. So there is nothing that such a key could do: it may pause, take control back
// or cut, and asks for a real press where it could give more.

// Contained says that it is so. Nothing is driven unless it is.
func (a *App) Contained() bool { return a.contained.Load() }

// contain puts away what is open when control begins, and brings it back afterwards.
func (a *App) contain(live *Live) {
	driven := live != nil && live.Rights.Has(consent.RightControl)
	if driven {
		a.lent = live.Since
		a.closeOverlays()
	}
	if driven == (a.session != nil) {
		return
	}
	a.session = nil
	if driven {
		a.session = &sessionPage{a: a}
	}
	a.contained.Store(false) // before anything else is within reach
	a.rebuild()
	a.focusFirst()
	a.contained.Store(driven)
}

// closeOverlays drops the menus and dialogs that the toolkit shows within the window.
func (a *App) closeOverlays() {
	all := a.win.Canvas().Overlays()
	for _, o := range all.List() {
		o.Hide()
		all.Remove(o)
	}
}

// current is the page that the window shows.
func (a *App) current() page {
	if a.session != nil {
		return a.session
	}
	return a.pages[a.place]
}

// sessionPage is the reins alone.
type sessionPage struct {
	a    *App
	live *livePart
}

// first is nothing: the first key that strays here finds nothing to press.
func (s *sessionPage) first() fyne.Focusable { return nil }

func (s *sessionPage) build() fyne.CanvasObject {
	s.live = newLivePart(s.a)
	return newPage(s.live.box, newText(s.a.say("live.alone"), styleMuted()))
}

func (s *sessionPage) update() { s.live.show(s.a.cfg.Helped.State().Live) }
