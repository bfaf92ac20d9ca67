// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"slices"
	"time"

	"assist/internal/wire"
)

// maxReports is how many reports are kept, settled or not.
const maxReports = 16

// Told is what became of a report that this machine keeps until the server has it.
type Told struct {
	Session   wire.SessionID
	Made      time.Time
	Confirmed time.Time // when the server said that it is in its journal; zero before
	Refused   bool      // the server does not take it, and never will
}

// pending says that the server has not had its last word.
func (t Told) pending() bool { return t.Confirmed.IsZero() && !t.Refused }

// kept is one report, and how it stands.
type kept struct {
	message *wire.Report
	told    Told
}

// Report has the administrator told that the person reported this request or session,
// now or when the server is there again. It does not wait: Told says what became of it.
func (c *Call) Report(proof []byte) {
	c.client.report(&wire.Report{Session: c.id, Proof: proof})
}

// Told is what became of the newest report that was kept; false when there was none.
func (h *Host) Told() (Told, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.reports) == 0 {
		return Told{}, false
	}
	return h.reports[len(h.reports)-1].told, true
}

// report keeps a report, and sends it when there is a connection.
func (c *client) report(m *wire.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.reports) == maxReports {
		c.reports = slices.Delete(c.reports, 0, 1)
		c.dropped(dropNote)
	}
	c.reports = append(c.reports, kept{m, Told{Session: m.Session, Made: time.Now()}})
	if c.link != nil {
		c.queue(c.link, m)
	}
	c.nudge()
}

// remind sends what the server has not confirmed once more: it records each once. mu is
// held.
func (c *client) remind(l *link) {
	for _, k := range c.reports {
		if k.told.pending() {
			c.queue(l, k.message)
		}
	}
}

// settled notes the server's word on a report that is pending, and reports whether there
// was one.
func (c *client) settled(id wire.SessionID, word func(*Told)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.reports {
		if t := &c.reports[i].told; t.Session == id && t.pending() {
			word(t)
			c.nudge()
			return true
		}
	}
	return false
}

// confirmed takes the server's word that a report is in its journal.
func (c *client) confirmed(id wire.SessionID) bool {
	return c.settled(id, func(t *Told) { t.Confirmed = time.Now() })
}

// unheard takes a refusal of a report for good; one that a full disk brought about is
// tried again.
func (c *client) unheard(m *wire.Refused) bool {
	if m.Why != wire.RefusedUnknown && m.Why != wire.RefusedProtocol {
		return false
	}
	no := c.settled(m.Session, func(t *Told) { t.Refused = true })
	if no {
		c.cfg.Refused(AboutReport, refused(m))
	}
	return no
}

// Report tells the administrator of a problem with a past session of this
// machine; proof is what its key signed. It returns nil once the server has that in its
// journal, ErrOffline or ErrLost when it could not say so, or the server's *RefusedError.
func (h *Host) Report(ctx context.Context, session wire.SessionID, proof []byte) error {
	if box, _ := h.outbox(); box == nil {
		return ErrOffline // the person is there now, and can try again later
	}
	l := newLine(h.client, session)
	l.report = true
	if !h.add(l) {
		return ErrGoing
	}
	defer l.finish(wire.EndCancelled, ErrEnded) // unless the server's word did
	if err := l.post(ctx, &wire.Report{Session: session, Proof: proof}); err != nil {
		return err
	}
	select {
	case <-l.done:
		return l.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}
