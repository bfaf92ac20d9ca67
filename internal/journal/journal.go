// SPDX-License-Identifier: Apache-2.0

// Package journal is the tamper-evident record of interventions: append, list,
// verify, export, purge, hold.
//
// # Shape
//
// An entry is stored as the bytes of one JSON object and a salt. Its leaf is the
// hash of salt and bytes, as they are stored and never re-encoded; the leaves make
// the Merkle tree of RFC 6962, whose hashes are stored beside the entries (package
// tlog of golang.org/x/mod). One row, the head, holds the number of entries, the
// root of the tree and how far it was purged. The columns next to the bytes are an
// index: Verify checks that they agree.
//
// A checkpoint is size and root of the tree at one moment, signed by the journal's
// key. Who kept one can be shown that a later one continues it; clients do so.
//
// A purge erases bytes, salt and index, and keeps the leaf: the tree stays whole,
// and without the salt nobody can guess what the leaf was made of.
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
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Errors of this package.
var (
	ErrInvalid  = errors.New("journal: invalid event")
	ErrTampered = errors.New("journal: record does not verify")
)

// Hash is a hash of the tree.
type Hash = tlog.Hash

// Entry is one record as it is stored.
type Entry struct {
	Number int64     // from 1, without gaps; the leaf's place in the tree plus one
	At     time.Time // to the millisecond, UTC
	Event  Event
	Salt   []byte
	Body   []byte // the stored bytes
	Leaf   Hash
}

// Keys are what the entry is searched by.
func (e Entry) Keys() Keys { return e.Event.keys() }

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

// maxBody bounds one entry; every field is bounded below it.
const maxBody = 8192

// saltLength makes 128 bits that nobody can try.
const saltLength = 16

// Append records e in tx. The entry is durable when tx is committed.
func Append(ctx context.Context, tx *sql.Tx, at time.Time, e Event) (Entry, error) {
	if err := check(e); err != nil {
		return Entry{}, err
	}
	h, err := readHead(ctx, tx)
	if err != nil {
		return Entry{}, err
	}
	at = at.UTC().Truncate(time.Millisecond)
	body, err := encode(h.size+1, at, e)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{Number: h.size + 1, At: at, Event: e, Salt: newSalt(), Body: body}
	if entry.Leaf, err = grow(ctx, tx, h, entry.Salt, body); err != nil {
		return Entry{}, err
	}
	return entry, insert(ctx, tx, entry)
}

func newSalt() []byte {
	salt := make([]byte, saltLength)
	rand.Read(salt) // never fails
	return salt
}

// insert stores the readable part of an entry.
func insert(ctx context.Context, tx *sql.Tx, e Entry) error {
	k := e.Event.keys()
	_, err := tx.ExecContext(ctx, `insert into journal values (?,?,?,?,?,?,?,?)`, e.Number, e.At.UnixMilli(),
		e.Event.Type(), k.Session, k.Login, k.Machine, e.Salt, e.Body)
	if err != nil {
		return fmt.Errorf("journal: append: %w", err)
	}
	return nil
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
