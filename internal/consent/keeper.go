// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"context"
	"errors"
	"image"
	"slices"
	"time"
)

// A living lease has three goroutines: watch, which keeps the times and never
// calls out, so that nothing can hold it up; show, which alone talks to the
// banner; and attend, where the gate minds idle hands.

// life is how long a grant lasts.
func (q Question) life() time.Duration {
	if q.Life <= 0 {
		return LeaseLife
	}
	return min(q.Life, LeaseLife)
}

// renewal is how long after a grant the person is asked again; of a short grant half
// is left to answer in.
func (q Question) renewal() time.Duration {
	return max(q.life()-RenewBefore, q.life()/2)
}

// start brings the lease to life under a lit banner.
func (l *Lease) start(lit Lit) {
	l.mu.Lock()
	l.since = time.Now()
	l.mu.Unlock()
	go l.watch()
	go l.show(lit)
	if h := l.gate.attended(); h.Last != nil {
		go l.attend(h)
	}
}

// beat is called by the banner while it is seen.
func (l *Lease) beat(shown []image.Rectangle) {
	l.mu.Lock()
	if !slices.Equal(l.shown, shown) {
		l.shown = slices.Clone(shown)
		l.notify()
	}
	l.mu.Unlock()
	if len(shown) > 0 {
		nudge(l.beats)
	}
}

// watch freezes and ends the lease by the clock.
func (l *Lease) watch() {
	seen := time.NewTimer(FreezeAfter)
	defer seen.Stop()
	life := time.NewTimer(l.ask.life())
	defer life.Stop()
	renew := time.NewTimer(l.ask.renewal())
	defer renew.Stop()
	renewed := make(chan error, 1)
	for {
		select {
		case <-l.done:
			return
		case <-l.beats:
			l.freeze(false)
			seen.Reset(FreezeAfter)
		case <-seen.C:
			if l.freeze(true) {
				seen.Reset(LoseAfter - FreezeAfter)
				continue
			}
			l.expire(ErrLampLost)
		case <-renew.C:
			go func() { renewed <- l.renew() }()
		case err := <-renewed:
			if wait := l.renewal(err, life); wait > 0 {
				renew.Reset(wait)
			}
		case <-life.C:
			l.expire(ErrExpired)
		}
	}
}

// freeze sets whether the banner is unseen, and reports whether that is news.
func (l *Lease) freeze(on bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen == on {
		return false
	}
	l.frozen = on
	l.notify()
	return true
}

// expire ends the lease without waiting for the bodies that run.
func (l *Lease) expire(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kill(cause)
}

// renew asks for another LeaseLife. What the person no longer ticks is taken
// back; Renewed tells of it.
func (l *Lease) renew() error {
	q := l.ask
	q.Wanted, q.Widening, q.Renewing, q.Idle = l.Rights(), false, true, false
	granted, err := l.question(context.Background(), q)
	if err != nil {
		return err
	}
	lapsed := q.Wanted &^ granted
	l.Narrow(lapsed)
	l.mu.Lock()
	if !l.ended() { // without the right to see it has
		l.renewed, l.lapsed = true, l.lapsed|lapsed
	}
	l.mu.Unlock()
	l.unhold()
	return nil
}

// Renewed says, once, that the person let the lease go on when they were asked again,
// and which rights they did not grant again then. Changed has a value after it.
func (l *Lease) Renewed() (lapsed Rights, yes bool) {
	if l.forged() {
		return 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lapsed, yes = l.lapsed, l.renewed
	l.lapsed, l.renewed = 0, false
	return lapsed, yes
}

// renewal acts on the person's answer, and returns when to ask next.
func (l *Lease) renewal(err error, life *time.Timer) time.Duration {
	switch {
	case err == nil:
		life.Reset(l.ask.life())
		return l.ask.renewal()
	case errors.Is(err, ErrBusy): // another question is open: ask after it
		return time.Second
	case errors.Is(err, ErrRefused), errors.Is(err, ErrReported):
		l.expire(err)
	}
	return 0 // no answer: life runs out by itself
}

// show keeps the banner up to date until the lease has ended, then puts it out
// and frees the gate.
func (l *Lease) show(lit Lit) {
	for {
		select {
		case <-l.repaint:
			lit.Show(l.Status())
		case <-l.done:
			lit.Douse()
			l.gate.free()
			close(l.dark)
			return
		}
	}
}
