// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Gate is the one place where a lease is born. At most one lease or question
// lives at a time.
type Gate struct {
	asker   Asker
	lamp    Lamp
	ceiling Rights // what policy allows at most

	mu    sync.Mutex
	hands Hands
	busy  bool // a question is open, or a lease lives, or its banner is still lit
}

// NewGate returns a gate that asks by a and shows by l, and never grants more
// than ceiling.
func NewGate(a Asker, l Lamp, ceiling Rights) *Gate {
	return &Gate{asker: a, lamp: l, ceiling: ceiling & AllRights}
}

// Ask puts the question to the person, lights the banner, and only then makes
// the lease. It returns ErrBusy, ErrNotGranted, ErrRefused, ErrReported,
// ErrNoAnswer, ErrNoLamp or the context's error.
func (g *Gate) Ask(ctx context.Context, q Question) (*Lease, error) {
	if g == nil || g.asker == nil || g.lamp == nil {
		return nil, ErrNoLamp
	}
	q.Wanted &= g.ceiling
	if !q.Wanted.Has(RightView) {
		return nil, ErrNotGranted
	}
	if !g.take() {
		return nil, ErrBusy
	}
	q.Widening, q.Renewing, q.Idle, q.Strict = false, false, false, false
	granted, err := g.question(ctx, q, g.free)
	if err != nil {
		return nil, err
	}
	if !granted.Has(RightView) {
		g.free()
		return nil, ErrRefused
	}
	return g.light(ctx, newLease(g, q, granted))
}

func (g *Gate) take() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	free := !g.busy
	g.busy = true
	return free
}

func (g *Gate) free() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy = false
}

// question asks and waits for the answer, at most AnswerTime. When it returns an
// error it calls, or will call, failed: as soon as the asker has really come
// back, for until then its dialog may still be on the screen.
func (g *Gate) question(ctx context.Context, q Question, failed func()) (Rights, error) {
	q.Deadline = time.Now().Add(AnswerTime)
	limited, cancel := context.WithDeadline(ctx, q.Deadline)
	type answer struct {
		rights Rights
		err    error
	}
	answers := make(chan answer)
	go func() {
		defer cancel()
		r, err := g.asker.Ask(limited, q)
		if limited.Err() != nil {
			failed() // too late, whatever it said
			return
		}
		select {
		case answers <- answer{r & q.Wanted, err}:
		case <-limited.Done():
			failed()
		}
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			failed()
		}
		return a.rights, a.err
	case <-limited.Done():
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return 0, ErrNoAnswer
	}
}

// light shows the banner and hands over a living lease, or frees the gate.
func (g *Gate) light(ctx context.Context, l *Lease) (*Lease, error) {
	limited, cancel := context.WithTimeout(ctx, LightTime)
	type result struct {
		lit Lit
		err error
	}
	results := make(chan result)
	status := l.Status()
	go func() {
		defer cancel()
		lit, err := g.lamp.Light(status, l.beat)
		select {
		case results <- result{lit, err}:
		case <-limited.Done():
			if err == nil && lit != nil {
				lit.Douse()
			}
			g.free()
		}
	}()
	select {
	case r := <-results:
		if r.err != nil || r.lit == nil {
			g.free()
			return nil, errors.Join(ErrNoLamp, r.err)
		}
		l.start(r.lit)
		return l, nil
	case <-limited.Done():
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, ErrNoLamp
	}
}
