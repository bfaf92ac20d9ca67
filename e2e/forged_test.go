// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"image"
	"path/filepath"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
)

// send sends a click to a window without any device.
func (n *neighbour) send(w xproto.Window, at image.Point) {
	for _, code := range []byte{xproto.ButtonPress, xproto.ButtonRelease} {
		e := xproto.ButtonPressEvent{Detail: 1, Root: n.root, Event: w, SameScreen: true, Time: xproto.TimeCurrentTime,
			RootX: int16(at.X), RootY: int16(at.Y), EventX: int16(at.X), EventY: int16(at.Y)}.Bytes()
		e[0] = code
		xproto.SendEvent(n.x, false, w, xproto.EventMaskButtonPress|xproto.EventMaskButtonRelease, string(e))
	}
	n.x.Sync()
}

// move sends a motion to a window without any device.
func (n *neighbour) move(w xproto.Window, root, at image.Point) {
	e := xproto.MotionNotifyEvent{Root: n.root, Event: w, SameScreen: true, Time: xproto.TimeCurrentTime,
		RootX: int16(root.X), RootY: int16(root.Y), EventX: int16(at.X), EventY: int16(at.Y)}.Bytes()
	xproto.SendEvent(n.x, false, w, xproto.EventMaskPointerMotion, string(e))
	n.x.Sync()
}

// strike sends a key to a window without any device.
func (n *neighbour) strike(w xproto.Window, code byte) {
	for _, kind := range []byte{xproto.KeyPress, xproto.KeyRelease} {
		e := xproto.KeyPressEvent{Detail: xproto.Keycode(code), Root: n.root, Event: w, SameScreen: true, Time: xproto.TimeCurrentTime}.Bytes()
		e[0] = kind
		xproto.SendEvent(n.x, false, w, xproto.EventMaskKeyPress|xproto.EventMaskKeyRelease, string(e))
	}
	n.x.Sync()
}

// forgedPresses come from no device.
func forgedPresses() []blow {
	return []blow{
		{name: "clicks sent to it", deal: func(t *testing.T, _ *world, n *neighbour, d target) {
			for range 10 {
				n.send(d.win, d.accept.Sub(d.place.Min))
			}
		}},
		{name: "keys sent to it", deal: func(t *testing.T, _ *world, n *neighbour, d target) {
			for _, code := range []byte{23, 65, 23, 65, 23, 65, 36} { // Tab, Space, Return
				n.strike(d.win, code)
			}
		}},
		{name: "pointer put on accept, and a click sent", deal: func(t *testing.T, _ *world, n *neighbour, d target) {
			xproto.WarpPointer(n.x, 0, n.root, 0, 0, 0, 0, int16(d.accept.X), int16(d.accept.Y))
			n.send(d.win, d.accept.Sub(d.place.Min))
		}},
		{name: "click sent to accept while the person presses elsewhere in it", deal: func(t *testing.T, w *world, n *neighbour, d target) {
			w.host.screen.jump(t, d.place.Min.Add(image.Pt(12, 12)))
			passes(500 * time.Millisecond)
			w.host.screen.tap(t)
			n.move(d.win, d.accept, d.accept.Sub(d.place.Min))
			n.send(d.win, d.accept.Sub(d.place.Min))
		}},
		{name: "space sent while the person types one elsewhere", deal: func(t *testing.T, w *world, n *neighbour, d target) {
			w.typesElsewhere(t)
			n.strike(d.win, 23) // Tab
			passes(300 * time.Millisecond)
			for range 3 {
				w.host.screen.keys(t, "space")
				n.strike(d.win, 65) // Space
				passes(300 * time.Millisecond)
				n.strike(d.win, 23)
				passes(200 * time.Millisecond)
			}
		}},
	}
}

// typesElsewhere gives the person's keyboard to another program.
func (w *world) typesElsewhere(t *testing.T) {
	t.Helper()
	const title = "elsewhere"
	start(t, program{path: "xterm", as: w.as, env: append(w.host.screen.env(), "HOME="+w.host.dir),
		log: filepath.Join(w.dir, "xterm.log"), args: []string{"-T", title, "-geometry", "40x5+0+600"}})
	w.host.screen.activate(t, title)
	passes(1500 * time.Millisecond)
}
