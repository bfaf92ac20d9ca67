// SPDX-License-Identifier: Apache-2.0

// Package journal is the tamper-evident record of interventions. It appends,
// lists and verifies; it has no way to change or remove an entry.
//
// # Shape
//
// An entry is stored as the bytes of one JSON object. Its leaf hash is taken
// over those stored bytes, never over a re-encoding; its chain hash covers the
// leaf and the chain hash before it. One row beside the table, the head, holds
// the last number and hash, so that entries cut off the end are noticed too.
// The columns next to the bytes are an index: Verify checks that they agree.
//
// What stands in an entry is a closed list (see Event). There is no field that
// could hold a password, a code, a key, a key stroke or a picture.
//
// Append works inside the caller's transaction, so that an act and its record
// become durable together or not at all. The database must allow one writer
// at a time (SQLite with immediate transactions).
package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Errors of this package.
var (
	ErrInvalid  = errors.New("journal: invalid event")
	ErrTampered = errors.New("journal: record does not verify")
)

// Hash is a leaf or chain hash.
type Hash [sha256.Size]byte

// Entry is one record as it is stored.
type Entry struct {
	Number int64     // from 1, without gaps
	At     time.Time // to the millisecond, UTC
	Event  Event
	Body   []byte // the stored bytes
	Hash   Hash   // chain hash up to and with this entry
}

// stored is the outer object of an entry's bytes; its field order is fixed.
type stored struct {
	Version int             `json:"v"`
	Number  int64           `json:"n"`
	AtMilli int64           `json:"t"`
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data"`
}

// version of the stored form.
const version = 1

// maxBody bounds one entry; every field is bounded well below it.
const maxBody = 4096

// Statements creates the journal's tables and the triggers that refuse to
// change or delete an entry. The caller's list of migrations holds them.
func Statements() []string {
	return []string{
		`create table journal (
			number  integer primary key,
			at      integer not null,
			type    text    not null,
			session text    not null,
			login   text    not null,
			machine text    not null,
			body    blob    not null,
			hash    blob    not null
		) strict`,
		`create index journal_session on journal (session) where session <> ''`,
		`create index journal_login on journal (login, number) where login <> ''`,
		`create index journal_machine on journal (machine, number) where machine <> ''`,
		`create index journal_at on journal (at)`,
		`create table journal_head (
			one    integer primary key check (one = 1),
			number integer not null,
			hash   blob    not null
		) strict`,
		`insert into journal_head values (1, 0, zeroblob(32))`,
		`create trigger journal_no_update before update on journal
			begin select raise(abort, 'the journal is append-only'); end`,
		`create trigger journal_no_delete before delete on journal
			begin select raise(abort, 'the journal is append-only'); end`,
		`create trigger journal_head_no_delete before delete on journal_head
			begin select raise(abort, 'the journal is append-only'); end`,
		`create trigger journal_head_forward before update on journal_head
			when new.number <> old.number + 1
			begin select raise(abort, 'the journal is append-only'); end`,
	}
}

// Append records e in tx. The entry is durable when tx is committed.
func Append(ctx context.Context, tx *sql.Tx, at time.Time, e Event) (Entry, error) {
	if err := check(e); err != nil {
		return Entry{}, err
	}
	last, prev, err := head(ctx, tx)
	if err != nil {
		return Entry{}, err
	}
	at = at.UTC().Truncate(time.Millisecond)
	body, err := encode(last+1, at, e)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{Number: last + 1, At: at, Event: e, Body: body, Hash: chain(prev, body)}
	k := e.keys()
	_, err = tx.ExecContext(ctx, `insert into journal values (?,?,?,?,?,?,?,?)`, entry.Number, at.UnixMilli(),
		e.Type(), k.Session, k.Login, k.Machine, body, entry.Hash[:])
	if err != nil {
		return Entry{}, fmt.Errorf("journal: append: %w", err)
	}
	_, err = tx.ExecContext(ctx, `update journal_head set number = ?, hash = ? where one = 1`, entry.Number, entry.Hash[:])
	if err != nil {
		return Entry{}, fmt.Errorf("journal: move head: %w", err)
	}
	return entry, nil
}

// encode makes the bytes that are stored and hashed.
func encode(number int64, at time.Time, e Event) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, e.Type(), err)
	}
	body, err := json.Marshal(stored{version, number, at.UnixMilli(), e.Type(), data})
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, e.Type(), err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalid, e.Type(), maxBody)
	}
	return body, nil
}

// head returns the number and chain hash of the last entry.
func head(ctx context.Context, q Querier) (int64, Hash, error) {
	var number int64
	var raw []byte
	row := q.QueryRowContext(ctx, `select number, hash from journal_head where one = 1`)
	if err := row.Scan(&number, &raw); err != nil {
		return 0, Hash{}, fmt.Errorf("journal: read head: %w", err)
	}
	if len(raw) != len(Hash{}) {
		return 0, Hash{}, fmt.Errorf("%w: the head's hash has %d bytes", ErrTampered, len(raw))
	}
	return number, Hash(raw), nil
}

// leaf and chain hash different things, so the first byte keeps them apart
// (as RFC 6962 does; the same leaves will serve a tree).
func leaf(body []byte) Hash { return sha256.Sum256(append([]byte{0}, body...)) }

func chain(prev Hash, body []byte) Hash {
	l := leaf(body)
	b := make([]byte, 0, 1+2*len(l))
	b = append(b, 1)
	b = append(b, prev[:]...)
	return sha256.Sum256(append(b, l[:]...))
}
