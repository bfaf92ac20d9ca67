// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"context"
	"errors"
	"time"
)

// Times of the watch over idle hands.
const (
	IdleTime = 15 * time.Minute // without local input for so long, the person is asked
	idleLook = 10 * time.Second // between two looks at the time of the last local input
	idleWait = time.Second      // before the question is tried again beside another one
)

// ErrAbsent is the cause of a lease that ended because nobody said that they are
// still there.
var ErrAbsent = errors.New("consent: nobody there")

// Hands says how long the person's own hands have rested. Last is when they last
// used mouse or keyboard, never what a remote person did, and, when it is asked
// strictly, nothing that a program did by playing a device; Idle is how long they
// may rest, IdleTime when it is nil or not positive. Both may be asked at any
// time: what Idle returns may change while a lease lives.
type Hands struct {
	Last func(strict bool) time.Time
	Idle func() time.Duration
}

// left is how long the hands may still rest, when the person was there at here, and gave
// control at driven. To give it they were there.
func (h Hands) left(here, driven time.Time) time.Duration {
	for _, seen := range []time.Time{driven, h.Last(!driven.IsZero())} {
		if seen.After(here) {
			here = seen
		}
	}
	limit := IdleTime
	if h.Idle != nil {
		if d := h.Idle(); d > 0 {
			limit = d
		}
	}
	return limit - time.Since(here)
}

// Attend makes every later lease of the gate mind idle hands: remote input is
// held back, the person is asked whether they are still there, and the lease
// ends unless they say so. It is called before the first Ask.
func (g *Gate) Attend(h Hands) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hands = h
}

func (g *Gate) attended() Hands {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hands
}

// attend is the goroutine of a lease that minds idle hands. It is not that of
// watch, since it calls out.
func (l *Lease) attend(h Hands) {
	here, overdue := l.Since(), time.Time{} // when the person last said so; when they first should have
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-look.C:
		}
		if left := h.left(here, l.drivenSince()); left > 0 {
			overdue = time.Time{}
			l.missing(false)
			look.Reset(min(left, idleLook))
			continue
		}
		if overdue.IsZero() {
			overdue = time.Now()
		}
		l.missing(true)
		switch err := l.stillThere(); {
		case err == nil:
			here = time.Now()
			look.Reset(0)
		case errors.Is(err, ErrBusy) && time.Since(overdue) < AnswerTime:
			look.Reset(idleWait) // another question is open, and nobody answers that one either
		case errors.Is(err, ErrRefused), errors.Is(err, ErrReported):
			l.expire(err)
		default:
			l.expire(ErrAbsent)
		}
	}
}

// missing sets whether the person seems to have gone. Input that runs right now is
// waited for where the question begins.
func (l *Lease) missing(gone bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.absent != gone {
		l.absent = gone
		l.notify()
	}
}

// stillThere asks. The rights are not up for decision: yes is yes to all of them.
func (l *Lease) stillThere() error {
	q := l.ask
	q.Wanted, q.Widening, q.Renewing, q.Idle = l.Rights(), false, false, true
	granted, err := l.question(context.Background(), q)
	if err != nil {
		return err
	}
	l.unhold()
	if !granted.Has(RightView) {
		return ErrRefused
	}
	return nil
}
