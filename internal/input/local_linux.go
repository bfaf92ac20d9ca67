// SPDX-License-Identifier: Apache-2.0

package input

import (
	"fmt"
	"image"
	"log/slog"
	"sync/atomic"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// watchX11 watches a display until stop is called.
func watchX11(display string, w *Watcher, log *slog.Logger) (stop func(), err error) {
	// Events are answered by questions of their own: these need a second connection.
	ask, err := x11.Dial(display, nil)
	if err != nil {
		return nil, fmt.Errorf("watch local input: %w", err)
	}
	var reader atomic.Pointer[x11.RawEvents]
	c, err := x11.Dial(display, func(e x11.Event) {
		if code := e.Code(); code == xproto.FocusIn || code == xproto.FocusOut {
			w.focusMoved(xgb.Get32(e[4:]))
		}
		if r := reader.Load(); r != nil {
			if seen, ok := r.Read(e); ok {
				w.seeX11(seen)
			}
		}
	})
	if err != nil {
		ask.Close()
		return nil, fmt.Errorf("watch local input: %w", err)
	}
	w.spot = func() spot { return spotOf(ask) }
	stopFakes := w.watchFakes(display, log) // before the first event
	r, err := c.RawEvents()
	if err == nil {
		reader.Store(r)
		err = r.Select(x11.RawKeyPress, x11.RawKeyRelease, x11.RawButtonPress, x11.RawButtonRelease, x11.RawMotion,
			x11.RawTouchBegin, x11.RawTouchUpdate, x11.RawTouchEnd)
	}
	stop = func() { stopFakes(); ask.Close(); c.Close() }
	if err != nil {
		stop()
		return nil, fmt.Errorf("watch local input: %w", err)
	}
	w.questions(c)
	go w.keepAudit(func(g grip) bool { return isDown(r, g) }, c.Done(), log)
	go func() {
		select {
		case <-c.Done():
		case <-ask.Done():
		}
		w.lose()
	}()
	log.Debug("watching local input")
	return stop, nil
}

// questions are what a Watcher asks the display while it runs.
func (w *Watcher) questions(c *x11.Conn) {
	w.sync = func() { _, _ = xproto.GetInputFocus(c.X).Reply() } // its answer comes after the events before it
	if names, err := c.Keyboard(); err == nil {
		w.number = func(usage uint16) uint32 { return numberOf(names, usage) }
	}
	w.focused = func(window uint32) bool { return focusIn(c, xproto.Window(window)) }
	w.mind = func(window uint32) bool {
		err := xproto.ChangeWindowAttributesChecked(c.X, xproto.Window(window), xproto.CwEventMask,
			[]uint32{xproto.EventMaskFocusChange}).Check()
		return err == nil
	}
	w.origin = func(window uint32) (image.Point, bool) {
		r, err := xproto.TranslateCoordinates(c.X, xproto.Window(window), c.Root, 0, 0).Reply()
		if err != nil || r == nil {
			return image.Point{}, false
		}
		return image.Pt(int(r.DstX), int(r.DstY)), true
	}
}

// seeX11 takes in one event, on the connection's reader. A finger is a hand on a
// mouse: where it begins and ends it clicks.
func (w *Watcher) seeX11(r x11.Raw) {
	seen := raw{detail: r.Detail}
	switch r.Kind {
	case x11.RawKeyPress:
		seen.kind = rawKey
	case x11.RawKeyRelease:
		seen.kind = rawKeyUp
	case x11.RawButtonPress:
		seen.kind = rawButton
	case x11.RawButtonRelease:
		seen.kind = rawButtonUp
	case x11.RawMotion, x11.RawTouchUpdate:
		seen = raw{kind: rawMotion}
	case x11.RawTouchBegin:
		seen = raw{rawButton, 1}
	case x11.RawTouchEnd:
		seen = raw{rawButtonUp, 1}
	default:
		return
	}
	up := seen.kind == rawKeyUp || seen.kind == rawButtonUp
	if up { // seen before it is let go, and held before it is seen: no moment lies between
		w.see(seen, r.Injected, stamp(r.Time))
	}
	if !r.Injected {
		w.feel(r, up)
	}
	if !up {
		w.see(seen, r.Injected, stamp(r.Time))
	}
}

// feel keeps what is down on a device. A wheel's notch is a button that nobody holds.
func (w *Watcher) feel(r x11.Raw, up bool) {
	g := grip{device: r.Device, detail: r.Detail}
	switch r.Kind {
	case x11.RawKeyPress, x11.RawKeyRelease:
		g.kind = gripKey
	case x11.RawButtonPress, x11.RawButtonRelease:
		g.kind = gripButton
	case x11.RawTouchBegin, x11.RawTouchUpdate, x11.RawTouchEnd:
		g.kind = gripFinger
	default:
		return
	}
	wheel := g.kind == gripButton && g.detail > lastClick && g.detail <= lastWheel
	switch {
	case up:
		w.letUp(g)
	case !wheel:
		w.hold(g)
	}
}

// isDown asks whether a grip of a device is still one. A finger is believed for as long
// as its device is there.
func isDown(r *x11.RawEvents, g grip) bool {
	down, err := r.Down(g.device)
	switch {
	case err != nil:
		return false
	case g.kind == gripKey:
		return down.Key(g.detail)
	case g.kind == gripButton:
		return down.Button(g.detail)
	}
	return true
}

// numberOf is the number of a key on the keyboard that was used last; 0 when that
// cannot be found out.
func numberOf(names *x11.Keyboard, usage uint16) uint32 {
	codes, err := names.KeyCodes(x11.CoreKeyboard)
	if err != nil || int(usage) > lastUsage {
		return 0
	}
	return uint32(numbered(codes)[usage])
}

// spotOf asks for the place of the pointer, and follows the windows under it from the
// root inwards.
func spotOf(conn *x11.Conn) spot {
	p, err := xproto.QueryPointer(conn.X, conn.Root).Reply()
	if err != nil || p == nil || !p.SameScreen {
		return spot{}
	}
	found := spot{at: image.Pt(int(p.RootX), int(p.RootY))}
	for w := conn.Root; len(found.under) < maxDepth; {
		r, err := xproto.TranslateCoordinates(conn.X, conn.Root, w, p.RootX, p.RootY).Reply()
		if err != nil || r == nil {
			return spot{}
		}
		if r.Child == 0 {
			break
		}
		w = r.Child
		found.under = append(found.under, uint32(w))
	}
	return found
}

// focusIn reports whether the keyboard is a window's own, or that of a window within it.
// A frame that a window manager puts round it does not count: there keys go to whatever is
// under the pointer.
func focusIn(conn *x11.Conn, window xproto.Window) bool {
	r, err := xproto.GetInputFocus(conn.X).Reply()
	if err != nil || r == nil || r.Focus == xproto.InputFocusNone || r.Focus == xproto.InputFocusPointerRoot {
		return false
	}
	for w, depth := r.Focus, 0; depth < maxDepth; depth++ {
		if w == window {
			return true
		}
		t, err := xproto.QueryTree(conn.X, w).Reply()
		if err != nil || t == nil || t.Parent == 0 {
			return false
		}
		w = t.Parent
	}
	return false
}
