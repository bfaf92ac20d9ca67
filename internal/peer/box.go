// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"sync"

	"assist/internal/screen"
)

// box holds the newest picture of one monitor. Three pictures go round: one is
// being decoded into, one is ready, one is with the reader; so neither waits
// for the other and nothing is copied.
type box struct {
	mu    sync.Mutex
	back  *screen.Picture // the decoder's
	ready *screen.Picture // under mu
	held  *screen.Picture // the reader's
	fresh chan struct{}   // one slot: ready has not been read
}

func newBox(id screen.MonitorID) *box {
	p := func() *screen.Picture { return &screen.Picture{Monitor: id} }
	return &box{back: p(), ready: p(), held: p(), fresh: make(chan struct{}, 1)}
}

// put makes back the ready picture; an unread one is overwritten by the next.
func (b *box) put() (dropped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.back, b.ready = b.ready, b.back
	select {
	case b.fresh <- struct{}{}:
		return false
	default:
		return true
	}
}

// empty lets go of the pictures when no more will come: whoever still remembers the
// connection does not keep them with it. What get returned stays the reader's.
func (b *box) empty() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.back, b.ready, b.held = &screen.Picture{}, &screen.Picture{}, &screen.Picture{}
	select {
	case <-b.fresh:
	default:
	}
}

// get waits for a picture that was not read yet. It stays valid until the next get.
func (b *box) get(ctx context.Context, done <-chan struct{}) (*screen.Picture, error) {
	select {
	case <-b.fresh:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-done:
		return nil, ErrClosed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held, b.ready = b.ready, b.held
	return b.held, nil
}
