// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"sync"
	"time"
)

const (
	// burstTime is how much may leave at once: a small frame goes without any wait.
	burstTime = 25 * time.Millisecond
	minBurst  = 16 << 10 // bytes
)

// bucket holds the bytes that may leave now; it fills at the rate.
type bucket struct {
	mu     sync.Mutex
	rate   float64 // bytes a second
	level  float64 // bytes; negative while in debt
	filled time.Time
	waited bool // somebody had to wait since limited was last asked
}

func newBucket(bitrate float64, now time.Time) *bucket {
	b := &bucket{rate: bitrate / 8, filled: now}
	b.level = b.size()
	return b
}

func (b *bucket) size() float64 { return max(b.rate*burstTime.Seconds(), minBurst) }

func (b *bucket) setRate(bitrate float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rate = bitrate / 8
}

// take takes n bytes, or says how long to wait before asking again. Debt is allowed
// for one packet, so that packets larger than the bucket pass.
func (b *bucket) take(n int, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if b.level <= 0 {
		b.waited = true
		return max(time.Duration((1-b.level)/b.rate*float64(time.Second)), time.Millisecond)
	}
	b.level -= float64(n)
	return 0
}

// spend takes n bytes without asking: repeats are small and urgent.
func (b *bucket) spend(n int, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	b.level -= float64(n)
}

func (b *bucket) fill(now time.Time) {
	b.level = min(b.level+now.Sub(b.filled).Seconds()*b.rate, b.size())
	b.filled = now
}

// limited reports, and forgets, whether anybody had to wait.
func (b *bucket) limited() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.waited
	b.waited = false
	return was
}

// wait takes n bytes when there are some; ctx or done ends the wait.
func (b *bucket) wait(ctx context.Context, done <-chan struct{}, n int) error {
	for {
		d := b.take(n, time.Now())
		if d == 0 {
			return nil
		}
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-done:
			t.Stop()
			return ErrClosed
		}
	}
}
