// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	r, err := s.draftRestart(ctx, w)
	if err != nil {
		return err
	}
	r.Issued = s.now().Unix()
	b, err := unit.SignRestart(*r)
	if err != nil {
		return err
	}
	return s.PublishRestart(ctx, b)
}

// draftRestart records why, and returns what is to be vouched for. A database that
// contradicts itself is not: it needs a backup.
func (s *Server) draftRestart(ctx context.Context, w Who) (*trust.Restart, error) {
	r := &trust.Restart{Key: s.journal.Public()}
	err := s.store.write(ctx, func(t *transaction) error {
		if _, err := journal.Verify(t, t.Tx, s.journal.Public()); err != nil {
			return err
		}
		size, err := journal.Size(t, t.Tx)
		if err != nil {
			return err
		}
		if err := t.record(s.now(), &journal.JournalRestarted{By: w.By, Reason: w.Reason, Size: size}); err != nil {
			return err
		}
		size, root, err := journal.Head(t, t.Tx)
		r.Size, r.Root = size, root
		return err
	})
	return r, err
}

// PublishRestart takes the unit's word: the journal is signed from there on, whatever was
// signed of it before.
func (s *Server) PublishRestart(ctx context.Context, b []byte) error {
	r, err := trust.VerifyRestart(b, s.unit, s.now())
	if err == nil && !bytes.Equal(r.Key, s.journal.Public()) {
		err = fmt.Errorf("%w: of another journal", trust.ErrRestart)
	}
	if err != nil {
		return err
	}
	var c journal.Checkpoint
	err = s.store.write(ctx, func(t *transaction) error {
		err := journal.Holds(t, t.Tx, r.Size, r.Root)
		if errors.Is(err, journal.ErrTampered) {
			return fmt.Errorf("%w: of another journal: %w", trust.ErrRestart, err)
		}
		if err != nil {
			return err
		}
		c, err = s.signAnew(t)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.keep(ctx, c, true); err != nil {
		return err
	}
	return replaceFile(s.path(fileRestart), b)
}

// restart says of the unit's word for a restored journal whether it still counts: apps that were off
// since then need it.
func (f *Findings) restart(s *Server) {
	b, err := os.ReadFile(s.path(fileRestart))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		_, err = trust.VerifyRestart(b, s.unit, s.now())
	}
	if err != nil {
		f.add(Note, "journal", "WARNING: %s is of no use any more, as after a change of the unit key: apps that were off since the restore refuse this server; run \"journal restart\" again (%v)",
			fileRestart, err)
	}
}
