// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"sync"

	"assist/internal/journal"
)

// strangersPerDay is how many refusals of callers who proved nothing are recorded one by one
// in a day (UTC): whoever reaches the port, from as many addresses as they like, is not to
// fill the disk with them. Those of technicians' own devices are always recorded: their
// accounts are slowed down.
const strangersPerDay = 500

// strangers counts the refusals of a day. A restart begins again.
type strangers struct {
	mu    sync.Mutex
	day   string
	count int
}

// another counts one more and returns how many there are that day.
func (s *strangers) another(day string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.day != day {
		s.day, s.count = day, 0
	}
	s.count++
	return s.count
}

// refuseStranger records that a caller who proved nothing was turned down; a is nil where no
// account has the name. The last of a day that is recorded says that more are not.
func (s *Server) refuseStranger(ctx context.Context, l *link, a *account, at string) error {
	switch n := s.strangers.another(day(s.now())); {
	case n > strangersPerDay:
		return nil
	case n == strangersPerDay:
		at = journal.AtMany
		s.log.Warn("so many strangers were turned down today that no more of them are recorded until tomorrow", "count", n)
	}
	return s.recordRefusal(ctx, l, a, at)
}
