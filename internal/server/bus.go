// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"assist/internal/wire"
)

// letter is one message of the bus; interest is one subscription.
type (
	letter   = nats.Msg
	interest = nats.Subscription
)

// bus is NATS core inside the process: no port, no disk, no state. This file is
// the only one that knows.
type bus struct {
	server *natsd.Server
	conn   *nats.Conn
}

// Answers to a ring or a claim.
const (
	replyRung  = "rung"
	replyBusy  = "busy"
	replyAlive = "alive"
	replyGone  = "gone"
)

// Subjects. Everything put into one is digits or hex: a subject is a language.
func subjectMachine(id string) string            { return "m." + id }
func subjectClaim(id string) string              { return "m." + id + ".claim" }
func subjectAccount(id string) string            { return "t." + id }
func subjectHostOf(id wire.SessionID) string     { return "s." + hex.EncodeToString(id[:]) + ".h" }
func subjectTechnician(id wire.SessionID) string { return "s." + hex.EncodeToString(id[:]) + ".t" }

func startBus(log *slog.Logger, d *drops) (*bus, error) {
	s, err := natsd.NewServer(&natsd.Options{ServerName: "assist", DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 64 << 10})
	if err != nil {
		return nil, fmt.Errorf("server: bus: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return nil, errors.New("server: bus: not ready")
	}
	c, err := nats.Connect("", nats.InProcessServer(s), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			d.bus.Add(1)
			log.Warn("bus", "error", err)
		}))
	if err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("server: bus: %w", err)
	}
	return &bus{s, c}, nil
}

func (b *bus) stop() {
	b.conn.Close()
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// listen delivers a subject's letters to inbox; those that find it full are
// dropped and counted. Flush makes the interest known before it returns.
func (b *bus) listen(subject string, inbox chan *letter) (*interest, error) {
	sub, err := b.conn.ChanSubscribe(subject, inbox)
	if err != nil {
		return nil, fmt.Errorf("server: bus: %w", err)
	}
	if err := b.conn.FlushTimeout(5 * time.Second); err != nil {
		return nil, errors.Join(fmt.Errorf("server: bus: %w", err), sub.Unsubscribe())
	}
	return sub, nil
}

// unlisten ends an interest and makes that known.
func (b *bus) unlisten(subs ...*interest) {
	for _, s := range subs {
		// The only error is that it ended already.
		_ = s.Unsubscribe()
	}
	_ = b.conn.FlushTimeout(time.Second) // a closed bus has no interest left either
}

// send publishes a message; nobody listening is not an error.
func (b *bus) send(subject string, m wire.Message) error {
	raw, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	if err := b.conn.Publish(subject, raw); err != nil {
		return fmt.Errorf("server: bus: %w", err)
	}
	return nil
}

// knock publishes a subject without content.
func (b *bus) knock(subject string) error { return b.conn.Publish(subject, nil) }

// tell publishes a few words to whoever listens.
func (b *bus) tell(subject, words string) error { return b.conn.Publish(subject, []byte(words)) }

// ask returns the answer to a request; errNotListened at once when nobody
// listens, or after the time.
func (b *bus) ask(ctx context.Context, subject string, body []byte, wait time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	m, err := b.conn.RequestWithContext(ctx, subject, body)
	if errors.Is(err, nats.ErrNoResponders) {
		return "", errNotListened
	}
	if err != nil {
		return "", fmt.Errorf("server: bus: %w", err)
	}
	return string(m.Data), nil
}

// answer replies to a request; the asker may be gone.
func answer(l *letter, with string) { _ = l.Respond([]byte(with)) }
