// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// maxLine bounds one line of an export, in bytes: an entry and a proof of 64 hashes.
const maxLine = 32 << 10

// ExportReport is what VerifyExport found.
type ExportReport struct {
	Unit        string
	At          time.Time // when it was exported
	Keys        Keys      // what was chosen
	Entries     int64
	Purged      int64
	First, Last time.Time // of the entries
	Size        int64     // entries of the journal that the checkpoint covers
	Signed      time.Time // of the checkpoint
	Doubts      Doubts
}

// VerifyExport reads a file of WriteNDJSON without any database. The error wraps
// ErrTampered and names the first entry that does not fit.
func VerifyExport(r io.Reader, key Opener) (ExportReport, error) {
	v := &offline{key: key, remains: newRemains(), sum: sha256.New(), in: bufio.NewReaderSize(r, maxLine)}
	if err := v.head(); err != nil {
		return v.report, err
	}
	for {
		line, err := v.next()
		if err != nil {
			return v.report, err
		}
		if bytes.HasPrefix(line, []byte(`{"end":`)) {
			return v.report, v.end(line)
		}
		if err := v.line(line); err != nil {
			return v.report, err
		}
		v.sum.Write(line)
	}
}

// offline is one pass over a file.
type offline struct {
	key    Opener
	in     *bufio.Reader
	sum    hash.Hash // of the lines so far
	tree   tlog.Tree
	whole  bool
	last   int64 // number of the last entry
	times  timeline
	report ExportReport

	remains remains // of an export of everything
	purged  int64   // number of the last entry that is not there
}

// next reads one line, its end included.
func (v *offline) next() ([]byte, error) {
	line, err := v.in.ReadSlice('\n')
	if err != nil {
		return nil, v.wrong("the file is cut short, or a line is too long")
	}
	return bytes.Clone(line), nil
}

// wrong names the entry after the last good one.
func (v *offline) wrong(format string, args ...any) error {
	return fmt.Errorf("%w: after entry %d: %w", ErrTampered, v.last, fmt.Errorf(format, args...))
}

// exactly reads a line that json.Marshal could have written, and no other.
func exactly(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	again, err := json.Marshal(into)
	if err == nil && string(again)+"\n" != string(line) {
		err = errors.New("it is written in another way")
	}
	return err
}

func (v *offline) head() error {
	line, err := v.next()
	if err != nil {
		return err
	}
	var h exportHead
	if err := exactly(line, &h); err != nil || h.Version != exportVersion {
		return v.wrong("the first line is not that of an export: %v", err)
	}
	size, root, signed, err := v.key.OpenCheckpoint([]byte(h.Checkpoint))
	if err != nil {
		return v.wrong("the checkpoint: %w", err)
	}
	at, err := time.Parse(time.RFC3339, h.At)
	if err != nil {
		return v.wrong("the time: %w", err)
	}
	v.tree = tlog.Tree{N: size, Hash: root}
	k := Keys{h.Session, h.Login, h.Machine}
	v.whole = k == Keys{}
	v.report = ExportReport{Unit: h.Unit, At: at, Keys: k, Size: size, Signed: signed}
	v.sum.Write(line)
	return nil
}

// line is an entry, or what is left of one.
func (v *offline) line(line []byte) error {
	if bytes.HasPrefix(line, []byte(`{"purged":`)) {
		var p exportPurged
		if err := exactly(line, &p); err != nil {
			return v.wrong("a line is damaged: %w", err)
		}
		if !v.whole {
			return v.wrong("a purged entry where entries were chosen")
		}
		v.report.Purged++
		v.purged = p.Number
		return v.prove(p.Number, p.Leaf, p.Proof)
	}
	var e exportEntry
	if err := exactly(line, &e); err != nil {
		return v.wrong("a line is damaged: %w", err)
	}
	salt, err := hex.DecodeString(e.Salt)
	if err != nil || len(salt) != saltLength || strings.ToLower(e.Salt) != e.Salt {
		return v.wrong("entry %d: its salt is damaged", e.Number)
	}
	if err := v.prove(e.Number, leafOf(salt, e.Body), e.Proof); err != nil {
		return err
	}
	return v.read(e)
}

// prove checks that the checkpoint's tree holds a leaf, after the one before.
func (v *offline) prove(number int64, leaf Hash, proof []Hash) error {
	if number <= v.last || (v.whole && number != v.last+1) {
		return v.wrong("entry %d stands where another should", number)
	}
	if err := tlog.CheckRecord(proof, v.tree.N, v.tree.Hash, number-1, leaf); err != nil {
		return v.wrong("entry %d is not the one of the journal: %w", number, err)
	}
	v.last = number
	return nil
}

// read looks into an entry that is proved to be the journal's.
func (v *offline) read(e exportEntry) error {
	s, event, err := decode(e.Body)
	if err != nil {
		return fmt.Errorf("entry %d: %w", e.Number, err)
	}
	if s.Number != e.Number || !event.keys().match(v.report.Keys) {
		return v.wrong("entry %d was not chosen", e.Number)
	}
	at := time.UnixMilli(s.AtMilli).UTC()
	v.times.take(e.Number, at, event)
	if v.whole {
		v.remains.take(e.Number, event, true)
	}
	if v.report.Entries == 0 {
		v.report.First = at
	}
	v.report.Last = at
	v.report.Entries++
	return nil
}

// match says that an entry with these keys is chosen by others.
func (k Keys) match(chosen Keys) bool {
	return (chosen.Session == "" || chosen.Session == k.Session) && (chosen.Login == "" || chosen.Login == k.Login) &&
		(chosen.Machine == "" || chosen.Machine == k.Machine)
}

// end checks the last line, and that nothing follows.
func (v *offline) end(line []byte) error {
	var e exportEnd
	if err := exactly(line, &e); err != nil {
		return v.wrong("the last line is damaged: %w", err)
	}
	sum, err := v.key.OpenExport([]byte(e.Signature))
	if err != nil {
		return v.wrong("the signature: %w", err)
	}
	if sum != [32]byte(v.sum.Sum(nil)) || e.Lines != v.report.Entries+v.report.Purged {
		return v.wrong("the file is not the one that was signed")
	}
	if v.whole && v.last != v.tree.N {
		return v.wrong("entries are missing up to %d", v.tree.N)
	}
	if err := v.remains.end(v.purged); err != nil {
		return err
	}
	v.times.checkpoint(v.tree.N, v.report.Signed)
	v.report.Doubts = v.times.doubts
	if _, err := v.in.ReadByte(); err != io.EOF {
		return v.wrong("bytes after the end")
	}
	return nil
}
