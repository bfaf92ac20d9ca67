// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"time"
)

// watchAccounts ends the sessions and connections of accounts that were closed,
// by this process or by the command line in another one.
func (s *Server) watchAccounts(ctx context.Context) {
	tick := time.NewTicker(s.limits.kick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.kickClosed(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("closed accounts could not be looked up", "error", err)
		}
	}
}

// kickClosed ends the sessions first, so that their hosts hear of it even when
// the technician's connection is elsewhere or gone.
func (s *Server) kickClosed(ctx context.Context) error {
	open, err := texts(ctx, s.store.reader, `select session.id from session join technician on technician.id = session.technician
		where session.ended is null and technician.state <> 'enrolled'`)
	if err != nil {
		return err
	}
	for _, text := range open {
		id, err := parseSession(text)
		if err != nil {
			return err
		}
		s.finishSession(ctx, id, endedByRestart(), subjectHostOf(id), subjectTechnician(id))
	}
	closed, err := texts(ctx, s.store.reader, `select id from technician where state <> 'enrolled'`)
	if err != nil {
		return err
	}
	for _, id := range closed {
		if err := s.bus.knock(subjectAccount(id)); err != nil {
			return err
		}
	}
	return nil
}
