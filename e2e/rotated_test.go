// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"path/filepath"
	"testing"
)

// turning starts an X server whose monitor can be turned: Xephyr, in a window of another
// server. The driver without hardware that shows two monitors elsewhere cannot.
func turning(t *testing.T, dir string) *display {
	outer := newDisplay(t, dir, image.Pt(1400, 1400))
	d := &display{number: freeDisplay(), dir: dir}
	d.server = start(t, program{path: "Xephyr", log: filepath.Join(dir, fmt.Sprintf("x%d.log", d.number)), env: outer.env(),
		args: []string{d.name(), "-screen", "1280x800", "-nolisten", "tcp", "-ac", "-noreset"}})
	d.open(t)
	return d
}

// TestRotated turns the host's only monitor while a technician drives: the banner, the
// picture and the clicks turn with it.
func TestRotated(t *testing.T) {
	w := newWorld(t, func(w *world) { w.host.screen = turning(t, w.dir) })
	d := w.host.screen
	run(t, d.env(), "xrandr", "-o", "right") // as some stand on their desks
	l := &live{world: w, reason: w.ask(t, request{control: true})}
	w.accept(t, true)
	l.title = l.tech.see(t, aWhile, want{id: "pane*", window: l.reason}).Window
	l.resize(t, "1700", "1600")
	l.driving(t)
	l.choose(t, "Ajuster", "Down", "Down") // 1:1
	for _, way := range []string{"right", "inverted", "left", "normal"} {
		t.Run(way, func(t *testing.T) {
			run(t, d.env(), "xrandr", "-o", way)
			at := image.Rect(0, 0, 1280, 800)
			if way == "right" || way == "left" {
				at = image.Rect(0, 0, 800, 1280)
			}
			l.turned(t, at)
		})
	}
	l.end(t)
}

// turned checks the host's only monitor, which takes this place now.
func (l *live) turned(t *testing.T, at image.Rectangle) {
	t.Helper()
	d := l.host.screen
	if m, err := d.monitors(); err != nil || len(m) != 1 || m[0] != at {
		t.Fatalf("monitors %v, not %v: %v", m, at, err)
	}
	l.host.eventually(t, "its banner", func() error { return l.bannersOn(1, at) })
	p := newPad(t, d, image.Rect(0, 0, 600, 600).Add(image.Pt(100, 100)), 0x20c040)
	defer p.close()
	var shown image.Rectangle
	l.tech.eventually(t, "its picture at 1:1, alike", func() error {
		panes, err := l.panes()
		if err != nil {
			return err
		}
		if shown = panes[0]; len(panes) != 1 || shown.Size() != at.Size() {
			return fmt.Errorf("pictures %v", panes)
		}
		return l.like()
	})
	l.tech.keepPicture(t, "turned")
	l.clicksIn(t, p, image.Rectangle{Min: p.at.Min, Max: p.at.Max}, p.at.Add(shown.Min))
}
