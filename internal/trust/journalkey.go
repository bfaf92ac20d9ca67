// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// ErrCheckpoint says that a text is not one that the journal's key signed.
var ErrCheckpoint = errors.New("trust: not a signed text of the journal")

// Tags of what the journal's key signs.
const (
	tagCheckpoint = "assist/checkpoint/1"
	tagExport     = "assist/export/1"
)

// First lines of these texts.
const (
	checkpointVersion = "assist checkpoint 1\n"
	exportVersion     = "assist export 1\n"
)

// MaxJournalNote bounds a signed text of the journal, in bytes.
const MaxJournalNote = 1 << 10

// blockJournal begins the file of a journal's key.
const blockJournal = "ASSIST JOURNAL KEY"

// JournalKey signs what the server's journal looked like at one moment. It says
// nothing of who may do what: a server that is broken into gives it away, which is
// why the ends keep checkpoints.
type JournalKey struct{ pair keyPair }

// JournalPublic is its public half, as SubjectPublicKeyInfo (DER).
type JournalPublic []byte

// Public returns the public half.
func (k *JournalKey) Public() JournalPublic { return bytes.Clone(k.pair.public) }

// NewJournalKey makes a key that is not kept anywhere.
func NewJournalKey() (*JournalKey, error) {
	p, err := newKeyPair()
	if err != nil {
		return nil, err
	}
	return &JournalKey{p}, nil
}

// LoadJournalKey reads the key at path; fs.ErrNotExist when there is none.
func LoadJournalKey(path string) (*JournalKey, error) {
	b, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	blk, err := decodeBlock(b, blockJournal)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p, err := pairFromScalar(blk.Bytes)
	if err != nil || blk.Headers[keyHeader] != keyName(p) {
		return nil, fmt.Errorf("%w: %s: damaged", ErrKeyFile, path)
	}
	return &JournalKey{p}, nil
}

// CreateJournalKey makes a key and keeps it at path, where nothing may be yet.
func CreateJournalKey(path string) (*JournalKey, error) {
	if _, err := readPrivate(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is there already", ErrKeyFile, path)
	}
	k, err := NewJournalKey()
	if err != nil {
		return nil, err
	}
	scalar, err := k.pair.private.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	blk := &pem.Block{Type: blockJournal, Headers: map[string]string{keyHeader: keyName(k.pair)}, Bytes: scalar}
	return k, writePrivate(path, pem.EncodeToMemory(blk))
}

// SignCheckpoint signs size and root of the tree at one moment.
func (k *JournalKey) SignCheckpoint(size int64, root [32]byte, at time.Time) ([]byte, error) {
	return signWith(k.pair, tagCheckpoint, formatCheckpoint(size, root, at.Unix()))
}

// OpenCheckpoint reads what SignCheckpoint made, and nothing else.
func (p JournalPublic) OpenCheckpoint(b []byte) (int64, [32]byte, time.Time, error) {
	text, err := p.open(b, tagCheckpoint)
	if err != nil {
		return 0, [32]byte{}, time.Time{}, err
	}
	rest, found := strings.CutPrefix(text, checkpointVersion)
	l := &lines{rest: rest}
	size, root, at := l.size("size"), l.hash("root"), l.moment("issued")
	err = l.end()
	if err == nil && (!found || formatCheckpoint(size, root, at) != text) {
		err = ErrMalformed
	}
	if err != nil {
		return 0, [32]byte{}, time.Time{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return size, root, time.Unix(at, 0).UTC(), nil
}

func formatCheckpoint(size int64, root [32]byte, at int64) string {
	return checkpointVersion + fmt.Sprintf("size %d\nroot %s\nissued %s\n", size, formatBytes(root[:]), formatTime(at))
}

// SignExport signs the hash of an exported file.
func (k *JournalKey) SignExport(sum [32]byte) ([]byte, error) {
	return signWith(k.pair, tagExport, exportVersion+"sum "+formatBytes(sum[:])+"\n")
}

// OpenExport reads what SignExport made, and nothing else.
func (p JournalPublic) OpenExport(b []byte) ([32]byte, error) {
	text, err := p.open(b, tagExport)
	if err != nil {
		return [32]byte{}, err
	}
	rest, found := strings.CutPrefix(text, exportVersion)
	l := &lines{rest: rest}
	sum := l.hash("sum")
	err = l.end()
	if err == nil && (!found || exportVersion+"sum "+formatBytes(sum[:])+"\n" != text) {
		err = ErrMalformed
	}
	if err != nil {
		return [32]byte{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return sum, nil
}

func (p JournalPublic) open(b []byte, tag string) (string, error) {
	if len(b) > MaxJournalNote {
		return "", fmt.Errorf("%w: longer than %d bytes", ErrCheckpoint, MaxJournalNote)
	}
	text, err := openText(b, UnitPublic(p), tag)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return text, nil
}

// size is a number of entries.
func (l *lines) size(word string) int64 {
	n := l.number(word)
	if n > 1<<53 {
		l.fail(word, "is out of limits")
		return 0
	}
	return int64(n)
}

// hash is 32 bytes in base64.
func (l *lines) hash(word string) (h [32]byte) {
	b := l.asBytes(word, l.next(word))
	if len(b) != len(h) {
		l.fail(word, "is not 32 bytes")
		return h
	}
	return [32]byte(b)
}
