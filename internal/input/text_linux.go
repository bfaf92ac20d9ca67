// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

const (
	// settleFor is what programs need to take in a changed keyboard map.
	settleFor = 60 * time.Millisecond
	// keepFor is how long a borrowed key keeps its character after its last
	// use: a slow program looks the character up when it gets to the key press.
	keepFor = 600 * time.Millisecond
	// returnAfter is when borrowed keys are given back if nothing is typed.
	returnAfter = 3 * time.Second
	// strokesAtOnce bounds what is typed under one permission.
	strokesAtOnce = 16
)

// loan is a key without a symbol that types a character for a while.
type loan struct {
	code xproto.Keycode
	used time.Time
}

// typing is what Type has changed on the keyboard.
type typing struct {
	xkb   xkb
	shift xproto.Keycode

	mu    sync.Mutex // held while the map is changed or read
	loans map[xproto.Keysym]loan
	back  *time.Timer // gives the keys back
	ended bool
}

func (t *typing) begin(conn *x11.Conn) error {
	var err error
	if t.xkb.Keyboard, err = conn.Keyboard(); err != nil {
		return errors.Join(ErrUnsupported, err)
	}
	r, err := xproto.GetModifierMapping(conn.X).Reply()
	if err != nil {
		return fmt.Errorf("modifier map: %w", err)
	}
	for _, code := range r.Keycodes[:min(int(r.KeycodesPerModifier), len(r.Keycodes))] {
		if t.shift = code; code != 0 {
			break
		}
	}
	t.loans = map[xproto.Keysym]loan{}
	return nil
}

// end gives all keys back, once slow programs have had their time.
func (t *typing) end(c *xgb.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.back != nil {
		t.back.Stop()
	}
	if wait := time.Until(t.newest().Add(keepFor)); wait > 0 {
		<-time.After(wait)
	}
	t.giveBack(c)
}

func (t *typing) newest() (last time.Time) {
	for _, l := range t.loans {
		if l.used.After(last) {
			last = l.used
		}
	}
	return last
}

// giveBack empties the borrowed keys that are still ours. The caller holds mu.
func (t *typing) giveBack(c *xgb.Conn) {
	m, err := readKeymap(c, keyTable{})
	for sym, l := range t.loans {
		if err == nil && m.lent(sym, l.code) {
			xproto.ChangeKeyboardMapping(c, 1, l.code, 1, []xproto.Keysym{0})
		}
	}
	clear(t.loans)
	_, _ = xproto.GetInputFocus(c).Reply() // the map is changed when this returns
}

// lent reports whether a key has been made to type sym.
func (m keymap) lent(sym xproto.Keysym, code xproto.Keycode) bool {
	i := int(code) - int(m.first)
	return i >= 0 && i < m.count() && m.per >= 2 && m.of(i)[0] == sym && m.of(i)[1] == sym
}

// Type types characters whatever the layout: with the layout's own keys where
// one key, or one with Shift, does it, else with a key without a symbol that is
// lent to the character. When there are more characters than such keys, the text
// is typed in parts.
func (x *driver) Type(text string, permit func(func() error) error, stop <-chan struct{}) error {
	rest := []rune(text)
	for len(rest) > 0 {
		var p part
		err := permit(func() (err error) {
			p, err = x.plan(rest)
			return err
		})
		if err == nil && p.wait > 0 {
			err = pause(p.wait, stop)
		}
		if err == nil {
			err = x.strike(p, permit)
		}
		if err != nil {
			return err
		}
		rest = rest[len(p.strokes):]
	}
	return nil
}

func pause(d time.Duration, stop <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-stop:
		return ErrClosed
	}
}

// part is the beginning of a text that can be typed at once, perhaps empty.
type part struct {
	strokes []stroke
	wait    time.Duration // before it
}

// plan finds a key for as many characters as there are keys for, and lends them.
func (x *driver) plan(text []rune) (part, error) {
	t := &x.typing
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return part{}, ErrClosed
	}
	keys, err := x.keys.now()
	if err != nil {
		return part{}, err
	}
	m, err := readKeymap(x.c, keys)
	if err != nil {
		return part{}, err
	}
	s, err := t.xkb.state()
	if err != nil {
		return part{}, err
	}
	b := borrower{x: x, m: m, group: s.group, free: m.unused()}
	b.forget()
	for _, r := range text {
		if !b.add(keysym(r)) {
			break
		}
	}
	return b.finish()
}

// strike types a part, some strokes under each permission, with the locks that
// would change it put aside.
func (x *driver) strike(p part, permit func(func() error) error) error {
	for s := p.strokes; len(s) > 0; {
		n := min(len(s), strokesAtOnce)
		if err := permit(func() error { return x.strikeSome(s[:n]) }); err != nil {
			return err
		}
		s = s[n:]
	}
	return nil
}

func (x *driver) strikeSome(strokes []stroke) error {
	k := x.typing.xkb
	s, err := k.state()
	if err != nil {
		return err
	}
	if s.base != 0 {
		return ErrYield // somebody holds Shift or the like
	}
	if s.locked&^numLock != 0 || s.latched != 0 {
		if err := k.lock(0); err != nil {
			return err
		}
		defer func() { _ = k.lock(s.locked) }()
	}
	for _, st := range strokes {
		if err = x.strikeOne(st); err != nil {
			break
		}
	}
	return errors.Join(err, x.settle())
}

func (x *driver) strikeOne(s stroke) error {
	shift, key := note{noteKey, byte(x.typing.shift)}, note{noteKey, byte(s.code)}
	if s.shift {
		if err := x.fake(shift, true); err != nil {
			return err
		}
		defer func() { _ = x.fake(shift, false) }()
	}
	if err := x.fake(key, true); err != nil {
		return err
	}
	return x.fake(key, false)
}
