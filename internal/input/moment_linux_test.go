// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"testing"

	"github.com/jezek/xgb/xproto"

	"assist/internal/wire"
)

// The window manager may give us the keyboard after the Desk has looked, while the guardian
// is told: the key is let be all the same, and so are the later ones of a text.
func TestKeyIsLetBeAtTheLastMoment(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, everywhere())
	c, own := windowOfOurs(t)
	focus := func(w xproto.Window) {
		t.Helper()
		if err := xproto.SetInputFocusChecked(c, xproto.InputFocusPointerRoot, w, xproto.TimeCurrentTime).Check(); err != nil {
			t.Fatal(err)
		}
	}
	x, ok := s.desk.back.in.(*driver)
	if !ok {
		t.Fatal("no driver")
	}
	key := action{deed: deedKey, code: usageA, down: true}
	focus(p.window)
	s.do(&wire.Key{Usage: usageA, Down: true}, &wire.Key{Usage: usageA}) // looked at, and known as another's
	for range 3 {
		p.expect("key 38 down", "key 38 up")
		p.forget()
		focus(own)
		if err := x.Inject(key); !errors.Is(err, ErrOwnWindow) {
			t.Errorf("a key after the look: %v", err)
		}
		err := x.strike(part{strokes: []stroke{{code: 38}}}, func(f func() error) error { return f() })
		if !errors.Is(err, ErrOwnWindow) {
			t.Errorf("a text after the look: %v", err)
		}
		focus(p.window)
		if err := x.Inject(key, action{deed: deedKey, code: usageA}); err != nil {
			t.Errorf("a key elsewhere: %v", err)
		}
	}
	p.expect("key 38 down", "key 38 up")
}
