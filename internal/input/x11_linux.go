// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/x11"
)

// driver drives a display by the XTEST extension.
type driver struct {
	watcher *Watcher
	log     *slog.Logger
	root    xproto.Window
	keys    keyboard
	conn    *x11.Conn // does and asks
	c       *xgb.Conn // of conn
	spare   *x11.Conn // lets go, even while conn is stuck
	owner   owner
	typing  typing
	letUp   sync.Mutex // one Release at a time on spare
	guard   *guardian  // lets go if this process dies
	risen   []rising   // let go on conn, not yet confirmed by settle; owned by the Desk's turn
}

// rising is a key or button on its way up.
type rising struct {
	note note
	turn uint64 // of the press it ends
}

func openX11(display string, w *Watcher, log *slog.Logger) (*driver, error) {
	x := &driver{watcher: w, log: log}
	var err error
	if x.conn, err = x11.Dial(display, x.keys.event); err != nil {
		return nil, fmt.Errorf("drive the desktop: %w", err)
	}
	if x.spare, err = x11.Dial(display, nil); err != nil {
		x.conn.Close()
		return nil, fmt.Errorf("drive the desktop: %w", err)
	}
	x.c, x.root = x.conn.X, x.conn.Root
	if err = x.begin(); err == nil {
		x.guard, err = startGuardian(display, log)
	}
	if err != nil {
		x.conn.Close()
		x.spare.Close()
		return nil, fmt.Errorf("drive the desktop: %w", err)
	}
	return x, nil
}

func (x *driver) begin() error {
	for _, c := range []*x11.Conn{x.conn, x.spare} {
		if err := allowXTest(c); err != nil {
			return err
		}
	}
	x.owner = owner{c: x.c, root: x.root}
	if err := x.owner.begin(x.conn); err != nil {
		x.log.Warn("the display cannot tell whose window is whose, falling back to what windows say",
			slog.Any("error", err))
	}
	if err := x.typing.begin(x.conn); err != nil {
		return err
	}
	return x.keys.begin(x.conn, x.typing.xkb.Keyboard)
}

// allowXTest makes XTEST usable on a connection, also while another program holds
// the whole server.
func allowXTest(c *x11.Conn) error {
	if _, _, err := c.Extension("XTEST"); err != nil {
		return errors.Join(ErrUnsupported, err)
	}
	if err := xtest.GrabControlChecked(c.X, true).Check(); err != nil {
		return fmt.Errorf("display refuses input: %w", err)
	}
	return nil
}

// Close gives the keyboard map back and disconnects.
func (x *driver) Close() {
	x.typing.end(x.c)
	x.conn.Close()
	x.spare.Close()
	x.guard.close()
}

// Cut ends both connections at once: whatever waits for the server fails.
func (x *driver) Cut() {
	x.conn.Kill()
	x.spare.Kill()
}

// Inject does actions in order and returns when the server has done them all.
func (x *driver) Inject(as ...action) error {
	for _, a := range as {
		if err := x.one(a); err != nil {
			return err
		}
	}
	return x.settle()
}

// settle waits until the server has done everything, and tells the Watcher.
func (x *driver) settle() error {
	if _, err := xproto.GetInputFocus(x.c).Reply(); err != nil {
		return fmt.Errorf("inject: %w", err)
	}
	x.watcher.confirm()
	for _, r := range x.risen {
		x.guard.up(r.note, r.turn)
	}
	x.risen = x.risen[:0]
	return nil
}

func (x *driver) one(a action) error {
	switch a.deed {
	case deedMove:
		x.watcher.expect(raw{kind: rawMotion})
		xtest.FakeInput(x.c, xproto.MotionNotify, 0, 0, x.root, int16(a.at.X), int16(a.at.Y), 0)
	case deedButton:
		return x.fake(note{noteButton, xButton(a.code)}, a.down)
	case deedWheel:
		b := note{noteButton, 4 + byte(a.code)} // up, down, left, right are 4 to 7
		if err := x.fake(b, true); err != nil {
			return err
		}
		return x.fake(b, false)
	case deedKey:
		return x.key(a)
	}
	return nil
}

// key lets go of a key by the number it was pressed by.
func (x *driver) key(a action) error {
	code, ok := x.keys.lift(a.code)
	if a.down {
		var err error
		if code, err = x.keys.press(a.code); err != nil {
			return err
		}
	} else if !ok {
		return nil
	}
	return x.fake(note{noteKey, byte(code)}, a.down)
}

// xButton numbers the buttons as X11 does: 4 to 7 are the wheel.
func xButton(b uint16) byte {
	if b > 3 {
		return byte(b) + 4
	}
	return byte(b)
}

// fake presses or lets go of a key or button. Nothing is pressed that the guardian
// does not know of, and no key whose window became ours since the Desk looked; letting go
// never fails.
func (x *driver) fake(n note, down bool) error {
	if !down {
		x.risen = append(x.risen, rising{n, x.guard.turn(n)})
		raise(x.conn, n)
		return nil
	}
	if err := x.guard.down(n); err != nil {
		return err
	}
	if n.kind == noteKey {
		if own, err := x.owner.refocused(); err != nil || own {
			x.guard.up(n, x.guard.turn(n))
			return refuse(err)
		}
	}
	kind, expected := byte(xproto.KeyPress), rawKey
	if n.kind == noteButton {
		kind, expected = xproto.ButtonPress, rawButton
	}
	x.watcher.expect(raw{expected, uint32(n.code)})
	xtest.FakeInput(x.c, kind, n.code, 0, x.root, 0, 0, 0)
	return nil
}

// raise lets go of a key or button.
func raise(c *x11.Conn, n note) {
	kind := byte(xproto.KeyRelease)
	if n.kind == noteButton {
		kind = xproto.ButtonRelease
	}
	xtest.FakeInput(c.X, kind, n.code, 0, c.Root, 0, 0, 0)
}

// Release lets go of keys and buttons by the spare connection.
func (x *driver) Release(as ...action) error {
	x.letUp.Lock()
	defer x.letUp.Unlock()
	var up []rising
	for _, a := range as {
		n := note{noteButton, xButton(a.code)}
		if a.deed == deedKey {
			code, ok := x.keys.lift(a.code)
			if !ok {
				continue
			}
			n = note{noteKey, byte(code)}
		}
		up = append(up, rising{n, x.guard.turn(n)})
		raise(x.spare, n)
	}
	if _, err := xproto.GetInputFocus(x.spare.X).Reply(); err != nil {
		return fmt.Errorf("let go: %w", err) // the guardian lets go of them in the end
	}
	for _, r := range up {
		x.guard.up(r.note, r.turn)
	}
	return nil
}

// OwnAt reports whether the pointer at p would be over a window of this process.
func (x *driver) OwnAt(p image.Point, press bool) (bool, error) { return x.owner.at(p, press) }

// OwnFocus reports whether a key would go to a window of this process.
func (x *driver) OwnFocus() (bool, error) { return x.owner.focused() }

// Pointer is where the pointer is on the root window.
func (x *driver) Pointer() (image.Point, error) { return x.owner.pointer() }
