// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"time"
)

// tendEvery is how often the rate is looked at while packets are out.
const tendEvery = 250 * time.Millisecond

// nudge makes tend look at its chores.
func (h *Host) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// tend does what nobody calls for: it repeats last packets, renews the picture for
// a technician who lost it while nothing moves, and watches the rate.
func (h *Host) tend() {
	timer := time.NewTimer(tendEvery)
	defer timer.Stop()
	for {
		now := time.Now()
		next := h.watchRate(now)
		for _, t := range h.tracks {
			next = earlier(next, t.chores(now))
		}
		pause := time.Hour // nothing to do until nudged
		if !next.IsZero() {
			pause = max(time.Until(next), time.Millisecond)
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-h.wake:
		case <-h.done:
			return
		}
	}
}

// watchRate halves the rate when packets are out and no report comes.
func (h *Host) watchRate(now time.Time) time.Time {
	waiting := h.waiting.Load()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rate.tick(now, waiting) {
		h.waiting.Store(false) // one silence counts once; an idle link is no bad link
		h.bucket.setRate(h.rate.rate)
	}
	if !waiting {
		return time.Time{}
	}
	return now.Add(tendEvery)
}

// chores does what is due on this track and says when something will be again.
func (t *track) chores(now time.Time) time.Time {
	sequence, ok, next := t.sent.due(now)
	if ok {
		t.repeat([]uint16{sequence})
	}
	if !t.wantKey.Load() {
		return next
	}
	select {
	case <-t.turn:
	default: // somebody is showing: the frame will be, or will be followed by, a key frame
		return earlier(next, now.Add(keyEvery))
	}
	defer t.release()
	if wait := keyEvery - now.Sub(t.keyed); wait > 0 {
		return earlier(next, now.Add(wait))
	}
	t.renew()
	return next
}

// renew sends the picture as it is as a key frame and brings it back to its
// former quality, unless something new is waiting to be shown.
func (t *track) renew() {
	t.sent.mu.Lock()
	permit := t.sent.permit
	t.sent.mu.Unlock()
	t.wantKey.Store(false)
	if t.encoder == nil || permit == nil {
		return
	}
	p, err := t.encoder.Key()
	if err == nil {
		err = t.send(t.host.ctx, p, permit)
	}
	for more := true; err == nil && more && t.waiting.Load() == 0; {
		more, err = t.refine(t.host.ctx, permit)
	}
	if err != nil {
		t.broken = true
		t.host.log.Debug("picture not renewed", "error", err)
	}
}

// earlier returns the earlier of two times, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
