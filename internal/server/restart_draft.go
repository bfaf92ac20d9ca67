// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"assist/internal/trust"
)

// RestartDraft is a restart of the journal that nobody signed yet. As a file it goes to the
// machine where the unit key is kept; a person can read it there.
type RestartDraft struct {
	Unit       string    `toml:"unit"`
	UnitKey    string    `toml:"unit_key"`    // that must sign: base64
	JournalKey string    `toml:"journal_key"` // base64
	Size       int64     `toml:"size"`        // entries
	Root       string    `toml:"root"`        // of their tree: base64
	At         time.Time `toml:"at"`          // by the server's clock
	By         string    `toml:"by"`          // account of the operating system
	Reason     string    `toml:"reason"`
}

// maxRestartDraft bounds the file, in bytes.
const maxRestartDraft = 16 << 10

// WriteRestart records why the journal should count as it stands, and leaves what the unit
// key must sign in a new file.
func (s *Server) WriteRestart(ctx context.Context, path string, w Who) error {
	if strings.TrimSpace(w.Reason) == "" {
		return ErrReason
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w: %s is there already", ErrExists, path)
	}
	r, err := s.draftRestart(ctx, w)
	if err != nil {
		return err
	}
	enc := base64.StdEncoding.EncodeToString
	b, err := toml.Marshal(RestartDraft{Unit: s.cfg.Unit.Name, UnitKey: enc(s.unit), JournalKey: enc(r.Key), Size: r.Size, Root: enc(r.Root[:]),
		At: s.now().UTC().Truncate(time.Second), By: w.By, Reason: w.Reason})
	if err != nil {
		return fmt.Errorf("%w: %w", trust.ErrRestart, err)
	}
	head := "# Restart of a journal. It counts for nothing before the unit key has signed it:\n" +
		"#   assist-server journal restart --key unit.key --sign THIS --out FILE\n"
	return writeOpen(path, append([]byte(head), b...))
}

// ReadRestart reads a file that WriteRestart left.
func ReadRestart(path string) (*RestartDraft, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", trust.ErrRestart, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRestartDraft+1))
	if err == nil && len(b) > maxRestartDraft {
		err = fmt.Errorf("longer than %d bytes", maxRestartDraft)
	}
	out := &RestartDraft{}
	if err == nil {
		d := toml.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		err = d.Decode(out)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not a draft: %w", trust.ErrRestart, path, err)
	}
	return out, nil
}

// SignRestart signs a draft. The apps hold its time against the server's: a clock that is
// behind makes a restart of no use.
func (s *Signer) SignRestart(d *RestartDraft, now time.Time) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(d.JournalKey)
	if err != nil {
		return nil, fmt.Errorf("%w: journal_key: %w", trust.ErrRestart, err)
	}
	root, err := base64.StdEncoding.DecodeString(d.Root)
	switch {
	case err != nil || len(root) != 32 || d.Size < 1:
		return nil, fmt.Errorf("%w: size or root is not one", trust.ErrRestart)
	case d.UnitKey != base64.StdEncoding.EncodeToString(s.key.Public()):
		return nil, fmt.Errorf("%w: the draft is for another unit key", trust.ErrRestart)
	case now.Before(d.At):
		return nil, fmt.Errorf("%w: the draft is of %s, and here it is %s: set the clock that is wrong", trust.ErrRestart,
			d.At.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return s.key.SignRestart(trust.Restart{Issued: now.Unix(), Key: key, Size: d.Size, Root: [32]byte(root)})
}

// KeepRestart writes a signed restart to a new file.
func KeepRestart(path string, b []byte) error { return writeOpen(path, b) }
