// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// limits are the times that the server waits for others, and how much it takes or repeats.
type limits struct {
	hello   time.Duration // for a client's first message
	header  time.Duration // for a proxy to say for whom it connects
	enrol   time.Duration // for a person to scan the secret and type a code
	write   time.Duration // for one message to leave
	ring    time.Duration // for a host's connection to take a request; then asked again, for six times as long
	claim   time.Duration // for a first host to prove that it still lives
	settle  time.Duration // for a first host that is leaving to be gone
	answer  time.Duration // for the user's decision, before the server gives up
	idle    time.Duration // of silence before the client is pinged
	pong    time.Duration // for the answer to that
	kick    time.Duration // between two looks for accounts that were closed
	charter time.Duration // between two looks for a new charter
	mark    time.Duration // between two checkpoints of the journal, at most
	arrive  time.Duration // until what was sent to syslog, and taken by its system, counts as arrived
	margin  int64         // entries of before that each new connection to syslog sends again
	drain   time.Duration // for web requests to end when the server stops
	closing time.Duration // for a client to answer the goodbye
	reading int           // messages per second and client
	burst   int
}

// standardLimits: answer is twice the minute that the host gives its person, for hosts that
// died; kick and charter are well under the five seconds within which a closed account is
// out; idle and pong together are how long a computer that lost its network keeps its place at
// most; margin is because a syslog server that hangs and dies has not read all that its system took.
func standardLimits() limits {
	return limits{
		hello: 10 * time.Second, header: 3 * time.Second, enrol: 15 * time.Minute, write: 10 * time.Second,
		ring: 500 * time.Millisecond, claim: 3 * time.Second, settle: 2 * time.Second, answer: 2 * time.Minute,
		idle: 60 * time.Second, pong: 20 * time.Second, kick: time.Second, charter: 500 * time.Millisecond,
		mark: 5 * time.Minute, arrive: 5 * time.Second, margin: 1000,
		drain: time.Second, closing: 2 * time.Second, reading: 50, burst: 200,
	}
}

// gate lets a few in at once and bounds how many wait: each hash of a password or of a
// machine's key takes 64 MiB, so that without it strangers could use up the memory.
type gate struct {
	inside  chan struct{}
	waiting chan struct{}
}

func newGate(inside, waiting int) gate {
	return gate{make(chan struct{}, inside), make(chan struct{}, waiting)}
}

// enter waits for a place; errBusy when too many wait already.
func (g gate) enter(ctx context.Context) error {
	select {
	case g.waiting <- struct{}{}:
	default:
		return errBusy
	}
	defer func() { <-g.waiting }()
	select {
	case g.inside <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g gate) leave() { <-g.inside }

// drops counts what was thrown away, by reason.
type drops struct {
	connections atomic.Uint64 // over a cap
	headers     atomic.Uint64 // of listed proxies, missing or not understood
	stun        atomic.Uint64 // over the rate, or not a Binding request
	foreign     atomic.Uint64 // messages for a session that is not the sender's
	bus         atomic.Uint64 // a connection's inbox was full
}

func (d *drops) log(log *slog.Logger) {
	log.Info("stopped", "droppedConnections", d.connections.Load(), "refusedHeaders", d.headers.Load(), "droppedSTUN", d.stun.Load(),
		"foreignMessages", d.foreign.Load(), "droppedMessages", d.bus.Load())
}
