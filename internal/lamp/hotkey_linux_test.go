// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"image"
	"log/slog"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11/x11test"
)

// Codes of the server's first keyboard map.
const ctrl, alt, escape, numLock, capsLock = 37, 64, 9, 77, 66

// strike presses keys in this order, as a device would, and lets them go.
func (d *desk) strike(codes ...byte) {
	d.t.Helper()
	for _, c := range codes {
		d.fake(xproto.KeyPress, c, image.Point{})
	}
	for _, c := range codes {
		d.fake(xproto.KeyRelease, c, image.Point{})
	}
}

// lock switches a modifier on or off as its lock key would, key or no key.
func (d *desk) lock(modifiers, on byte) {
	d.t.Helper()
	major, _, err := d.c.Extension("XKEYBOARD")
	d.check(err)
	use := d.c.X.NewCookie(true, true)
	d.c.X.NewRequest([]byte{major, 0, 2, 0, 1, 0, 0, 0}, use)
	_, err = use.Reply()
	d.check(err)
	latch := d.c.X.NewCookie(true, false)
	d.c.X.NewRequest([]byte{major, 5, 4, 0, 0, 1, modifiers, on, 0, 0, 0, 0, 0, 0, 0, 0}, latch)
	d.check(latch.Check())
}

// seize grabs keyboard and pointer, as a menu does.
func (d *desk) seize(mode byte) (release func()) {
	d.t.Helper()
	k, err := xproto.GrabKeyboard(d.c.X, false, d.c.Root, 0, xproto.GrabModeAsync, mode).Reply()
	d.check(err)
	p, err := xproto.GrabPointer(d.c.X, false, d.c.Root, xproto.EventMaskButtonPress, mode, xproto.GrabModeAsync, 0, 0, 0).Reply()
	d.check(err)
	if k.Status != xproto.GrabStatusSuccess || p.Status != xproto.GrabStatusSuccess {
		d.t.Fatalf("grabs: keyboard %d, pointer %d", k.Status, p.Status)
	}
	return func() {
		xproto.UngrabKeyboard(d.c.X, 0)
		xproto.UngrabPointer(d.c.X, 0)
		d.c.X.Sync()
	}
}

// ear is a hot-key and what it heard.
type ear struct {
	*desk
	pressed chan struct{}
	key     *Hotkey
}

func listen(t *testing.T) *ear {
	t.Helper()
	e := &ear{desk: newDesk(t), pressed: make(chan struct{}, 8)}
	var err error
	e.key, err = NewHotkey(slog.New(slog.DiscardHandler), func() { e.pressed <- struct{}{} })
	e.check(err)
	t.Cleanup(func() { e.key.Close() })
	return e
}

// once strikes the hot-key and wants it heard once.
func (e *ear) once(when string) {
	e.t.Helper()
	e.hears(when, ctrl, alt, escape)
}

// hears strikes keys that are the hot-key and wants them heard once.
func (e *ear) hears(when string, codes ...byte) {
	e.t.Helper()
	from := time.Now()
	e.strike(codes...)
	select {
	case <-e.pressed:
		e.t.Logf("%s: heard after %v", when, time.Since(from))
	case <-time.After(patience):
		e.t.Errorf("not heard: %s", when)
	}
	e.key.ear.X.Sync() // all events of the strike have been read
	select {
	case <-e.pressed:
		e.t.Errorf("heard twice: %s", when)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestHotkey(t *testing.T) {
	x11test.Start(t, "400x300")
	e := listen(t)
	focus := e.window(image.Rect(0, 0, 100, 100), false)
	e.check(xproto.SetInputFocusChecked(e.c.X, xproto.InputFocusPointerRoot, focus, 0).Check())
	e.once("no lock")
	e.strike(numLock)
	e.once("Num Lock")
	e.strike(capsLock)
	e.once("Caps Lock too")
	e.strike(ctrl, escape)
	e.strike(alt, escape)
	e.strike(ctrl, alt)
	e.strike(escape)
	e.key.ear.X.Sync()
	select {
	case <-e.pressed:
		t.Error("heard half of the key")
	case <-time.After(20 * time.Millisecond):
	}
	e.key.Close()
	e.strike(ctrl, alt, escape)
	if len(e.pressed) != 0 {
		t.Error("heard after Close")
	}
	if err := xproto.GrabKeyChecked(e.c.X, false, e.c.Root, chord, escape, 1, 1).Check(); err != nil {
		t.Errorf("the key was not given back: %v", err)
	}
}

// TestHotkeyUnderEveryLock locks all modifiers but the hot-key's own, in turn.
func TestHotkeyUnderEveryLock(t *testing.T) {
	x11test.Start(t, "400x300")
	e := listen(t)
	for _, m := range []byte{xproto.ModMaskLock, xproto.ModMask2, xproto.ModMask3, xproto.ModMask4, xproto.ModMask5, xproto.ModMaskShift} {
		e.lock(m, m)
		e.once("locked modifier")
		e.lock(m, 0)
	}
}

// TestHotkeyUnderGrabs: whoever holds keyboard and pointer, the key cuts.
func TestHotkeyUnderGrabs(t *testing.T) {
	x11test.Start(t, "400x300")
	e := listen(t)
	release := e.seize(xproto.GrabModeAsync)
	e.once("grabbed")
	release()
	e.once("after the grab")
}

// TestHotkeyOnFrozenKeyboard: what is struck while a program holds back all input,
// the technician's too, is heard as soon as input goes on.
func TestHotkeyOnFrozenKeyboard(t *testing.T) {
	x11test.Start(t, "400x300")
	e := listen(t)
	release := e.seize(xproto.GrabModeSync)
	e.strike(ctrl, alt, escape)
	release()
	select {
	case <-e.pressed:
	case <-time.After(patience):
		t.Error("not heard")
	}
}

// TestHotkeyUnderMenu opens the window manager's menu.
func TestHotkeyUnderMenu(t *testing.T) {
	x11test.Start(t, "800x600")
	windowManager(t)
	e := listen(t)
	at := image.Pt(500, 400)
	e.fake(xproto.MotionNotify, 0, at)
	e.fake(xproto.ButtonPress, 3, at)
	e.fake(xproto.ButtonRelease, 3, at)
	eventually(t, "the menu is open", func() bool { // it grabs first
		under, err := xproto.QueryPointer(e.c.X, e.c.Root).Reply()
		e.check(err)
		return under.Child != 0
	})
	r, err := xproto.GrabKeyboard(e.c.X, false, e.c.Root, 0, 1, 1).Reply()
	e.check(err)
	if r.Status != xproto.GrabStatusAlreadyGrabbed {
		t.Fatal("the menu has not grabbed the keyboard: nothing is tested")
	}
	e.once("menu")
}

// TestHotkeyOfAnother: another program was first, and gets the key too.
func TestHotkeyOfAnother(t *testing.T) {
	x11test.Start(t, "400x300")
	d := newDesk(t)
	d.check(xproto.GrabKeyChecked(d.c.X, false, d.c.Root, chord, escape, 1, 1).Check())
	e := listen(t)
	e.once("taken")
	listen(t).once("a second one")
}

// TestHotkeyOfLatchedModifiers: one finger, one key after the other.
func TestHotkeyOfLatchedModifiers(t *testing.T) {
	x11test.Start(t, "400x300")
	e := listen(t)
	major, _, err := e.c.Extension("XKEYBOARD")
	e.check(err)
	e.lock(0, 0) // makes the extension ready
	latch := e.c.X.NewCookie(true, false)
	e.c.X.NewRequest([]byte{major, 5, 4, 0, 0, 1, 0, 0, 0, 0, chord, chord, 0, 0, 0, 0}, latch)
	e.check(latch.Check())
	e.strike(escape)
	select {
	case <-e.pressed:
	case <-time.After(patience):
		t.Error("not heard")
	}
}

// TestHotkeyBegunEarly: the modifiers were down before anybody listened.
func TestHotkeyBegunEarly(t *testing.T) {
	x11test.Start(t, "400x300")
	d := newDesk(t)
	d.fake(xproto.KeyPress, ctrl, image.Point{})
	d.fake(xproto.KeyPress, alt, image.Point{})
	e := listen(t)
	defer e.seize(xproto.GrabModeAsync)()
	e.strike(escape)
	select {
	case <-e.pressed:
	case <-time.After(patience):
		t.Error("not heard")
	}
}

// TestHotkeyOfAChangedKeyboard: what any program says of the keys takes none from the hot-key,
// and adds what it says.
func TestHotkeyOfAChangedKeyboard(t *testing.T) {
	const spare = 248
	x11test.Start(t, "400x300")
	e := listen(t)
	e.check(xproto.ChangeKeyboardMappingChecked(e.c.X, 1, spare, 1, []xproto.Keysym{keysymEscape}).Check())
	e.check(xproto.ChangeKeyboardMappingChecked(e.c.X, 1, escape, 1, []xproto.Keysym{'a'}).Check())
	e.check(e.key.learn())
	e.once("Escape elsewhere")
	e.hears("the new Escape", ctrl, alt, spare)
	r, err := xproto.GetModifierMapping(e.c.X).Reply()
	e.check(err)
	none := make([]xproto.Keycode, len(r.Keycodes))
	_, err = xproto.SetModifierMapping(e.c.X, r.KeycodesPerModifier, none).Reply()
	e.check(err)
	e.check(e.key.learn())
	e.once("no modifiers")
}
