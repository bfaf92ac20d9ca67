// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"time"

	"fyne.io/fyne/v2"
)

// lostWord is the window that says that a receipt is missing.
type lostWord struct {
	win  fyne.Window // nil: none is open
	told time.Time   // end of the intervention that it was about last
}

// showLost says at once, in a window of its own, that the receipt of the intervention
// which has just ended could not be written: whoever was helped looks at their screen
// then, not at the home page. It says so once, and stays until it was read, unless
// somebody asks or is connected again.
func (a *App) showLost(s HelpedState) {
	last := s.Last
	if s.Live != nil {
		a.dropLost()
	}
	if s.Live != nil || a.DialogOpen() || last == nil || !last.Lost || last.At.Equal(a.lost.told) {
		return
	}
	a.dropLost()
	a.lost.told = last.At
	w := a.cfg.App.NewWindow(a.say("lost.title"))
	w.SetIcon(a.icon("assist"))
	w.SetPadded(false)
	n := a.newNotice()
	n.show(moodAttention, a.endedHere(last.Why, last.At)+" "+a.say("lost.said"))
	ok := tag(a, newPress(a.say("close"), pressPrimary, w.Close), "close")
	w.SetOnClosed(func() { a.lost.win = nil })
	w.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) {
		if e.Name == fyne.KeyEscape {
			w.Close()
		}
	})
	w.SetContent(padded(newStack(16, n.box, newActions(nil, ok))))
	a.lost.win = w
	a.placeDialog(w, true)
	w.Canvas().Focus(ok)
}

// dropLost takes the window away: nothing of ours lies over a question or a session.
func (a *App) dropLost() {
	if a.lost.win != nil {
		a.lost.win.Close()
	}
}
