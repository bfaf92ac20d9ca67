// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"assist/internal/journal"
)

// ErrHistory says that the journal does not go on from what was signed of it.
var ErrHistory = errors.New("server: the journal was rewritten or cut, or an older database was put back; no request is taken, and nothing is signed, " +
	"until a backup is put back or the unit vouches for it (journal restart)")

// anchor is the newest checkpoint, as it is kept in a file too: whoever can write the
// database, and has no key, must not be able to take it away.
type anchor struct {
	size int64
	root journal.Hash
	note []byte
}

func (s *Server) openAnchor(note []byte) (*anchor, error) {
	size, root, _, err := s.journal.Public().OpenCheckpoint(note)
	if err != nil {
		return nil, err
	}
	return &anchor{size, root, note}, nil
}

// anchored reads the file; nil when there is none, as in a data directory of an earlier version.
func (s *Server) anchored() (*anchor, error) {
	note, err := os.ReadFile(s.path(fileCheckpoint))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	a, err := s.openAnchor(note)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrHistory, fileCheckpoint, err)
	}
	return a, nil
}

// held checks that the journal goes on from the newest checkpoint. Entries without any
// checkpoint are nobody's: a data directory begins with one.
func (s *Server) held(ctx context.Context, q journal.Querier, a *anchor) error {
	if a == nil {
		last, err := journal.Newest(ctx, q)
		if err != nil {
			return err
		}
		if last.Note == nil {
			return unsignedEntries(ctx, q)
		}
		if a, err = s.openAnchor(last.Note); err != nil {
			return fmt.Errorf("%w: %w", ErrHistory, err)
		}
	}
	err := journal.Holds(ctx, q, a.size, a.root)
	if err == nil {
		err = journal.Sound(ctx, q, s.journal.Public(), a.size, s.now())
	}
	if errors.Is(err, journal.ErrTampered) {
		return fmt.Errorf("%w: %w", ErrHistory, err)
	}
	return err
}

func unsignedEntries(ctx context.Context, q journal.Querier) error {
	size, err := journal.Size(ctx, q)
	if err == nil && size > 0 {
		err = fmt.Errorf("%w: it has %d entries, and no checkpoint of any", ErrHistory, size)
	}
	return err
}

// signIn signs where the journal stands in a transaction, unless that does not go on from
// what was signed before. The caller keeps it once the transaction is durable.
func (s *Server) signIn(t *transaction) (journal.Checkpoint, error) {
	a, err := s.anchored()
	if err == nil {
		err = s.held(t, t.Tx, a)
	}
	if errors.Is(err, ErrHistory) {
		s.rewritten.Store(true)
	}
	if err != nil {
		return journal.Checkpoint{}, err
	}
	s.rewritten.Store(false) // the unit has vouched for it meanwhile, say
	return s.signAnew(t)
}

// signAnew is signIn for a journal that somebody vouches for.
func (s *Server) signAnew(t *transaction) (journal.Checkpoint, error) {
	c, err := journal.Sign(t, t.Tx, s.journal, s.now())
	if err != nil {
		return c, err
	}
	a, err := s.openAnchor(c.Note) // it may be an old one, from the database
	if err == nil {
		err = s.held(t, t.Tx, a)
	}
	return c, err
}

// keep puts the newest checkpoint into the file. It never goes back but where the unit
// says so. The transaction is a lock: other processes sign too.
func (s *Server) keep(ctx context.Context, c journal.Checkpoint, vouched bool) error {
	return s.store.write(ctx, func(*transaction) error {
		a, err := s.anchored()
		if err != nil && !vouched {
			return err
		}
		if a != nil && (bytes.Equal(a.note, c.Note) || (!vouched && a.size >= c.Size)) {
			return nil
		}
		return replaceFile(s.path(fileCheckpoint), c.Note)
	})
}

// firstCheckpoint signs the journal of a data directory that has just been made.
func (s *Server) firstCheckpoint(ctx context.Context) error {
	var c journal.Checkpoint
	err := s.store.write(ctx, func(t *transaction) (err error) {
		c, err = s.signAnew(t)
		return err
	})
	if err != nil {
		return err
	}
	return s.keep(ctx, c, false)
}

// holdsTo holds a journal that was verified against what is kept beside the database, which
// is never newer: it is written last.
func (s *Server) holdsTo(ctx context.Context, q journal.Querier, r journal.Report, a *anchor) error {
	if err := s.held(ctx, q, a); err != nil {
		return err
	}
	if a != nil && r.Signed < a.size {
		return fmt.Errorf("%w: the checkpoint of %d entries, %s, is missing in the database", ErrHistory, a.size, fileCheckpoint)
	}
	return nil
}
