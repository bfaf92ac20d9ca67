// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"image"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
)

// mirror is the simplest remote desktop: it copies one display to a window on
// another and hands keys on.
type mirror struct {
	t          *testing.T
	host, view *display
	window     *canvas
}

func newMirror(t *testing.T, host, view string) *mirror {
	t.Helper()
	m := &mirror{t: t}
	var err error
	if m.host, err = openDisplay(host); err != nil {
		t.Fatal(err)
	}
	if m.view, err = openDisplay(view); err != nil {
		t.Fatal(err)
	}
	if m.window, err = newCanvas(m.view, image.Rectangle{Max: m.view.size}); err != nil {
		t.Fatal(err)
	}
	return m
}

// run copies until ctx ends.
func (m *mirror) run(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			pix, err := m.host.read(image.Rectangle{Max: m.host.size})
			if err != nil {
				return
			}
			copy(m.window.pix(), pix)
			_ = m.window.show()
		case <-m.window.keys:
			_ = m.host.press(xproto.KeyPress, xproto.KeyRelease, keyCode)
		case <-ctx.Done():
			m.host.close()
			m.view.close()
			return
		}
	}
}

func TestMeasureAMirror(t *testing.T) {
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Fatal("Xvfb is needed")
	}
	r := &rival{}
	defer r.stop()
	ctx, cancel := context.WithCancel(t.Context())
	host, _, err := r.display(ctx)
	if err != nil {
		t.Fatal(err)
	}
	view, _, err := r.display(ctx)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	m := newMirror(t, host, view)
	go m.run(ctx, done)
	defer func() { cancel(); <-done }()
	target := target{Name: "mirror", HostDisplay: host, ViewDisplay: view, HostPIDs: []int{os.Getpid()}, Interface: "lo"}
	o := options{At: image.Pt(100, 200), Size: image.Pt(960, 540), Duration: 2 * time.Second, FPS: 60, Keys: 5}
	results, err := measure(ctx, target, o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 4 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		t.Logf("%+v", r)
		if r.Work != "still screen" && (r.LateP50 <= 0 || r.LateP50 > 500) || r.Lost > 0 {
			t.Errorf("%+v", r)
		}
		if (r.Work == "film" || r.Work == "text scroll") && r.FPS < 5 {
			t.Errorf("%+v", r)
		}
	}
}
