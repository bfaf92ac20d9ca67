// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"fmt"

	"assist/internal/journal"
)

// JournalFilter and JournalEntry are the journal's own: programs that only print
// need not import it.
type (
	JournalFilter = journal.Filter
	JournalEntry  = journal.Entry
)

// Journal lists entries of the journal, newest first.
func (s *Server) Journal(ctx context.Context, f JournalFilter) ([]JournalEntry, error) {
	return journal.List(ctx, s.store.reader, f)
}

// VerifyJournal recomputes the whole journal, as it stands at one moment.
func (s *Server) VerifyJournal(ctx context.Context) (journal.Report, error) {
	tx, err := s.store.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return journal.Report{}, fmt.Errorf("server: database: %w", err)
	}
	defer tx.Rollback()
	return journal.Verify(ctx, tx)
}
