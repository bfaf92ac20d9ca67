// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"context"
	"image"
	"sync"
	"time"
)

// Lease is a live permission. Its zero value, and a copy of one, refuse.
type Lease struct {
	self *Lease // itself; a copy is found out by it
	gate *Gate
	ask  Question // the question it was born of

	done    chan struct{} // closed first thing when the lease ends
	dark    chan struct{} // closed when the banner is out and the gate free
	changed chan struct{} // one slot, for the session
	repaint chan struct{} // one slot, for the banner
	beats   chan struct{} // one slot, from the banner

	mu       sync.Mutex
	most     Rights     // what policy allows at this moment; it only ever shrinks
	left     *sync.Cond // on mu: some pass has become empty
	view     *pass
	point    *pass // nil, or the pass of the right while it is granted; as control
	control  *pass
	inside   int // bodies of Do that run under any right
	since    time.Time
	driven   time.Time         // when control was first granted; zero: it never was
	cause    error             // nil while it lives
	byUser   bool              // the person pressed Pause
	frozen   bool              // the banner is not seen
	asking   bool              // a question about this lease is open
	absent   bool              // nobody seems to be at the machine
	renewed  bool              // since somebody last asked Renewed
	lapsed   Rights            // not granted again since then
	shown    []image.Rectangle // monitors whose banner was seen at the last beat
	action   string
	actionAt time.Time
}

func newLease(g *Gate, q Question, granted Rights) *Lease {
	l := &Lease{
		gate: g, ask: q, most: g.ceiling, since: time.Now(),
		done:    make(chan struct{}),
		dark:    make(chan struct{}),
		changed: make(chan struct{}, 1),
		repaint: make(chan struct{}, 1),
		beats:   make(chan struct{}, 1),
	}
	l.self = l
	l.left = sync.NewCond(&l.mu)
	l.add(granted)
	return l
}

// slot is where the pass of one right is kept.
func (l *Lease) slot(r Rights) **pass {
	switch r {
	case RightView:
		return &l.view
	case RightPoint:
		return &l.point
	}
	return &l.control
}

// each calls f with every single right in r.
func (r Rights) each(f func(Rights)) {
	for one := RightView; one <= RightControl; one <<= 1 {
		if r.Has(one) {
			f(one)
		}
	}
}

// add grants rights not held yet, within what policy allows now. The caller holds mu, or nobody else has l.
func (l *Lease) add(r Rights) {
	(r & l.most).each(func(one Rights) {
		if s := l.slot(one); *s == nil {
			*s = &pass{lease: l, right: one, done: make(chan struct{})}
			if one == RightControl && l.driven.IsZero() {
				l.driven = time.Now()
			}
		}
	})
}

// ended reports whether l was revoked. The caller holds mu.
func (l *Lease) ended() bool { return l.cause != nil }

// rights is what is granted now. The caller holds mu.
func (l *Lease) rights() Rights {
	var r Rights
	AllRights.each(func(one Rights) {
		if *l.slot(one) != nil {
			r |= one
		}
	})
	return r
}

// paused says what holds a right back. The caller holds mu.
func (l *Lease) paused(r Rights) Pause {
	switch {
	case l.byUser:
		return PauseUser
	case l.frozen:
		return PauseLamp
	case l.absent && r == RightControl:
		return PausePresence
	case l.asking && r == RightControl:
		return PauseDialog
	}
	return PauseNone
}

// forged reports whether l was not made by a gate. Such a lease has nothing.
func (l *Lease) forged() bool { return l == nil || l.self != l }

// notify tells the session and the banner that something changed.
func (l *Lease) notify() {
	nudge(l.changed)
	nudge(l.repaint)
}

// nudge fills a one-slot channel.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take returns the pass of a right.
func (l *Lease) take(r Rights) (*pass, error) {
	if l.forged() {
		return nil, ErrNotGranted
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended() {
		return nil, ErrRevoked
	}
	p := *l.slot(r)
	if p == nil {
		return nil, ErrNotGranted
	}
	return p, nil
}

// View returns the right to read the screens.
func (l *Lease) View() (View, error) {
	p, err := l.take(RightView)
	return View{view: p}, err
}

// Pointer returns the right to show a second pointer.
func (l *Lease) Pointer() (Pointer, error) {
	p, err := l.take(RightPoint)
	return Pointer{pointer: p}, err
}

// Control returns the right to drive mouse and keyboard. A right taken back and
// granted again is another Control: the old one stays dead.
func (l *Lease) Control() (Control, error) {
	p, err := l.take(RightControl)
	return Control{control: p}, err
}

// Widen asks the person for more rights and returns what is granted in all.
// While the question is open no input is taken, so that nobody but the person
// can answer it.
func (l *Lease) Widen(ctx context.Context, want Rights) (Rights, error) {
	if l.forged() {
		return 0, ErrRevoked
	}
	more := want & l.limit() &^ l.Rights()
	if more == 0 {
		if l.Rights().Has(want) {
			return l.Rights(), nil
		}
		return l.Rights(), ErrNotGranted
	}
	q := l.ask
	q.Wanted, q.Widening, q.Renewing, q.Idle = more, true, false, false
	granted, err := l.question(ctx, q)
	if err != nil {
		return l.Rights(), err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asking = false
	if l.ended() {
		return 0, ErrRevoked
	}
	l.add(granted)
	l.notify()
	if granted&l.most == 0 { // it may have shrunk while the person was asked
		return l.rights(), ErrRefused
	}
	return l.rights(), nil
}

// drivenSince is when control was first granted; zero when it never was. Whoever had it
// may have started a program that plays the person's devices, so that from then on, also
// when it was taken back, only a device answers.
func (l *Lease) drivenSince() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.driven
}

// question puts a question about this lease. When it returns without an error
// the caller must set asking back to false: only then is input taken again.
func (l *Lease) question(ctx context.Context, q Question) (Rights, error) {
	if err := l.hold(); err != nil {
		return 0, err
	}
	q.Strict = !l.drivenSince().IsZero()
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-l.done:
			cancel(ErrRevoked)
		case <-over:
		}
	}()
	return l.gate.question(limited, q, l.unhold)
}

// hold stops input before a dialog appears.
func (l *Lease) hold() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended() {
		return ErrRevoked
	}
	if l.asking {
		return ErrBusy
	}
	l.asking = true
	l.notify()
	l.control.empty()
	if l.ended() { // meanwhile: no dialog for nothing
		l.asking = false
		return ErrRevoked
	}
	return nil
}

func (l *Lease) unhold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asking = false
	l.notify()
}

// Narrow takes rights back. When it returns, nothing more happens under them.
// Taking RightView back ends the lease.
func (l *Lease) Narrow(r Rights) {
	if l.forged() {
		return
	}
	if r.Has(RightView) {
		l.Revoke(ErrRevoked)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var taken []*pass
	r.each(func(one Rights) {
		s := l.slot(one)
		(*s).end()
		taken = append(taken, *s)
		*s = nil
	})
	l.notify()
	for _, p := range taken {
		p.empty()
	}
}

// Limit says that policy no longer allows more than these rights. What was granted
// beyond them is taken back as by Narrow, and no question can bring it again. It returns
// what it took back, and nothing of what the person takes at the same time.
func (l *Lease) Limit(most Rights) (taken Rights) {
	if l.forged() {
		return 0
	}
	l.mu.Lock()
	l.most &= most
	taken = l.rights() &^ l.most
	l.mu.Unlock()
	if taken != 0 {
		l.Narrow(taken)
	}
	return taken
}

// Ceiling is what the person can be asked for at all, at this moment: what the unit and
// this computer's policy allow.
func (l *Lease) Ceiling() Rights {
	if l.forged() {
		return 0
	}
	return l.limit()
}

// limit is what policy allows at this moment.
func (l *Lease) limit() Rights {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most
}

// Pause holds everything back until Resume. When it returns, nothing moves.
func (l *Lease) Pause() {
	if l.forged() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byUser = true
	l.notify()
	l.empty()
}

// empty waits until no body runs, not even under a right that Narrow is taking
// back right now. The caller holds mu, and has made sure that none can start.
func (l *Lease) empty() {
	for l.inside > 0 {
		l.left.Wait()
	}
}

// Resume undoes Pause.
func (l *Lease) Resume() {
	if l.forged() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byUser = false
	l.notify()
}

// Revoke ends the lease for ever. When it returns, not one more frame or key
// passes, and no body of Do runs any more. The first cause wins.
func (l *Lease) Revoke(cause error) {
	if l.forged() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kill(cause)
	l.empty()
}

// kill ends the lease without waiting for bodies that run. The caller holds mu.
func (l *Lease) kill(cause error) {
	if l.cause != nil {
		return
	}
	if cause == nil {
		cause = ErrRevoked
	}
	l.cause = cause
	close(l.done)
	l.view.end()
	l.point.end()
	l.control.end()
	l.notify()
}
