// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"time"
)

// watchAccounts ends the sessions and connections of accounts that were closed,
// by this process or by the command line in another one, and of those whom the
// charter no longer lets in: revoked, run out, or external and past their hour.
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
	denied, err := s.denied(ctx)
	if err != nil {
		return err
	}
	for id := range denied {
		open, err := texts(ctx, s.store.reader, `select id from session where ended is null and technician = ?`, id)
		if err != nil {
			return err
		}
		for _, text := range open {
			session, err := parseSession(text)
			if err != nil {
				return err
			}
			s.finishSession(ctx, session, endedByUnit(), subjectHostOf(session), subjectTechnician(session))
		}
		if err := s.bus.knock(subjectAccount(id)); err != nil {
			return err
		}
	}
	return nil
}
