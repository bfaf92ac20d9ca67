// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"strings"
	"sync"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// pad is a plain window on the host's screen that writes down what mouse and
// keyboard do to it, as any application of the host would see it.
type pad struct {
	x    *xgb.Conn
	win  xproto.Window
	at   image.Rectangle
	mu   sync.Mutex
	seen []deed
}

// deed is one event; At is on the root window.
type deed struct {
	what   string // "down", "up", "move", "press", "release"
	detail byte
	at     image.Point
}

// newPad covers a part of the screen, unmanaged, above other windows.
func newPad(t *testing.T, d *display, at image.Rectangle, colour uint32) *pad {
	t.Helper()
	x, err := xgb.NewConnDisplay(d.name())
	if err != nil {
		t.Fatal(err)
	}
	p := &pad{x: x, at: at}
	if p.win, err = xproto.NewWindowId(x); err != nil {
		t.Fatal(err)
	}
	screen := xproto.Setup(x).DefaultScreen(x)
	events := uint32(xproto.EventMaskButtonPress | xproto.EventMaskButtonRelease | xproto.EventMaskPointerMotion |
		xproto.EventMaskKeyPress | xproto.EventMaskKeyRelease)
	err = xproto.CreateWindowChecked(x, screen.RootDepth, p.win, screen.Root, int16(at.Min.X), int16(at.Min.Y),
		uint16(at.Dx()), uint16(at.Dy()), 0, xproto.WindowClassInputOutput, screen.RootVisual,
		xproto.CwBackPixel|xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{colour, 1, events}).Check()
	if err != nil {
		t.Fatal(err)
	}
	if err := xproto.MapWindowChecked(x, p.win).Check(); err != nil {
		t.Fatal(err)
	}
	go p.listen()
	t.Cleanup(p.close)
	return p
}

func (p *pad) close() { p.x.Close() }

// focus takes the keyboard.
func (p *pad) focus(t *testing.T) {
	t.Helper()
	if err := xproto.SetInputFocusChecked(p.x, xproto.InputFocusPointerRoot, p.win, xproto.TimeCurrentTime).Check(); err != nil {
		t.Fatal(err)
	}
}

func (p *pad) listen() {
	for {
		e, err := p.x.WaitForEvent()
		if e == nil && err == nil {
			return
		}
		switch e := e.(type) {
		case xproto.ButtonPressEvent:
			p.add(deed{"down", byte(e.Detail), image.Pt(int(e.RootX), int(e.RootY))})
		case xproto.ButtonReleaseEvent:
			p.add(deed{"up", byte(e.Detail), image.Pt(int(e.RootX), int(e.RootY))})
		case xproto.MotionNotifyEvent:
			p.add(deed{"move", 0, image.Pt(int(e.RootX), int(e.RootY))})
		case xproto.KeyPressEvent:
			p.add(deed{"press", byte(e.Detail), image.Point{}})
		case xproto.KeyReleaseEvent:
			p.add(deed{"release", byte(e.Detail), image.Point{}})
		}
	}
}

func (p *pad) add(d deed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, d)
}

// take returns what happened since the last take, moves left out unless asked for.
func (p *pad) take(moves bool) []deed {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []deed
	for _, d := range p.seen {
		if moves || d.what != "move" {
			out = append(out, d)
		}
	}
	p.seen = nil
	return out
}

// collect waits until n events other than moves have come.
func (p *pad) collect(n int) ([]deed, error) {
	var got []deed
	err := wait(soon, func() error {
		got = append(got, p.take(false)...)
		if len(got) < n {
			return fmt.Errorf("%d of %d events: %s", len(got), n, spell(got))
		}
		return nil
	})
	return got, err
}

func spell(all []deed) string {
	var s []string
	for _, d := range all {
		s = append(s, fmt.Sprintf("%s %d %v", d.what, d.detail, d.at))
	}
	return strings.Join(s, ", ")
}
