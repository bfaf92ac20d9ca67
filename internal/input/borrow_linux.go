// SPDX-License-Identifier: Apache-2.0

package input

import (
	"time"

	"github.com/jezek/xgb/xproto"
)

// borrower plans one part of a text. The caller holds typing.mu throughout.
type borrower struct {
	x     *driver
	m     keymap
	group uint8
	free  []xproto.Keycode
	out   []stroke
	needs map[xproto.Keysym]bool // loans that this part uses
	fresh bool                   // some key was lent just now
}

// forget drops the loans that something else (a change of layout) has undone, and
// takes the others out of the map, which then shows what the layout itself types.
func (b *borrower) forget() {
	b.needs = map[xproto.Keysym]bool{}
	for sym, l := range b.x.typing.loans {
		if b.m.lent(sym, l.code) {
			clear(b.m.of(int(l.code - b.m.first)))
		} else {
			delete(b.x.typing.loans, sym)
		}
	}
}

// add plans one more character; false when there is no key for it now.
func (b *borrower) add(sym xproto.Keysym) bool {
	t := &b.x.typing
	if s, ok := b.m.find(sym, b.group); ok && (!s.shift || t.shift != 0) {
		b.out = append(b.out, s)
		return true
	}
	l, ok := t.loans[sym]
	if !ok {
		if l.code, ok = b.spare(); !ok {
			return false
		}
		b.fresh = true
		xproto.ChangeKeyboardMapping(b.x.c, 1, l.code, 2, []xproto.Keysym{sym, sym})
	}
	b.needs[sym] = true
	t.loans[sym] = loan{l.code, time.Now()}
	b.out = append(b.out, stroke{code: l.code})
	return true
}

// spare returns a key without a symbol, or one whose loan has run out.
func (b *borrower) spare() (xproto.Keycode, bool) {
	if len(b.free) > 0 {
		code := b.free[0]
		b.free = b.free[1:]
		return code, true
	}
	sym, l, ok := b.oldest()
	if !ok || time.Since(l.used) < keepFor {
		return 0, false
	}
	delete(b.x.typing.loans, sym)
	return l.code, true
}

// oldest is the loan that was not used for the longest time and that this part
// does not need.
func (b *borrower) oldest() (sym xproto.Keysym, old loan, ok bool) {
	for s, l := range b.x.typing.loans {
		if !b.needs[s] && (!ok || l.used.Before(old.used)) {
			sym, old, ok = s, l, true
		}
	}
	return sym, old, ok
}

// finish makes sure that the keys are lent when it returns, and says how long
// programs need before the part is typed, or a key takes to come free.
func (b *borrower) finish() (part, error) {
	t := &b.x.typing
	if t.back == nil {
		t.back = time.AfterFunc(returnAfter, b.x.giveBackLater)
	}
	t.back.Reset(returnAfter)
	if len(b.out) == 0 {
		_, l, ok := b.oldest()
		if !ok {
			return part{}, ErrUntypable
		}
		return part{wait: time.Until(l.used.Add(keepFor + time.Millisecond))}, nil
	}
	p := part{strokes: b.out}
	if b.fresh {
		p.wait = settleFor
	}
	return p, b.x.settle()
}

// giveBackLater runs when nothing was typed for a while.
func (x *driver) giveBackLater() {
	x.typing.mu.Lock()
	defer x.typing.mu.Unlock()
	if !x.typing.ended {
		x.typing.giveBack(x.c)
	}
}
