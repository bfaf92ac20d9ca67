// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
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
	var faults []error // one account's holds up no other's
	for id := range denied {
		faults = append(faults, s.finishAll(ctx, id), s.bus.knock(subjectAccount(id)))
	}
	return errors.Join(faults...)
}

// finishAll ends the sessions of a technician. A row that names none holds up no other.
func (s *Server) finishAll(ctx context.Context, technician string) error {
	open, err := texts(ctx, s.store.reader, `select id from session where ended is null and technician = ?`, technician)
	faults := []error{err}
	for _, text := range open {
		session, err := parseSession(text)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		s.finishSession(ctx, session, endedByUnit(), subjectHostOf(session), subjectTechnician(session))
	}
	return errors.Join(faults...)
}
