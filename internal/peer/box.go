// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"fmt"
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

// room is what the pictures of all monitors together may take: a host that makes each
// of them as large as it can would have this end run out of memory.
type room struct {
	most int // pixels

	mu    sync.Mutex
	taken [screen.MaxMonitors]int // pixels of each monitor's newest picture
}

// take makes room for a picture in place of the last one of its monitor.
func (r *room) take(p *screen.Picture) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken[p.Monitor] = p.Size.X * p.Size.Y
	all := 0
	for _, n := range r.taken {
		all += n
	}
	if all > r.most {
		return fmt.Errorf("%w: pictures of %d pixels", ErrProtocol, all)
	}
	return nil
}
