// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11/x11test"
)

// TestClear covers a dialog in every way, and each time uncovers it again.
func TestClear(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	configure := func(w xproto.Window, mask uint16, values ...uint32) {
		r.check(xproto.ConfigureWindowChecked(r.c.X, w, mask, values).Check())
	}
	place := image.Rect(200, 100, 600, 300)
	for name, c := range map[string]struct {
		cover func(dialog xproto.Window) xproto.Window // what to take away again
		clear bool
	}{
		"all": {func(xproto.Window) xproto.Window { return r.window(place.Inset(-50), false) }, false},
		"all but a hole for the click": {func(xproto.Window) xproto.Window {
			w := r.window(place, false)
			shape.Rectangles(r.c.X, shape.SoSet, shape.SkBounding, 0, w, 0, 0, []xproto.Rectangle{{Width: 400, Height: 150}})
			return w
		}, false},
		"one line of it": {func(xproto.Window) xproto.Window { return r.window(image.Rect(210, 150, 590, 165), false) }, false},
		"a child in it": {func(d xproto.Window) xproto.Window {
			w := r.window(image.Rect(0, 0, 300, 100), false)
			r.check(xproto.ReparentWindowChecked(r.c.X, w, d, 0, 0).Check())
			return w
		}, false},
		"partly beyond the edge": {func(d xproto.Window) xproto.Window {
			configure(d, xproto.ConfigWindowY, 350)
			return 0
		}, false},
		"cut to its button": {func(d xproto.Window) xproto.Window {
			shape.Rectangles(r.c.X, shape.SoSet, shape.SkBounding, 0, d, 0, 0, []xproto.Rectangle{{X: 300, Y: 150, Width: 90, Height: 40}})
			return 0
		}, false},
		"in a window that shows a part of it": {func(d xproto.Window) xproto.Window {
			w := r.window(image.Rect(400, 200, 600, 300), false)
			r.check(xproto.ReparentWindowChecked(r.c.X, d, w, 0, 0).Check())
			return 0
		}, false},
		"beside": {func(xproto.Window) xproto.Window { return r.window(image.Rect(0, 100, 201, 300), false) }, true},
		"shaped away": {func(xproto.Window) xproto.Window {
			w := r.window(place, false)
			shape.Rectangles(r.c.X, shape.SoSet, shape.SkBounding, 0, w, 0, 0, []xproto.Rectangle{{Y: 200, Width: 5, Height: 5}})
			return w
		}, true},
		"put elsewhere": {func(d xproto.Window) xproto.Window {
			configure(d, xproto.ConfigWindowX, 250)
			return 0
		}, false},
		"our own banner": {func(d xproto.Window) xproto.Window {
			configure(d, xproto.ConfigWindowY, 0)
			return 0
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dialog := r.window(place, false)
			defer xproto.DestroyWindow(r.c.X, dialog)
			eventually(t, "nothing covers it", func() bool { return r.lamp.Clear(uint32(dialog)) })
			w := c.cover(dialog)
			r.c.X.Sync()
			if name == "our own banner" {
				r.lamp.Clear(uint32(dialog)) // it moved
			}
			if c.clear { // a busy server may be too slow for one look
				eventually(t, "it is clear", func() bool { return r.lamp.Clear(uint32(dialog)) })
			} else if r.lamp.Clear(uint32(dialog)) {
				t.Error("it is clear")
			}
			if w != 0 {
				r.check(xproto.DestroyWindowChecked(r.c.X, w).Check())
				eventually(t, "it is clear again", func() bool { return r.lamp.Clear(uint32(dialog)) })
			}
		})
	}
	if r.lamp.Clear(0) || r.lamp.Clear(0x7fffff) {
		t.Error("a window that does not exist is clear")
	}
}

// TestClearAfterAKill looks again when another client had our connection cut, and is
// never sure of a server that hangs.
func TestClearAfterAKill(t *testing.T) {
	x11test.Start(t, "500x300")
	r := lightUp(t)
	dialog := r.window(image.Rect(100, 100, 300, 200), false)
	eventually(t, "nothing covers it", func() bool { return r.lamp.Clear(uint32(dialog)) })
	r.lamp.eye.c.Kill()
	eventually(t, "it looks again", func() bool { return r.lamp.Clear(uint32(dialog)) })
	r.check(xproto.GrabServerChecked(r.c.X).Check())
	if r.lamp.Clear(uint32(dialog)) {
		t.Error("clear, though the server hangs")
	}
	r.check(xproto.UngrabServerChecked(r.c.X).Check())
}

// Whatever a program says that the buttons of a mouse mean, the first one ends what is shared.
func TestBannerWhateverButtonsMean(t *testing.T) {
	x11test.Start(t, "800x300")
	r := lightUp(t)
	now, err := xproto.GetPointerMapping(r.c.X).Reply()
	r.check(err)
	none, moved := make([]byte, len(now.Map)), slices.Clone(now.Map)
	moved[0], moved[1] = 2, 1
	for _, m := range [][]byte{none, moved} {
		status, err := xproto.SetPointerMapping(r.c.X, byte(len(m)), m).Reply()
		r.check(err)
		if status.Status != xproto.MappingStatusSuccess {
			t.Fatalf("the display took no map: %d", status.Status)
		}
		r.click(r.button(actCut, image.Rect(0, 0, 800, 300)))
		select {
		case a := <-r.acts:
			if a != actCut {
				t.Errorf("did %v", a)
			}
		case <-time.After(patience):
			t.Errorf("with %d a press does nothing", m)
		}
	}
}
