// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver

	"assist/internal/journal"
	"assist/internal/process"
)

// store is the SQLite database. One connection writes; a few read beside it, and see what
// was committed before they began (WAL), so no reader holds up a request.
type store struct {
	writer *sql.DB
	reader *sql.DB
	dir    string // the data directory
	by     string // who acts, for entries of what an administrator does
}

// transaction is one write, durable as a whole when write returns nil.
type transaction struct {
	context.Context
	*sql.Tx
	by string // of the store, for its entries
}

// step is one migration: statements, or what statements alone cannot do.
type step struct {
	statements []string
	code       func(context.Context, *sql.Tx) error
}

func (m step) apply(ctx context.Context, tx *sql.Tx) error {
	for _, s := range m.statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	if m.code == nil {
		return nil
	}
	return m.code(ctx, tx)
}

// migrations are applied in order, once each; a released one never changes.
func migrations() []step {
	return []step{
		{statements: append(journal.Statements(),
			`create table technician (
				id                text primary key,
				login             text not null unique,
				name              text not null,
				role              text not null,
				zones             text not null, -- comma-separated
				state             text not null check (state in ('invited', 'enrolled', 'disabled')),
				code_hash         blob unique,
				code_until        integer not null default 0,
				password          text not null default '',
				device_key        blob,
				totp_sealed       blob,
				totp_last_step    integer not null default 0,
				certificate       blob,
				certificate_until integer not null default 0,
				created           integer not null,
				last_use          integer not null default 0
			) strict`,
			`create table attempt (
				key      text primary key,
				failures integer not null,
				until    integer not null, -- Unix milliseconds
				last     integer not null
			) strict`,
			`create index attempt_last on attempt (last)`,
			`create table machine (
				id            text primary key,
				host_key      blob not null unique,
				first_seen    integer not null,
				last_seen_day integer not null -- days since 1970: nobody needs the hour
			) strict`,
			`create table session (
				id         text primary key,
				machine    text not null references machine (id),
				technician text not null references technician (id),
				login      text not null,
				asked      integer not null,
				answered   integer, -- set when it was granted
				ended      integer,
				reason     integer  -- of the end
			) strict`,
			`create index session_machine on session (machine) where ended is null`,
			`create index session_technician on session (technician) where ended is null`,
			`create index session_ended on session (ended) where ended is not null`,
		)},
		{statements: charterStatements()},
		{code: func(ctx context.Context, tx *sql.Tx) error { return journal.FromChain(ctx, tx, time.Now()) }},
		{statements: []string{
			`alter table session add column request_hash text not null default ''`,
			`alter table session add column host_records integer not null default 0`,       // number of the last one
			`alter table session add column technician_records integer not null default 0`, // likewise
			`create table journal_sink (
				name   text primary key,
				number integer not null -- of the last entry that surely arrived
			) strict`,
		}},
		{statements: []string{
			`alter table machine add column key_sum text not null default ''`, // of the host's key; stays when the unit key changes
			`create index machine_key_sum on machine (key_sum)`,
			`create table newcomer (
				day      integer not null, -- since 1970
				prefix   text    not null, -- where they came from
				machines integer not null, -- new ones of that day
				primary key (day, prefix)
			) strict`,
		}, code: sumKeys},
		{statements: []string{`create table ran (day integer primary key) strict`}}, // days on which the server ran, since 1970
		{statements: []string{
			`alter table technician add column photo blob`,
			`alter table technician add column photo_sum text not null default ''`, // SHA-256 of it, hex
		}},
	}
}

// openStore opens or makes the database and brings it up to date, unless a server runs on it. Writers take the lock when
// they begin: one that took it half-way could fail after it had read. What is erased is
// overwritten in the file (secure_delete), or a purge would leave names behind.
func openStore(path string) (*store, error) { return openStoreWith(path, migrateAlone) }

// openStoreWith brings the database up to date as bring does.
func openStoreWith(path string, bring bringer) (*store, error) {
	st, err := openDatabase(path, bring)
	return st, fullStore(filepath.Dir(path), err)
}

func openDatabase(path string, bring bringer) (*store, error) {
	w, err := sql.Open("sqlite", dsn(path, "&_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=secure_delete(1)"))
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	w.SetMaxOpenConns(1)
	if err := bring(context.Background(), w, filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	r, err := sql.Open("sqlite", dsn(path, "&_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("server: database: %w", err), w.Close())
	}
	r.SetMaxOpenConns(4)
	return &store{writer: w, reader: r, dir: filepath.Dir(path), by: bySelf}, nil
}

// dsn names a database with what all connections need. FULL: what a write reports as done
// outlives a power cut, or a request could be forwarded that nobody recorded. The timeout, in
// ms, is for commands that an administrator runs beside the server.
func dsn(path, more string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	return u.String() + "?_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)" + more
}

// bringer has the database of a data directory in this program's version, or fails.
type bringer func(ctx context.Context, db *sql.DB, dir string) error

// version is how many migrations a database has seen: at most as many as there are here.
func version(ctx context.Context, db *sql.DB) (done int, err error) {
	if err := db.QueryRowContext(ctx, `pragma user_version`).Scan(&done); err != nil {
		return 0, fmt.Errorf("server: database: %w", err)
	}
	if all := len(migrations()); done > all {
		return 0, fmt.Errorf("%w: it has version %d, this program knows %d", ErrTooNew, done, all)
	}
	return done, nil
}

// asItIs is for commands that change nothing.
func asItIs(ctx context.Context, db *sql.DB, _ string) error {
	done, err := version(ctx, db)
	if err == nil && done < len(migrations()) {
		err = fmt.Errorf("%w (it has version %d, this program knows %d)", ErrTooOld, done, len(migrations()))
	}
	return err
}

// migrateAlone leaves the database of a running server alone: that one is older, and knows nothing of
// what a newer program's command would make of the tables under it.
func migrateAlone(ctx context.Context, db *sql.DB, dir string) error {
	done, err := version(ctx, db)
	if err != nil || done == len(migrations()) {
		return err
	}
	if done > 0 { // else it is being made
		held, err := process.Lock(filepath.Join(dir, fileLock))
		if errors.Is(err, process.ErrHeld) {
			return asItIs(ctx, db, dir)
		}
		if err != nil {
			return fmt.Errorf("server: data directory: %w", err)
		}
		defer held.Close()
	}
	return migrate(ctx, db)
}

func migrate(ctx context.Context, db *sql.DB) error {
	all, done := migrations(), 0
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("server: database: %w", err)
	}
	defer tx.Rollback()
	// Another process may have done it since.
	if err := tx.QueryRowContext(ctx, `pragma user_version`).Scan(&done); err != nil {
		return fmt.Errorf("server: database: %w", err)
	}
	for i, m := range all[done:] {
		if err := m.apply(ctx, tx); err != nil {
			return fmt.Errorf("server: database: migration %d: %w", done+i+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`pragma user_version = %d`, len(all))); err != nil {
		return fmt.Errorf("server: database: %w", err)
	}
	return tx.Commit()
}

func (st *store) close() error { return errors.Join(st.reader.Close(), st.writer.Close()) }

// write runs f in a transaction; nothing of it stays when f or the commit fails.
func (st *store) write(ctx context.Context, f func(*transaction) error) error {
	return fullStore(st.dir, st.writeAll(ctx, f))
}

func (st *store) writeAll(ctx context.Context, f func(*transaction) error) error {
	tx, err := st.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("server: database: %w", err)
	}
	defer tx.Rollback()
	if err := f(&transaction{ctx, tx, st.by}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("server: database: %w", err)
	}
	return nil
}

// read runs f on the database as it stands at one moment.
func (st *store) read(ctx context.Context, f func(*transaction) error) error {
	tx, err := st.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("server: database: %w", err)
	}
	defer tx.Rollback()
	return f(&transaction{ctx, tx, st.by})
}

// record appends to the journal in this transaction.
func (t *transaction) record(at time.Time, e journal.Event) error {
	_, err := journal.Append(t, t.Tx, at, e)
	return err
}

// exec runs one statement and returns how many rows it changed.
func (t *transaction) exec(query string, args ...any) (int64, error) {
	r, err := t.ExecContext(t, query, args...)
	if err != nil {
		return 0, fmt.Errorf("server: database: %w", err)
	}
	return r.RowsAffected()
}

// texts reads a column of strings.
func texts(ctx context.Context, q journal.Querier, query string, args ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("server: database: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
