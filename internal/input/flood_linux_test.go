// SPDX-License-Identifier: Apache-2.0

package input

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/wire"
	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// jumps is how often each kind of jump is tried: one taken for an echo in a hundred
// would still be found.
const jumps = 150

// A single deed of the person amid a flood of remote ones makes input yield, each time:
// that of any device, and that of a program that plays one, as an on-screen keyboard
// or a switch between computers does.
func TestLoneJumpYields(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	startProgram(t, everywhere())
	c := s.look()
	defer c.Close()
	for name, jump := range s.deeds(c, devices) {
		t.Run(name, func(t *testing.T) {
			missed := 0
			for n := range jumps {
				if !s.amidAFlood(func() { jump(n) }) {
					missed++
				}
			}
			if missed > 0 {
				t.Errorf("%d of %d were missed", missed, jumps)
			}
		})
	}
}

// deeds is what a person may do, once.
func (s *stage) deeds(c *x11.Conn, devices *x11test.Devices) map[string]func(n int) {
	if _, _, err := c.Extension("XTEST"); err != nil {
		s.t.Fatal(err)
	}
	size := everywhere().Size()
	return map[string]func(n int){
		"mouse":  func(n int) { devices.Move(5-10*(n%2), 0) },
		"pen":    func(n int) { devices.Jump(image.Pt(900+n, 900), size) },
		"finger": func(n int) { devices.Tap(image.Pt(900+n, 900), size) },
		"button": func(n int) { devices.Button(1, true); devices.Button(1, false) },
		"key":    func(n int) { devices.Key(codeA, true); devices.Key(codeA, false) },
		"program": func(n int) {
			_ = xtest.FakeInputChecked(c.X, xproto.MotionNotify, 0, 0, c.Root, int16(900+n), 900, 0).Check()
		},
	}
}

// amidAFlood does something amid a flood and says whether the flood yielded.
func (s *stage) amidAFlood(do func()) bool {
	s.t.Helper()
	yielded, end := make(chan error, 1), make(chan struct{})
	for flows := false; !flows; {
		s.watcher.sync() // of the deed before, the release may still be on its way
		s.watcher.mu.Lock()
		s.watcher.last = time.Time{} // the deed before is long ago
		s.watcher.mu.Unlock()
		flowing := make(chan struct{}, 1)
		go func() { yielded <- s.pour(flowing, end) }()
		select {
		case <-flowing:
			flows = true
		case <-yielded:
		}
	}
	do()
	limit := time.AfterFunc(patience/10, func() { close(end) })
	err := <-yielded
	if err == nil {
		return false
	}
	limit.Stop()
	return s.watcher.active(YieldFor)
}

// pour moves, clicks, scrolls and types until that fails or ends.
func (s *stage) pour(flowing, end chan struct{}) error {
	for i := 0; ; i++ {
		x, y := uint16(i%700), uint16(i%300)
		for _, in := range []wire.Input{
			&wire.Move{X: x, Y: y}, &wire.Move{X: x + 1, Y: y}, &wire.Button{X: x, Y: y, Button: 1, Down: true},
			&wire.Button{X: x, Y: y, Button: 1}, &wire.Scroll{DY: 120}, &wire.Key{Usage: usageA, Down: true}, &wire.Key{Usage: usageA},
		} {
			if err := s.desk.Do(in); err != nil {
				return err
			}
		}
		if i == 3 {
			flowing <- struct{}{}
		}
		select {
		case <-end:
			return nil
		default:
		}
	}
}

// What devices do is seen as what it is. A program that puts the pointer elsewhere, as
// window managers and games do, is nobody.
func TestDevicesAreToldFromPrograms(t *testing.T) {
	_, devices := x11test.StartXorg(t, x11test.Evdev)
	s := stageHere(t)
	c := s.look()
	defer c.Close()
	if err := xproto.WarpPointerChecked(c.X, 0, c.Root, 0, 0, 0, 0, 300, 300).Check(); err != nil {
		t.Fatal(err)
	}
	if s.watcher.sync(); !s.watcher.Last().IsZero() {
		t.Error("a program that puts the pointer elsewhere was taken for a person")
	}
	deeds := s.deeds(c, devices)
	for _, c := range []struct {
		deed        string
		button, key bool
	}{{"mouse", false, false}, {"pen", false, false}, {"finger", true, false}, {"button", true, false}, {"key", false, true}} {
		s.watcher.mu.Lock()
		s.watcher.last, s.watcher.clicks, s.watcher.keys = time.Time{}, nil, [keyNumbers]strokes{}
		s.watcher.mu.Unlock()
		deeds[c.deed](0)
		button, key := anyButton(s.watcher, patience), anyKey(s.watcher, patience)
		if s.watcher.Last().IsZero() || button != c.button || key != c.key {
			t.Errorf("%s: active at %v, button %v, key %v", c.deed, s.watcher.Last(), button, key)
		}
		s.watcher.mu.Lock()
		if code := s.watcher.number(KeySpace); s.watcher.keys[code] != (strokes{}) {
			t.Errorf("%s was taken for the space bar", c.deed)
		}
		s.watcher.mu.Unlock()
	}
}
