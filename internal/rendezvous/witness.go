// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"errors"
	"fmt"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Why a server is refused for its journal.
var (
	ErrHistory = errors.New("rendezvous: the server's journal is not the one this computer has seen")
	ErrWitness = errors.New("rendezvous: what this computer has seen of the server's journal cannot be read")
)

// Limits of what waits for a checkpoint.
const (
	maxEarly  = 32 // messages that come before the first one
	maxChecks = 16 // questions under way on one connection
	maxRaces  = 8  // questions in a row that another connection of this app overtook
)

// check is one question to the server, and what waits for the answer.
type check struct {
	sight *trust.Sight
	then  func(error)
	races int // how often it was overtaken and asked again
}

// witnessed has the server show that its journal continues what was seen of it, before
// anything else that it says is acted upon. What comes meanwhile is kept for later.
func (c *client) witnessed(ctx context.Context, l *link) error {
	for range maxRaces {
		sight, err := c.look()
		if err != nil {
			return err
		}
		if err := c.shown(ctx, l, sight); !errors.Is(err, trust.ErrRaced) {
			return err
		}
	}
	return ErrServer
}

// shown asks once, and keeps what comes before the answer.
func (c *client) shown(ctx context.Context, l *link, sight *trust.Sight) error {
	if err := l.send(ctx, &wire.CheckpointAsk{Size: sight.Size()}); err != nil {
		return err
	}
	for {
		m, err := l.receive(ctx)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *wire.Checkpoint:
			return see(sight, m)
		case *wire.Refused:
			return refused(m)
		}
		if len(l.early) == maxEarly {
			return ErrServer
		}
		l.early = append(l.early, m)
	}
}

func (c *client) look() (*trust.Sight, error) {
	sight, err := c.cfg.Witness.Look()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWitness, err)
	}
	return sight, nil
}

// see sorts what the witness says of an answer.
func see(sight *trust.Sight, m *wire.Checkpoint) error {
	err := sight.See(m)
	switch {
	case errors.Is(err, trust.ErrHistory), errors.Is(err, trust.ErrCheckpoint):
		return fmt.Errorf("%w: %w", ErrHistory, err)
	case errors.Is(err, trust.ErrRaced):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrWitness, err)
	}
	return nil
}

// once asks once more, at the beginning of a session, and calls then with what came
// of it: from the goroutine that reads the connection, or from the one that finds it
// lost. It does not wait.
func (c *client) once(then func(error)) { c.ask(check{then: then}) }

// ask begins a question, for the first time or once more.
func (c *client) ask(q check) {
	sight, err := c.look()
	if err == nil {
		q.sight = sight
		err = c.question(q)
	}
	if err != nil {
		q.then(err)
	}
}

// question sends a CheckpointAsk. The server answers in the order it is asked.
func (c *client) question(q check) error {
	b, err := wire.Marshal(&wire.CheckpointAsk{Size: q.sight.Size()})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link == nil || len(c.checks) == maxChecks {
		return ErrOffline
	}
	select {
	case c.link.outbox <- b:
		c.checks = append(c.checks, q)
		return nil
	default:
		return ErrOffline
	}
}

// checkpointed takes an answer; an error ends the connection.
func (c *client) checkpointed(m *wire.Checkpoint) error {
	c.mu.Lock()
	if len(c.checks) == 0 {
		c.mu.Unlock()
		return ErrServer
	}
	q := c.checks[0]
	c.checks = c.checks[1:]
	c.mu.Unlock()
	err := see(q.sight, m)
	if q.races++; errors.Is(err, trust.ErrRaced) && q.races < maxRaces {
		c.ask(q)
		return nil
	}
	q.then(err)
	return err
}

// unanswered tells what still waits that no answer will come.
func (c *client) unanswered() {
	c.mu.Lock()
	left := c.checks
	c.checks = nil
	c.mu.Unlock()
	for _, q := range left {
		q.then(ErrLost)
	}
}

// current waits until the server has shown its journal once more.
func (c *client) current(ctx context.Context) error {
	seen := make(chan error, 1)
	c.again(func(err error) { seen <- err })
	select {
	case err := <-seen:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
