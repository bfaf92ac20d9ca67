// SPDX-License-Identifier: Apache-2.0

package consent

import "time"

// Done is closed first thing when the lease ends.
func (l *Lease) Done() <-chan struct{} {
	if l.forged() {
		return (*pass)(nil).gone()
	}
	return l.done
}

// Dark is closed when the lease has ended, its banner is out, and the gate can
// ask again.
func (l *Lease) Dark() <-chan struct{} {
	if l.forged() {
		return (*pass)(nil).gone()
	}
	return l.dark
}

// Cause says why the lease ended, or nil.
func (l *Lease) Cause() error {
	if l.forged() {
		return ErrRevoked
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// Changed gets one value, in one slot, whenever rights or pauses changed.
func (l *Lease) Changed() <-chan struct{} {
	if l.forged() {
		return nil
	}
	return l.changed
}

// Rights is what is granted now; none once the lease has ended.
func (l *Lease) Rights() Rights { return l.Status().Rights }

// Who is the person the lease was given to.
func (l *Lease) Who() Card { return l.Status().Who }

// Since is when the lease was born.
func (l *Lease) Since() time.Time { return l.Status().Since }

// Paused says what holds pictures and input back.
func (l *Lease) Paused() (pictures, input Pause) {
	s := l.Status()
	return s.Paused, s.Input
}

// Note tells the person, on the banner, what the remote person just did.
func (l *Lease) Note(action string) {
	if l.forged() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.action, l.actionAt = action, time.Now()
	nudge(l.repaint)
}

// Status is what the banner shows now.
func (l *Lease) Status() Status {
	if l.forged() {
		return Status{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{
		Who: l.ask.Who, Since: l.since,
		Paused: l.paused(RightView), Input: l.paused(RightControl),
		Action: l.action, ActionAt: l.actionAt,
	}
	if !l.ended() {
		s.Rights = l.rights()
	}
	return s
}
