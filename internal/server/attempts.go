// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"assist/internal/journal"
)

// tooMany says how long a client must wait before it may try again.
type tooMany struct{ wait time.Duration }

func (e *tooMany) Error() string { return "server: too many attempts, wait " + e.wait.String() }

// seconds is the wait as wire.Refused carries it, rounded up.
func (e *tooMany) seconds() uint16 {
	return uint16(min(max(1, (e.wait+time.Second-1)/time.Second), 0xffff))
}

// tally is a counter of failures that outlives a restart.
type tally struct {
	key    string
	free   int           // failures without delay
	forget time.Duration // of quiet, after which it starts again
}

// maxDelay is where the doubling of delays stops.
const maxDelay = 15 * time.Minute

// tallies of one try. A try with the account's own device key is counted apart,
// so that a stranger cannot lock a technician out by guessing. The login may be
// anything: a login nobody has is counted like any other.
func tallies(login, factor string, ownDevice bool, from netip.Addr) []tally {
	return []tally{
		{"account:" + factor + ":" + strconv.FormatBool(ownDevice) + ":" + login, 3, 24 * time.Hour},
		fromAddress(from),
	}
}

func fromAddress(from netip.Addr) tally {
	return tally{"address:" + neighbourhood(from).String(), 20, time.Hour}
}

func (t tally) delay(failures int) time.Duration {
	over := failures - t.free
	if over <= 0 {
		return 0
	}
	if over > 10 {
		return maxDelay
	}
	return min(maxDelay, time.Second<<(over-1))
}

// attempt counts one try as failed before it is judged, so that tries made at
// the same time cannot slip past; succeeded takes it back. The error is a
// *tooMany when one of the counters says to wait; the try is then not counted.
func (s *Server) attempt(ctx context.Context, counters []tally) error {
	now := s.now().UnixMilli()
	return s.store.write(ctx, func(t *transaction) error {
		if _, err := t.exec(`delete from attempt where last < ?`, now-(24*time.Hour).Milliseconds()); err != nil {
			return err
		}
		for _, c := range counters {
			if err := t.count(c, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *transaction) count(c tally, now int64) error {
	var failures int
	var until, last int64
	row := t.QueryRowContext(t, `select failures, until, last from attempt where key = ?`, c.key)
	if err := row.Scan(&failures, &until, &last); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("server: database: %w", err)
	}
	if quiet := now - last; quiet > c.forget.Milliseconds() || -quiet > journal.ClockTolerance.Milliseconds() {
		failures = 0 // or counted while the clock was ahead
	}
	if failures > 0 && until > now {
		return &tooMany{time.Duration(until-now) * time.Millisecond}
	}
	failures++
	_, err := t.exec(`insert into attempt values (?, ?, ?, ?) on conflict (key)
		do update set failures = excluded.failures, until = excluded.until, last = excluded.last`,
		c.key, failures, now+c.delay(failures).Milliseconds(), now)
	return err
}

// succeeded clears the account's counter and takes this try off the address's,
// which other accounts share.
func (s *Server) succeeded(ctx context.Context, counters []tally) error {
	return s.store.write(ctx, func(t *transaction) error {
		for i, c := range counters {
			query := `update attempt set failures = max(0, failures - 1), until = 0 where key = ?`
			if i == 0 && len(counters) > 1 {
				query = `delete from attempt where key = ?`
			}
			if _, err := t.exec(query, c.key); err != nil {
				return err
			}
		}
		return nil
	})
}
