// SPDX-License-Identifier: Apache-2.0

package session

import (
	"sync"
	"time"

	"assist/internal/wire"
)

// maxGrip bounds what a technician is counted as holding; hands hold fewer.
const maxGrip = 64

// held names a key by its usage, or a button by its number.
type held struct {
	button bool
	code   uint16
}

// grip is what the technician holds down.
type grip struct {
	closed chan struct{} // one slot: something is held that was not

	mu   sync.Mutex
	down map[held]bool
}

// note takes in what the technician does.
func (g *grip) note(in wire.Input) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch m := in.(type) {
	case *wire.Key:
		g.set(held{code: m.Usage}, m.Down)
	case *wire.Button:
		g.set(held{button: true, code: uint16(m.Button)}, m.Down)
	case *wire.ReleaseAll, *wire.Text: // text is typed with nothing held
		clear(g.down)
	}
}

// set is called with mu held.
func (g *grip) set(h held, down bool) {
	if !down {
		delete(g.down, h)
		return
	}
	if len(g.down) == 0 {
		g.down = map[held]bool{}
		nudge(g.closed)
	}
	if len(g.down) < maxGrip {
		g.down[h] = true
	}
}

// holds reports whether something is down.
func (g *grip) holds() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.down) > 0
}

// patience is how long after one ping the next is due.
func (g *grip) patience() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.down) > 0 {
		return holdEvery
	}
	return pingEvery
}
