// SPDX-License-Identifier: Apache-2.0

package input

import (
	"log/slog"
	"time"
)

const (
	// maxGrips bounds what is held at a time; of more, only the moment counts.
	maxGrips = 64
	// gripCheck is how often devices are asked what they hold, while something is.
	gripCheck = 500 * time.Millisecond
	// fingerRest is how long a finger may rest without the least motion: no device tells
	// whether it is still there.
	fingerRest = 30 * time.Second
	// gripLong is after which time one held thing is worth a line in the log.
	gripLong = time.Minute
)

// gripKind is what a person holds.
type gripKind uint8

const (
	gripKey gripKind = iota
	gripButton
	gripFinger
)

// grip is one key, button or finger that is down on a device.
type grip struct {
	device uint16
	kind   gripKind
	detail uint32 // key code, button, or number of the touch
}

// held is the life of a grip.
type held struct {
	since time.Time // last told: a press, a repeat, or a finger's motion
	first time.Time
	said  bool // in the log
}

// hold notes that something of a device is down, or moves while it is. The caller
// does not hold mu.
func (w *Watcher) hold(g grip) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	h, have := w.grips[g]
	if !have {
		if len(w.grips) >= maxGrips {
			return
		}
		h.first = now
	}
	h.since = now
	w.grips[g] = h
	wake(w.gripped)
}

// letUp notes that it is up.
func (w *Watcher) letUp(g grip) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.grips, g)
}

// holding is what is down, and since when.
func (w *Watcher) holding() map[grip]held {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[grip]held, len(w.grips))
	for g, h := range w.grips {
		all[g] = h
	}
	return all
}

// audit drops what is not down any more though nobody told: a device that went, or a
// release that was lost. The system is asked outside of mu; what was pressed meanwhile
// stays. It reports whether something is still held.
func (w *Watcher) audit(down func(grip) bool, log *slog.Logger) bool {
	for g, was := range w.holding() {
		gone := !down(g) || g.kind == gripFinger && time.Since(was.since) >= fingerRest
		w.mu.Lock()
		if now, have := w.grips[g]; have && gone && now.since.Equal(was.since) {
			delete(w.grips, g)
			w.last = time.Now() // it was let go at some time up to now
		} else if have && !now.said && time.Since(now.first) >= gripLong {
			now.said = true
			w.grips[g] = now
			log.Warn("a key, button or finger of this machine stays down: remote input waits for it")
		}
		w.mu.Unlock()
	}
	return len(w.holding()) > 0
}

// keepAudit audits for as long as something is held, until done.
func (w *Watcher) keepAudit(down func(grip) bool, done <-chan struct{}, log *slog.Logger) {
	tick := time.NewTicker(gripCheck)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-w.gripped:
		}
		tick.Reset(gripCheck)
		for holds := true; holds; {
			select {
			case <-done:
				return
			case <-tick.C:
				holds = w.audit(down, log)
			}
		}
	}
}
