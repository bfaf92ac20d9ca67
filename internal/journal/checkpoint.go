// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Signer signs with the journal's key.
type Signer interface {
	SignCheckpoint(size int64, root [32]byte, at time.Time) ([]byte, error)
	SignExport(sum [32]byte) ([]byte, error)
}

// Opener reads what the journal's key signed, and nothing else.
type Opener interface {
	OpenCheckpoint(note []byte) (size int64, root [32]byte, at time.Time, err error)
	OpenExport(note []byte) (sum [32]byte, err error)
}

// Checkpoint is size and root of the tree at one moment, signed.
type Checkpoint struct {
	Size int64
	At   time.Time // to the second
	Note []byte
}

// Sign makes a checkpoint of the journal as it stands in tx, and keeps it; the newest
// one when nothing was recorded since.
func Sign(ctx context.Context, tx *sql.Tx, key Signer, at time.Time) (Checkpoint, error) {
	h, err := readHead(ctx, tx)
	if err != nil {
		return Checkpoint{}, err
	}
	last, err := Newest(ctx, tx)
	if err != nil || (last.Size == h.size && last.Note != nil) {
		return last, err
	}
	at = at.UTC().Truncate(time.Second)
	note, err := key.SignCheckpoint(h.size, h.root, at)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("journal: checkpoint: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `insert into journal_checkpoint values (?,?,?)`, h.size, at.Unix(), note); err != nil {
		return Checkpoint{}, fmt.Errorf("journal: checkpoint: %w", err)
	}
	return Checkpoint{h.size, at, note}, nil
}

// Newest is the last checkpoint that was kept; the zero value when there is none.
func Newest(ctx context.Context, q Querier) (Checkpoint, error) {
	list, err := checkpoints(ctx, q, ` order by size desc limit 1`)
	if err != nil || len(list) == 0 {
		return Checkpoint{}, err
	}
	return list[0], nil
}

func checkpoints(ctx context.Context, q Querier, end string, args ...any) ([]Checkpoint, error) {
	rows, err := q.QueryContext(ctx, `select size, at, note from journal_checkpoint`+end, args...)
	if err != nil {
		return nil, fmt.Errorf("journal: read checkpoints: %w", err)
	}
	defer rows.Close()
	var out []Checkpoint
	for rows.Next() {
		var c Checkpoint
		var at int64
		if err := rows.Scan(&c.Size, &at, &c.Note); err != nil {
			return nil, fmt.Errorf("journal: read checkpoints: %w", err)
		}
		c.At = time.Unix(at, 0).UTC()
		out = append(out, c)
	}
	return out, rows.Err()
}

// Size is how many entries were ever written.
func Size(ctx context.Context, q Querier) (int64, error) {
	h, err := readHead(ctx, q)
	return h.size, err
}

// Head is how many entries were ever written, and the root of their tree.
func Head(ctx context.Context, q Querier) (int64, Hash, error) {
	h, err := readHead(ctx, q)
	return h.size, h.root, err
}

// Continues proves that the tree of size newer begins with the tree of size older. The
// proof is empty when there is nothing to prove, or nothing that could be.
func Continues(ctx context.Context, q Querier, newer, older int64) ([]Hash, error) {
	if older < 1 || older >= newer {
		return nil, nil
	}
	proof, err := tlog.ProveTree(newer, older, newHashes(ctx, q))
	if err != nil {
		return nil, errors.Join(ErrTampered, err)
	}
	return proof, nil
}

// Holds checks that the tree, as its head has it, begins with one of another size and
// root, which was signed earlier. The error wraps ErrTampered when it does not.
func Holds(ctx context.Context, q Querier, size int64, root Hash) error {
	h, err := readHead(ctx, q)
	switch {
	case err != nil:
		return err
	case h.size < size:
		return fmt.Errorf("%w: %d entries were signed, and there are %d", ErrTampered, size, h.size)
	case h.size == size && h.root != root:
		return fmt.Errorf("%w: other entries than the %d that were signed", ErrTampered, size)
	case h.size == size || size == 0:
		return nil
	}
	proof, err := Continues(ctx, q, h.size, size)
	if err == nil {
		err = tlog.CheckTree(proof, h.size, h.root, size, root)
	}
	if err != nil {
		return fmt.Errorf("%w: other entries than the %d that were signed: %w", ErrTampered, size, err)
	}
	return nil
}
