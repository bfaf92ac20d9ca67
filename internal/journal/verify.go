// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Report is what Verify found.
type Report struct {
	Entries     int64     // ever written
	Purged      int64     // of these, erased in good order
	Root        Hash      // of the tree of all entries
	First, Last time.Time // of what can still be read; zero when there is nothing
	Checkpoints int
	Signed      int64 // entries that the newest checkpoint covers
	Doubts      Doubts
}

// Verify reads the whole record and computes every hash again. The error wraps
// ErrTampered and names the first entry that does not fit. Whoever has the database
// and the journal's key can write another history that verifies; the checkpoints that
// clients keep are what such a one does not have. What such a one may have written
// carelessly stands in the report as doubts, which are no error here.
func Verify(ctx context.Context, q Querier, key Opener) (Report, error) {
	v := &verifier{ctx: ctx, q: q, key: key, remains: newRemains(), report: Report{Root: emptyRoot()}}
	var err error
	if v.head, err = readHead(ctx, q); err != nil {
		return v.report, err
	}
	for v.tree.size < v.head.size {
		if err := v.next(); err != nil {
			return v.report, err
		}
	}
	err = v.finish()
	v.report.Doubts = v.times.doubts
	return v.report, err
}

// verifier is one pass over the journal.
type verifier struct {
	ctx    context.Context
	q      Querier
	key    Opener
	head   head
	tree   edge
	report Report
	times  timeline

	entries  map[int64]Entry // of the batch under way
	hashes   map[int64]Hash
	remains  remains
	lastSize int64 // of the checkpoints that were checked
}

// next verifies one batch of entries.
func (v *verifier) next() error {
	from := v.tree.size
	to := min(from+batch, v.head.size)
	if err := v.load(from, to); err != nil {
		return err
	}
	notes, err := v.notes(to)
	if err != nil {
		return err
	}
	for n := from; n < to; n++ {
		if err := v.entry(n); err != nil {
			return err
		}
		if c, ok := notes[n+1]; ok {
			if err := v.checkpoint(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// load reads the entries and the stored hashes of a batch.
func (v *verifier) load(from, to int64) error {
	list, err := read(v.ctx, v.q, ` where number > ? and number <= ? order by number`, from, to)
	if err != nil {
		return err
	}
	v.entries = make(map[int64]Entry, len(list))
	for _, e := range list {
		v.entries[e.Number] = e
	}
	v.hashes = make(map[int64]Hash, 2*batch)
	rows, err := v.q.QueryContext(v.ctx, `select position, hash from journal_hash where position >= ? and position < ?`,
		tlog.StoredHashCount(from), tlog.StoredHashCount(to))
	if err != nil {
		return fmt.Errorf("journal: verify: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p int64
		var raw []byte
		if err := rows.Scan(&p, &raw); err != nil {
			return fmt.Errorf("journal: verify: %w", err)
		}
		if len(raw) != tlog.HashSize {
			return fmt.Errorf("%w: hash %d of the tree has %d bytes", ErrTampered, p, len(raw))
		}
		v.hashes[p] = Hash(raw)
	}
	return rows.Err()
}

// notes are the checkpoints whose last entry is in the batch.
func (v *verifier) notes(to int64) (map[int64]Checkpoint, error) {
	list, err := checkpoints(v.ctx, v.q, ` where size > ? and size <= ? order by size`, v.lastSize, to)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]Checkpoint, len(list))
	for _, c := range list {
		out[c.Size] = c
	}
	v.lastSize = to
	return out, nil
}

// entry takes leaf n into the tree, from its bytes or, once purged, as it is stored.
func (v *verifier) entry(n int64) error {
	number, first := n+1, tlog.StoredHashIndex(0, n)
	e, there := v.entries[number]
	leaf, stored := v.hashes[first]
	switch {
	case !stored:
		return fmt.Errorf("%w: entry %d: its hash is missing", ErrTampered, number)
	case there && (e.Leaf != leaf || len(e.Salt) != saltLength):
		return fmt.Errorf("%w: entry %d: wrong hash", ErrTampered, number)
	case !there && number > v.head.purged:
		return fmt.Errorf("%w: entry %d is missing", ErrTampered, number)
	case !there:
		v.report.Purged++
	default:
		v.take(e)
	}
	for i, want := range v.tree.add(leaf) {
		if got, ok := v.hashes[first+int64(i)]; !ok || got != want {
			return fmt.Errorf("%w: entry %d: the tree above it is wrong", ErrTampered, number)
		}
	}
	v.report.Entries, v.report.Root = number, v.tree.root()
	return nil
}

// take counts an entry that can be read.
func (v *verifier) take(e Entry) {
	if v.report.First.IsZero() {
		v.report.First = e.At
	}
	v.report.Last = e.At
	v.times.take(e.Number, e.At, e.Event)
	v.remains.take(e.Number, e.Event, e.Number <= v.head.purged)
	if p, ok := e.Event.(*JournalPurged); ok {
		v.times.purge(e.Number, p)
	}
}

func (v *verifier) checkpoint(c Checkpoint) error {
	size, root, at, err := v.key.OpenCheckpoint(c.Note)
	if err != nil {
		return fmt.Errorf("%w: checkpoint of %d entries: %w", ErrTampered, c.Size, err)
	}
	if size != c.Size || !at.Equal(c.At) || root != v.tree.root() {
		return fmt.Errorf("%w: the checkpoint of %d entries is of another history", ErrTampered, c.Size)
	}
	v.report.Checkpoints++
	v.report.Signed = size
	v.times.checkpoint(size, at)
	return nil
}

// finish looks at what belongs to no entry.
func (v *verifier) finish() error {
	if v.head.root != v.tree.root() {
		return fmt.Errorf("%w: the head has another root than the %d entries", ErrTampered, v.head.size)
	}
	for _, beyond := range []struct {
		what, query string
		last        int64
	}{
		{"an entry", `select count(*) from journal where number > ? or number < 1`, v.head.size},
		{"a hash", `select count(*) from journal_hash where position >= ? or position < 0`, tlog.StoredHashCount(v.head.size)},
		{"a checkpoint", `select count(*) from journal_checkpoint where size > ? or size < 1`, v.head.size},
		{"a head", `select count(*) - 1 + ? from journal_head`, 0},
	} {
		var n int64
		if err := v.q.QueryRowContext(v.ctx, beyond.query, beyond.last).Scan(&n); err != nil {
			return fmt.Errorf("journal: verify: %w", err)
		}
		if n != 0 {
			return fmt.Errorf("%w: %s beyond the last entry, %d", ErrTampered, beyond.what, v.head.size)
		}
	}
	if p := v.remains.purge; p != nil && p.Through != v.head.purged {
		return fmt.Errorf("%w: no purge up to entry %d was recorded", ErrTampered, v.head.purged)
	}
	return v.remains.end(v.head.purged)
}
