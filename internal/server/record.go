// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"assist/internal/journal"
	"assist/internal/trust"
)

// ErrReason says that somebody wants to read the journal without saying why.
var ErrReason = errors.New("server: say why")

// ErrNoEvent says that no event has this name.
var ErrNoEvent = errors.New("server: no event has this name")

// The journal's own types: programs that only print need not import it.
type (
	JournalFilter = journal.Filter
	JournalEntry  = journal.Entry
	JournalKeys   = journal.Keys
)

// Who reads or changes the journal, and why; both are recorded.
type Who struct {
	By     string // account of the operating system
	Reason string
}

// Journal lists entries of the journal, newest first, once it is recorded who looks.
func (s *Server) Journal(ctx context.Context, f JournalFilter, w Who) ([]JournalEntry, error) {
	if strings.TrimSpace(w.Reason) == "" {
		return nil, ErrReason
	}
	if f.Type != "" && !journal.Known(f.Type) {
		return nil, ErrNoEvent
	}
	what := chosen(f.Keys)
	if f.Type != "" {
		what += " of " + f.Type
	}
	if err := s.record(ctx, &journal.JournalRead{By: w.By, Reason: w.Reason, What: what}); err != nil {
		return nil, err
	}
	return journal.List(ctx, s.store.reader, f)
}

// chosen says what keys choose.
func chosen(k JournalKeys) string {
	var out []string
	for _, part := range []struct{ what, value string }{{"session", k.Session}, {"login", k.Login}, {"machine", k.Machine}} {
		if part.value != "" {
			out = append(out, part.what+" "+part.value)
		}
	}
	if out == nil {
		return "everything"
	}
	return strings.Join(out, ", ")
}

// VerifyJournal computes the whole journal again, as it stands at one moment, and holds
// it against the newest checkpoint that is kept beside the database.
func (s *Server) VerifyJournal(ctx context.Context) (journal.Report, error) {
	a, err := s.anchored() // before the database, which may be signed meanwhile
	if err != nil {
		return journal.Report{}, err
	}
	tx, err := s.store.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return journal.Report{}, fmt.Errorf("server: database: %w", err)
	}
	defer tx.Rollback()
	r, err := journal.Verify(ctx, tx, s.journal.Public())
	if err != nil {
		return r, err
	}
	return r, s.holdsTo(ctx, tx, r, a)
}

// ExportJournal writes a copy of what the keys choose: "ndjson", which can be verified
// without this server, or "csv". It returns how many lines of entries it wrote.
func (s *Server) ExportJournal(ctx context.Context, out io.Writer, format string, k JournalKeys, w Who) (int64, error) {
	if strings.TrimSpace(w.Reason) == "" {
		return 0, ErrReason
	}
	var to journal.Checkpoint
	err := s.store.write(ctx, func(t *transaction) error {
		n, err := journal.Count(t, t.Tx, k)
		if err != nil {
			return err
		}
		err = t.record(s.now(), &journal.JournalExported{By: w.By, Reason: w.Reason, Format: format, What: chosen(k), Entries: n})
		if err != nil {
			return err
		}
		to, err = s.signIn(t)
		return err
	})
	if err == nil {
		err = s.keep(ctx, to, false)
	}
	if err != nil {
		return 0, err
	}
	tx, err := s.store.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, fmt.Errorf("server: database: %w", err)
	}
	defer tx.Rollback()
	if format == FormatCSV {
		return journal.WriteCSV(ctx, out, tx, k, to.Size)
	}
	x := journal.Export{Keys: k, Unit: s.cfg.Unit.Name, At: s.now(), Key: s.journal.Public()}
	return journal.WriteNDJSON(ctx, out, tx, x, to, s.journal)
}

// Formats of an export.
const (
	FormatNDJSON = "ndjson"
	FormatCSV    = "csv"
)

// JournalKey is the public half of the key that signs the journal.
func (s *Server) JournalKey() trust.JournalPublic { return s.journal.Public() }

// VerifyExport checks an exported file by the journal's key alone.
func VerifyExport(r io.Reader, key trust.JournalPublic) (journal.ExportReport, error) {
	return journal.VerifyExport(r, key)
}
