// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"slices"
	"time"

	"assist/internal/wire"
)

// maxNotes is how many records are kept for a server that is away.
const maxNotes = 256

// noted is one signed record, and when it was made.
type noted struct {
	message *wire.Noted
	at      time.Time
}

// Note has the server record what this end signed, now or when it is there again. It
// does not wait.
func (l *line) Note(record []byte) {
	l.client.note(&wire.Noted{Session: l.id, Record: record})
}

// note keeps a record, so that it can be told again after a lost connection: the
// server takes each once.
func (c *client) note(m *wire.Noted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notes) == maxNotes {
		c.notes = slices.Delete(c.notes, 0, 1)
		c.dropped(dropNote)
	}
	c.notes = append(c.notes, noted{m, time.Now()})
	if c.link != nil {
		c.queue(c.link, m)
	}
}

// retell queues the records of the last hour again, oldest first; mu is held.
func (c *client) retell(l *link) {
	for _, n := range c.notes {
		if time.Since(n.at) < byeLife {
			c.queue(l, n.message)
		}
	}
}
