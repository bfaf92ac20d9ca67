// SPDX-License-Identifier: Apache-2.0

package view

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"assist/internal/screen"
)

// satellite is the window of a single monitor. Closing it gives its monitor back
// to the main window.
type satellite struct {
	w     *Window
	id    screen.MonitorID
	win   fyne.Window
	stage *stage
	shown bool
}

func newSatellite(w *Window, m screen.Monitor) *satellite {
	title := w.c.Text("view.monitor", "n", number(w.state.Layout, m.ID)) + " — " + w.title()
	s := &satellite{w: w, id: m.ID, win: w.c.App.NewWindow(title)}
	s.win.SetPadded(false)
	s.stage = newStage(s.win, w.hands, w.look, w.placed)
	w.wire(s.stage)
	s.stage.pane.reshape()
	s.win.SetContent(container.NewStack(s.stage.root))
	s.win.SetCloseIntercept(func() {
		s.close()
		w.sync()
		w.bar.update()
	})
	size, scale := m.Bounds.Size(), s.stage.scale()
	s.win.Resize(fyne.NewSize(float32(min(size.X, firstWidth))/scale, float32(min(size.Y, firstHeight))/scale))
	return s
}

// open shows the window, once.
func (s *satellite) open() {
	if s.shown {
		return
	}
	s.shown = true
	s.w.veil(s.stage, time.Now())
	s.win.Show()
	tapMouse(s.win, s.stage.pane.tap())
	s.stage.direct = newDirect(s.win, s.w.c.Log)
	s.stage.focus()
}

// close takes the window away.
func (s *satellite) close() {
	delete(s.w.apart, s.id)
	s.w.hands.letGo()
	s.stage.leave()
	s.win.Close()
}
