// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"sync"
	"time"

	"assist/internal/consent"
)

// So many questions within so long, and no yes since, and a technician's next ones reach
// nobody until the oldest of them is that old.
const (
	maxRebuffs   = 3 // noes and silences
	maxWithdrawn = 6 // questions that ended before there was an answer; links and fingers slip
	rebuffsTime  = 10 * time.Minute
)

// ErrTooOften says that this technician's questions went without a yes too often of late
// for the person to be asked again.
var ErrTooOften = fmt.Errorf("session: asked too often: %w", consent.ErrRefused)

// rebuffs remembers to whom the person said no, or nothing, or who withdrew what they had
// asked, so that nobody is worn down by being asked again and again. Only technicians
// whom the charter lists are in it.
type rebuffs struct {
	most int // of them, and it is enough
	mu   sync.Mutex
	said map[string][]time.Time // by device key
}

// forgive forgets them: the person said yes.
func (r *rebuffs) forgive(deviceKey []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.said, string(deviceKey))
}

// add notes a refusal.
func (r *rebuffs) add(deviceKey []byte, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said == nil {
		r.said = map[string][]time.Time{}
	}
	r.forget(now)
	r.said[string(deviceKey)] = append(r.said[string(deviceKey)], now)
}

// enough reports whether this technician is not to be heard now.
func (r *rebuffs) enough(deviceKey []byte, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	return len(r.said[string(deviceKey)]) >= r.most
}

// forget drops what is too old to count; mu is held.
func (r *rebuffs) forget(now time.Time) {
	for key, all := range r.said {
		for len(all) > 0 && now.Sub(all[0]) >= rebuffsTime {
			all = all[1:]
		}
		if r.said[key] = all; len(all) == 0 {
			delete(r.said, key)
		}
	}
}
