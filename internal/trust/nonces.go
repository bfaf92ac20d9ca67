// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// maxNonces bounds what Nonces remembers; a host is not asked that often.
const maxNonces = 1024

// A file of nonces is this head, the records and the SHA-256 of both. A record is
// a nonce and when it was first seen, in seconds of Unix time.
const (
	noncesHead  = "ASSIST NONCES 1\n"
	nonceRecord = 32 + 8
)

// Nonces remembers the nonces of requests until they could not be accepted
// again, in a file, so that an app that is started again knows them too. OpenNonces
// makes them: without a file, as the zero value is, every nonce counts as seen. Their
// methods may be called at the same time.
type Nonces struct {
	mu    sync.Mutex
	seen  map[[32]byte]time.Time // when it was first seen
	path  string                 // the file
	blind time.Time              // until then every nonce counts as seen
}

// OpenNonces returns Nonces that remember across a restart, in the file at path. One
// process at a time may use it. Where the file is damaged or cannot be read, nobody
// knows what was seen: every nonce counts as seen until no request from before can
// still be good. The error says so; the Nonces can be used all the same.
func OpenNonces(path string) (*Nonces, error) {
	s := &Nonces{path: path, seen: make(map[[32]byte]time.Time)}
	err := s.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.blind = time.Now().Add(maxRequestLife)
		clear(s.seen)
		return s, fmt.Errorf("nonces: %w", err)
	}
	return s, nil
}

// Lasting reports whether there is a file that outlives the process.
func (s *Nonces) Lasting() bool { return s != nil && s.path != "" }

// Blind is until when every nonce counts as seen, because those seen before are not known.
func (s *Nonces) Blind() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blind
}

// Seen remembers n and reports whether it was seen before. When there are too
// many to remember, or it cannot be written down, every nonce counts as seen:
// better refuse than forget.
func (s *Nonces) Seen(n [32]byte) bool {
	if !s.Lasting() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for k, at := range s.seen {
		if now.Sub(at) > 2*maxRequestLife {
			delete(s.seen, k)
		}
	}
	if _, again := s.seen[n]; again || len(s.seen) >= maxNonces || now.Before(s.blind) {
		return true
	}
	s.seen[n] = now
	return s.store() != nil
}

// Knows reports whether n counts as seen, and remembers nothing.
func (s *Nonces) Knows(n [32]byte) bool {
	if !s.Lasting() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, again := s.seen[n]
	return again || time.Now().Before(s.blind)
}

func (s *Nonces) store() error {
	b := []byte(noncesHead)
	for n, at := range s.seen {
		b = append(b, n[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(at.Unix()))
	}
	sum := sha256.Sum256(b)
	return writePrivate(s.path, append(b, sum[:]...))
}

func (s *Nonces) load() error {
	b, err := readPrivate(s.path)
	if err != nil {
		return err
	}
	damaged := fmt.Errorf("%w: %s: damaged", ErrKeyFile, s.path)
	body := len(b) - sha256.Size
	records := body - len(noncesHead)
	if records < 0 || records%nonceRecord != 0 || records > maxNonces*nonceRecord {
		return damaged
	}
	sum := sha256.Sum256(b[:body])
	if !bytes.HasPrefix(b, []byte(noncesHead)) || !bytes.Equal(sum[:], b[body:]) {
		return damaged
	}
	for r := b[len(noncesHead):body]; len(r) > 0; r = r[nonceRecord:] {
		s.seen[[32]byte(r)] = time.Unix(int64(binary.BigEndian.Uint64(r[32:])), 0)
	}
	return nil
}
