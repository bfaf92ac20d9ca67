// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Querier reads: a database, a connection or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Known says whether there are events of this name.
func Known(name string) bool { return newEvent(name) != nil }

// Names are those of all events.
func Names() []string {
	var out []string
	for _, e := range newEvents() {
		out = append(out, e.Type())
	}
	return out
}

// Filter chooses entries. Zero values choose everything; the newest come first.
type Filter struct {
	Keys
	Type   string // only events of this name
	Before int64  // only entries with a smaller number; 0 for the newest
	Limit  int    // at most this many; 0 means 100, at most 1000
}

const columns = `number, at, type, session, login, machine, salt, body`

// List returns entries, newest first. To page, give the last number as Before.
func List(ctx context.Context, q Querier, f Filter) ([]Entry, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	query, args := f.where()
	return read(ctx, q, query+` order by number desc limit ?`, append(args, min(limit, 1000))...)
}

// read returns the entries that the end of a query chooses.
func read(ctx context.Context, q Querier, end string, args ...any) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, `select `+columns+` from journal`+end, args...)
	if err != nil {
		return nil, fmt.Errorf("journal: read: %w", err)
	}
	defer rows.Close()
	var out []Entry
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.number, &r.at, &r.name, &r.Session, &r.Login, &r.Machine, &r.salt, &r.body); err != nil {
			return nil, fmt.Errorf("journal: read entry: %w", err)
		}
		e, err := r.entry()
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
	if f.Type != "" {
		query, args = query+` and type = ?`, append(args, f.Type)
	}
	return f.narrow(query, args)
}

// narrow adds the keys that are set.
func (k Keys) narrow(query string, args []any) (string, []any) {
	for _, c := range []struct{ column, value string }{
		{"session", k.Session}, {"login", k.Login}, {"machine", k.Machine},
	} {
		if c.value != "" {
			// The second condition lets SQLite use the partial index.
			query += " and " + c.column + " = ? and " + c.column + " <> ''"
			args = append(args, c.value)
		}
	}
	return query, args
}

// row is an entry with its index, as the table has it.
type row struct {
	Keys
	number, at int64
	name       string
	salt, body []byte
}

// entry reads the bytes and checks that the columns agree with them.
func (r row) entry() (Entry, error) {
	s, event, err := decode(r.body)
	if err != nil {
		return Entry{}, fmt.Errorf("entry %d: %w", r.number, err)
	}
	if s.Number != r.number || s.AtMilli != r.at || s.Type != r.name || event.keys() != r.Keys {
		return Entry{}, fmt.Errorf("%w: entry %d: columns and bytes disagree", ErrTampered, r.number)
	}
	return Entry{Number: r.number, At: time.UnixMilli(r.at).UTC(), Event: event, Salt: r.salt, Body: r.body,
		Leaf: leafOf(r.salt, r.body)}, nil
}
