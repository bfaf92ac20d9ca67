// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"errors"
	"fmt"
	"image"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"

	"assist/internal/consent"
	"assist/internal/wire"
)

// sheet is a host that is typed at: a page of text. It refuses what the wire does.
type sheet struct {
	mu    sync.Mutex
	page  strings.Builder
	held  int
	slow  time.Duration // of each message
	full  int           // so many messages find the link full first
	after func(typed int) error
}

func (s *sheet) Input(in wire.Input) error {
	<-time.After(s.slow)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full > 0 {
		s.full--
		return fmt.Errorf("link: %w", context.DeadlineExceeded)
	}
	if s.after != nil {
		if err := s.after(s.page.Len()); err != nil {
			return err
		}
	}
	b, err := wire.Marshal(in)
	if err != nil {
		return err
	}
	back, err := wire.UnmarshalToHost(b)
	if err != nil {
		return err
	}
	s.take(back)
	return nil
}

func (s *sheet) take(in wire.ToHost) {
	switch m := in.(type) {
	case *wire.Text:
		s.page.WriteString(m.Text)
	case *wire.Key:
		if s.held--; m.Down {
			s.held += 2
			s.page.WriteString(map[uint16]string{usageEnter: "\n", usageTab: "\t"}[m.Usage])
		}
	case *wire.ReleaseAll:
		s.held = 0
	}
}

func (s *sheet) Point(wire.Point) error { return nil }

func (s *sheet) text() string { s.mu.Lock(); defer s.mu.Unlock(); return s.page.String() }

// typist is a running outbox before a sheet.
func typist(t *testing.T, s *sheet) *hands {
	ctx, cancel := context.WithCancel(t.Context())
	o := newOutbox(s)
	over := make(chan struct{})
	go func() { o.run(ctx); close(over) }()
	t.Cleanup(func() { cancel(); <-over })
	h := newHands(o, newKeyboard("linux"), func() {})
	h.setMode(modeDrive)
	return h
}

// lines is a text of n characters in lines of ten.
func lines(n int) string {
	var b strings.Builder
	for i := range n / 10 {
		fmt.Fprintf(&b, "é%07d\t\n", i)
	}
	return b.String()
}

// The longest text arrives whole and in order, over a slow link that is full at times.
func TestLongTextArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sheet{slow: 3 * time.Millisecond, full: 20}
		h := typist(t, s)
		told := make(chan string, 1)
		h.write(lines(maxTyped), func(_ *dictation, rest string) { told <- rest })
		for range 3 * outboxLimit { // what a hand on the mouse does meanwhile
			h.button(0, image.Pt(1, 1), 1, true)
			h.button(0, image.Pt(1, 1), 1, false)
		}
		if rest := <-told; rest != "" || s.text() != lines(maxTyped) {
			t.Errorf("%d bytes of %d arrived, %q is left", len(s.text()), len(lines(maxTyped)), rest)
		}
	})
}

// Whatever stops a text stops it within one piece, and what did not leave is told.
func TestTextStops(t *testing.T) {
	gone := errors.New("gone")
	for name, stop := range map[string]func(h *hands, s *sheet){
		"control lost": func(h *hands, _ *sheet) { h.setMode(modeWatch) },
		"stop":         func(h *hands, _ *sheet) { h.stopText() },
		"escape":       func(h *hands, _ *sheet) { h.key(newKeyTable("linux").scan(usageEscape), true) },
		"refused":      func(_ *hands, s *sheet) { s.mu.Lock(); s.after = func(int) error { return gone }; s.mu.Unlock() },
		"full":         func(h *hands, s *sheet) { s.mu.Lock(); s.full = 1 << 30; s.mu.Unlock(); h.stopText() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sheet{slow: time.Millisecond}
				h := typist(t, s)
				told := make(chan string, 1)
				h.write(lines(1000), func(_ *dictation, rest string) { told <- rest })
				<-time.After(300 * time.Millisecond)
				before := len(s.text())
				stop(h, s)
				rest := <-told
				if got := s.text() + rest; got != lines(1000) || s.held != 0 {
					t.Errorf("%d bytes are typed or told, of %d; %d keys are down", len(got), len(lines(1000)), s.held)
				}
				if n := len(s.text()); before == 0 || rest == "" || n-before > 4*textPart {
					t.Errorf("%d bytes typed before, %d after", before, n)
				}
			})
		})
	}
}

// A key whose release was refused does not stay down.
func TestTextLeavesNoKeyDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := &sheet{after: func(int) error {
			if calls++; calls == 2 {
				return errors.New("hiccup")
			}
			return nil
		}}
		told := make(chan string, 1)
		typist(t, s).write("\nab", func(_ *dictation, rest string) { told <- rest })
		if rest := <-told; rest != "" || s.text() != "\nab" || s.held != 0 {
			t.Errorf("typed %q, left %q, %d down", s.text(), rest, s.held)
		}
	})
}

// A flood of gestures never takes a text or a wish out of the queue.
func TestOutboxKeepsTextAndCalls(t *testing.T) {
	s, called := &sheet{}, 0
	o := newOutbox(s)
	var rest string
	o.put(item{call: func() { called++ }})
	o.put(item{text: newDictation("x\n", func(_ *dictation, r string) { rest = r })})
	for range 5 * outboxLimit {
		o.put(item{input: &wire.Key{Usage: 0x04}})
	}
	if len(o.queue) > outboxLimit+1 || o.dropped == 0 {
		t.Errorf("%d wait, %d dropped", len(o.queue), o.dropped)
	}
	o.flush()
	if called != 1 || s.text() != "x\n" || rest != "" {
		t.Errorf("called %d times, typed %q, left %q", called, s.text(), rest)
	}
}

// The field holds what could not be typed, and the technician is told how much it is.
func TestTextModeKeepsTheRest(t *testing.T) {
	x := newTester(t, live(consent.RightControl))
	y := x.bar.typing
	y.open()
	y.text.SetText("first\nsecond\n")
	y.send()
	if y.text.Text != "" || y.button.Text != "Stop" {
		t.Errorf("field %q, button %q", y.text.Text, y.button.Text)
	}
	y.text.SetText("third")
	y.send()
	if y.text.Text != "third" || !strings.Contains(x.status.mid.Text, "0 of 13") {
		t.Errorf("a second text: field %q, said %q", y.text.Text, x.status.mid.Text)
	}
	y.close()
	x.now = x.hands.text.began
	x.becomes(func(*State) {})
	if !strings.Contains(x.status.mid.Text, "0 of 13") {
		t.Errorf("after a second: %q", x.status.mid.Text)
	}
	x.becomes(func(s *State) { s.Input = wire.PauseLocalInput })
	x.expect("")
	if y.text.Text != "first\nsecond\n" || !y.root.Visible() || y.button.Text != "Type" {
		t.Errorf("field %q, button %q", y.text.Text, y.button.Text)
	}
	if !strings.Contains(y.note.Text, "13 characters were not typed") || !y.note.Visible() {
		t.Errorf("said %q", y.note.Text)
	}
	if b := y.button; b.Size().Width < b.MinSize().Width {
		t.Errorf("the button has %v, needs %v", b.Size(), b.MinSize())
	}
	y.send()
	if x.expect(""); y.text.Text == "" {
		t.Error("sent while the person is at the keyboard")
	}
}

// What is more than one time takes stays in the field.
func TestTextModeSaysItsLimit(t *testing.T) {
	x := newTester(t, live(consent.RightControl))
	y := x.bar.typing
	y.text.SetText(strings.Repeat("é", maxTyped+7))
	y.send()
	if y.text.Text != strings.Repeat("é", 7) || !strings.Contains(y.note.Text, "the 7 that follow") {
		t.Errorf("%d bytes are left, said %q", len(y.text.Text), y.note.Text)
	}
	x.hands.stopText()
	x.sent()
}

// The end of the session ends the text, and its page says so.
func TestTextEndsWithTheSession(t *testing.T) {
	for name, end := range map[string]func(x *tester){
		"ended":    func(x *tester) { x.becomes(func(s *State) { s.Ended = wire.EndUserCut }) },
		"released": func(x *tester) { x.control() },
		"escape":   func(x *tester) { x.bar.typing.text.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape}) },
		"button":   func(x *tester) { x.bar.typing.press() },
	} {
		t.Run(name, func(t *testing.T) {
			x := newTester(t, live(consent.RightControl))
			x.bar.typing.text.SetText("abc")
			x.bar.typing.send()
			end(x)
			x.expect("")
			if d := x.diary.deeds; d[len(d)-1].key != "view.done.text.part" {
				t.Errorf("the diary ends with %q", d[len(d)-1].key)
			}
		})
	}
}
