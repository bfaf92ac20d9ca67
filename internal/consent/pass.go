// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"image"
	"slices"
)

// pass is one right of one lease from its grant to its end; a right granted
// again is a new pass. All fields but lease, right and done are guarded by
// lease.mu.
type pass struct {
	lease  *Lease
	right  Rights
	done   chan struct{} // closed when the right ends, before its last body returned
	ended  bool
	inside int // bodies of Do that run under this right
}

// refusal says why no body may start now. The caller holds lease.mu.
func (p *pass) refusal() error {
	if p.ended || p.lease.ended() {
		return ErrRevoked
	}
	if p.lease.paused(p.right) != PauseNone {
		return ErrPaused
	}
	return nil
}

// do runs f if the right lives and nothing holds it back.
func (p *pass) do(f func() error) error {
	if p == nil {
		return ErrNotGranted
	}
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	return f()
}

func (p *pass) enter() error {
	p.lease.mu.Lock()
	defer p.lease.mu.Unlock()
	if err := p.refusal(); err != nil {
		return err
	}
	p.inside++
	p.lease.inside++
	return nil
}

// under reports whether the banner of the monitor at this place is seen.
func (p *pass) under(monitor image.Rectangle) bool {
	p.lease.mu.Lock()
	defer p.lease.mu.Unlock()
	return !monitor.Empty() && slices.Contains(p.lease.shown, monitor)
}

func (p *pass) leave() {
	p.lease.mu.Lock()
	defer p.lease.mu.Unlock()
	p.inside--
	p.lease.inside--
	if p.inside == 0 {
		p.lease.left.Broadcast()
	}
}

// empty waits until no body runs. The caller holds lease.mu and has made sure
// that refusal is not nil, so that none can start.
func (p *pass) empty() {
	for p != nil && p.inside > 0 {
		p.lease.left.Wait()
	}
}

// end ends the right. The caller holds lease.mu.
func (p *pass) end() {
	if p != nil && !p.ended {
		p.ended = true
		close(p.done)
	}
}

func (p *pass) live() error {
	if p == nil {
		return ErrNotGranted
	}
	p.lease.mu.Lock()
	defer p.lease.mu.Unlock()
	return p.refusal()
}

func (p *pass) gone() <-chan struct{} {
	if p == nil {
		c := make(chan struct{})
		close(c)
		return c
	}
	return p.done
}

// The three handles name their field differently, so that none can be converted
// into another. Their zero values refuse.

// View permits reading the screens.
type View struct{ view *pass }

// Do runs f while the right lives, or returns ErrRevoked, ErrPaused or
// ErrNotGranted without running it. f must be short, must not wait for the
// network without minding Done, and must not call Revoke, Narrow, Pause or Widen.
func (v View) Do(f func() error) error { return v.view.do(f) }

// On is Do for reading the monitor at this place on the desktop. Until its banner
// is up, and again from when it is moved or resized, it returns ErrPaused without
// running f.
func (v View) On(monitor image.Rectangle, f func() error) error {
	return v.view.do(func() error {
		if !v.view.under(monitor) {
			return ErrPaused
		}
		return f()
	})
}

// Done is closed when the right ends.
func (v View) Done() <-chan struct{} { return v.view.gone() }

// Live returns what Do would return before running anything. It is for saying
// why, not for deciding: only Do decides.
func (v View) Live() error { return v.view.live() }

// Pointer permits showing a second pointer on the screens.
type Pointer struct{ pointer *pass }

// Do is View.Do for this right.
func (p Pointer) Do(f func() error) error { return p.pointer.do(f) }

// Done is closed when the right ends.
func (p Pointer) Done() <-chan struct{} { return p.pointer.gone() }

// Live is View.Live for this right.
func (p Pointer) Live() error { return p.pointer.live() }

// Control permits driving the mouse and the keyboard.
type Control struct{ control *pass }

// Do is View.Do for this right.
func (c Control) Do(f func() error) error { return c.control.do(f) }

// Done is closed when the right ends.
func (c Control) Done() <-chan struct{} { return c.control.gone() }

// Live is View.Live for this right.
func (c Control) Live() error { return c.control.live() }
