// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"assist/internal/rendezvous"
	"assist/internal/trust"
	"assist/internal/wire"
)

// tree is a history of the journal that never was.
type tree struct {
	stored []tlog.Hash
	roots  []tlog.Hash // by size
}

// newTree has so many entries.
func newTree(t testing.TB, size int64) *tree {
	t.Helper()
	h := &tree{roots: []tlog.Hash{{}}}
	for n := range size {
		entry := make([]byte, 32)
		rand.Read(entry)
		fresh, err := tlog.StoredHashes(n, entry, h)
		must(t, err)
		h.stored = append(h.stored, fresh...)
		root, err := tlog.TreeHash(n+1, h)
		must(t, err)
		h.roots = append(h.roots, root)
	}
	return h
}

// ReadHashes is what package tlog asks of a tree.
func (h *tree) ReadHashes(positions []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, p := range positions {
		out = append(out, h.stored[p])
	}
	return out, nil
}

// rewriting is a server that shows another journal than it showed before.
type rewriting struct {
	name string
	make func(w *writer, kept int64, truth *wire.Checkpoint) *wire.Checkpoint
}

// writer owns the journal's key, as the server does, and keys of its own.
type writer struct {
	t     *testing.T
	key   *trust.JournalKey
	own   *trust.JournalKey
	unit  *trust.UnitKey // its own
	mu    sync.Mutex
	asked map[*leg]int64 // what an end says that it has kept
	shown map[*leg]int   // checkpoints shown to it
	told  int
}

// checkpoint is a signed one; proof is nil where there can be none.
func (w *writer) checkpoint(key *trust.JournalKey, size int64, root tlog.Hash, proof []tlog.Hash) *wire.Checkpoint {
	note, err := key.SignCheckpoint(size, root, time.Now())
	must(w.t, err)
	m := &wire.Checkpoint{Key: key.Public(), Note: note}
	for _, h := range proof {
		m.Proof = append(m.Proof, h[:]...)
	}
	return m
}

// truth is what a checkpoint says.
func (w *writer) read(m *wire.Checkpoint) (int64, tlog.Hash) {
	size, root, _, err := trust.JournalPublic(m.Key).OpenCheckpoint(m.Note)
	must(w.t, err)
	return size, root
}

func rewritings() []rewriting {
	return []rewriting{
		{"rewritten and gone on", func(w *writer, kept int64, _ *wire.Checkpoint) *wire.Checkpoint {
			h := newTree(w.t, kept+3)
			proof, err := tlog.ProveTree(kept+3, kept, h)
			must(w.t, err)
			return w.checkpoint(w.key, kept+3, h.roots[kept+3], proof)
		}},
		{"forked", func(w *writer, kept int64, _ *wire.Checkpoint) *wire.Checkpoint {
			return w.checkpoint(w.key, kept, newTree(w.t, kept).roots[kept], nil)
		}},
		{"shrunk", func(w *writer, kept int64, _ *wire.Checkpoint) *wire.Checkpoint {
			return w.checkpoint(w.key, kept-1, newTree(w.t, kept-1).roots[kept-1], nil)
		}},
		{"emptied", func(w *writer, _ int64, _ *wire.Checkpoint) *wire.Checkpoint {
			return w.checkpoint(w.key, 0, newTree(w.t, 0).roots[0], nil)
		}},
		{"by a key of its own", func(w *writer, _ int64, truth *wire.Checkpoint) *wire.Checkpoint {
			size, root := w.read(truth)
			m := w.checkpoint(w.own, size, root, nil)
			m.Proof = truth.Proof
			return m
		}},
		{"begun anew by a unit of its own", func(w *writer, _ int64, _ *wire.Checkpoint) *wire.Checkpoint {
			h := newTree(w.t, 2)
			m := w.checkpoint(w.own, 2, h.roots[2], nil)
			var err error
			m.Restart, err = w.unit.SignRestart(trust.Restart{Issued: time.Now().Unix(), Key: w.own.Public(), Size: 2, Root: h.roots[2]})
			must(w.t, err)
			return m
		}},
		{"its key and its note of two journals", func(w *writer, _ int64, truth *wire.Checkpoint) *wire.Checkpoint {
			m := *truth
			m.Key = w.own.Public()
			return &m
		}},
	}
}

// moment is when a rewritten journal is shown: to which end, and at which of its questions.
type moment struct {
	name     string
	to       side
	question int // 1 is that of the greeting
}

func moments() []moment {
	return []moment{
		{"to the host that registers", hostSide, 1},
		{"to the host that is called", hostSide, 2},
		{"to the technician who signs in", technicianSide, 1},
		{"to the technician who asks", technicianSide, 2},
	}
}

// times is how often it was shown.
func (w *writer) times() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told
}

// pass shows the rewritten journal at one moment.
func (w *writer) pass(r rewriting, at moment) func(passing) [][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked, w.shown, w.told = map[*leg]int64{}, map[*leg]int{}, 0
	return func(p passing) [][]byte {
		k := trackOf(p)
		w.mu.Lock()
		defer w.mu.Unlock()
		switch m := p.message().(type) {
		case *wire.CheckpointAsk:
			w.asked[p.leg] = int64(m.Size)
		case *wire.Checkpoint:
			if w.shown[p.leg]++; k.side != at.to || w.shown[p.leg] != at.question {
				break
			}
			raw, err := wire.Marshal(r.make(w, w.asked[p.leg], m))
			must(w.t, err)
			w.told++
			return [][]byte{raw}
		}
		return [][]byte{p.raw}
	}
}

// TestServerRewritesTheJournal: an end that has seen the journal takes no other, whoever
// signs it, says so, and lets no session begin with that server. What it has seen it keeps.
func TestServerRewritesTheJournal(t *testing.T) {
	t.Parallel()
	b := newBench(t, newNonces(t))
	w := &writer{t: t, unit: newForger(b).unit}
	var err error
	w.key, err = trust.LoadJournalKey(filepath.Join(b.dir, "journal.key"))
	must(t, err)
	w.own, err = trust.NewJournalKey()
	must(t, err)
	b.folders = [2]string{t.TempDir(), t.TempDir()}
	honestly := func() {
		t.Helper()
		b.liar.tell(nil, nil)
		if came, err := b.intervention(true); err != nil || came != right {
			t.Fatalf("the truth: %v, %v, %v", came, err, b.hindrance)
		}
	}
	honestly()
	b.lied = func() bool { return w.times() > 0 }
	for _, at := range moments() {
		for _, r := range rewritings() {
			b.liar.tell(w.pass(r, at), nil)
			b.hindrance = nil
			came, err := b.intervention(true)
			if err == nil {
				err = b.refusesHistory(at, came, w.times())
			}
			if err != nil {
				t.Errorf("%s, %s: %v\n%s", r.name, at.name, err, b.pair.log)
			}
		}
	}
	honestly()
}

// refusesHistory: nobody was asked, and the end that was lied to says why.
func (b *bench) refusesHistory(at moment, came outcome, told int) error {
	e := b.pair
	var why error
	switch {
	case at.question == 1:
		why = b.hindrance
	case at.to == technicianSide:
		why = e.end.Err
	case strings.Contains(e.log.String(), rendezvous.ErrHistory.Error()) && strings.Contains(e.log.String(), "request not looked at"):
		why = rendezvous.ErrHistory
	}
	if came != refused || told == 0 || !errors.Is(why, rendezvous.ErrHistory) {
		return fmt.Errorf("%w: %v, told %d times, because %w", errWrong, came, told, why)
	}
	return nil
}
