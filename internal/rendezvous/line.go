// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"fmt"
	"sync"

	"assist/internal/wire"
)

// maxSignals is how many steps of set-up may wait to be received.
const maxSignals = 128

// line is one request at the server, and the session that came of it, as either
// end holds it.
type line struct {
	client  *client
	id      wire.SessionID
	report  bool          // it carries a report of a past session: no goodbye ends it
	pledge  chan []byte   // one, ever
	answer  chan []byte   // one, ever
	word    chan struct{} // closed at the first of the two
	signals chan []byte
	done    chan struct{} // closed when it is over, but for an answer that is no
	sending chan struct{} // one slot: held while a Signal is numbered and queued

	sent uint32 // number of the last Signal queued; guarded by sending

	mu       sync.Mutex
	pledged  bool
	answered bool
	received uint32 // number of the last Signal taken
	gap      bool   // a Signal was lost: what comes later is useless
	live     bool   // granted: it goes on without the server
	over     bool
	reason   wire.EndReason
	err      error
}

func newLine(c *client, id wire.SessionID) *line {
	return &line{
		client: c, id: id,
		pledge: make(chan []byte, 1), answer: make(chan []byte, 1), word: make(chan struct{}),
		signals: make(chan []byte, maxSignals), done: make(chan struct{}), sending: make(chan struct{}, 1),
	}
}

// Done is closed when the request or the session was ended: by the other end,
// by the server, by End, or because the server was lost before the answer.
func (l *line) Done() <-chan struct{} { return l.done }

// Reason is why Done is closed; zero before.
func (l *line) Reason() wire.EndReason {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// End ends it and tells the server, without waiting for it. Only the first
// ending counts.
func (l *line) End(reason wire.EndReason) {
	if l.finish(reason, ErrEnded) {
		l.client.bye(l.id, reason)
	}
}

// Send passes one step of connection set-up to the other end. It waits while
// the connection to the server is being made again.
func (l *line) Send(ctx context.Context, body []byte) error {
	select {
	case l.sending <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.done:
		return l.failure()
	}
	defer func() { <-l.sending }()
	err := l.post(ctx, &wire.Signal{Session: l.id, Sequence: l.sent + 1, Body: body})
	if err == nil {
		l.sent++
	}
	return err
}

// Receive returns the other end's next step, in the order it was sent.
func (l *line) Receive(ctx context.Context) ([]byte, error) {
	select { // what came before the end is still worth having
	case b, ok := <-l.signals:
		return step(b, ok)
	default:
	}
	select {
	case b, ok := <-l.signals:
		return step(b, ok)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, l.failure()
	}
}

// step is what a Receive returns: the queue is closed behind a gap.
func step(b []byte, ok bool) ([]byte, error) {
	if !ok {
		return nil, fmt.Errorf("%w: a step of the set-up is missing", ErrLost)
	}
	return b, nil
}

// post queues a message for the server, waiting for a connection to it.
func (l *line) post(ctx context.Context, m wire.FromClient) error {
	b, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	for {
		if l.ended() {
			return l.failure()
		}
		outbox, changed := l.client.outbox()
		select {
		case <-l.done:
			return l.failure()
		case <-ctx.Done():
			return ctx.Err()
		case outbox <- b:
			return nil
		case <-changed: // there is a connection again, or no longer: look anew
		}
	}
}

// finish ends the line once. The error is what the owner's calls return.
func (l *line) finish(reason wire.EndReason, err error) bool {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return false
	}
	l.over, l.reason, l.err = true, reason, err
	close(l.done) // under mu, so that who sees it closed finds the reason set
	l.mu.Unlock()
	l.client.forget(l.id)
	return true
}

// settle ends a line whose answer was no: there is nobody to tell, and what its
// owner still reads from it is the answer.
func (l *line) settle() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.client.forget(l.id)
}

// granted makes the line outlive its connection.
func (l *line) granted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live = true
}

// dropped is called when the connection to the server is lost.
func (l *line) dropped() {
	l.mu.Lock()
	live := l.live
	l.mu.Unlock()
	if !live {
		l.finish(wire.EndNetworkLost, ErrLost)
	}
}

func (l *line) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// failure is why the line is over.
func (l *line) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// take accepts a Signal: the next in order is queued, one seen before is
// dropped, and after a missing one nothing is.
func (l *line) take(m *wire.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gap || m.Sequence <= l.received {
		l.client.dropped(dropStale)
		l.client.cfg.Refused(AboutMessage, ErrRepeated)
		return
	}
	if m.Sequence == l.received+1 {
		select {
		case l.signals <- m.Body:
			l.received++
			return
		default:
		}
	}
	l.client.dropped(dropGap)
	l.client.cfg.Refused(AboutMessage, ErrGap)
	l.gap = true
	close(l.signals)
}

// takePledge keeps the first pledge; there is no second one.
func (l *line) takePledge(env []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pledged || l.answered {
		l.client.dropped(dropStale)
		l.client.cfg.Refused(AboutMessage, ErrRepeated)
		return
	}
	l.pledged = true
	l.pledge <- env
	close(l.word)
}

// takeAnswer keeps the first answer, and reports whether it is that.
func (l *line) takeAnswer(env []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answered {
		l.client.dropped(dropStale)
		l.client.cfg.Refused(AboutMessage, ErrRepeated)
		return false
	}
	l.answered = true
	l.answer <- env
	if !l.pledged {
		close(l.word)
	}
	return true
}

// envelope waits for what the host sends once.
func (l *line) envelope(ctx context.Context, box chan []byte) ([]byte, error) {
	select {
	case b := <-box:
		return b, nil
	default:
	}
	select {
	case b := <-box:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, l.failure()
	}
}
