// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Before it was a tree the journal was a chain of hashes. What is here reads such a
// journal once, and makes the tree of it.

// Statements makes the tables of the chain, as the first version did. A data directory
// begins with them, old or new; FromChain follows.
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
		`create trigger journal_no_update before update on journal` + refuse,
		`create trigger journal_no_delete before delete on journal` + refuse,
		`create trigger journal_head_no_delete before delete on journal_head` + refuse,
		`create trigger journal_head_forward before update on journal_head
			when new.number <> old.number + 1` + refuse,
	}
}

// FromChain replaces the chain by a tree of the same entries, byte for byte, and
// records the chain's last hash, so that whoever noted it can still compare. A chain
// that does not verify is left as it is: it must not become a tree that does.
func FromChain(ctx context.Context, tx *sql.Tx, at time.Time) error {
	for _, s := range putAside() {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("journal: make the tree: %w", err)
		}
	}
	c := &chainReader{}
	if err := c.copy(ctx, tx); err != nil {
		return err
	}
	statements := []string{`drop table chain`, `drop table chain_head`}
	statements = append(append(statements, treeIndexes()...), treeTriggers()...)
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("journal: make the tree: %w", err)
		}
	}
	if c.entries == 0 {
		return nil
	}
	_, err := Append(ctx, tx, at, &JournalMigrated{Entries: c.entries, Head: hex.EncodeToString(c.last[:])})
	return err
}

// putAside frees the names for the tree's tables.
func putAside() []string {
	var out []string
	for _, t := range []string{"journal_no_update", "journal_no_delete", "journal_head_no_delete", "journal_head_forward"} {
		out = append(out, `drop trigger if exists `+t)
	}
	for _, i := range []string{"journal_session", "journal_login", "journal_machine", "journal_at"} {
		out = append(out, `drop index if exists `+i)
	}
	out = append(out, `alter table journal rename to chain`, `alter table journal_head rename to chain_head`)
	out = append(out, treeTables()...)
	root := emptyRoot()
	return append(out, `insert into journal_head values (1, 0, x'`+hex.EncodeToString(root[:])+`', 0)`)
}

// chainReader follows the chain.
type chainReader struct {
	entries int64
	last    [sha256.Size]byte
}

// batch bounds what is read at once: entries, hashes, checkpoints.
const batch = 500

func (c *chainReader) copy(ctx context.Context, tx *sql.Tx) error {
	for {
		links, err := readLinks(ctx, tx, c.entries)
		if err != nil {
			return err
		}
		for _, l := range links {
			if err := c.follow(l); err != nil {
				return err
			}
			if err := plant(ctx, tx, l.Entry); err != nil {
				return err
			}
		}
		if len(links) < batch {
			return c.checkHead(ctx, tx)
		}
	}
}

// link is an entry of the chain.
type link struct {
	Entry
	hash []byte
}

func readLinks(ctx context.Context, tx *sql.Tx, after int64) ([]link, error) {
	rows, err := tx.QueryContext(ctx, `select number, at, type, session, login, machine, body, hash from chain
		where number > ? order by number limit ?`, after, batch)
	if err != nil {
		return nil, fmt.Errorf("journal: read chain: %w", err)
	}
	defer rows.Close()
	var out []link
	for rows.Next() {
		var l link
		var r row
		if err := rows.Scan(&r.number, &r.at, &r.name, &r.Session, &r.Login, &r.Machine, &r.body, &l.hash); err != nil {
			return nil, fmt.Errorf("journal: read chain: %w", err)
		}
		if l.Entry, err = r.entry(); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// follow checks that a link continues the chain: its hash covers the hash before it
// and the bytes.
func (c *chainReader) follow(l link) error {
	if l.Number != c.entries+1 {
		return fmt.Errorf("%w: entry %d is missing", ErrTampered, c.entries+1)
	}
	leaf := sha256.Sum256(append([]byte{0}, l.Body...))
	next := sha256.Sum256(append(append([]byte{1}, c.last[:]...), leaf[:]...))
	if string(next[:]) != string(l.hash) {
		return fmt.Errorf("%w: entry %d: wrong hash", ErrTampered, l.Number)
	}
	c.entries, c.last = l.Number, next
	return nil
}

func (c *chainReader) checkHead(ctx context.Context, tx *sql.Tx) error {
	var number int64
	var raw []byte
	err := tx.QueryRowContext(ctx, `select number, hash from chain_head where one = 1`).Scan(&number, &raw)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("journal: read chain: %w", err)
	}
	if err != nil || number != c.entries || string(raw) != string(c.last[:]) {
		return fmt.Errorf("%w: the head does not stand at the last entry, %d", ErrTampered, c.entries)
	}
	return nil
}

// plant stores an entry of the chain in the tree, under a salt.
func plant(ctx context.Context, tx *sql.Tx, e Entry) error {
	h, err := readHead(ctx, tx)
	if err != nil {
		return err
	}
	e.Salt = newSalt()
	if _, err := grow(ctx, tx, h, e.Salt, e.Body); err != nil {
		return err
	}
	return insert(ctx, tx, e)
}
