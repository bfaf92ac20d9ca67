// SPDX-License-Identifier: Apache-2.0

// Package receipt keeps the helped person's own record of each intervention on
// this machine: who, why, what was allowed, what was done, who ended it. It holds
// nothing of the screen, of keys, or of a clipboard.
package receipt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assist/internal/config"
)

const (
	version  = 1
	maxFile  = 64 << 10 // bytes of one receipt
	maxDeeds = 200      // lines of what was done; more are only counted
)

// Limits on how much is kept.
const (
	Keep      = 365 * 24 * time.Hour // older receipts are removed
	MaxListed = 1000                 // the newest are listed
)

// ErrUnknown says that there is no such receipt.
var ErrUnknown = errors.New("receipt: no such receipt")

// Receipt is what is kept of one intervention.
type Receipt struct {
	Version int           `json:"version"`
	Session string        `json:"session"` // 32 hexadecimal digits
	Machine string        `json:"machine"` // 12 digits
	Name    string        `json:"name"`    // from the certificate, as are role and unit
	Role    string        `json:"role"`
	Unit    string        `json:"unit"`
	Until   time.Time     `json:"certified_until"`
	Reason  string        `json:"reason"`
	Began   time.Time     `json:"began"`
	Length  time.Duration `json:"length_ns"`
	Allowed uint16        `json:"allowed"` // all rights that were ever granted
	Deeds   []Deed        `json:"deeds"`
	Omitted int           `json:"deeds_omitted,omitempty"`
	End     uint8         `json:"end"` // wire.EndReason
	Words   [3]string     `json:"check_words"`
}

// Deed is one thing that was done, as a key that the screens put into words.
type Deed struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// Book is the folder of receipts of one user.
type Book struct {
	dir string
	log *slog.Logger
}

// Open returns the book in dir, which is made when first written to.
func Open(dir string, log *slog.Logger) *Book { return &Book{dir: dir, log: log} }

// Add keeps r, whole or not at all, and removes what is older than Keep.
func (b *Book) Add(r Receipt) error {
	if !isID(r.Session) {
		return fmt.Errorf("receipt: %q is not a session", r.Session)
	}
	r.Version = version
	if over := len(r.Deeds) - maxDeeds; over > 0 {
		r.Deeds, r.Omitted = r.Deeds[:maxDeeds], over
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	if err := config.WriteFile(b.path(r.Session), text); err != nil {
		return err
	}
	return b.purge(r.Began.Add(-Keep))
}

// List returns the receipts, newest first. One that cannot be read is left out
// and reported in the log: a damaged file must not hide the others.
func (b *Book) List() ([]Receipt, error) {
	entries, err := os.ReadDir(b.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	var out []Receipt
	for _, e := range entries {
		id, isReceipt := strings.CutSuffix(e.Name(), ".json")
		if !isReceipt || !isID(id) {
			continue
		}
		r, err := b.Get(id)
		if err != nil {
			b.log.Warn("receipt not readable", "file", e.Name(), "error", err)
			continue
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y Receipt) int { return y.Began.Compare(x.Began) })
	return out[:min(len(out), MaxListed)], nil
}

// Get returns the receipt of one session.
func (b *Book) Get(session string) (Receipt, error) {
	var r Receipt
	if !isID(session) {
		return r, ErrUnknown
	}
	text, err := os.ReadFile(b.path(session))
	if errors.Is(err, os.ErrNotExist) {
		return r, ErrUnknown
	}
	if err != nil {
		return r, fmt.Errorf("receipt: %w", err)
	}
	return r, decode(text, session, &r)
}

// decode is strict: a receipt is ours, whole and of this session, or refused.
func decode(text []byte, session string, r *Receipt) error {
	if len(text) > maxFile {
		return fmt.Errorf("receipt: larger than %d bytes", maxFile)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	if r.Version != version || r.Session != session {
		return errors.New("receipt: of another version or session")
	}
	return nil
}

func (b *Book) path(session string) string { return filepath.Join(b.dir, session+".json") }

// purge removes receipts that began before t.
func (b *Book) purge(t time.Time) error {
	all, err := b.List()
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Began.Before(t) {
			err = errors.Join(err, os.Remove(b.path(r.Session)))
		}
	}
	return err
}

func isID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}
