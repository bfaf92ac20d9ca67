// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"time"
)

const (
	// pollEvery is how often mouse and keyboard are looked at while they are used; the
	// toolkit itself looks 60 times a second.
	pollEvery = 4 * time.Millisecond
	// pollFor is how long after the last use they count as used.
	pollFor = time.Second
)

// pollWhileUsed has poll called often for a while after each sign of use, until ctx
// ends. It waits for each call, so that none queue up behind a busy toolkit.
func pollWhileUsed(ctx context.Context, used <-chan struct{}, poll func()) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		tick.Stop()
		select {
		case <-used:
		case <-ctx.Done():
			return
		}
		tick.Reset(pollEvery)
		for last := time.Now(); time.Since(last) < pollFor; {
			select {
			case <-used:
				last = time.Now()
			case <-tick.C:
				poll()
			case <-ctx.Done():
				return
			}
		}
	}
}
