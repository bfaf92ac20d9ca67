// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"assist/internal/journal"
)

// Machine is a machine as the list shows it.
type Machine struct {
	Number         string
	FirstSeen      time.Time
	LastSeen       time.Time // to the day
	DuplicateSince time.Time // zero unless two hosts have its key
}

// Machines lists all machines of the unit key in force by number.
func (s *Server) Machines(ctx context.Context) ([]Machine, error) {
	rows, err := s.store.reader.QueryContext(ctx, `select id, first_seen, last_seen_day, duplicate from machine
		where length(host_key) > 16 order by id`)
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	defer rows.Close()
	var out []Machine
	for rows.Next() {
		var m Machine
		var first, day, duplicate int64
		if err := rows.Scan(&m.Number, &first, &day, &duplicate); err != nil {
			return nil, fmt.Errorf("server: database: %w", err)
		}
		m.FirstSeen, m.LastSeen, m.DuplicateSince = fromUnix(first), fromUnix(day*24*60*60), fromUnix(duplicate)
		out = append(out, m)
	}
	return out, rows.Err()
}

// ReleaseMachine lets a machine in again that two hosts claimed to be.
func (s *Server) ReleaseMachine(ctx context.Context, number string) error {
	return s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`update machine set duplicate = 0 where id = ? and duplicate <> 0`, number)
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("%w: %s, or it is not held back", ErrMachine, number)
		}
		return t.record(s.now(), &journal.MachineReleased{Machine: number, By: t.by})
	})
}

// heldBack reports whether two hosts claimed to be this machine.
func (st *store) heldBack(ctx context.Context, machine string) (bool, error) {
	var n int
	err := st.reader.QueryRowContext(ctx, `select count(*) from machine where id = ? and duplicate <> 0`, machine).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("server: database: %w", err)
	}
	return n > 0, nil
}

// claim takes the machine's place, unless a live host has it: then neither may
// have it, for nobody here can tell which one is meant. A first host that no
// longer answers gives way; one that is just leaving (an app that joins anew) is
// given a moment.
func (h *host) claim(ctx context.Context) error {
	s := h.server
	for look := 0; ; look++ {
		reply, err := s.bus.ask(ctx, subjectClaim(h.machine), nil, s.limits.claim)
		if errors.Is(err, errNotListened) || reply == replyGone {
			return nil
		}
		if look > 0 {
			return h.twins(ctx, reply)
		}
		wait := time.NewTimer(s.limits.settle)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return context.Cause(ctx)
		}
	}
}

// twins holds the machine back until an administrator releases it: first the
// record, so that neither comes back in between, then word to the first host.
func (h *host) twins(ctx context.Context, reply string) error {
	s := h.server
	_, first, _ := strings.Cut(reply, " ")
	second := h.from.Addr().String()
	err := s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`update machine set duplicate = ? where id = ? and duplicate = 0`, s.now().Unix(), h.machine)
		if err != nil || n == 0 {
			return err
		}
		return t.record(s.now(), &journal.MachineDuplicate{Machine: h.machine, First: first, Second: second})
	})
	if err != nil {
		return err
	}
	s.log.Warn("two live hosts have one key; both are refused until the machine is released", "machine", h.machine, "first", first, "second", second)
	return errors.Join(errDuplicate, s.bus.tell(subjectClaim(h.machine), claimLeave))
}

// claimLeave, on a claim's subject, tells the host that has the place to go.
const claimLeave = "leave"
