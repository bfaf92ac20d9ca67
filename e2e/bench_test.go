// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Sizes of the measurement: the window of the session shows the whole screen of the
// host at 1:1.
var (
	benchHost   = image.Pt(1920, 1080)
	benchViewer = image.Pt(2048, 1300)
	benchWindow = image.Pt(1920, 1240)
)

// TestBench brings an intervention about as people do, with control granted on the
// host's screen, and has it measured from outside by assist-bench. It runs when
// ASSIST_BENCH names the file for the table; ASSIST_BENCH_ARGS are further
// arguments of assist-bench.
func TestBench(t *testing.T) {
	out := os.Getenv("ASSIST_BENCH")
	if out == "" {
		t.Skip("measures only when asked to: see scripts/bench.sh")
	}
	w := newBenchWorld(t)
	l := w.measured(t)
	args := append([]string{
		"-host-display", w.host.screen.name(), "-view-display", w.tech.screen.name(), "-interface", w.wire(),
		"-host-pid", strconv.Itoa(w.host.proc.pid()), "-view-pid", strconv.Itoa(w.tech.proc.pid()),
	}, strings.Fields(os.Getenv("ASSIST_BENCH_ARGS"))...)
	c := exec.Command(w.build(t, "assist-bench", "./cmd/assist-bench", ""), args...)
	table, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	c.Stdout, c.Stderr = table, os.Stderr
	if err := c.Run(); err != nil {
		w.tech.keepPicture(t, "bench-viewer")
		w.host.keepPicture(t, "bench-host")
		t.Fatal(err)
	}
	l.end(t)
}

// wire is the interface that carries the session and little else.
func (w *world) wire() string {
	if w.cable.near != "" {
		return w.cable.near
	}
	return "lo"
}

// newBenchWorld is a world whose host has one monitor of an ordinary size.
func newBenchWorld(t *testing.T) *world {
	w := newDesktops(t)
	bin := w.build(t, "assist", "./cmd/assist", "testdoor")
	w.server = newServer(t, w.build(t, "assist-server", "./cmd/assist-server", ""), w.dir, w.cable.here, w.as)
	w.host = w.newApp(t, "host", bin, newDisplay(t, w.dir, benchHost))
	w.host.net = w.cable.space
	w.tech = w.newApp(t, "tech", bin, newDisplay(t, w.dir, benchViewer))
	w.host.peer, w.tech.peer = w.tech, w.host
	for _, a := range []*app{w.host, w.tech} {
		a.launch(t)
		w.join(t, a)
	}
	w.id = w.number(t)
	w.enrol(t)
	return w
}

// measured goes from the form to the host's screen at 1:1 in the session window.
func (w *world) measured(t *testing.T) *live {
	t.Helper()
	l := &live{world: w, reason: w.ask(t, request{control: true})}
	w.accept(t, true)
	g := l.tech.see(t, aWhile, want{id: "pane*", window: l.reason})
	l.title = g.Window
	win, _, err := l.tech.screen.window(l.title)
	if err != nil {
		t.Fatal(err)
	}
	n := strconv.Itoa(int(win))
	l.tech.screen.xdotool(t, "windowmove", n, "0", "0")
	l.tech.screen.xdotool(t, "windowsize", n, strconv.Itoa(benchWindow.X), strconv.Itoa(benchWindow.Y))
	l.tech.gone(t, aWhile, want{text: "En attente de l’image", window: l.title})
	eventually(t, soon, "the picture at 1:1", func() error {
		p, err := l.pictures()
		if err == nil && (len(p) != 1 || p[0].Size() != benchHost) {
			err = fmt.Errorf("pictures %v", p)
		}
		return err
	})
	return l
}
