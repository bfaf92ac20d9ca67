// SPDX-License-Identifier: Apache-2.0

package input

import "slices"

const (
	// feintSpan is for how long after a program made a device do something nothing of any
	// device is believed where only devices count, in ms of the system's clock. What comes of
	// it has a time that is known; this is for those that are close by.
	feintSpan = 500
	// maxFeints bounds what is remembered of them; beyond it the two oldest become one.
	maxFeints = 16
)

// stamp is a time of the system's own clock for input, in ms; it wraps around. Zero where
// the system has none.
type stamp uint32

// feint is a time in which programs made devices do something.
type feint struct{ from, to stamp }

// feign notes that a program made a device do something between two times.
func (w *Watcher) feign(from, to uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := len(w.feints) - 1; last >= 0 && stamp(from)-w.feints[last].to <= feintSpan {
		w.feints[last].to = stamp(to)
		return
	}
	if len(w.feints) >= maxFeints {
		w.feints[1].from = w.feints[0].from
		w.feints = slices.Delete(w.feints, 0, 1)
	}
	w.feints = append(w.feints, feint{stamp(from), stamp(to)})
}

// feigned reports whether what a device did at a time may have been a program's deed. The
// caller holds mu, and vetted what it asks for.
func (w *Watcher) feigned(at stamp) bool {
	return slices.ContainsFunc(w.feints, func(f feint) bool { return at-f.from <= f.to-f.from+feintSpan })
}
