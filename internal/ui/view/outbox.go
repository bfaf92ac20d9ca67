// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"sync"
	"time"

	"assist/internal/wire"
)

const (
	outboxLimit = 256                    // waiting items; reached only when the link is dead
	moveGap     = time.Second / 120      // between two moves of the mouse
	wheelLimit  = 1200                   // ten notches, the most that one message carries
	outboxGrace = 500 * time.Millisecond // for the last releases, once the window is gone
)

// item is one thing to do for the session, in its turn. Exactly one field is set.
type item struct {
	input wire.Input
	point *wire.Point
	call  func()
	text  *dictation
	pause time.Duration // nothing is done for so long
}

// outbox keeps what the technician does in order and takes it off the toolkit's
// goroutine, which must never wait for a network. Moves and scrolls wait for
// nothing else than the newest: a newer one replaces them.
type outbox struct {
	hands Hands
	wake  chan struct{} // one slot
	used  chan struct{} // one slot: mouse or keyboard was used

	mu       sync.Mutex // guards what follows
	queue    []item
	dropped  int // items lost to a full queue
	lastMove time.Time
}

func newOutbox(h Hands) *outbox {
	return &outbox{hands: h, wake: make(chan struct{}, 1), used: make(chan struct{}, 1)}
}

// put queues an item. When the queue is full its gestures are given up for one
// ReleaseAll: a lost release would leave a key down at the host.
func (o *outbox) put(it item) {
	o.mu.Lock()
	if !o.merge(it) {
		if len(o.queue) >= outboxLimit {
			o.giveUp()
		}
		o.queue = append(o.queue, it)
	}
	o.mu.Unlock()
	ring(o.wake)
	if it.call == nil {
		ring(o.used)
	}
}

// giveUp drops what waits, but neither a text nor what was asked of the session: of these
// there are few. The caller holds mu.
func (o *outbox) giveUp() {
	kept := []item{{input: &wire.ReleaseAll{}}}
	for _, it := range o.queue {
		if it.text != nil || it.call != nil && len(kept) < outboxLimit/2 {
			kept = append(kept, it)
			continue
		}
		o.dropped++
	}
	o.queue = kept
}

// ring fills a channel of one slot.
func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// merge folds an item into the last one that waits. The caller holds mu.
func (o *outbox) merge(it item) bool {
	if len(o.queue) == 0 {
		return false
	}
	last := &o.queue[len(o.queue)-1]
	if it.point != nil && last.point != nil {
		last.point = it.point
		return true
	}
	switch in := it.input.(type) {
	case *wire.Move:
		if _, ok := last.input.(*wire.Move); ok {
			last.input = in
			return true
		}
	case *wire.Scroll:
		if s, ok := last.input.(*wire.Scroll); ok {
			return addScroll(s, in)
		}
	}
	return false
}

// addScroll adds s to sum unless one message could not carry both.
func addScroll(sum, s *wire.Scroll) bool {
	x, y := int(sum.DX)+int(s.DX), int(sum.DY)+int(s.DY)
	if x < -wheelLimit || x > wheelLimit || y < -wheelLimit || y > wheelLimit {
		return false
	}
	sum.DX, sum.DY = int16(x), int16(y)
	return true
}

// run does the items in turn until ctx ends, and then what still waits. It lets go of
// the session at the end, on which decoders hang: the toolkit remembers a closed
// window for a minute.
func (o *outbox) run(ctx context.Context) {
	defer func() { o.hands = nil }()
	for {
		it, wait := o.take()
		if wait == 0 {
			o.do(it)
		} else if !o.sleep(ctx, wait) {
			o.drain()
			return
		}
	}
}

// take returns the next item, or how long to wait for it: a move that is alone
// waits for its turn, so that at most 120 a second leave.
func (o *outbox) take() (item, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return item{}, time.Hour
	}
	it := o.queue[0]
	if it.moves() {
		if left := moveGap - time.Since(o.lastMove); left > 0 && len(o.queue) == 1 {
			return item{}, left
		}
		o.lastMove = time.Now()
	}
	o.queue = append(o.queue[:0], o.queue[1:]...)
	return it, 0
}

func (it item) moves() bool {
	_, ok := it.input.(*wire.Move)
	return ok || it.point != nil
}

// sleep waits for a new item or for d, and reports false when ctx ended.
func (o *outbox) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-o.wake:
	case <-t.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// drain does what is left, such as the last release of the keys.
func (o *outbox) drain() {
	end := time.Now().Add(outboxGrace)
	o.mu.Lock()
	rest := o.queue
	o.queue = nil
	o.mu.Unlock()
	for _, it := range rest {
		if it.text != nil {
			it.text.stop()
		}
		if time.Now().After(end) {
			return
		}
		o.do(it)
	}
}

// do carries one item out. An error needs no word here: what became of the
// session is in its state.
func (o *outbox) do(it item) {
	switch {
	case it.input != nil:
		_ = o.hands.Input(it.input)
	case it.point != nil:
		_ = o.hands.Point(*it.point)
	case it.call != nil:
		it.call()
	case it.text != nil:
		it.text.feed(o.hands)
	case it.pause > 0:
		<-time.After(it.pause)
	}
}
