// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"assist/internal/trust"
)

// Signer is a unit key where it is kept, on a machine that need not reach the
// server. Beside it lies the last charter it signed: an older draft is refused,
// and what a new one changes can be shown before it is signed.
type Signer struct {
	key  *trust.UnitKey
	last string         // the file
	from *trust.Charter // what it holds, or nil
}

// OpenSigner opens a unit key file.
func OpenSigner(path, passphrase string) (*Signer, error) {
	key, err := trust.OpenUnitKey(path, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnitKey, err)
	}
	s := &Signer{key: key, last: path + ".charter"}
	text, err := os.ReadFile(s.last)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err == nil:
		s.from, err = trust.OpenCharter(text, key.Public())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s, the last one signed here, is not to be believed: %w", ErrCharter, s.last, err)
	}
	return s, nil
}

// Signed is a charter about to leave the signer.
type Signed struct {
	Text    []byte
	Charter *trust.Charter
	Changes []string // since the last one signed here
}

// Sign signs a draft. It counts as signed here once Keep has noted it.
func (s *Signer) Sign(d *Draft, o SignOptions) (*Signed, error) {
	o, err := s.fresh(d, o)
	if err != nil {
		return nil, err
	}
	text, err := d.Sign(s.key, o)
	if err != nil {
		return nil, err
	}
	c, err := trust.OpenCharter(text, s.key.Public())
	if err != nil {
		return nil, err
	}
	return &Signed{text, c, Changes(s.from, c)}, nil
}

// fresh refuses a draft that is older than what this key has signed: it would undo a revocation.
func (s *Signer) fresh(d *Draft, o SignOptions) (SignOptions, error) {
	o.Now = time.Now()
	if s.from == nil {
		return o, nil
	}
	if d.Epoch < s.from.Epoch {
		return o, fmt.Errorf("%w: %w: this key has signed epoch %d, the draft was made for epoch %d; if the server was restored and knows no better, publish %s there first (charter publish --from), or where that ran out draw up the draft anew (charter draft --above %d)",
			ErrCharter, ErrStale, s.from.Epoch, d.Epoch, s.last, s.from.Epoch)
	}
	o.After = max(o.After, s.from.Epoch)
	return o, nil
}

// Keep writes a signed charter to a new file, and notes it beside the key.
func (s *Signer) Keep(signed *Signed, path string) error {
	if err := writeOpen(path, signed.Text); err != nil {
		return err
	}
	return replaceOpen(s.last, signed.Text)
}

// RotateFiles are what a change of unit key leaves, each a new file.
type RotateFiles struct{ Key, Rotation, Charter string }

// Succession is a change of unit key about to leave the signer, with the new key's first charter.
type Succession struct {
	Signed
	From     trust.UnitPublic // the key until then
	to       *trust.UnitKey
	rotation []byte
	files    RotateFiles // of a change where the key is kept
}

// To is the new key.
func (n *Succession) To() trust.UnitPublic { return n.to.Public() }

// Rotate makes a new unit key and hands a draft's unit over to it. It counts once KeepRotation
// has noted it.
func (s *Signer) Rotate(d *Draft, files RotateFiles) (*Succession, error) {
	if err := files.absent(); err != nil { // before anybody has read and confirmed
		return nil, err
	}
	o, err := s.fresh(d, SignOptions{})
	if err != nil {
		return nil, err
	}
	next, err := d.succeed(s.key, s.from, o)
	if err != nil {
		return nil, err
	}
	next.files = files
	return next, nil
}

// KeepRotation seals the new key under a passphrase. It has signed nothing before, and notes that beside it.
func (s *Signer) KeepRotation(next *Succession, passphrase string) error {
	files := next.files
	if err := trust.SealUnitKey(next.to, files.Key, passphrase); err != nil {
		return err
	}
	if err := writeOpen(files.Rotation, next.rotation); err != nil {
		return err
	}
	signer := &Signer{key: next.to, last: files.Key + ".charter"}
	return signer.Keep(&next.Signed, files.Charter)
}

func (f RotateFiles) absent() error {
	for _, path := range []string{f.Key, f.Rotation, f.Charter} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%w: %s is there already", ErrExists, path)
		}
	}
	return nil
}

// replaceFile writes a file that only its owner reads beside the old one and puts it in its place.
func replaceFile(path string, b []byte) error { return replaceAs(path, b, 0o600) }

// replaceOpen is replaceFile for what is carried from machine to machine and is no secret.
func replaceOpen(path string, b []byte) error { return replaceAs(path, b, 0o644) }

func replaceAs(path string, b []byte, rights os.FileMode) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("server: write %s: %w", filepath.Base(path), err)
	}
	if err := writeAs(fresh, b, rights); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("server: write %s: %w", filepath.Base(path), err)
	}
	return nil
}
