// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Querier reads: a database, a connection or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Filter chooses entries. Zero values choose everything; the newest come first.
type Filter struct {
	Keys
	Before int64 // only entries with a smaller number; 0 for the newest
	Limit  int   // at most this many; 0 means 100, at most 1000
}

// List returns entries, newest first. To page, give the last number as Before.
func List(ctx context.Context, q Querier, f Filter) ([]Entry, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	query, args := f.where()
	rows, err := q.QueryContext(ctx, `select number, at, type, session, login, machine, body, hash from journal`+query+
		` order by number desc limit ?`, append(args, min(limit, 1000))...)
	if err != nil {
		return nil, fmt.Errorf("journal: list: %w", err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func (f Filter) where() (string, []any) {
	query, args := ` where number < ?`, []any{f.Before}
	if f.Before <= 0 {
		query, args = ` where number > ?`, []any{0}
	}
	for _, c := range []struct{ column, value string }{
		{"session", f.Session}, {"login", f.Login}, {"machine", f.Machine},
	} {
		if c.value != "" {
			// The second condition lets SQLite use the partial index.
			query += " and " + c.column + " = ? and " + c.column + " <> ''"
			args = append(args, c.value)
		}
	}
	return query, args
}

// scan reads one row and checks that its columns agree with its bytes.
func scan(rows *sql.Rows) (Entry, error) {
	var e Entry
	var at int64
	var name string
	var k Keys
	var hash []byte
	if err := rows.Scan(&e.Number, &at, &name, &k.Session, &k.Login, &k.Machine, &e.Body, &hash); err != nil {
		return e, fmt.Errorf("journal: read entry: %w", err)
	}
	s, event, err := decode(e.Body)
	if err != nil {
		return e, fmt.Errorf("entry %d: %w", e.Number, err)
	}
	if s.Number != e.Number || s.AtMilli != at || s.Type != name || event.keys() != k || len(hash) != len(e.Hash) {
		return e, fmt.Errorf("%w: entry %d: columns and bytes disagree", ErrTampered, e.Number)
	}
	e.At, e.Event, e.Hash = time.UnixMilli(at).UTC(), event, Hash(hash)
	return e, nil
}

// Report is what Verify found.
type Report struct {
	Entries int64
	Head    Hash      // chain hash of the last entry
	First   time.Time // zero when there are none
	Last    time.Time
}

// Verify reads the whole record and recomputes every hash. The error wraps
// ErrTampered and names the first entry that does not fit. A person who can
// rewrite the whole file can also recompute the chain: compare Head with a
// copy kept elsewhere.
func Verify(ctx context.Context, q Querier) (Report, error) {
	var r Report
	var prev Hash
	rows, err := q.QueryContext(ctx, `select number, at, type, session, login, machine, body, hash from journal order by number`)
	if err != nil {
		return r, fmt.Errorf("journal: verify: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return r, err
		}
		if err := r.follow(e, prev); err != nil {
			return r, err
		}
		prev = e.Hash
	}
	if err := rows.Err(); err != nil {
		return r, fmt.Errorf("journal: verify: %w", err)
	}
	_ = rows.Close()
	return r, r.checkHead(ctx, q)
}

// follow takes one more entry into the report if it continues the chain.
func (r *Report) follow(e Entry, prev Hash) error {
	if e.Number != r.Entries+1 {
		return fmt.Errorf("%w: entry %d is missing", ErrTampered, r.Entries+1)
	}
	want := chain(prev, e.Body)
	if !bytes.Equal(want[:], e.Hash[:]) {
		return fmt.Errorf("%w: entry %d: wrong hash", ErrTampered, e.Number)
	}
	if r.First.IsZero() {
		r.First = e.At
	}
	r.Entries, r.Head, r.Last = e.Number, e.Hash, e.At
	return nil
}

func (r *Report) checkHead(ctx context.Context, q Querier) error {
	number, hash, err := head(ctx, q)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: the head is missing", ErrTampered)
	}
	if err != nil {
		return err
	}
	if number != r.Entries || hash != r.Head {
		return fmt.Errorf("%w: the head stands at entry %d, the last entry is %d", ErrTampered, number, r.Entries)
	}
	return nil
}
