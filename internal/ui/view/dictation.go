// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"assist/internal/wire"
)

// A text leaves no faster than hosts type, so that little is on its way, and lost, when
// the person reaches for their mouse.
const (
	textPart = 32               // characters of one message
	textPace = time.Millisecond // for each character
)

// dictation is one text on its way to the host: one job of the outbox, which feeds it to
// the link until its end, or until it is stopped. What did not leave is told to done.
type dictation struct {
	began time.Time
	all   int          // characters
	sent  atomic.Int64 // of them
	rest  []rune       // the outbox's
	halt  chan struct{}
	once  sync.Once
	done  func(d *dictation, rest string) // called once, from any goroutine
}

func newDictation(text string, done func(*dictation, string)) *dictation {
	d := &dictation{began: time.Now(), rest: []rune(text), halt: make(chan struct{}), done: done}
	d.all = len(d.rest)
	return d
}

// stop has no further piece leave. It may be called again.
func (d *dictation) stop() { d.once.Do(func() { close(d.halt) }) }

func (d *dictation) halted() bool {
	select {
	case <-d.halt:
		return true
	default:
		return false
	}
}

// feed types the text, piece by piece.
func (d *dictation) feed(h Hands) {
	for len(d.rest) > 0 && !d.halted() {
		n, inputs := nextPiece(d.rest)
		if !d.send(h, inputs) {
			break
		}
		d.rest = d.rest[n:]
		d.sent.Add(int64(n))
		select {
		case <-d.halt:
		case <-time.After(time.Duration(n) * textPace):
		}
	}
	d.done(d, string(d.rest))
}

// send makes the link take a piece. Of a key that went down but not up the host lets go.
func (d *dictation) send(h Hands, inputs []wire.Input) bool {
	for i, in := range inputs {
		err := h.Input(in)
		for errors.Is(err, context.DeadlineExceeded) && !d.halted() { // the link is full: nothing left
			err = h.Input(in)
		}
		if err != nil && i > 0 {
			return h.Input(&wire.ReleaseAll{}) == nil
		}
		if err != nil {
			return false
		}
	}
	return true
}

// nextPiece is what the beginning of a text is typed with, and how many characters that
// is. Line ends and tabs are keys.
func nextPiece(text []rune) (n int, inputs []wire.Input) {
	if usage := keyOf(text[0]); usage != 0 {
		return 1, []wire.Input{&wire.Key{Usage: usage, Down: true}, &wire.Key{Usage: usage}}
	}
	var part []rune
	for _, r := range text[:min(len(text), textPart)] {
		if keyOf(r) != 0 {
			break
		}
		n++
		if r >= 0x20 && (r < 0x7f || r >= 0xa0) { // others are not printable, and refused on the wire
			part = append(part, r)
		}
	}
	if len(part) == 0 {
		return n, nil
	}
	return n, []wire.Input{&wire.Text{Text: string(part)}}
}

// keyOf is the key that a character is typed with; 0: it is text.
func keyOf(r rune) uint16 {
	switch r {
	case '\n':
		return usageEnter
	case '\t':
		return usageTab
	}
	return 0
}
