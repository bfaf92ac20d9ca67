// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ErrHold says that a session cannot be held or released.
var ErrHold = errors.New("journal: no such session, or it is as it should be already")

// ErrClock says that the journal and the clock do not fit: one wrong clock would erase
// everything.
var ErrClock = errors.New("journal: the clock may be wrong: the server neither wrote nor ran in the month before now, or something was recorded after now")

// Steady is nil when entries of more than a day and less than 30 days ago are there, and
// none of after now: whoever starts with a wrong clock has none of the first. The caller
// may know otherwise that it was running then: a server that nobody uses writes nothing.
func Steady(ctx context.Context, q Querier, now time.Time, running bool) error {
	if ahead, err := Ahead(ctx, q, now); err != nil || ahead > 0 {
		return errors.Join(ErrClock, err)
	}
	var recent int
	err := q.QueryRowContext(ctx, `select count(*) from journal where at between ? and ?`,
		now.AddDate(0, 0, -30).UnixMilli(), now.AddDate(0, 0, -1).UnixMilli()).Scan(&recent)
	if err != nil {
		return fmt.Errorf("journal: purge: %w", err)
	}
	if recent == 0 && !running {
		return ErrClock
	}
	return nil
}

// Limits of retention, in months.
const (
	MinMonths     = 6
	MaxMonths     = 12
	MaxMonthsEver = 36 // with a written reason
)

// Purging says what to erase, and who erases it.
type Purging struct {
	Now, Before time.Time
	By          string
	Key         Opener // tells which checkpoints are the journal's
}

// Purge erases what is older than Before, but for sessions on hold, and records that it
// did; it returns nil when there is nothing to erase. The record comes first, so that
// the newest one is always there to be read. In one transaction it is all or nothing.
// What goes is covered by a checkpoint signed before that time, or its age would be the
// word of whoever can write the database; it is kept until then.
func Purge(ctx context.Context, tx *sql.Tx, p Purging) (*JournalPurged, error) {
	through, before, err := oldest(ctx, tx, p.Key, p.Before)
	if err != nil {
		return nil, err
	}
	held, err := heldBy(ctx, tx, through)
	if err != nil {
		return nil, err
	}
	var there int64
	if err := tx.QueryRowContext(ctx, `select count(*) from journal where number <= ?`, through).Scan(&there); err != nil {
		return nil, fmt.Errorf("journal: purge: %w", err)
	}
	if there == int64(len(held)) {
		return nil, nil
	}
	e := &JournalPurged{By: p.By, Before: before.Unix(), Through: through, Entries: there - int64(len(held)),
		Kept: int64(len(held)), List: listed(held)}
	if _, err := Append(ctx, tx, p.Now, e); err != nil {
		return nil, err
	}
	return e, erase(ctx, tx, through)
}

// listed is SHA-256 over the numbers of entries, in hex.
func listed(numbers []int64) string {
	sum := sha256.New()
	for _, n := range numbers {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// oldest is the last entry that was signed for in time and comes before the first that is
// young enough, and the time that all up to it are older than. A clock that was wrong for a
// while keeps entries longer, never shorter.
func oldest(ctx context.Context, tx *sql.Tx, key Opener, before time.Time) (int64, time.Time, error) {
	var young sql.NullInt64
	err := tx.QueryRowContext(ctx, `select min(number) from journal where at >= ?`, before.UnixMilli()).Scan(&young)
	if err != nil {
		return 0, before, fmt.Errorf("journal: purge: %w", err)
	}
	h, err := readHead(ctx, tx)
	if err != nil {
		return 0, before, err
	}
	through, err := signedBefore(ctx, tx, key, before)
	if err != nil {
		return 0, before, err
	}
	if young.Valid {
		through = min(through, young.Int64-1)
	}
	if through > h.purged {
		return through, before, nil
	}
	// What an earlier purge has passed stays passed, also when entries are kept longer
	// since.
	p, _, err := lastPurge(ctx, tx)
	if p != nil && p.Before > before.Unix() {
		before = time.Unix(p.Before, 0)
	}
	return h.purged, before, err
}

// signedBefore is how many entries were signed for by a time. A checkpoint that was signed
// after one of a later time counts as of that time. The row alone is nobody's word: its note
// must say the same, and be of this journal.
func signedBefore(ctx context.Context, q Querier, key Opener, before time.Time) (int64, error) {
	list, err := checkpoints(ctx, q, ` where size < (select coalesce(min(size), 9223372036854775807) from journal_checkpoint where at > ?)
		order by size desc limit 1`, before.Unix())
	if err != nil || len(list) == 0 {
		return 0, err
	}
	size, root, at, err := key.OpenCheckpoint(list[0].Note)
	if err != nil || size != list[0].Size || at.After(before) {
		return 0, fmt.Errorf("%w: the checkpoint of %d entries is made up: %v", ErrTampered, list[0].Size, err)
	}
	return size, Holds(ctx, q, size, root)
}

// Sound is nil, or wraps ErrTampered when a purge newer than entry signed is none that Purge
// would make at that time: whoever can write the database, and has no key, can say of any
// entry that it was purged, but has no checkpoint for it.
func Sound(ctx context.Context, q Querier, key Opener, signed int64, now time.Time) error {
	h, err := readHead(ctx, q)
	if err != nil {
		return err
	}
	p, number, err := lastPurge(ctx, q)
	if err != nil {
		return err
	}
	if p == nil && h.purged == 0 {
		return nil
	}
	if p == nil || p.Through != h.purged {
		return fmt.Errorf("%w: no purge up to entry %d was recorded", ErrTampered, h.purged)
	}
	if number <= signed {
		return nil
	}
	before := time.Unix(p.Before, 0)
	covered, err := signedBefore(ctx, q, key, before)
	if err == nil && (covered < p.Through || tooYoung(before, now)) {
		err = fmt.Errorf("%w: the purge of entry %d erased what was not known to be old", ErrTampered, number)
	}
	return err
}

// tooYoung reports whether a purge at a time erased what no retention lets go.
func tooYoung(before, at time.Time) bool {
	return before.After(at.UTC().AddDate(0, -MinMonths, 0).Add(ClockTolerance))
}

// held is true of a session whose newest hold was not released.
const held = `session in (select session from journal h where h.type = 'session.held' and h.session <> ''
	and not exists (select 1 from journal r where r.type = 'session.released' and r.session = h.session and r.session <> ''
		and r.number > h.number))`

func heldBy(ctx context.Context, tx *sql.Tx, through int64) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, `select number from journal where number <= ? and session <> '' and `+held+` order by number`, through)
	if err != nil {
		return nil, fmt.Errorf("journal: purge: %w", err)
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("journal: purge: %w", err)
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

func erase(ctx context.Context, tx *sql.Tx, through int64) error {
	if _, err := tx.ExecContext(ctx, `update journal_head set purged = ? where one = 1`, through); err != nil {
		return fmt.Errorf("journal: purge: %w", err)
	}
	_, err := tx.ExecContext(ctx, `delete from journal where number <= ? and not (session <> '' and `+held+`)`, through)
	if err != nil {
		return fmt.Errorf("journal: purge: %w", err)
	}
	return nil
}

// Hold keeps the entries of a session whatever their age.
func Hold(ctx context.Context, tx *sql.Tx, at time.Time, e *SessionHeld) error {
	return hold(ctx, tx, at, e, false)
}

// Release lets them be purged again.
func Release(ctx context.Context, tx *sql.Tx, at time.Time, e *SessionReleased) error {
	return hold(ctx, tx, at, e, true)
}

// hold appends e if the session is there, and held or not as it must be.
func hold(ctx context.Context, tx *sql.Tx, at time.Time, e Event, isHeld bool) error {
	session := e.keys().Session
	var there, now int
	err := tx.QueryRowContext(ctx, `select count(*), coalesce(max(`+held+`), 0) from journal where session = ? and session <> ''`,
		session).Scan(&there, &now)
	if err != nil {
		return fmt.Errorf("journal: hold: %w", err)
	}
	if there == 0 || (now == 1) != isHeld {
		return fmt.Errorf("%w: %s", ErrHold, session)
	}
	_, err = Append(ctx, tx, at, e)
	return err
}

// Held lists the sessions on hold.
func Held(ctx context.Context, q Querier) ([]string, error) {
	rows, err := q.QueryContext(ctx, `select distinct session from journal where session <> '' and `+held+` order by session`)
	if err != nil {
		return nil, fmt.Errorf("journal: hold: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("journal: hold: %w", err)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// lastPurge is the newest purge and the number of its entry, or nil.
func lastPurge(ctx context.Context, q Querier) (p *JournalPurged, number int64, err error) {
	last, err := Last(ctx, q, p.Type())
	if err != nil || last == nil {
		return nil, 0, err
	}
	p, ok := last.Event.(*JournalPurged)
	if !ok {
		return nil, 0, fmt.Errorf("%w: entry %d is no purge", ErrTampered, last.Number)
	}
	return p, last.Number, nil
}

// Last is the newest entry of a type, or nil.
func Last(ctx context.Context, q Querier, name string) (*Entry, error) {
	list, err := read(ctx, q, ` where type = ? order by number desc limit 1`, name)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}
