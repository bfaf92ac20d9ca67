// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"strings"

	"assist/internal/journal"
	"assist/internal/trust"
)

// RestartJournal has the unit vouch for the journal as it stands, after a restore: apps
// that have kept a newer history refuse the older one until the unit key says that it
// counts. That it was done stays in the journal.
func (s *Server) RestartJournal(ctx context.Context, passphrase string, w Who) error {
	if strings.TrimSpace(w.Reason) == "" {
		return ErrReason
	}
	unit, err := s.unlock(passphrase)
	if err != nil {
		return err
	}
	size, err := journal.Size(ctx, s.store.reader)
	if err != nil {
		return err
	}
	if err := s.record(ctx, &journal.JournalRestarted{By: w.By, Reason: w.Reason, Size: size}); err != nil {
		return err
	}
	c, err := s.checkpoint(ctx)
	if err != nil {
		return err
	}
	size, root, _, err := s.journal.Public().OpenCheckpoint(c.Note)
	if err != nil {
		return err
	}
	b, err := unit.SignRestart(trust.Restart{Issued: s.now().Unix(), Key: s.journal.Public(), Size: size, Root: root})
	if err != nil {
		return err
	}
	return replaceFile(s.path(fileRestart), b)
}
