// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"image"
	"runtime"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// Bounds of the picture's part of a new window, in device pixels.
const (
	firstWidth, firstHeight = 1600, 900
	leastWidth, leastHeight = 960, 540
)

// Window is one session's window, with the windows of single monitors beside it.
type Window struct {
	c      Config
	win    fyne.Window
	ctx    context.Context // of the goroutines
	cancel context.CancelFunc
	box    *outbox
	hands  *hands
	look   *pointer
	pumps  map[screen.MonitorID]*running
	watch  []screen.MonitorID // what was last asked for
	main   *stage
	apart  map[screen.MonitorID]*satellite
	bar    *toolbar
	status *statusLine
	frame  *frame
	page   *fyne.Container // what frame lays out
	diary  diary
	state  State
	began  bool // the first state is in
	ended  time.Time

	one    screen.MonitorID // shown, unless all is set
	all    bool
	actual bool // 1:1
	points bool // pointing mode is on
}

// running is a pump and how to stop it.
type running struct {
	*pump
	ctx  context.Context
	stop context.CancelFunc
}

// build makes the window and all that is in it; nothing runs yet.
func build(c Config) *Window {
	w := &Window{c: c, all: true, pumps: map[screen.MonitorID]*running{}, apart: map[screen.MonitorID]*satellite{},
		box: newOutbox(c.Hands), look: &pointer{laser: newLaser()}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.hands = newHands(w.box, newKeyboard(runtime.GOOS), w.refused)
	w.win = c.App.NewWindow(w.title())
	w.win.SetPadded(false)
	w.main = newStage(w.win, w.hands, w.look, w.placed)
	w.wire(w.main)
	w.bar, w.status = newToolbar(w), newStatusLine(c.Text)
	w.main.over = []fyne.CanvasObject{w.bar.root, w.bar.tab}
	w.frame = &frame{scale: w.main.scale}
	w.page = container.New(w.frame, w.main.root, w.status.root, w.bar.root, w.bar.tab)
	w.win.SetContent(w.page)
	w.win.SetCloseIntercept(func() { w.finish(wire.EndTechnician) })
	w.win.SetOnClosed(w.closed)
	w.apply(c.Watcher.State(), time.Now())
	w.win.Resize(w.firstSize())
	return w
}

// wire connects a stage's pane to the window.
func (w *Window) wire(s *stage) {
	s.pane.chord = w.toToolbar
	s.pane.idle = func() bool { return w.state.Input != wire.PauseNone }
}

// start shows the window and lets everything run.
func (w *Window) start() {
	go w.box.run(w.ctx)
	w.win.Show()
	tapMouse(w.win, w.main.pane.tap())
	w.main.direct = newDirect(w.win, w.c.Log)
	w.main.focus()
	w.sync()
	go w.follow()
	go pollWhileUsed(w.ctx, w.box.used, w.poll)
}

// title names the machine and the reason, as the window's list of the desktop shows it.
func (w *Window) title() string {
	if w.c.Reason == "" {
		return w.c.Machine
	}
	return w.c.Machine + " — " + w.c.Reason
}

// firstSize makes room for the pictures at 1:1 when they are not too large.
func (w *Window) firstSize() fyne.Size {
	area := image.Pt(firstWidth, firstHeight)
	if u := union(w.state.Layout).Size(); u.X > 0 {
		if num, den := ratio(area, u); num < den {
			u = u.Mul(num).Div(den)
		}
		area = image.Pt(max(u.X, leastWidth), max(u.Y, leastHeight))
	}
	scale := w.main.scale()
	bars := w.page.MinSize().Height - 100
	return fyne.NewSize(float32(area.X)/scale, float32(area.Y)/scale+bars)
}

// Raise brings the window to the front.
func (w *Window) Raise() { w.win.RequestFocus() }

// post runs f on the toolkit's goroutine, soon.
func (w *Window) post(f func()) { fyne.Do(f) }

// poll has mouse and keyboard looked at now.
func (w *Window) poll() {
	done := make(chan struct{})
	w.post(func() {
		defer close(done)
		if w.ctx.Err() == nil {
			pollInput()
		}
	})
	select {
	case <-done:
	case <-w.ctx.Done():
	}
}

// follow brings changes of the session, and the clock's seconds, to the window. No
// more than one update waits at a time.
func (w *Window) follow() {
	changed := w.c.Watcher.Changed()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	var waiting atomic.Bool
	for {
		select {
		case <-changed:
		case <-second.C:
		case <-w.ctx.Done():
			return
		}
		if waiting.CompareAndSwap(false, true) {
			w.post(func() {
				waiting.Store(false)
				if w.ctx.Err() == nil {
					w.apply(w.c.Watcher.State(), time.Now())
				}
			})
		}
	}
}

// apply takes over the session's state.
func (w *Window) apply(s State, now time.Time) {
	old, first := w.state, !w.began
	w.state, w.began = s, true
	if s.Ended != 0 {
		w.finish(s.Ended)
		return
	}
	if !first {
		w.diary.note(now, old, s)
		w.answer(old, s)
	}
	w.setMode()
	if s.Input != wire.PauseNone { // what is typed now is lost at the host
		w.hands.stopText()
	}
	if first || !old.Layout.Equal(s.Layout) {
		w.relayout()
	}
	reshaped := w.look.update(s)
	for _, st := range w.stages() {
		if reshaped {
			st.pane.reshape()
		}
		st.pane.moveCursor()
		w.veil(st, now)
	}
	w.bar.update()
	w.status.update(w, now)
}

// answer says what became of a wish of the technician's.
func (w *Window) answer(old, s State) {
	switch gained := s.Rights &^ old.Rights; {
	case s.Denials > old.Denials:
		w.status.say(w.c.Text("view.said.denied"))
	case gained.Has(consent.RightControl):
		w.points = false
		w.status.say(w.c.Text("view.said.control"))
		w.main.focus()
	case gained.Has(consent.RightPoint):
		w.status.say(w.c.Text("view.said.point"))
	case (old.Rights &^ s.Rights).Has(consent.RightControl):
		w.status.say(w.c.Text("view.said.ended"))
	}
}

// setMode says what mouse and keyboard do from now on.
func (w *Window) setMode() {
	w.points = w.points && w.state.Rights.Has(consent.RightPoint)
	m := modeWatch
	switch {
	case w.points:
		m = modePoint
	case w.state.Rights.Has(consent.RightControl):
		m = modeDrive
	}
	w.hands.setMode(m)
}

// veil greys a stage's picture with the cause, while it stands still.
func (w *Window) veil(s *stage, now time.Time) {
	if cause := w.c.Text.frozen(w.state, now); cause != "" {
		s.veil.say(cause, true)
		return
	}
	for _, img := range s.pane.images {
		if img.Image != nil {
			s.veil.say("", false)
			return
		}
	}
	s.veil.say(w.c.Text("view.waiting"), false)
}

// stages lists the picture parts of all windows.
func (w *Window) stages() []*stage {
	list := []*stage{w.main}
	for _, s := range w.apart {
		list = append(list, s.stage)
	}
	return list
}

// refused tells that a gesture does nothing in this mode.
func (w *Window) refused() { w.status.say(w.c.Text("view.said.watching")) }

// toToolbar takes the keyboard from the pane; in full screen the toolbar unfolds.
func (w *Window) toToolbar() {
	if w.frame.full && !w.frame.open {
		w.fold(true)
	}
	w.win.RequestFocus()
	w.win.Canvas().Focus(w.bar.control)
}
