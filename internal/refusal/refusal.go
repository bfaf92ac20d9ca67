// SPDX-License-Identifier: Apache-2.0

// Package refusal keeps what this computer refused to believe: when, what it was and
// why, in words of closed lists: no machine, address or session stands in it, so that a
// server that lies can put no words into it either. One name does: that of a technician
// whose request was proved, under the unit's certificate, and came to nothing here.
//
// What is alike is one line a day, with a count: a flood takes no more room than one.
package refusal

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"assist/internal/config"
	"assist/internal/session"
	"assist/internal/wire"
)

// Limits on how much is kept, and on how often it is written.
const (
	Keep       = 365 * 24 * time.Hour // older lines are dropped
	MaxLines   = 500                  // and the oldest of more than these; they are counted
	maxFile    = 256 << 10            // bytes; MaxLines take less than half
	writeEvery = time.Second          // between two writes
)

// ErrDamaged says that the file is not what was written.
var ErrDamaged = errors.New("refusal: file damaged")

// Line is one kind of refusal on one day.
type Line struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Side  Side      `json:"side"`
	What  string    `json:"what"`          // of Whats
	Why   string    `json:"why"`           // of Whys
	Who   string    `json:"who,omitempty"` // proved by the unit's certificate; of a request alone
	Count int       `json:"count"`
}

// sound reports whether this app can have written a line.
func (l Line) sound() bool {
	switch {
	case !slices.Contains(Whats(), l.What), !slices.Contains(Whys(), l.Why), !l.Side.known():
		return false
	case l.Count < 1, l.Last.Before(l.First):
		return false
	case l.Who == "":
		return true
	}
	return l.asked() && len(l.Who) <= wire.MaxName && wire.Legible(l.Who)
}

// asked tells the lines that may name who asked.
func (l Line) asked() bool {
	return l.Side == Helped && (l.What == session.AboutRequest || l.What == session.AboutQuestion)
}

// alike tells whether two lines are of one day and say the same.
func (l Line) alike(m Line) bool {
	return l.Side == m.Side && l.What == m.What && l.Why == m.Why && l.Who == m.Who && day(l.First).Equal(day(m.First))
}

// day is when a day began, local time.
func day(at time.Time) time.Time {
	year, month, d := at.Local().Date()
	return time.Date(year, month, d, 0, 0, 0, 0, time.Local)
}

// file is what is on disk.
type file struct {
	Lines   []Line `json:"lines"` // oldest first
	Omitted int    `json:"omitted,omitempty"`
}

// Book is the lines of one user of this computer. One process at a time may have it;
// its methods may be called at the same time.
type Book struct {
	path string
	log  *slog.Logger

	writing sync.Mutex // held by who writes the file

	mu      sync.Mutex
	kept    file
	written time.Time
	later   *time.Timer // writes what is new; nil when all is written
}

// Open reads what was kept. A file that cannot be read is put aside, not lost.
func Open(path string, log *slog.Logger) *Book {
	b := &Book{path: path, log: log}
	config.ReadKept(path, log, func(text []byte) (err error) {
		b.kept, err = parse(text)
		return err
	})
	return b
}

// parse takes a file apart. What no version of this app writes is damage.
func parse(text []byte) (file, error) {
	var f file
	if len(text) > maxFile {
		return file{}, ErrDamaged
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return file{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(f.Lines) > MaxLines || f.Omitted < 0 {
		return file{}, ErrDamaged
	}
	for _, l := range f.Lines {
		if !l.sound() {
			return file{}, ErrDamaged
		}
	}
	return f, nil
}

// Add keeps a line: what was refused at a side of this app, and why. What is not of the
// list of Whats is not kept.
func (b *Book) Add(side Side, what string, why error) {
	if !slices.Contains(Whats(), what) || why == nil {
		return
	}
	now := time.Now().Round(time.Second)
	one := Line{First: now, Last: now, Side: side, What: what, Why: Why(why), Count: 1}
	if a := (*session.Attempt)(nil); errors.As(why, &a) && one.asked() {
		one.Who = a.Who
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.kept.Lines) - 1; i >= 0; i-- {
		if l := &b.kept.Lines[i]; l.alike(one) {
			l.Count++
			l.Last = later(l.Last, now)
			b.soon()
			return
		}
	}
	b.kept.Lines = append(b.kept.Lines, one)
	b.forget(now)
	b.soon()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// forget drops what is too old, and counts what is too much; mu is held.
func (b *Book) forget(now time.Time) {
	b.kept.Lines = slices.DeleteFunc(b.kept.Lines, func(l Line) bool { return now.Sub(l.Last) > Keep })
	for over := len(b.kept.Lines) - MaxLines; over > 0; over-- {
		b.kept.Omitted += b.kept.Lines[0].Count
		b.kept.Lines = b.kept.Lines[1:]
	}
}

// soon has the file written, once in a while at most; mu is held. Whoever refuses
// something does not wait for a disk.
func (b *Book) soon() {
	if b.later == nil {
		b.later = time.AfterFunc(max(0, writeEvery-time.Since(b.written)), b.Flush)
	}
}

// Flush writes what is not written yet, and returns when that is done.
func (b *Book) Flush() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	if b.later == nil {
		b.mu.Unlock()
		return
	}
	b.later.Stop()
	b.later, b.written = nil, time.Now()
	text, err := json.Marshal(b.kept)
	b.mu.Unlock()
	if err == nil {
		err = config.WriteFile(b.path, text)
	}
	if err != nil {
		b.log.Error("what was refused is not kept", "error", err)
	}
}

// List is what is kept, newest first, and how many refusals of the past are only counted.
func (b *Book) List() (lines []Line, omitted int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines = slices.Clone(b.kept.Lines)
	slices.SortStableFunc(lines, func(l, m Line) int { return m.Last.Compare(l.Last) })
	return lines, b.kept.Omitted
}

// Today counts the requests that were turned down at a side since midnight, and says why
// the last of them was; nil when there was none.
func (b *Book) Today(side Side, now time.Time) (count int, why error) {
	lines, _ := b.List()
	for _, l := range lines {
		if l.Side != side || l.What != Request || !day(l.First).Equal(day(now)) {
			continue
		}
		if count == 0 {
			why = Reason(l.Why)
		}
		count += l.Count
	}
	return count, why
}
