// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/wire"
	"assist/internal/x11/x11test"
)

const (
	usageA     = 0x04
	usageShift = 0xe1
	codeA      = 38
	codeShift  = 50
)

// soon is generous, for a busy machine: on a quiet one it is a few milliseconds.
const soon = 3 * time.Second

func everywhere() image.Rectangle { return image.Rect(0, 0, 1920, 1080) }

func TestClicksLandOnThePixelOnBothMonitors(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, everywhere())
	for _, at := range []struct {
		monitor uint8
		x, y    uint16
		want    image.Point
	}{
		{0, 0, 0, image.Pt(0, 0)},
		{0, 799, 699, image.Pt(799, 699)},
		{0, 5000, 5000, image.Pt(799, 699)}, // clamped
		{1, 0, 0, image.Pt(800, 50)},
		{1, 1000, 600, image.Pt(1800, 650)},
		{1, 1001, 601, image.Pt(1800, 650)}, // clamped
		{1, 333, 77, image.Pt(1133, 127)},
	} {
		p.forget()
		s.do(&wire.Button{Monitor: at.monitor, X: at.x, Y: at.y, Button: 1, Down: true},
			&wire.Button{Monitor: at.monitor, X: at.x, Y: at.y, Button: 1})
		p.expect(fmt.Sprintf("button 1 down %d %d", at.want.X, at.want.Y),
			fmt.Sprintf("button 1 up %d %d", at.want.X, at.want.Y))
	}
	if err := s.desk.Do(&wire.Move{Monitor: 2}); !errors.Is(err, ErrNoMonitor) {
		t.Errorf("a monitor that does not exist: %v", err)
	}
}

func TestButtonsAndDrag(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, everywhere())
	for wireButton, x := range map[uint8]int{1: 1, 2: 2, 3: 3, 4: 8, 5: 9} {
		p.forget()
		s.do(&wire.Button{X: 10, Y: 10, Button: wireButton, Down: true}, &wire.Button{X: 20, Y: 30, Button: wireButton})
		p.expect(fmt.Sprintf("button %d down 10 10", x), fmt.Sprintf("button %d up 20 30", x))
	}
	p.forget()
	s.do(&wire.Button{X: 10, Y: 10, Button: 1, Down: true},
		&wire.Button{X: 10, Y: 10, Button: 1, Down: true}, // again: ignored
		&wire.Move{X: 50, Y: 60},
		&wire.Move{Monitor: 1, X: 5, Y: 6},
		&wire.Button{Monitor: 1, X: 7, Y: 8, Button: 1},
		&wire.Button{Monitor: 1, X: 7, Y: 8, Button: 1}) // again: ignored
	p.expect("button 1 down 10 10", "button 1 up 807 58")
	p.waitFor("motion 50 60")
	p.waitFor("motion 805 56")
}

func TestScrollAddsUpToNotches(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, everywhere())
	s.do(&wire.Move{X: 100, Y: 100}, &wire.Scroll{DY: 60}, &wire.Scroll{DY: 59}, // not yet
		&wire.Scroll{DY: 1}, &wire.Scroll{DY: -240}, &wire.Scroll{DX: 130}, &wire.Scroll{DX: -120})
	p.expect("button 5 down 100 100", "button 5 up 100 100",
		"button 4 down 100 100", "button 4 up 100 100", "button 4 down 100 100", "button 4 up 100 100",
		"button 7 down 100 100", "button 7 up 100 100", "button 6 down 100 100", "button 6 up 100 100")
}

// Held keys and buttons are let go, the newest first, soon after each end.
func TestHeldIsLetGo(t *testing.T) {
	ends := map[string]func(s *stage){
		"revoke":         func(s *stage) { s.lease.Revoke(errors.New("cut")) },
		"close":          func(s *stage) { _ = s.desk.Close() },
		"release all":    func(s *stage) { s.do(&wire.ReleaseAll{}) },
		"release":        func(s *stage) { s.desk.Release() },
		"pause":          func(s *stage) { s.lease.Pause() },
		"dialog":         func(s *stage) { s.hold(true) },
		"narrow":         func(s *stage) { s.lease.Narrow(consent.RightControl) },
		"local activity": func(s *stage) { s.person("mousemove_relative", "30", "30") },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s := setTheStage(t)
			p := startProgram(t, everywhere())
			s.do(&wire.Key{Usage: usageShift, Down: true}, &wire.Key{Usage: usageA, Down: true},
				&wire.Button{X: 10, Y: 10, Button: 1, Down: true})
			p.waitFor("button 1 down 10 10")
			begin := time.Now()
			end(s)
			last := p.waitFor(fmt.Sprintf("key %d up", codeShift))
			if took := last.Sub(begin); took > soon && name != "local activity" {
				t.Errorf("took %v", took)
			}
			if !strings.HasPrefix(strings.Join(p.got()[len(p.got())-3:], ","), "button 1 up") {
				t.Errorf("not in the opposite order: %q", p.got())
			}
		})
	}
}

func TestYieldsToThePersonForTwoSeconds(t *testing.T) {
	s := setTheStage(t)
	startProgram(t, everywhere())
	s.do(&wire.Move{X: 5, Y: 5})
	for _, activity := range [][]string{{"mousemove_relative", "30", "30"}, {"key", "b"}, {"click", "1"}} {
		before := s.watcher.Last()
		s.person(activity...)
		eventually(t, "local activity is seen", func() bool { return s.watcher.Last().After(before) })
		for _, in := range []wire.Input{&wire.Move{}, &wire.Button{Button: 1, Down: true},
			&wire.Scroll{DY: 120}, &wire.Key{Usage: usageA, Down: true}, &wire.Text{Text: "x"}} {
			if err := s.desk.Do(in); !errors.Is(err, ErrYield) {
				t.Errorf("%T after %v: %v", in, activity, err)
			}
		}
		var quiet time.Duration // before the first that was done
		eventually(t, "input goes on", func() bool {
			last := s.watcher.Last()
			quiet = time.Since(last)
			err := s.desk.Do(&wire.Move{X: 9, Y: 9})
			if err != nil && quiet > YieldFor+time.Second/2 && s.watcher.Last().Equal(last) {
				t.Errorf("refused after %v: %v", quiet, err)
			}
			return err == nil
		})
		if now := time.Since(s.watcher.Last()); now < YieldFor {
			t.Errorf("went on after %v", now)
		}
	}
}

func TestOwnInputIsNotLocal(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, everywhere())
	for i := range 300 {
		at := uint16(i * 2)
		s.do(&wire.Move{X: at, Y: at}, &wire.Move{X: at, Y: at}, &wire.Button{X: at, Y: at, Button: 1, Down: true},
			&wire.Button{X: at, Y: at, Button: 1}, &wire.Scroll{DY: 120},
			&wire.Key{Usage: usageA, Down: true}, &wire.Key{Usage: usageA})
	}
	s.do(&wire.Text{Text: "Aé€"})
	s.do(&wire.Key{Usage: usageA, Down: true}) // repeats until it is let go
	p.forget()
	eventually(t, "the key repeats", func() bool { return len(p.got()) > 10 })
	s.do(&wire.Key{Usage: usageA})
	if last := s.watcher.Last(); !last.IsZero() {
		t.Error("own input was taken for the person's")
	}
	if genuine(s.watcher, time.Hour) {
		t.Error("own press was taken for the person's")
	}
	s.watcher.mu.Lock()
	defer s.watcher.mu.Unlock()
	if n := len(s.watcher.echoes); n > 1 {
		t.Errorf("%d echoes never came: %v", n, s.watcher.echoes[:min(n, 5)])
	}
}

func TestGenuinePress(t *testing.T) {
	s := setTheStage(t)
	startProgram(t, everywhere())
	s.person("mousemove_relative", "20", "20")
	eventually(t, "motion is seen", func() bool { return !s.watcher.Last().IsZero() })
	if genuine(s.watcher, time.Hour) {
		t.Error("motion was taken for a press")
	}
	s.person("click", "1")
	eventually(t, "the press is seen", func() bool { return genuine(s.watcher, time.Hour) })
	if genuine(s.watcher, 0) {
		t.Error("a press in the past is now")
	}
	if anyKey(s.watcher, time.Hour) {
		t.Error("a button was taken for a key")
	}
	s.person("key", "space")
	if !anyKey(s.watcher, time.Hour) { // at once: nothing done before may be unseen
		t.Error("a key was missed")
	}
}

// A click counts where the display says that it was.
func TestClickInItsWindow(t *testing.T) {
	s := setTheStage(t)
	low := startProgram(t, image.Rect(0, 0, 400, 400))
	high := startProgram(t, image.Rect(200, 200, 600, 600))
	area := image.Rect(50, 50, 150, 150)
	claim := func(p *program) bool {
		return s.watcher.GenuineClick(Claim{Window: uint32(p.window), Area: area, Within: time.Hour})
	}
	for _, c := range []struct {
		x, y      string
		low, high bool
	}{
		{"100", "100", true, false},
		{"300", "300", false, true}, // covered there
		{"20", "100", false, false}, // beside the area
		{"500", "500", false, false},
		{"700", "700", false, false},
	} {
		s.person("mousemove", c.x, c.y, "click", "1")
		s.person("mousemove", "100", "100") // where the pointer is later does not count
		if got := claim(low); got != c.low {
			t.Errorf("at %s,%s in the lower window: %v", c.x, c.y, got)
		}
		if got := claim(high); got != c.high {
			t.Errorf("at %s,%s in the upper window: %v", c.x, c.y, got)
		}
		if claim(low) || claim(high) {
			t.Errorf("at %s,%s: one click counts twice", c.x, c.y)
		}
	}
	s.person("click", "1")
	s.watcher.Close()
	if claim(low) {
		t.Error("a closed watcher says yes")
	}
}

// A space bar counts in the window that had the keyboard for a second.
func TestKeyInItsWindow(t *testing.T) {
	s := setTheStage(t)
	first := startProgram(t, image.Rect(0, 0, 400, 400))
	second := startProgram(t, image.Rect(500, 0, 900, 400)) // has the keyboard
	c := s.look()
	defer c.Close()
	settle := func(p *program) {
		s.watcher.Mind(uint32(p.window))
		s.watcher.mu.Lock()
		defer s.watcher.mu.Unlock()
		s.watcher.steady = s.watcher.steady.Add(-steadyFocus)
	}
	claim := func(p *program) bool {
		s.person("key", "space")
		return s.watcher.GenuineKey(KeySpace, Claim{Window: uint32(p.window), Within: time.Hour})
	}
	if settle(first); claim(first) {
		t.Error("a space in another window counts")
	}
	if settle(second); !claim(second) {
		t.Error("a space in its window does not count")
	}
	if s.watcher.GenuineKey(KeySpace, Claim{Window: uint32(second.window), Within: 0}) {
		t.Error("an old one counts")
	}
	eventually(t, "the keyboard came and went in time", func() bool { // on a busy machine not the first time
		began := time.Now()
		for _, to := range []xproto.Window{first.window, second.window} { // away and back at once
			if err := xproto.SetInputFocusChecked(c.X, xproto.InputFocusPointerRoot, to, xproto.TimeCurrentTime).Check(); err != nil {
				t.Fatal(err)
			}
		}
		counts, took := claim(second), time.Since(began)
		if counts && took < steadyFocus {
			t.Errorf("a space counts %v after the keyboard came", took)
		}
		return took < steadyFocus
	})
	s.watcher.Close()
	if claim(second) {
		t.Error("a closed watcher says yes")
	}
}

// What a program sends to a window, as XSendEvent does, is nobody's press.
func TestSentEventIsNotGenuine(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, everywhere())
	c, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	press := xproto.ButtonPressEvent{Detail: 1, Root: p.window, Event: p.window, RootX: 3, RootY: 4, SameScreen: true}
	if err := xproto.SendEventChecked(c, false, p.window, 0, string(press.Bytes())).Check(); err != nil {
		t.Fatal(err)
	}
	p.waitFor("button 1 down 3 4")
	s.person("mousemove_relative", "5", "5") // the Watcher has seen all before it
	eventually(t, "motion is seen", func() bool { return !s.watcher.Last().IsZero() })
	if genuine(s.watcher, time.Hour) {
		t.Error("a sent event was taken for the person's")
	}
}

// windowOfOurs shows a window of this process, 200 by 200 pixels at 100, 100.
func windowOfOurs(t *testing.T) (*xgb.Conn, xproto.Window) {
	t.Helper()
	c, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	own, err := newWindow(c, 100, 100, 200, 200)
	if err != nil {
		t.Fatal(err)
	}
	return c, own
}

func TestOwnWindowsAreOutOfReach(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, everywhere())
	c, own := windowOfOurs(t)
	s.do(&wire.Move{X: 99, Y: 150})
	for _, in := range []wire.Input{&wire.Move{X: 100, Y: 100}, &wire.Move{X: 299, Y: 299},
		&wire.Button{X: 200, Y: 200, Button: 1, Down: true}} {
		if err := s.desk.Do(in); !errors.Is(err, ErrOwnWindow) {
			t.Errorf("%T: %v", in, err)
		}
	}
	p.forget() // a drag from outside ends where it last was outside
	s.do(&wire.Button{X: 90, Y: 90, Button: 1, Down: true}, &wire.Move{X: 95, Y: 95})
	if err := s.desk.Do(&wire.Button{X: 200, Y: 200, Button: 1}); !errors.Is(err, ErrOwnWindow) {
		t.Errorf("drop inside: %v", err)
	}
	p.expect("button 1 down 90 90", "button 1 up 95 95")
	s.do(&wire.Key{Usage: usageA, Down: true}, &wire.Key{Usage: usageA})
	// The person goes there: now keys and the wheel would reach it.
	xproto.SetInputFocus(c, xproto.InputFocusPointerRoot, own, xproto.TimeCurrentTime)
	s.person("mousemove", "200", "200", "mousemove_relative", "1", "1")
	s.waitQuiet()
	for _, in := range []wire.Input{&wire.Key{Usage: usageA, Down: true}, &wire.Text{Text: "x"}, &wire.Scroll{DY: 120}} {
		if err := s.desk.Do(in); !errors.Is(err, ErrOwnWindow) {
			t.Errorf("%T: %v", in, err)
		}
	}
}

// waitQuiet waits until a Desk would act again.
func (s *stage) waitQuiet() {
	s.t.Helper()
	eventually(s.t, "the person is seen", func() bool { return !s.watcher.Last().IsZero() })
	eventually(s.t, "the person is quiet", func() bool { return !s.watcher.active(YieldFor) })
}

func TestNothingWhileADialogIsOpen(t *testing.T) {
	s := setTheStage(t)
	s.hold(true)
	for _, in := range []wire.Input{&wire.Move{}, &wire.Key{Usage: usageA, Down: true}, &wire.Text{Text: "x"}} {
		if err := s.desk.Do(in); !errors.Is(err, ErrHeld) {
			t.Errorf("%T: %v", in, err)
		}
	}
}

// A press on the frame that a window manager has put round our window is refused
// too: it could close or move the window.
func TestFrameOfOwnWindowIsOutOfReach(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, image.Rect(100, 100, 500, 400)) // plays the window manager
	c, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	press := &wire.Button{X: 110, Y: 105, Button: 1, Down: true}
	s.do(press, &wire.Button{X: 110, Y: 105, Button: 1})
	own, err := newWindow(c, 600, 100, 100, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := xproto.ReparentWindowChecked(c, own, p.window, 5, 30).Check(); err != nil {
		t.Fatal(err)
	}
	s.do(&wire.Move{X: 110, Y: 105})
	if err := s.desk.Do(press); !errors.Is(err, ErrOwnWindow) {
		t.Errorf("on the frame: %v", err)
	}
	if err := s.desk.Do(&wire.Move{X: 110, Y: 150}); !errors.Is(err, ErrOwnWindow) {
		t.Errorf("inside the frame: %v", err)
	}
}

// marker makes the program write down a line behind all that the server has done.
func (p *program) marker(c *xgb.Conn, n int) string {
	e := xproto.ButtonReleaseEvent{Detail: 99, Root: p.window, Event: p.window, RootX: int16(n), SameScreen: true}
	_ = xproto.SendEventChecked(c, false, p.window, 0, string(e.Bytes())).Check()
	return fmt.Sprintf("button 99 up %d 0", n)
}

// When Revoke has returned, no press and no motion may arrive any more.
func TestNothingArrivesAfterRevoke(t *testing.T) {
	s := setTheStage(t)
	p := startProgram(t, everywhere())
	c, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 20 {
		flooded := s.flood(3)
		eventually(t, "the flood", func() bool { return len(p.got()) > 20 })
		s.lease.Revoke(errors.New("cut"))
		first := p.marker(c, 1)
		for range 3 {
			if err := <-flooded; !errors.Is(err, consent.ErrRevoked) && !errors.Is(err, ErrClosed) {
				t.Errorf("the flood ended with %v", err)
			}
		}
		_ = s.desk.Close()
		p.waitFor(p.marker(c, 2))
		late := p.got()
		late = slices.DeleteFunc(late[slices.Index(late, first)+1:], func(l string) bool { return strings.Contains(l, " up") })
		if len(late) > 0 {
			t.Fatalf("after revoke came %q", late)
		}
		if err := s.desk.Do(&wire.Move{}); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed desk: %v", err)
		}
		p.forget()
		s.open()
	}
}

// flood does events without end from some goroutines; the channel gives the error
// that ended each.
func (s *stage) flood(workers int) <-chan error {
	ended, desk := make(chan error, workers), s.desk
	for worker := range workers {
		go func() {
			for i := 0; ; i++ {
				at := uint16(1 + (i+worker*100)%500)
				if err := desk.Do(&wire.Button{X: at, Y: at, Button: 1, Down: i%2 == 0}); err != nil {
					ended <- err
					return
				}
			}
		}()
	}
	return ended
}

func TestOpenNeedsALeaseAndAWatcher(t *testing.T) {
	s := setTheStage(t)
	if _, err := Open(consent.Control{}, Options{Layout: twoMonitors, Local: s.watcher}); !errors.Is(err, consent.ErrNotGranted) {
		t.Errorf("without a lease: %v", err)
	}
	control, _ := s.lease.Control()
	if _, err := Open(control, Options{Layout: twoMonitors}); !errors.Is(err, ErrNoWatcher) {
		t.Errorf("without a watcher: %v", err)
	}
}

// benchmark measures whole events: permission, own-window check, injection, and
// the server's word that it is done.
func benchmark(b *testing.B, ins ...wire.Input) {
	b.Helper()
	x11test.Start(b, displaySize)
	w, err := Watch(nil)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	control, err := consenttest.Lease(b, consent.AllRights).Control()
	if err != nil {
		b.Fatal(err)
	}
	d, err := Open(control, Options{Layout: twoMonitors, Local: w})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	startProgram(b, everywhere())
	for b.Loop() {
		for _, in := range ins {
			if err := d.Do(in); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkMove(b *testing.B)   { benchmark(b, &wire.Move{X: 10, Y: 10}) }
func BenchmarkScroll(b *testing.B) { benchmark(b, &wire.Scroll{DY: 120}) }
func BenchmarkKey(b *testing.B) {
	benchmark(b, &wire.Key{Usage: usageA, Down: true}, &wire.Key{Usage: usageA})
}
