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
)

// Why a memory cannot be used, or has nothing to give.
var (
	ErrMemory    = errors.New("trust: what was remembered of the unit is damaged")
	ErrNoCharter = errors.New("trust: no charter seen yet")
	ErrNotKept   = errors.New("trust: the unit's newest word cannot be written down")
	ErrForked    = errors.New("trust: differs from the charter already seen under this epoch")
)

// Memory is a file that remembers, of one unit, the key in force, the highest
// epoch and the newest charter seen, so that a server cannot go back to an older
// charter: one in which a technician was not yet revoked. Its methods may be
// called at the same time; one process owns the file.
//
// A damaged file is refused with ErrMemory and never begun anew. Whatever spoils
// a byte (a full disk, another program, a person) would otherwise make the app
// forget what it must not go back behind, silently, and the next charter shown
// would be believed whatever its age. Somebody has to delete the file to start
// from the join code again: that is an act, and leaves the person aware of it.
// What was verified and cannot be written (a full disk) counts all the same for as
// long as the process lives: a technician who was revoked is not to stay because of
// it. The caller gets ErrNotKept, and learning it again tries to write it again.
//
// The file cannot resist whoever may write the person's own files; such a one
// could replace the app as well.
type Memory struct {
	path   string
	write  func(path string, b []byte) error
	pinned UnitPublic // of the join code, or of the deployed configuration

	mu   sync.Mutex  // one change of the file at a time
	held *remembered // newer than the file, which could not be written
}

// NewMemory is the memory of the unit whose key was pinned, in a directory. The
// file is named after that key and made when there is something to remember.
func NewMemory(dir string, pinned UnitPublic) (*Memory, error) {
	if err := CheckKey(pinned); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(pinned)
	name := "unit-" + hex.EncodeToString(sum[:8]) + ".memory"
	return &Memory{path: filepath.Join(dir, name), write: writePrivate, pinned: bytes.Clone(pinned)}, nil
}

// remembered is what the file holds.
type remembered struct {
	pinned, key UnitPublic
	epoch       uint64
	charter     []byte // as it came, or empty
}

// Learn verifies a charter against what is remembered, and remembers it if it
// is newer. Under one epoch there is one text: another one is ErrForked.
func (m *Memory) Learn(charter []byte, now time.Time) (*Charter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.load()
	if err != nil {
		return nil, err
	}
	c, err := VerifyCharter(charter, r.key, now, r.epoch)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Epoch != r.epoch || len(r.charter) == 0:
		r.epoch, r.charter = c.Epoch, charter
		err = m.store(r)
	default:
		if err = r.sameText(charter); err == nil && m.held != nil {
			err = m.store(r)
		}
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// sameText lets pass the remembered charter signed once more.
func (r *remembered) sameText(charter []byte) error {
	old, err := openText(r.charter, r.key, tagCharter)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMemory, err)
	}
	if again, err := openText(charter, r.key, tagCharter); err != nil || again != old {
		return fmt.Errorf("%w: %w", ErrCharter, ErrForked)
	}
	return nil
}

// Follow goes along a chain of rotations, oldest first, from the key remembered
// to the key in force, which it remembers. Links before the one that starts from
// the key remembered are passed over, and a chain that ends with that key changes
// nothing. The charter of the old key is forgotten, its epoch is not: there is no
// charter until one of the new key is learned.
func (m *Memory) Follow(chain [][]byte, now time.Time) (UnitPublic, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.load()
	if err != nil {
		return nil, err
	}
	rest, err := remainder(chain, r.key)
	if err != nil {
		return nil, err
	}
	key, epoch, err := FollowRotations(rest, r.key, now, r.epoch)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(key, r.key) {
		return key, nil
	}
	r.key, r.epoch, r.charter = key, epoch, nil
	if err := m.store(r); err != nil {
		return nil, err
	}
	return key, nil
}

// remainder is the part of a chain that starts from a key. Each link passed over
// must still be signed by the key that it names: a damaged chain is no chain.
func remainder(chain [][]byte, key UnitPublic) ([][]byte, error) {
	if len(chain) > MaxRotations {
		return nil, fmt.Errorf("%w: more than %d of them", ErrRotation, MaxRotations)
	}
	end := key
	for i, b := range chain {
		r, err := openClaimed(b)
		if err != nil {
			return nil, fmt.Errorf("link %d: %w: %w", i+1, ErrRotation, err)
		}
		if bytes.Equal(r.From, key) {
			return chain[i:], nil
		}
		end = r.To
	}
	if !bytes.Equal(end, key) {
		return nil, fmt.Errorf("%w: it does not pass by the key in force here", ErrRotation)
	}
	return nil, nil
}

// Charter is the newest charter seen, verified again for this moment.
func (m *Memory) Charter(now time.Time) (*Charter, error) {
	c, err := m.Newest()
	if err == nil {
		err = c.InForce(now)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Newest is the newest charter seen, verified again but for its dates: where the
// server is, and by which keys to know it, an app must find there also when the
// charter has run out, or it could never fetch the next.
func (m *Memory) Newest() (*Charter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.load()
	if err != nil {
		return nil, err
	}
	if len(r.charter) == 0 {
		return nil, ErrNoCharter
	}
	c, err := openCharter(r.charter, r.key)
	if err == nil && c.Epoch < r.epoch {
		err = fmt.Errorf("%w: epoch %d of %d", ErrRollback, c.Epoch, r.epoch)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	return c, nil
}

// Epoch is the key in force and the highest epoch seen: the pinned key and zero
// before anything was.
func (m *Memory) Epoch() (UnitPublic, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.load()
	if err != nil {
		return nil, 0, err
	}
	return r.key, r.epoch, nil
}

func (m *Memory) load() (*remembered, error) {
	if m.held != nil {
		r := *m.held
		return &r, nil
	}
	b, err := readPrivate(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return &remembered{pinned: m.pinned, key: m.pinned}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMemory, err)
	}
	r, err := parseMemory(string(b))
	if err == nil && !bytes.Equal(r.pinned, m.pinned) {
		err = errors.New("it is of another unit")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMemory, m.path, err)
	}
	return r, nil
}

func (m *Memory) store(r *remembered) error {
	if err := m.write(m.path, []byte(formatMemory(r))); err != nil {
		m.held = r
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	m.held = nil
	return nil
}

// memoryVersion is the first line of the file.
const memoryVersion = "assist memory 1\n"

func formatMemory(r *remembered) string {
	return formatSummed(memoryVersion, fmt.Sprintf("unit %s\nkey %s\nepoch %d\n", formatBytes(r.pinned), formatBytes(r.key), r.epoch), r.charter)
}

// parseMemory reads a text that formatMemory could have written, and no other.
func parseMemory(text string) (*remembered, error) {
	l, charter, err := parseSummed(memoryVersion, text)
	if err != nil {
		return nil, err
	}
	r := &remembered{pinned: l.key("unit"), key: l.key("key"), epoch: l.number("epoch"), charter: charter}
	if err := l.end(); err != nil {
		return nil, err
	}
	if formatMemory(r) != text {
		return nil, fmt.Errorf("%w: its sum is wrong", ErrMalformed)
	}
	if err := errors.Join(CheckKey(r.pinned), CheckKey(r.key)); err != nil {
		return nil, err
	}
	return r, nil
}
