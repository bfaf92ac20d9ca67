// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"sync"
	"time"
)

// ear knows when the other end was last heard.
type ear struct {
	mu sync.Mutex
	at time.Time
}

func (e *ear) heard() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at = time.Now()
}

func (e *ear) last() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.at
}

// silent waits until nothing was heard for limit, or until ctx ends; it reports
// whether it was the former.
func (e *ear) silent(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
		}
		left := limit - time.Since(e.last())
		if left <= 0 {
			return true
		}
		timer.Reset(left)
	}
}
