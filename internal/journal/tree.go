// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// head is where the journal stands.
type head struct {
	size   int64
	root   Hash
	purged int64
}

func readHead(ctx context.Context, q Querier) (head, error) {
	var h head
	var raw []byte
	err := q.QueryRowContext(ctx, `select number, root, purged from journal_head where one = 1`).Scan(&h.size, &raw, &h.purged)
	if errors.Is(err, sql.ErrNoRows) {
		return h, fmt.Errorf("%w: the head is missing", ErrTampered)
	}
	if err != nil {
		return h, fmt.Errorf("journal: read head: %w", err)
	}
	if len(raw) != len(h.root) || h.size < 0 || h.purged < 0 || h.purged > h.size {
		return h, fmt.Errorf("%w: the head is not one", ErrTampered)
	}
	h.root = Hash(raw)
	return h, nil
}

// leafOf is the leaf of an entry. The salt has one length, so that the bytes after it
// begin at one place.
func leafOf(salt, body []byte) Hash {
	return tlog.RecordHash(append(append(make([]byte, 0, len(salt)+len(body)), salt...), body...))
}

// grow puts one more leaf into the stored tree and moves the head.
func grow(ctx context.Context, tx *sql.Tx, h head, salt, body []byte) (Hash, error) {
	leaf := leafOf(salt, body)
	stored := newHashes(ctx, tx)
	fresh, err := tlog.StoredHashesForRecordHash(h.size, leaf, stored)
	if err != nil {
		return leaf, err
	}
	first := tlog.StoredHashIndex(0, h.size)
	for i, hash := range fresh {
		if _, err := tx.ExecContext(ctx, `insert into journal_hash values (?, ?)`, first+int64(i), hash[:]); err != nil {
			return leaf, fmt.Errorf("journal: append: %w", err)
		}
		stored.known[first+int64(i)] = hash
	}
	root, err := tlog.TreeHash(h.size+1, stored)
	if err != nil {
		return leaf, err
	}
	_, err = tx.ExecContext(ctx, `update journal_head set number = ?, root = ? where one = 1`, h.size+1, root[:])
	if err != nil {
		return leaf, fmt.Errorf("journal: move head: %w", err)
	}
	return leaf, nil
}

// hashes reads the stored hashes; it is a tlog.HashReader for one transaction.
type hashes struct {
	ctx   context.Context
	q     Querier
	known map[int64]Hash // read or written a moment ago
}

func newHashes(ctx context.Context, q Querier) *hashes { return &hashes{ctx, q, map[int64]Hash{}} }

// ReadHashes returns the hashes at the positions, all of them or an error.
func (s *hashes) ReadHashes(positions []int64) ([]Hash, error) {
	var missing []string
	for _, p := range positions {
		if _, ok := s.known[p]; !ok {
			missing = append(missing, strconv.FormatInt(p, 10))
		}
	}
	if len(missing) > 0 {
		if err := s.load(strings.Join(missing, ",")); err != nil {
			return nil, err
		}
	}
	out := make([]Hash, len(positions))
	for i, p := range positions {
		hash, ok := s.known[p]
		if !ok {
			return nil, fmt.Errorf("%w: hash %d of the tree is missing", ErrTampered, p)
		}
		out[i] = hash
	}
	return out, nil
}

// load reads positions; the list is of numbers, written by ReadHashes.
func (s *hashes) load(list string) error {
	rows, err := s.q.QueryContext(s.ctx, `select position, hash from journal_hash where position in (`+list+`)`)
	if err != nil {
		return fmt.Errorf("journal: read tree: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p int64
		var raw []byte
		if err := rows.Scan(&p, &raw); err != nil {
			return fmt.Errorf("journal: read tree: %w", err)
		}
		if len(raw) != tlog.HashSize {
			return fmt.Errorf("%w: hash %d of the tree has %d bytes", ErrTampered, p, len(raw))
		}
		s.known[p] = Hash(raw)
	}
	return rows.Err()
}

// edge is the right edge of a tree that grows: what is needed to compute every stored
// hash and every root again, from the leaves alone.
type edge struct {
	size  int64
	nodes []Hash // by level: the last complete one
}

// add takes one more leaf and returns what the stored hashes must be, in order.
func (e *edge) add(leaf Hash) []Hash {
	out := []Hash{leaf}
	level := 0
	for n := e.size; n&1 == 1; n >>= 1 {
		leaf = tlog.NodeHash(e.nodes[level], leaf)
		out = append(out, leaf)
		level++
	}
	if level == len(e.nodes) {
		e.nodes = append(e.nodes, leaf)
	}
	e.nodes[level] = leaf
	e.size++
	return out
}

// root is the root of the tree as far as it has grown.
func (e *edge) root() Hash {
	if e.size == 0 {
		return emptyRoot()
	}
	var root Hash
	begun := false
	for level, node := range e.nodes {
		switch {
		case e.size>>level&1 == 0:
		case begun:
			root = tlog.NodeHash(node, root)
		default:
			root, begun = node, true
		}
	}
	return root
}

// emptyRoot is the root of a tree without leaves: the hash of nothing.
func emptyRoot() Hash {
	root, err := tlog.TreeHash(0, nil)
	if err != nil { // it reads nothing
		return Hash{}
	}
	return root
}
