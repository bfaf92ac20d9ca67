// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"assist/internal/wire"
)

// Why a witness refuses.
var (
	ErrHistory = errors.New("trust: the server's journal does not continue the history kept here")
	ErrWitness = errors.New("trust: what was kept of the server's journal is damaged")
	ErrRaced   = errors.New("trust: another connection has kept another checkpoint meanwhile")
)

// Witness is a file that keeps, of one unit, the newest checkpoint of the server's
// journal, so that its history cannot be rewritten without this end noticing. The
// journal's key is believed when it is first seen, over a connection whose key is
// pinned, and never replaced but by a restart that the unit key signed.
//
// A damaged file is refused with ErrWitness and never begun anew, as with Memory. Its
// methods may be called at the same time; one process owns the file.
type Witness struct {
	path   string
	pinned UnitPublic
	unit   func() UnitPublic // the unit's key in force
	now    func() time.Time

	mu sync.Mutex // one change of the file at a time
}

// NewWitness is the witness of the unit whose key was pinned, in a directory. The
// function says which key of the unit is in force; nil is the pinned one.
func NewWitness(dir string, pinned UnitPublic, unit func() UnitPublic) (*Witness, error) {
	if err := CheckKey(pinned); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(pinned)
	w := &Witness{path: filepath.Join(dir, "unit-"+hex.EncodeToString(sum[:8])+".witness"), pinned: bytes.Clone(pinned), unit: unit, now: time.Now}
	if unit == nil {
		w.unit = func() UnitPublic { return w.pinned }
	}
	return w, nil
}

// kept is what the file holds.
type kept struct {
	pinned    UnitPublic
	key       JournalPublic
	restarted int64 // restarts issued up to then count no more: the last one seen, 0 for none
	note      []byte

	size int64 // as the note says, and so on
	root tlog.Hash
	at   int64 // Unix seconds
}

// spent is until when a restart that was issued counts no more: it must be younger than
// each that was seen, and not older than what is kept. A restart lies about for ever, and
// must forgive nothing that was written after it.
func (k *kept) spent() int64 { return max(k.restarted, k.at-1) }

// Sight is what was kept at the moment when the server is asked: its proof begins
// there. When another connection of this app keeps something else meanwhile, the
// server is asked again.
type Sight struct {
	w   *Witness
	old *kept // nil when nothing was kept yet
}

// Look begins a question to the server.
func (w *Witness) Look() (*Sight, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, err := w.load()
	if err != nil {
		return nil, err
	}
	return &Sight{w, old}, nil
}

// Size is that of the checkpoint kept, for the CheckpointAsk.
func (s *Sight) Size() uint64 {
	if s.old == nil {
		return 0
	}
	return uint64(s.old.size)
}

// See takes what the server answered, and keeps it if it continues what was kept. An
// error that wraps ErrHistory means that the history was rewritten or cut; nothing was
// kept then, and nothing of this server may be believed. ErrRaced means that nothing is
// known yet: look and ask again.
func (s *Sight) See(m *wire.Checkpoint) error {
	size, root, at, err := JournalPublic(m.Key).OpenCheckpoint(m.Note)
	if err != nil {
		return err
	}
	fresh := &kept{pinned: s.w.pinned, key: m.Key, note: m.Note, size: size, root: root, at: at.Unix()}
	restart, none := s.w.word(m)
	if none == nil {
		fresh.restarted = restart.Issued // whether it is needed or not, it never will be again
	}
	if s.old == nil {
		return s.w.keep(nil, fresh)
	}
	if err := fresh.follows(s.old, m.Proof); err != nil {
		if none == nil {
			none = fresh.begins(restart, s.old, m.RestartProof)
		}
		if none != nil {
			return fmt.Errorf("%w (restart: %w)", err, none)
		}
		return s.w.keep(s.old, fresh)
	}
	return s.w.keep(s.old, fresh.after(s.old))
}

// after is what to keep of a checkpoint that continues what was kept. A server must not
// make what was kept look older than it is, or a restart of before would count again.
func (k *kept) after(old *kept) *kept {
	k.restarted = max(k.restarted, old.restarted)
	if k.size == old.size {
		same := *old
		same.restarted = k.restarted
		return &same
	}
	if k.at < old.at {
		k.restarted = max(k.restarted, old.spent())
	}
	return k
}

// keep replaces old by fresh, unless another connection was faster. Then what that one
// kept stays, and fresh, proved from old alone, counts only if it is the same tree: two
// connections must not be shown two histories at the same moment.
func (w *Witness) keep(old, fresh *kept) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, err := w.load()
	if err != nil {
		return err
	}
	if (now == nil) != (old == nil) || (now != nil && !now.is(old)) {
		return fresh.beside(now)
	}
	if now != nil && now.is(fresh) {
		return nil
	}
	return w.store(fresh)
}

// is says that two of one unit are one.
func (k *kept) is(other *kept) bool {
	return k.restarted == other.restarted && bytes.Equal(k.note, other.note)
}

// beside holds a checkpoint against one that was kept while it was on its way. now is
// nil when the file has gone.
func (k *kept) beside(now *kept) error {
	switch {
	case now == nil || k.restarted != now.restarted || k.size != now.size:
		return ErrRaced // nothing that was proved ties the two together
	case !bytes.Equal(k.key, now.key) || k.root != now.root:
		return fmt.Errorf("%w: two histories of %d entries at the same moment", ErrHistory, k.size)
	}
	return nil
}

// follows checks that one checkpoint continues another.
func (k *kept) follows(old *kept, proof []byte) error {
	switch {
	case !bytes.Equal(k.key, old.key):
		return fmt.Errorf("%w: another key signs it", ErrHistory)
	case k.size < old.size:
		return fmt.Errorf("%w: %d entries, there were %d", ErrHistory, k.size, old.size)
	}
	return continues(k, old.size, old.root, proof)
}

// continues checks a proof that the tree of k begins with another tree.
func continues(k *kept, size int64, root tlog.Hash, proof []byte) error {
	switch {
	case size == 0:
		return nil
	case k.size == size && k.root != root:
		return fmt.Errorf("%w: other entries among the first %d", ErrHistory, size)
	case k.size == size:
		return nil
	}
	list, err := hashList(proof)
	if err == nil {
		err = tlog.CheckTree(list, k.size, k.root, size, root)
	}
	if err != nil {
		return fmt.Errorf("%w: no proof that it holds the first %d entries: %w", ErrHistory, size, err)
	}
	return nil
}

// hashList reads a proof: hashes, one after another.
func hashList(b []byte) ([]tlog.Hash, error) {
	if len(b)%tlog.HashSize != 0 {
		return nil, ErrMalformed
	}
	var out []tlog.Hash
	for ; len(b) > 0; b = b[tlog.HashSize:] {
		out = append(out, tlog.Hash(b[:tlog.HashSize]))
	}
	return out, nil
}

// word is the restart that came with a checkpoint.
func (w *Witness) word(m *wire.Checkpoint) (*Restart, error) {
	if len(m.Restart) == 0 {
		return nil, errors.New("none")
	}
	return VerifyRestart(m.Restart, w.unit(), w.now())
}

// begins says whether the unit vouched for a new beginning since what was kept, and the
// checkpoint continues that.
func (k *kept) begins(r *Restart, old *kept, proof []byte) error {
	switch {
	case r.Issued <= old.spent():
		return fmt.Errorf("%w: an old one", ErrRestart)
	case !bytes.Equal(r.Key, k.key) || r.Size > k.size:
		return fmt.Errorf("%w: of another journal", ErrRestart)
	}
	return continues(k, r.Size, r.Root, proof)
}

// load returns nil when nothing was kept yet.
func (w *Witness) load() (*kept, error) {
	b, err := readPrivate(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWitness, err)
	}
	k, err := parseWitness(string(b))
	if err == nil && !bytes.Equal(k.pinned, w.pinned) {
		err = errors.New("it is of another unit")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrWitness, w.path, err)
	}
	return k, nil
}

func (w *Witness) store(k *kept) error {
	if err := writePrivate(w.path, []byte(formatWitness(k))); err != nil {
		return fmt.Errorf("keep the journal's checkpoint: %w", err)
	}
	return nil
}

// witnessVersion is the first line of the file.
const witnessVersion = "assist witness 1\n"

func formatWitness(k *kept) string {
	head := fmt.Sprintf("unit %s\nkey %s\nrestarted %s\n", formatBytes(k.pinned), formatBytes(k.key), formatTime(k.restarted))
	return formatSummed(witnessVersion, head, k.note)
}

// parseWitness reads a text that formatWitness could have written, and no other.
func parseWitness(text string) (*kept, error) {
	l, note, err := parseSummed(witnessVersion, text)
	if err != nil {
		return nil, err
	}
	k := &kept{pinned: l.key("unit"), key: JournalPublic(l.key("key")), restarted: l.moment("restarted"), note: note}
	if err := l.end(); err != nil {
		return nil, err
	}
	if formatWitness(k) != text {
		return nil, fmt.Errorf("%w: its sum is wrong", ErrMalformed)
	}
	if err := CheckKey(k.pinned); err != nil {
		return nil, err
	}
	var at time.Time
	k.size, k.root, at, err = k.key.OpenCheckpoint(k.note)
	k.at = at.Unix()
	return k, err
}
