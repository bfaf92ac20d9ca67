// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"sync"
	"time"
)

// meter counts something per second, over whole seconds.
type meter struct {
	mu    sync.Mutex
	since time.Time // start of the second that is being counted
	count int
	last  float64 // of the second before
}

func newMeter(now time.Time) *meter { return &meter{since: now} }

func (m *meter) add(now time.Time, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	m.count += n
}

func (m *meter) perSecond(now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	return m.last
}

// roll ends the second if it is over.
func (m *meter) roll(now time.Time) {
	d := now.Sub(m.since)
	if d < time.Second {
		return
	}
	m.last = float64(m.count) / d.Seconds()
	m.since, m.count = now, 0
}
