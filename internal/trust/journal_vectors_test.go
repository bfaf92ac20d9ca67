// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"assist/internal/wire"
)

// The vectors of the journal are what a server shows and what an app keeps of it: seven
// entries with a checkpoint of three and one of all, then a copy of the first four that
// the unit vouched for and that went on by one entry. They are written anew, with fresh
// keys, by
// go test ./internal/trust -run TestJournalVectors -update
// and only when the first line of one of the texts rises.

const (
	checkpointFile      = "testdata/checkpoint.txt"
	nextCheckpointFile  = "testdata/checkpoint-next.txt"
	otherCheckpointFile = "testdata/checkpoint-restored.txt" // of the copy, by another key
	restartFile         = "testdata/restart.txt"
	witnessFile         = "testdata/witness.txt" // after the first two
	otherWitnessFile    = "testdata/witness-restored.txt"
	journalVectorsFile  = "testdata/journal.json"
)

// leafVector is an entry of the tree.
type leafVector struct {
	Salt  hexBytes
	Entry string
	Leaf  hexBytes
}

// journalVectors is what the files must be read as.
type journalVectors struct {
	Now                 int64
	Unit, Journal, Next hexBytes // keys; the last one signs the restored copy
	KeyHash             string   // of the checkpoints' signature line
	Leaves, Restored    []leafVector
	Size, NextSize      int64
	Root, NextRoot      hexBytes
	Proof               hexBytes // from Size to NextSize
	RestartSize         int64
	RestartRoot         hexBytes
	RestartProof        hexBytes // from RestartSize to the copy's checkpoint
}

// sight is what the server answers to an app that kept a checkpoint.
func (v journalVectors) sight(t *testing.T, key, proof hexBytes, file string) *wire.Checkpoint {
	t.Helper()
	return &wire.Checkpoint{Key: key, Proof: proof, Note: must(os.ReadFile(file))(t)}
}

func TestJournalVectors(t *testing.T) {
	if *update {
		writeJournalVectors(t)
	}
	var v journalVectors
	must(0, json.Unmarshal(must(os.ReadFile(journalVectorsFile))(t), &v))(t)
	v.checkTree(t)
	if h := fmt.Sprintf("%08x", (textKey{tagCheckpoint, keyPair{public: UnitPublic(v.Journal)}}).KeyHash()); h != v.KeyHash {
		t.Errorf("key hash %s, want %s", h, v.KeyHash)
	}
	restart := must(os.ReadFile(restartFile))(t)
	r := must(VerifyRestart(restart, UnitPublic(v.Unit), time.Unix(v.Now, 0)))(t)
	if r.Issued != v.Now || r.Size != v.RestartSize || !bytes.Equal(r.Root[:], v.RestartRoot) || !bytes.Equal(r.Key, v.Next) {
		t.Errorf("restart %+v", r)
	}
	w := must(NewWitness(t.TempDir(), UnitPublic(v.Unit), nil))(t)
	w.now = func() time.Time { return time.Unix(v.Now, 0) }
	for _, step := range []struct {
		say  *wire.Checkpoint
		kept string
	}{
		{v.sight(t, v.Journal, nil, checkpointFile), ""},
		{v.sight(t, v.Journal, v.Proof, nextCheckpointFile), witnessFile},
		{&wire.Checkpoint{Key: v.Next, Note: must(os.ReadFile(otherCheckpointFile))(t), Restart: restart, RestartProof: v.RestartProof}, otherWitnessFile},
	} {
		must(0, must(w.Look())(t).See(step.say))(t)
		if step.kept == "" {
			continue
		}
		if got, want := must(os.ReadFile(w.path))(t), must(os.ReadFile(step.kept))(t); !bytes.Equal(got, want) {
			t.Errorf("the witness is\n%s\nwant\n%s", got, want)
		}
	}
}

// checkTree computes the leaves by hand, and holds the checkpoints against them.
func (v journalVectors) checkTree(t *testing.T) {
	t.Helper()
	whole, copied := v.grow(t, v.Leaves), v.grow(t, slices.Concat(v.Leaves[:v.RestartSize], v.Restored))
	for file, want := range map[string]struct {
		key  hexBytes
		size int64
		root tlog.Hash
	}{
		checkpointFile: {v.Journal, v.Size, whole.roots[v.Size]}, nextCheckpointFile: {v.Journal, v.NextSize, whole.roots[v.NextSize]},
		otherCheckpointFile: {v.Next, v.RestartSize + 1, copied.roots[v.RestartSize+1]},
	} {
		size, root, at, err := JournalPublic(want.key).OpenCheckpoint(must(os.ReadFile(file))(t))
		if err != nil || size != want.size || root != want.root || at.Unix() != v.Now {
			t.Errorf("%s: %d entries, root %x, %v, %v", file, size, root, at, err)
		}
	}
	if whole.roots[v.Size] != tlog.Hash(v.Root) || whole.roots[v.NextSize] != tlog.Hash(v.NextRoot) || whole.roots[v.RestartSize] != tlog.Hash(v.RestartRoot) {
		t.Error("a root is not that of its leaves")
	}
}

// grow is the tree of some leaves, each hashed by hand too.
func (v journalVectors) grow(t *testing.T, leaves []leafVector) *history {
	t.Helper()
	h := newHistory(t)
	for _, l := range leaves {
		if sum := sha256.Sum256(slices.Concat([]byte{0}, l.Salt, []byte(l.Entry))); !bytes.Equal(sum[:], l.Leaf) {
			t.Errorf("leaf %x of %s", sum, l.Entry)
		}
		h.add(string(l.Salt) + l.Entry)
	}
	return h
}

// leafOf grows a tree by one entry.
func (h *history) leafOf(n int, data string) leafVector {
	h.t.Helper()
	salt := bytes.Repeat([]byte{byte(16*n + len(h.roots))}, 16)
	entry := fmt.Sprintf(`{"v":1,"n":%d,"t":%d,"type":"server.started","data":{"version":%q}}`, len(h.roots), moment.UnixMilli(), data)
	h.add(string(salt) + entry)
	leaf := tlog.RecordHash(append(bytes.Clone(salt), entry...))
	return leafVector{salt, entry, leaf[:]}
}

func writeJournalVectors(t *testing.T) {
	unit := must(NewUnitKey())(t)
	first, second := newHistory(t), newHistory(t)
	v := journalVectors{
		Now: moment.Unix(), Unit: hexBytes(unit.Public()), Journal: hexBytes(first.key.Public()), Next: hexBytes(second.key.Public()),
		KeyHash: fmt.Sprintf("%08x", (textKey{tagCheckpoint, first.key.pair}).KeyHash()), Size: 3, NextSize: 7, RestartSize: 4,
	}
	files := map[string][]byte{}
	for n := range int(v.NextSize) {
		l := first.leafOf(1, "1.0")
		v.Leaves = append(v.Leaves, l)
		if n+1 == int(v.Size) {
			files[checkpointFile] = first.answer(0).Note
		}
		if n < int(v.RestartSize) {
			second.add(string(l.Salt) + l.Entry)
		}
	}
	files[nextCheckpointFile], v.Proof = first.answer(0).Note, first.proof(v.Size)
	v.Root, v.NextRoot, v.RestartRoot = first.roots[v.Size][:], first.roots[v.NextSize][:], second.roots[v.RestartSize][:]
	r := Restart{Issued: v.Now, Key: second.key.Public(), Size: v.RestartSize, Root: second.roots[v.RestartSize]}
	files[restartFile] = must(unit.SignRestart(r))(t)
	v.Restored = append(v.Restored, second.leafOf(2, "1.1"))
	files[otherCheckpointFile], v.RestartProof = second.answer(0).Note, second.proof(v.RestartSize)
	files[witnessFile] = []byte(formatWitness(&kept{pinned: unit.Public(), key: first.key.Public(), note: files[nextCheckpointFile]}))
	files[otherWitnessFile] = []byte(formatWitness(&kept{pinned: unit.Public(), key: second.key.Public(), restarted: v.Now, note: files[otherCheckpointFile]}))
	files[journalVectorsFile] = append(must(json.MarshalIndent(v, "", "  "))(t), '\n')
	for name, b := range files {
		must(0, os.WriteFile(name, b, 0o644))(t)
	}
}
