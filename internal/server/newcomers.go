// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Whoever has the join code can make keys without end, and each new one is a row here
// and an entry of the journal. So a day (UTC) takes in a number of machines and no more,
// in all and from one address; the count is in the database, where a restart does not
// forget it. A key that was seen before is never counted, nor under another unit key.

// newcomerWait is when a machine that found no place is told to come again: an
// administrator may have raised the limit by then.
const newcomerWait = 10 * time.Minute

// keySum is what is remembered of a host's key when the unit key has changed.
func keySum(hostKey []byte) string {
	sum := sha256.Sum256(hostKey)
	return hex.EncodeToString(sum[:])
}

// newcomer is a machine that asks to be remembered.
type newcomer struct {
	sum    string       // of its key
	prefix netip.Prefix // where it comes from
	day    int64
}

// room is whether the day still takes n in, and whether it is to be counted: it is not
// when its key was seen before.
func (t *transaction) room(n newcomer, c serverConfig) (counts bool, err error) {
	var known, all, near int
	row := t.QueryRowContext(t, `select (select count(*) from machine where key_sum = ?), coalesce(sum(machines), 0),
		coalesce(sum(case when prefix = ? then machines end), 0) from newcomer where day = ?`, n.sum, n.prefix.String(), n.day)
	if err := row.Scan(&known, &all, &near); err != nil {
		return false, fmt.Errorf("server: database: %w", err)
	}
	switch {
	case known > 0:
		return false, nil
	case all >= c.NewMachinesPerDay:
		return true, fmt.Errorf("%w: server.new_machines_per_day is %d", errCrowded, c.NewMachinesPerDay)
	case near >= c.NewMachinesPerAddress:
		return true, fmt.Errorf("%w: server.new_machines_per_address is %d", errCrowded, c.NewMachinesPerAddress)
	}
	return true, nil
}

// welcome counts n, and forgets where those of earlier days came from.
func (t *transaction) welcome(n newcomer) error {
	if _, err := t.exec(`delete from newcomer where day < ?`, n.day); err != nil {
		return err
	}
	_, err := t.exec(`insert into newcomer values (?, ?, 1) on conflict (day, prefix) do update set machines = machines + 1`,
		n.day, n.prefix.String())
	return err
}

// hasRoom looks before the number is computed, which is slow on purpose.
func (s *Server) hasRoom(ctx context.Context, n newcomer) error {
	return s.store.read(ctx, func(t *transaction) error {
		_, err := t.room(n, s.cfg.Server)
		return err
	})
}

// turnedAway warns of the first machine in a day that finds no place, by reason: who
// sends a million of them must not fill the log instead.
func (s *Server) turnedAway(n newcomer, why error) {
	if s.crowd.first(n.day, why.Error()) {
		s.log.Warn("a new machine is turned away, as are all further ones today; not said again", "from", n.prefix.String(), "error", why)
	}
}

// crowd is what was said today. mu guards it.
type crowd struct {
	mu   sync.Mutex
	day  int64
	said []string
}

// first reports whether something is new today.
func (c *crowd) first(day int64, what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.day != day {
		c.day, c.said = day, nil
	}
	if slices.Contains(c.said, what) {
		return false
	}
	c.said = append(c.said, what) // one per limit
	return true
}

// sumKeys notes the sums of the keys that are known when the column is new.
func sumKeys(ctx context.Context, tx *sql.Tx) error {
	t := &transaction{Context: ctx, Tx: tx}
	keys, err := texts(ctx, tx, `select hex(host_key) from machine where length(host_key) > 16`)
	if err != nil {
		return err
	}
	for _, k := range keys {
		key, err := hex.DecodeString(k)
		if err != nil {
			return fmt.Errorf("server: database: %w", err)
		}
		if _, err := t.exec(`update machine set key_sum = ? where host_key = ?`, keySum(key), key); err != nil {
			return err
		}
	}
	return nil
}

// newcomers says how many machines came today, and whether more may.
func (f *Findings) newcomers(ctx context.Context, s *Server) {
	var all, most int
	var where string
	row := s.store.reader.QueryRowContext(ctx, `select coalesce(sum(machines), 0), coalesce(max(machines), 0),
		coalesce((select prefix from newcomer where day = ?1 order by machines desc limit 1), '') from newcomer where day = ?1`, dayOf(s.now()))
	if err := row.Scan(&all, &most, &where); err != nil {
		f.add(Bad, "new machines", "%v", err)
		return
	}
	c := s.cfg.Server
	switch {
	case all >= c.NewMachinesPerDay:
		f.add(Note, "new machines", "WARNING: %d today, %d of them from %s; further ones are refused until midnight UTC, or until server.new_machines_per_day is raised",
			all, most, where)
	case most >= c.NewMachinesPerAddress:
		f.add(Note, "new machines", "WARNING: %d today from %s; further ones from there are refused until midnight UTC, or until server.new_machines_per_address is raised",
			most, where)
	default:
		f.add(Good, "new machines", "%d today, of %d at most", all, c.NewMachinesPerDay)
	}
}
