// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"image"
	"slices"

	"assist/internal/screen"
)

// relayout follows a change of the host's monitors.
func (w *Window) relayout() {
	for id, s := range w.apart {
		if _, ok := w.state.Layout.Find(id); !ok {
			s.close()
		}
	}
	if _, ok := w.state.Layout.Find(w.one); !ok && !w.all {
		w.all = true
	}
	w.bar.rebuild()
	w.sync()
}

// shown is what the main window shows: all monitors but those in windows of their
// own, or one.
func (w *Window) shown() screen.Layout {
	var l screen.Layout
	for _, m := range w.state.Layout {
		if _, away := w.apart[m.ID]; !away && (w.all || m.ID == w.one) {
			l = append(l, m)
		}
	}
	return l
}

// sync brings panes, pumps and the host's knowledge of what is watched in line
// with what is to be shown.
func (w *Window) sync() {
	shown := w.shown()
	ids := make([]screen.MonitorID, 0, screen.MaxMonitors)
	for _, m := range shown {
		ids = append(ids, m.ID)
	}
	for id := range w.apart {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	w.pumpOnly(ids)
	w.main.show(shown, w.actual)
	for id, s := range w.apart {
		m, _ := w.state.Layout.Find(id)
		s.stage.show(screen.Layout{m}, w.actual)
	}
	if !slices.Equal(ids, w.watch) {
		w.watch = ids
		pictures := w.c.Pictures
		w.box.put(item{call: func() { _ = pictures.Watch(ids) }})
	}
}

// pumpOnly runs pumps for these monitors and for no other.
func (w *Window) pumpOnly(ids []screen.MonitorID) {
	for id, p := range w.pumps {
		if !slices.Contains(ids, id) {
			p.stop()
		}
	}
	for _, id := range ids {
		if p := w.pumps[id]; p == nil || p.ctx.Err() != nil {
			w.pumps[id] = w.pump(id, p)
		}
	}
}

// pump starts to pump a monitor's pictures; old is its stopped predecessor or nil.
func (w *Window) pump(id screen.MonitorID, old *running) *running {
	r := &running{pump: newPump(id, w.c.Pictures, w.c.Paint)}
	r.ctx, r.stop = context.WithCancel(w.ctx)
	r.post = w.post
	r.show = func(img *image.RGBA, changed image.Rectangle) {
		if r.ctx.Err() == nil {
			w.draw(id, img, changed)
		}
	}
	var after <-chan struct{}
	if old != nil {
		after = old.done
	}
	go r.run(r.ctx, after)
	return r
}

// draw shows a picture on whichever pane its monitor is.
func (w *Window) draw(id screen.MonitorID, img *image.RGBA, changed image.Rectangle) {
	s := w.main
	if a := w.apart[id]; a != nil {
		s = a.stage
	}
	fresh := s.pane.images[id] != nil && s.pane.images[id].Image == nil
	s.draw(id, img, changed)
	if fresh && w.state.Silent.IsZero() && w.state.Pictures == 0 {
		s.veil.say("", false)
	}
}

// placed tells the pumps in which size their pictures are displayed.
func (w *Window) placed(spots []spot) {
	for _, s := range spots {
		if p := w.pumps[s.id]; p != nil {
			p.resize(s.painted())
		}
	}
}

// choose shows one monitor, or all of them when id is negative, in the main window.
func (w *Window) choose(id int) {
	w.all = id < 0
	for a, s := range w.apart {
		if w.all || int(a) == id {
			s.close()
		}
	}
	if !w.all {
		w.one = screen.MonitorID(id)
	}
	w.bar.update()
	w.sync()
	w.main.focus()
}

// spreadOut gives each monitor a window of its own; the first stays in the main one.
func (w *Window) spreadOut() {
	for i, m := range w.state.Layout {
		if i == 0 {
			w.all, w.one = false, m.ID
			continue
		}
		if w.apart[m.ID] == nil {
			w.apart[m.ID] = newSatellite(w, m)
		}
	}
	w.bar.update()
	w.sync()
	for _, s := range w.apart {
		s.open()
	}
}

// zoom changes between fitted and 1:1, in all windows.
func (w *Window) zoom(actual bool) {
	w.actual = actual
	w.bar.update()
	w.sync()
	w.main.focus()
}
