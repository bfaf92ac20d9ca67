// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"slices"

	"assist/internal/wire"
)

// Records that the server has not got yet: how many are kept, and how many are told
// again at a time, so that goodbyes and reports find room beside them.
const (
	maxNotes  = 256
	maxRetold = maxOutbox / 2
)

// noted is one signed record that the server has not got yet, as far as is known.
type noted struct {
	message *wire.Noted
	number  uint32 // of this end's records of its session
}

// Note has the server record what this end signed, now or when it is there again. It
// does not wait.
func (l *line) Note(record []byte) {
	l.client.note(&wire.Noted{Session: l.id, Record: record})
}

// note keeps a record until the server has it, and sends it when there is a connection.
func (c *client) note(m *wire.Noted) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notes) == maxNotes {
		c.notes = slices.Delete(c.notes, 0, 1)
		c.dropped(dropNote)
	}
	c.notes = append(c.notes, noted{m, numberOf(m.Record)})
	if c.link != nil {
		c.queue(c.link, m)
	}
}

// numberOf reads a record's number, without believing it; 0 for what is no record.
func numberOf(env []byte) uint32 {
	e, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		return 0
	}
	body, err := wire.UnmarshalSigned(e.Body)
	if err != nil {
		return 0
	}
	if r, ok := body.(*wire.Record); ok {
		return r.Number
	}
	return 0
}

// recorded forgets what is in the server's journal.
func (c *client) recorded(m *wire.Recorded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := len(c.notes)
	c.notes = slices.DeleteFunc(c.notes, func(n noted) bool {
		return n.message.Session == m.Session && n.number <= m.Number
	})
	if len(c.notes) < was {
		c.retold = 0 // what follows may be taken now
	}
}

// retell queues records that the server has not got again, in order: as many as there is
// room for, and from where it left off, so that none waits behind what the server will
// never take. mu is held.
func (c *client) retell(l *link) {
	if c.retold >= len(c.notes) {
		c.retold = 0
	}
	end := min(c.retold+maxRetold, len(c.notes))
	for _, n := range c.notes[c.retold:end] {
		c.queue(l, n.message)
	}
	c.retold = end
}
