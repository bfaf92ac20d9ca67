// SPDX-License-Identifier: Apache-2.0

// Package receipt keeps the helped person's own record of each intervention on
// this machine: who, why, what was allowed, what was done, who ended it. It holds
// nothing of the screen, of keys, or of a clipboard.
//
// Each is signed by this computer's key and holds what the technician and this
// computer signed before anything was shared, so that the person can prove it to
// somebody who was not there: Verify.
package receipt

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assist/internal/config"
	"assist/internal/trust"
)

const (
	version  = 2
	maxFile  = 96 << 10 // bytes of one receipt
	maxDeeds = 200      // lines of what was done; more are only counted
)

// Limits on how much is kept.
const (
	Keep      = 365 * 24 * time.Hour // older receipts are removed
	MaxListed = 1000                 // the newest are listed
)

// Receipts are removed only when another one began so long before: a clock that jumped
// for less than a day finds none there, and erases nothing.
const (
	steadyFrom = 24 * time.Hour
	steadyFor  = 30 * 24 * time.Hour
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
	First   uint16        `json:"granted_first"` // the rights of the first answer, which is signed
	Allowed uint16        `json:"allowed"`       // all rights that were ever granted
	Deeds   []Deed        `json:"deeds"`
	Omitted int           `json:"deeds_omitted,omitempty"`
	Driven  int           `json:"driven"`  // times that mouse or keyboard were used
	Pointed int           `json:"pointed"` // times that the technician pointed
	End     uint8         `json:"end"`     // wire.EndReason; 0: not completed
	Words   [3]string     `json:"check_words"`

	// What both ends signed, byte for byte, and by whom the certificate is.
	Heard       time.Time `json:"request_verified"`
	UnitKey     []byte    `json:"unit_key"`
	Certificate []byte    `json:"certificate"`
	Request     []byte    `json:"request"`
	Pledge      []byte    `json:"pledge"`
	Answer      []byte    `json:"answer"`
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

// Completed tells whether the intervention had ended when the receipt was written. The
// app writes it anew while it goes on: one that stays uncompleted is of an app that was
// killed, or of a computer that went out.
func (r Receipt) Completed() bool { return r.End != 0 }

// Written is when a receipt that was not completed was last written.
func (r Receipt) Written() time.Time { return r.Began.Add(r.Length) }

// Add signs and keeps r, whole or not at all, in place of what was kept of its session,
// and removes what is older than Keep once it is completed, unless the clock may be wrong.
func (b *Book) Add(r Receipt, key *trust.HostKey) error {
	if !isID(r.Session) {
		return fmt.Errorf("receipt: %q is not a session", r.Session)
	}
	r.Version = version
	if over := len(r.Deeds) - maxDeeds; over > 0 {
		r.Deeds, r.Omitted = r.Deeds[:maxDeeds], over
	}
	text, err := sign(r, key)
	if err != nil {
		return err
	}
	if err := config.WriteFile(b.path(r.Session), text); err != nil {
		return err
	}
	if !r.Completed() {
		return nil // written again in a moment
	}
	return b.purge(r.Began)
}

// List returns the newest MaxListed receipts, newest first. One that cannot be read is left
// out and reported in the log: a damaged file must not hide the others.
func (b *Book) List() ([]Receipt, error) {
	all, err := b.all()
	return all[:min(len(all), MaxListed)], err
}

// all returns every receipt that can be read, newest first.
func (b *Book) all() ([]Receipt, error) {
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
	return out, nil
}

// Get returns the receipt of one session.
func (b *Book) Get(session string) (Receipt, error) {
	var r Receipt
	text, err := b.File(session)
	if err != nil {
		return r, err
	}
	return decode(text, session)
}

// File is the signed receipt of one session as it is kept, to be given away.
func (b *Book) File(session string) ([]byte, error) {
	if !isID(session) {
		return nil, ErrUnknown
	}
	text, err := os.ReadFile(b.path(session))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return text, nil
}

// decode is strict: a receipt is signed, whole and of this session, or refused.
func decode(text []byte, session string) (Receipt, error) {
	r, _, err := open(text)
	if err == nil && r.Session != session {
		err = errors.New("receipt: of another session")
	}
	return r, err
}

func (b *Book) path(session string) string { return filepath.Join(b.dir, session+".json") }

// purge removes receipts that are older than Keep at a time, if it is believed.
func (b *Book) purge(now time.Time) error {
	all, err := b.all()
	if err != nil || !steady(all, now) {
		return err
	}
	for _, r := range all {
		if r.Began.Before(now.Add(-Keep)) {
			err = errors.Join(err, os.Remove(b.path(r.Session)))
		}
	}
	return err
}

// steady tells whether a time can be relied on to remove receipts: another one began a
// while, but not long, before.
func steady(all []Receipt, now time.Time) bool {
	return slices.ContainsFunc(all, func(r Receipt) bool {
		age := now.Sub(r.Began)
		return steadyFrom <= age && age <= steadyFor
	})
}

func isID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}
