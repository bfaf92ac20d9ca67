// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// markEvery is how many entries there are without a checkpoint, at most: what no checkpoint covers
// can still be changed by whoever can write the database.
const markEvery = 1000

// purgeEvery is how often old entries are looked for.
const purgeEvery = 24 * time.Hour

// loadJournalKey reads the journal's key. A data directory of an earlier version has
// none yet; one whose checkpoints were signed must not silently get another.
func (s *Server) loadJournalKey(ctx context.Context) error {
	k, err := trust.LoadJournalKey(s.path(fileJournal))
	if errors.Is(err, fs.ErrNotExist) {
		return s.makeJournalKey(ctx)
	}
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.journal = k
	return nil
}

// makeJournalKey is for the journal of an earlier version, which it signs as it is.
func (s *Server) makeJournalKey(ctx context.Context) error {
	last, err := journal.Newest(ctx, s.store.reader)
	if err != nil {
		return err
	}
	if _, none := os.Lstat(s.path(fileCheckpoint)); last.Note != nil || none == nil {
		return fmt.Errorf("%w: %s is missing: put it back from a backup", ErrConfig, s.path(fileJournal))
	}
	if s.journal, err = trust.CreateJournalKey(s.path(fileJournal)); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return s.firstCheckpoint(ctx)
}

// lookAtClock warns, before anything is recorded, of a clock that is behind the journal.
// Nothing is purged meanwhile: see journal.Steady.
func (s *Server) lookAtClock(ctx context.Context) error {
	ahead, err := journal.Ahead(ctx, s.store.reader, s.now())
	if err == nil && ahead > 0 {
		s.log.Error("the clock is behind the journal: it went back, or was wrong when the newest entries were written; nothing is erased until it has passed them",
			"behind", ahead.Round(time.Second), "now", s.now().UTC().Format(time.RFC3339))
	}
	return err
}

// checkpoint signs where the journal stands.
func (s *Server) checkpoint(ctx context.Context) (journal.Checkpoint, error) {
	var c journal.Checkpoint
	err := s.store.write(ctx, func(t *transaction) (err error) {
		c, err = s.signIn(t)
		return err
	})
	if err != nil {
		return c, err
	}
	return c, s.keep(ctx, c, false)
}

// tendJournal makes checkpoints and purges until ctx ends. It looks every second, so
// that a burst of entries is signed soon.
func (s *Server) tendJournal(ctx context.Context) {
	tick := time.NewTicker(s.limits.kick)
	defer tick.Stop()
	var purged time.Time
	for {
		if s.now().Sub(purged) >= purgeEvery {
			purged = s.now()
			err := s.noteDay(ctx)
			if err == nil {
				_, err = s.Purge(ctx, byServer, false)
			}
			if err != nil && ctx.Err() == nil {
				s.log.Error("old entries of the journal could not be purged", "error", err)
			}
		}
		known := s.rewritten.Load()
		if err := s.markSoon(ctx); err != nil && ctx.Err() == nil && !(known && errors.Is(err, ErrHistory)) {
			s.log.Error("the journal could not be signed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// markSoon makes a checkpoint when it is time.
func (s *Server) markSoon(ctx context.Context) error {
	last, err := journal.Newest(ctx, s.store.reader)
	if err != nil {
		return err
	}
	size, err := journal.Size(ctx, s.store.reader)
	if err != nil {
		return err
	}
	if due := size != last.Size && (size-last.Size >= markEvery || s.now().Sub(last.At) >= s.limits.mark); !due && !s.rewritten.Load() {
		return nil
	}
	_, err = s.checkpoint(ctx)
	return err
}

// witness answers an end that wants the newest checkpoint. To one that has kept a larger tree
// there is nothing to prove: it gets the checkpoint without a proof, and refuses the server, unless
// a restart follows.
func (s *Server) witness(ctx context.Context, m *wire.CheckpointAsk) (*wire.Checkpoint, error) {
	if s.rewritten.Load() {
		return nil, ErrHistory
	}
	last, err := journal.Newest(ctx, s.store.reader)
	if err != nil {
		return nil, err
	}
	out := &wire.Checkpoint{Key: s.journal.Public(), Note: last.Note}
	if m.Size <= uint64(last.Size) {
		if out.Proof, err = s.proof(ctx, last.Size, int64(m.Size)); err != nil {
			return nil, err
		}
	}
	b, err := os.ReadFile(s.path(fileRestart))
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	r, err := trust.VerifyRestart(b, s.unit, s.now())
	if err != nil {
		s.log.Error("the restart of the journal is of no use any more", "error", err)
		return out, nil
	}
	out.Restart = b
	out.RestartProof, err = s.proof(ctx, last.Size, r.Size)
	return out, err
}

// proof is that of one tree continuing another, as it travels.
func (s *Server) proof(ctx context.Context, newer, older int64) ([]byte, error) {
	list, err := journal.Continues(ctx, s.store.reader, newer, older)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, h := range list {
		out = append(out, h[:]...)
	}
	return out, nil
}

// checkpointed sends what witness says; without it the client goes on with nothing else.
func (l *link) checkpointed(ctx context.Context, m *wire.CheckpointAsk) error {
	c, err := l.server.witness(ctx, m)
	if err != nil {
		l.server.log.Error("the journal cannot be shown", "error", err)
		return errors.Join(errJournal, err)
	}
	return l.send(ctx, c)
}
