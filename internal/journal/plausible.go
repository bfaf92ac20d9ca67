// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"database/sql"
	"fmt"
	"sort"
	"time"
)

// ClockTolerance is by how much the times of a journal may go back: clocks are set
// right, and entries wait for their turn.
const ClockTolerance = 5 * time.Minute

// maxDoubts bounds the doubts that are told one by one.
const maxDoubts = 100

// Ahead is by how much the newest time in the journal is later than now, if by more than
// ClockTolerance: the clock went back, or was wrong before.
func Ahead(ctx context.Context, q Querier, now time.Time) (time.Duration, error) {
	var newest sql.NullInt64
	if err := q.QueryRowContext(ctx, `select max(at) from journal`).Scan(&newest); err != nil {
		return 0, fmt.Errorf("journal: read: %w", err)
	}
	if d := time.UnixMilli(newest.Int64).Sub(now.Truncate(time.Millisecond)); newest.Valid && d > ClockTolerance {
		return d, nil
	}
	return 0, nil
}

// Doubts are times that cannot be, or that a clock which jumped has left: no hash shows
// them, for whoever holds database and key makes the hashes.
type Doubts struct {
	Told []string // the first 100
	All  int
	Last int64 // number of the last entry that one is about: those after it are in order
}

// add doubts an entry, or the checkpoint after it.
func (d *Doubts) add(number int64, format string, args ...any) {
	d.Last = max(d.Last, number)
	if d.All++; len(d.Told) < maxDoubts {
		d.Told = append(d.Told, fmt.Sprintf(format, args...))
	}
}

// timeline follows the times of entries and checkpoints, in their order.
type timeline struct {
	doubts Doubts
	entry  time.Time   // the latest time of an entry, since one went back
	number int64       // of that one
	signed []signature // sizes rise
	mark   time.Time   // the latest time of a checkpoint, since one went back
}

// signature is a checkpoint, and the latest time of any up to it.
type signature struct {
	size   int64
	latest time.Time
}

// take looks at the next entry.
func (l *timeline) take(number int64, at time.Time, e Event) {
	if back := l.entry.Sub(at); back > ClockTolerance {
		l.doubts.add(number, "entry %d was written at %s, %s before entry %d: the clock was wrong, or the entry is made up", number, clock(at), back.Round(time.Second), l.number)
		l.entry, l.number = at, number
	}
	if at.After(l.entry) {
		l.entry, l.number = at, number
	}
	p, ok := e.(*JournalPurged)
	if !ok {
		return
	}
	if before := time.Unix(p.Before, 0); tooYoung(before, at) {
		l.doubts.add(number, "entry %d, a purge written at %s, erased what was younger than %d months: everything before %s", number, clock(at), MinMonths, clock(before))
	}
}

// checkpoint looks at the next checkpoint, once the entries that it covers were taken.
func (l *timeline) checkpoint(size int64, at time.Time) {
	if back := l.mark.Sub(at); back > ClockTolerance {
		l.doubts.add(size, "the checkpoint of entry %d was signed at %s, %s before an earlier one: the clock was wrong, or it is made up", size, clock(at), back.Round(time.Second))
		l.mark = at
	}
	if l.entry.Truncate(time.Second).Sub(at) > ClockTolerance { // its time is to the second
		l.doubts.add(size, "the checkpoint of entry %d was signed at %s, before entry %d was written (%s)", size, clock(at), l.number, clock(l.entry))
	}
	if at.After(l.mark) {
		l.mark = at
	}
	latest := at
	if n := len(l.signed); n > 0 && l.signed[n-1].latest.After(at) {
		latest = l.signed[n-1].latest
	}
	l.signed = append(l.signed, signature{size, latest})
}

// purge holds what a purge says against the checkpoints before it: the first that covers all
// that was purged must be as old as that is said to be. Who took away the older ones, and
// has no key, can put none in their place.
func (l *timeline) purge(number int64, p *JournalPurged) {
	before := time.Unix(p.Before, 0)
	i := sort.Search(len(l.signed), func(i int) bool { return l.signed[i].size >= p.Through })
	switch {
	case i == len(l.signed):
		l.doubts.add(number, "entry %d, a purge, erased entries up to %d, which no checkpoint of before covers", number, p.Through)
	case l.signed[i].latest.Sub(before) > ClockTolerance:
		l.doubts.add(number, "entry %d, a purge, says that all it erased up to entry %d was from before %s, but nothing older than the checkpoint of %s covers that",
			number, p.Through, clock(before), clock(l.signed[i].latest))
	}
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
