// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/wire"
)

// record is a Hands that writes down what reaches it.
type record struct {
	mu    sync.Mutex
	lines []string
	gate  chan struct{} // when not nil, each message waits for it
}

func (r *record) Input(in wire.Input) error {
	if r.gate != nil {
		<-r.gate
	}
	r.add(spell(in))
	return nil
}

func (r *record) Point(p wire.Point) error {
	r.add(fmt.Sprintf("point %d %d,%d %v", p.Monitor, p.X, p.Y, p.Visible))
	return nil
}

func (r *record) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

// take returns what was written since the last take.
func (r *record) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := strings.Join(r.lines, "; ")
	r.lines = nil
	return s
}

func spell(in wire.Input) string {
	switch m := in.(type) {
	case *wire.Move:
		return fmt.Sprintf("move %d %d,%d", m.Monitor, m.X, m.Y)
	case *wire.Button:
		return fmt.Sprintf("button %d %s %d %d,%d", m.Button, way(m.Down), m.Monitor, m.X, m.Y)
	case *wire.Scroll:
		return fmt.Sprintf("scroll %d,%d", m.DX, m.DY)
	case *wire.Key:
		return fmt.Sprintf("key %#x %s", m.Usage, way(m.Down))
	case *wire.Text:
		return fmt.Sprintf("text %q", m.Text)
	case *wire.ReleaseAll:
		return "release all"
	}
	return "?"
}

func way(down bool) string {
	if down {
		return "down"
	}
	return "up"
}

// flush lets an outbox that does not run do all that waits, without its pauses.
func (o *outbox) flush() {
	for len(o.queue) > 0 {
		it := o.queue[0]
		o.queue = o.queue[1:]
		if it.pause == 0 {
			o.do(it)
		}
	}
}

func move(x int) item { return item{input: &wire.Move{X: uint16(x)}} }

func TestOutboxKeepsOrderAndNewestMove(t *testing.T) {
	r := &record{}
	o := newOutbox(r)
	for x := range 5 {
		o.put(move(x))
	}
	o.put(item{input: &wire.Button{X: 4, Button: 1, Down: true}})
	o.put(move(6))
	o.put(move(7))
	o.put(item{input: &wire.Scroll{DY: 120}})
	o.put(item{input: &wire.Scroll{DY: 120, DX: -30}})
	o.put(item{point: &wire.Point{X: 1, Visible: true}})
	o.put(item{point: &wire.Point{X: 2}})
	o.flush()
	want := "move 0 4,0; button 1 down 0 4,0; move 0 7,0; scroll -30,240; point 0 2,0 false"
	if got := r.take(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOutboxSplitsLongScrolls(t *testing.T) {
	r := &record{}
	o := newOutbox(r)
	for range 3 {
		o.put(item{input: &wire.Scroll{DY: 600}})
	}
	o.flush()
	if got := r.take(); got != "scroll 0,1200; scroll 0,600" {
		t.Error(got)
	}
}

func TestOutboxFullReleasesAll(t *testing.T) {
	r := &record{}
	o := newOutbox(r)
	for i := range outboxLimit + 1 {
		o.put(item{input: &wire.Key{Usage: 0x04, Down: i%2 == 0}})
	}
	if o.dropped != outboxLimit {
		t.Errorf("%d dropped, want %d", o.dropped, outboxLimit)
	}
	o.flush()
	if got := r.take(); got != "release all; key 0x4 down" {
		t.Error(got)
	}
}

// A mouse that never rests sends 120 moves a second, and the newest is not lost.
func TestOutboxMoveRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{}
		o := newOutbox(r)
		ctx, cancel := context.WithCancel(t.Context())
		go o.run(ctx)
		synctest.Wait()
		tick := time.NewTicker(time.Millisecond)
		for x := range 1000 {
			<-tick.C
			o.put(move(x))
		}
		<-time.After(20 * time.Millisecond)
		r.mu.Lock()
		n, last := len(r.lines), r.lines[len(r.lines)-1]
		r.mu.Unlock()
		if n < 100 || n > 122 || last != "move 0 999,0" {
			t.Errorf("%d moves in a second, the last %q", n, last)
		}
		cancel()
		synctest.Wait()
	})
}

// Keys struck together stay down for a while.
func TestOutboxPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{}
		o := newOutbox(r)
		ctx, cancel := context.WithCancel(t.Context())
		go o.run(ctx)
		h := newHands(o, newKeyboard("linux"), func() {})
		h.setMode(modeDrive)
		h.strike(usageLeftAlt, usageTab)
		synctest.Wait()
		if got := r.take(); got != "key 0xe2 down; key 0x2b down" {
			t.Error(got)
		}
		<-time.After(strikeHold)
		synctest.Wait()
		if got := r.take(); got != "key 0x2b up; key 0xe2 up" {
			t.Error(got)
		}
		cancel()
		synctest.Wait()
	})
}

// What waits when the window closes still leaves, so that no key stays down.
func TestOutboxDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record{gate: make(chan struct{})}
		o := newOutbox(r)
		ctx, cancel := context.WithCancel(t.Context())
		go o.run(ctx)
		o.put(item{input: &wire.Key{Usage: 0x04, Down: true}})
		synctest.Wait()
		o.put(item{input: &wire.ReleaseAll{}})
		ended := false
		o.put(item{call: func() { ended = true }})
		cancel()
		close(r.gate)
		synctest.Wait()
		if got := r.take(); got != "key 0x4 down; release all" || !ended {
			t.Errorf("%s, ended %v", got, ended)
		}
	})
}
