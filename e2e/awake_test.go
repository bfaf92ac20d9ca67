// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"sync"
	"testing"
	"time"
)

// awake is a clock that stands still while the machine does: what is promised within a time
// is promised for a machine that runs. A program that is slow, or waits, finds it going on.
type awake struct {
	mu   sync.Mutex // guards the rest
	past time.Duration
	last time.Time // when it was last brought forward
}

// longestBeat is the most that a beat of the clock counts for. One comes every few
// milliseconds, on a busy machine later; later than this on one that stood still.
const longestBeat = 10 * poll

// newAwake starts one, for as long as the test lasts.
func newAwake(t *testing.T) *awake {
	t.Helper()
	a := &awake{last: time.Now()}
	t.Cleanup(often(func() { a.now() }))
	return a
}

// since is how long the machine has run since then.
func (a *awake) since(then time.Duration) time.Duration { return a.now() - then }

// now is how long the machine has run since the clock was started.
func (a *awake) now() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	a.past += min(now.Sub(a.last), longestBeat)
	a.last = now
	return a.past
}
