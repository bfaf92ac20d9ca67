// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// exportVersion is that of the lines below.
const exportVersion = 1

// exportHead is the first line of an export: what was chosen, and the checkpoint that
// every other line is proved against.
type exportHead struct {
	Version    int    `json:"assist_journal_export"`
	Unit       string `json:"unit"`
	At         string `json:"at"`
	Key        []byte `json:"key"` // SubjectPublicKeyInfo of the journal's key
	Checkpoint string `json:"checkpoint"`
	Session    string `json:"session"`
	Login      string `json:"login"`
	Machine    string `json:"machine"`
}

// exportEntry is an entry with the proof that the checkpoint's tree holds it.
type exportEntry struct {
	Number int64           `json:"entry"`
	Salt   string          `json:"salt"` // hex
	Proof  []Hash          `json:"proof"`
	Body   json.RawMessage `json:"body"` // as it is stored
}

// exportPurged stands where an entry was purged; only in exports of everything.
type exportPurged struct {
	Number int64  `json:"purged"`
	Leaf   Hash   `json:"leaf"`
	Proof  []Hash `json:"proof"`
}

// exportEnd is the last line: a signature over the hash of all lines before it.
type exportEnd struct {
	Lines     int64  `json:"end"` // entries and purged ones
	Signature string `json:"signature"`
}

// Export says what to write, and how to sign it.
type Export struct {
	Keys
	Unit string
	At   time.Time
	Key  []byte // SubjectPublicKeyInfo of the signer's key
}

// WriteNDJSON writes the entries up to a checkpoint, oldest first, one JSON object a
// line, such that VerifyExport needs nothing but the file and the journal's key. It
// returns how many lines of entries it wrote.
func WriteNDJSON(ctx context.Context, w io.Writer, q Querier, x Export, to Checkpoint, key Signer) (int64, error) {
	o := &ndjson{w: w, q: q, to: to, key: key}
	if x.Keys == (Keys{}) { // in others gaps are nothing to account for
		var err error
		if o.erased, err = erased(ctx, q, to.Size); err != nil {
			return 0, err
		}
	}
	return o.write(ctx, x)
}

// write writes the whole file.
func (o *ndjson) write(ctx context.Context, x Export) (int64, error) {
	o.sum, o.stored, o.whole = sha256.New(), newHashes(ctx, o.q), x.Keys == Keys{}
	err := o.line(exportHead{exportVersion, x.Unit, x.At.UTC().Format(time.RFC3339), x.Key, string(o.to.Note), x.Session, x.Login, x.Machine})
	if err != nil {
		return 0, err
	}
	if err := each(ctx, o.q, x.Keys, o.to.Size, o.entry); err != nil {
		return o.lines, err
	}
	if err := o.purged(o.to.Size + 1); err != nil {
		return o.lines, err
	}
	note, err := o.key.SignExport([32]byte(o.sum.Sum(nil)))
	if err != nil {
		return o.lines, err
	}
	return o.lines, o.line(exportEnd{o.lines, string(note)})
}

// each calls f for the entries that the keys choose, oldest first.
func each(ctx context.Context, q Querier, k Keys, to int64, f func(Entry) error) error {
	for after := int64(0); ; {
		query, args := k.narrow(` where number > ? and number <= ?`, []any{after, to})
		list, err := read(ctx, q, query+` order by number limit ?`, append(args, batch)...)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := f(e); err != nil {
				return err
			}
			after = e.Number
		}
		if len(list) < batch {
			return nil
		}
	}
}

// ndjson writes lines and hashes them.
type ndjson struct {
	w      io.Writer
	q      Querier
	to     Checkpoint
	key    Signer
	erased int64 // number up to which a purge was recorded

	sum    hash.Hash
	stored *hashes
	whole  bool  // everything is exported: purged entries have lines too
	last   int64 // number of the last entry written
	lines  int64
}

func (o *ndjson) line(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("journal: export: %w", err)
	}
	b = append(b, '\n')
	o.sum.Write(b)
	if _, err := o.w.Write(b); err != nil {
		return fmt.Errorf("journal: export: %w", err)
	}
	return nil
}

func (o *ndjson) entry(e Entry) error {
	if err := o.purged(e.Number); err != nil {
		return err
	}
	proof, err := tlog.ProveRecord(o.to.Size, e.Number-1, o.stored)
	if err != nil {
		return err
	}
	o.last = e.Number
	o.lines++
	return o.line(exportEntry{e.Number, hex.EncodeToString(e.Salt), proof, e.Body})
}

// purged writes the lines of what is missing before the entry next.
func (o *ndjson) purged(next int64) error {
	for o.whole && o.last+1 < next {
		n := o.last
		if n >= o.erased {
			return fmt.Errorf("%w: entry %d is missing", ErrTampered, n+1)
		}
		leaf, err := o.stored.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(o.to.Size, n, o.stored)
		if err != nil {
			return err
		}
		if err := o.line(exportPurged{n + 1, leaf[0], proof}); err != nil {
			return err
		}
		o.last++
		o.lines++
	}
	return nil
}

// erased is the number up to which the newest purge went. An export must hold its record, or
// what is missing would be unaccounted for.
func erased(ctx context.Context, q Querier, size int64) (int64, error) {
	p, number, err := lastPurge(ctx, q)
	if err != nil || p == nil {
		return 0, err
	}
	if number > size {
		return 0, errors.New("journal: entries were erased in the middle of the export: export again")
	}
	return p.Through, nil
}

// WriteCSV writes the entries up to a number, oldest first, for a spreadsheet. Nothing
// in it can be verified.
func WriteCSV(ctx context.Context, w io.Writer, q Querier, k Keys, to int64) (int64, error) {
	c := csv.NewWriter(w)
	var lines int64
	err := c.Write([]string{"number", "time", "type", "session", "login", "machine", "entry"})
	if err == nil {
		err = each(ctx, q, k, to, func(e Entry) error {
			lines++
			k := e.Event.keys()
			return c.Write([]string{strconv.FormatInt(e.Number, 10), e.At.Format("2006-01-02T15:04:05.000Z"), e.Event.Type(),
				inert(k.Session), inert(k.Login), inert(k.Machine), string(e.Body)})
		})
	}
	c.Flush()
	if err == nil {
		err = c.Error()
	}
	if err != nil {
		return lines, fmt.Errorf("journal: export: %w", err)
	}
	return lines, nil
}

// inert keeps a spreadsheet from taking text for a formula.
func inert(s string) string {
	if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r") {
		return "'" + s
	}
	return s
}

// Count is how many entries the keys choose.
func Count(ctx context.Context, q Querier, k Keys) (int64, error) {
	query, args := k.narrow(` where number > ?`, []any{0})
	var n int64
	if err := q.QueryRowContext(ctx, `select count(*) from journal`+query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("journal: count: %w", err)
	}
	return n, nil
}

// After returns up to limit entries after a number, oldest first.
func After(ctx context.Context, q Querier, number int64, limit int) ([]Entry, error) {
	return read(ctx, q, ` where number > ? order by number limit ?`, number, limit)
}
