// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	minute = int64(60)
	hour   = 60 * minute
	day    = 24 * hour
)

// at adds one entry, so many seconds after the first moment.
func (b *book) at(seconds int64) {
	b.t.Helper()
	_, err := b.try(moment(seconds), &SessionUndelivered{hex.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(seconds))), "claire", "482917305566", "offline"})
	must(b.t, err)
}

// grown is a journal of twenty hours, an entry and a checkpoint each hour.
func grown(t *testing.T) *book {
	b := open(t)
	for h := range int64(20) {
		b.at(h * hour)
		b.sign(h*hour + 1)
	}
	return b
}

// forgePurge erases up to an entry as somebody with the file could, and says of it
// what they like.
func (b *book) forgePurge(now, before, through int64) {
	b.t.Helper()
	b.within(func(tx *sql.Tx) error {
		none := sha256.Sum256(nil)
		e := &JournalPurged{By: "server", Before: moment(before).Unix(), Through: through, Entries: through, List: hex.EncodeToString(none[:])}
		if _, err := Append(b.t.Context(), tx, moment(now), e); err != nil {
			return err
		}
		return erase(b.t.Context(), tx, through)
	})
}

// Every hash is right in these journals; what is wrong is when things are said to have been.
func TestVerifyDoubtsTimesThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(b *book)
		want  string // empty: no doubt
	}{
		"nothing":                  {func(*book) {}, ""},
		"a purge after a year":     {func(b *book) { b.at(400 * day); b.purge(400*day, 30*day) }, ""},
		"a purge of ten hours":     {func(b *book) { b.at(365 * day); b.purge(365*day+10*hour, 10*hour) }, ""},
		"another the next hour":    {func(b *book) { b.at(365 * day); b.purge(365*day+10*hour, 10*hour); b.purge(365*day+11*hour, 11*hour) }, ""},
		"a purge after six months": {func(b *book) { b.at(200 * day); b.purge(200*day, 200*day-184*day) }, ""},
		"a purge after five months": {func(b *book) { b.at(150 * day); b.purge(151*day, 30*hour) },
			"entry 22, a purge written at 2027-04-21T09:00:00Z, erased what was younger than 6 months: everything before 2026-11-22T15:00:00Z"},
		"a purge of today": {func(b *book) { b.forgePurge(20*hour, 20*hour, 20) },
			"entry 21, a purge written at 2026-11-22T05:00:00Z, erased what was younger than 6 months"},
		"a purge of what was younger than it says": {func(b *book) { b.at(400 * day); b.forgePurge(400*day, 5*hour, 15) },
			"entry 22, a purge, says that all it erased up to entry 15 was from before 2026-11-21T14:00:00Z, but nothing older than the checkpoint of 2026-11-21T23:00:01Z covers that"},
		"a purge of what nobody signed": {func(b *book) { b.at(400 * day); b.forgePurge(400*day, 30*day, 21) },
			"entry 22, a purge, erased entries up to 21, which no checkpoint of before covers"},
		"older checkpoints that were taken out": {func(b *book) {
			b.at(400 * day)
			b.purge(400*day, 30*day)
			b.tamper(`delete from journal_checkpoint where size < 21`)
		}, "entry 22, a purge, says that all it erased up to entry 20 was from before 2026-12-21T09:00:00Z, but nothing older than the checkpoint of 2027-12-26T09:00:00Z covers that"},
		"checkpoints that are gone": {func(b *book) {
			b.at(400 * day)
			b.purge(400*day, 30*day)
			b.tamper(`delete from journal_checkpoint`)
		}, "entry 22, a purge, erased entries up to 20, which no checkpoint of before covers"},
		"a checkpoint of afterwards": {func(b *book) {
			b.at(400 * day)
			b.forgePurge(400*day, 30*day, 21)
			b.sign(400*day + 1)
		}, "entry 22, a purge, erased entries up to 21, which no checkpoint of before covers"},
		"entries as far back as clocks go": {func(b *book) { b.at(19*hour - 5*minute) }, ""},
		"an entry further back": {func(b *book) { b.at(19*hour - 5*minute - 1) },
			"entry 21 was written at 2026-11-22T03:54:59Z, 5m1s before entry 20"},
		"entries further back by little and little": {func(b *book) { b.at(19*hour - 4*minute); b.at(19*hour - 8*minute) },
			"entry 22 was written at 2026-11-22T03:52:00Z, 8m0s before entry 20"},
		"a checkpoint as far back as clocks go": {func(b *book) { b.at(19 * hour); b.sign(19*hour + 1 - 5*minute) }, ""},
		"a checkpoint further back": {func(b *book) { b.at(19*hour - 2*minute); b.sign(19*hour - 5*minute) },
			"the checkpoint of entry 21 was signed at 2026-11-22T03:55:00Z, 5m1s before an earlier one"},
		"a checkpoint of before its entry": {func(b *book) { b.at(30 * hour); b.sign(29 * hour) },
			"the checkpoint of entry 21 was signed at 2026-11-22T14:00:00Z, before entry 21 was written (2026-11-22T15:00:00Z)"},
	} {
		t.Run(name, func(t *testing.T) {
			b := grown(t)
			c.forge(b)
			d := b.verify().Doubts
			told := strings.Join(d.Told, "\n")
			if c.want == "" && d.All != 0 {
				t.Errorf("doubts %s", told)
			}
			if c.want != "" && (d.All != 1 || !strings.Contains(told, c.want)) {
				t.Errorf("doubts %s\nwant %s", told, c.want)
			}
		})
	}
}

// A clock that was wrong for a while leaves one doubt for each time that it went back,
// and they are told up to a number.
func TestDoubtsAreBounded(t *testing.T) {
	b := open(t)
	for range int64(120) {
		b.at(hour)
		b.at(hour + 1)
		b.at(0)
		b.at(1)
	}
	if d := b.verify().Doubts; d.All != 120 || len(d.Told) != maxDoubts || slices.Contains(d.Told, "") {
		t.Errorf("%d doubts, %d told", d.All, len(d.Told))
	}
}

// Entries may be kept longer from some day on: a session that is released then still goes,
// and the record of its purge stays true.
func TestReleasedAfterRetentionWasLengthened(t *testing.T) {
	b := grown(t)
	held := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(10*hour)))
	b.within(func(tx *sql.Tx) error {
		return Hold(t.Context(), tx, moment(20*hour), &SessionHeld{held, "rssi", "contested"})
	})
	b.at(200 * day)
	first := b.purge(200*day, 16*day)
	b.within(func(tx *sql.Tx) error {
		return Release(t.Context(), tx, moment(201*day), &SessionReleased{held, "rssi", "settled"})
	})
	again := b.purge(202*day, 202*day-365*day)
	if again == nil || again.Before != first.Before || again.Through != first.Through || again.Kept != 0 {
		t.Errorf("first %+v, then %+v", first, again)
	}
	if d := b.verify().Doubts; d.All != 0 {
		t.Errorf("doubts %v", d.Told)
	}
}

// What was signed for too late is kept as long after that as the rest was after it was
// written: before, its age is nobody's word.
func TestNothingIsPurgedThatNobodySignedInTime(t *testing.T) {
	b := grown(t)
	b.at(21 * hour) // and then the server was off
	b.at(400 * day)
	if e := b.purge(400*day, 30*day); e == nil || e.Through != 20 {
		t.Errorf("purged %+v", e)
	}
	if e := b.purge(799*day, 399*day); e != nil {
		t.Errorf("then %+v", e)
	}
	if e := b.purge(801*day, 401*day); e == nil || e.Through != 22 {
		t.Errorf("at last %+v", e)
	}
	if d := b.verify().Doubts; d.All != 0 {
		t.Errorf("doubts %v", d.Told)
	}
}

// A checkpoint that was signed while the clock had gone back makes nothing old.
func TestACheckpointOfAWrongClockMakesNothingOld(t *testing.T) {
	b := grown(t)
	b.at(20 * hour)
	b.sign(-400 * day)
	b.at(400 * day)
	if e := b.purge(400*day, 10*hour); e == nil || e.Through != 10 {
		t.Errorf("purged %+v", e)
	}
}

// pretendPurge erases entries of what was signed, and says that all others up to through
// were left on purpose, as somebody could who can write the database and has no key.
func (b *book) pretendPurge(now, before, through int64, gone ...int64) {
	b.t.Helper()
	b.within(func(tx *sql.Tx) error {
		sum, kept := sha256.New(), int64(0)
		for n := int64(1); n <= through; n++ {
			if !slices.Contains(gone, n) {
				sum.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
				kept++
			}
		}
		e := &JournalPurged{By: "server", Before: moment(before).Unix(), Through: through, Entries: int64(len(gone)), Kept: kept, List: hex.EncodeToString(sum.Sum(nil))}
		if _, err := Append(b.t.Context(), tx, moment(now), e); err != nil {
			return err
		}
		if _, err := tx.ExecContext(b.t.Context(), `update journal_head set purged = ? where one = 1`, through); err != nil {
			return err
		}
		for _, n := range gone {
			if _, err := tx.ExecContext(b.t.Context(), `delete from journal where number = ?`, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// A purge that never was hides nothing: not of what is young, whichever checkpoints are
// taken out, and of what is old not single entries.
func TestAPurgeThatNeverWasHidesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(b *book)
		sound bool // nothing more than Purge itself may erase
	}{
		"one entry of two hours ago": {func(b *book) {
			b.tamper(`delete from journal_checkpoint where size < (select max(size) from journal_checkpoint)`)
			b.pretendPurge(20*hour, 20*hour-366*day, 20, 17)
		}, false},
		"all of them": {func(b *book) {
			b.tamper(`delete from journal_checkpoint where size < (select max(size) from journal_checkpoint)`)
			b.forgePurge(20*hour, 20*hour-366*day, 20)
		}, false},
		"in the future": {func(b *book) { b.pretendPurge(20*hour+366*day, 20*hour, 20, 17) }, false},
		"one old entry": {func(b *book) { b.at(400 * day); b.sign(400 * day); b.pretendPurge(400*day, 30*day, 20, 17) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := grown(t)
			before, err := Newest(t.Context(), b)
			must(t, err)
			c.forge(b)
			now := max(20*hour, map[bool]int64{true: 400 * day}[c.sound])
			if err := Sound(t.Context(), b, b.key, before.Size, moment(now)); (err == nil) != c.sound || err != nil && !errors.Is(err, ErrTampered) {
				t.Errorf("sound: %v", err)
			}
			b.sign(now + 1)
			if r, err := Verify(t.Context(), b, b.key); err == nil && r.Doubts.All == 0 {
				t.Errorf("nothing is noticed: %+v", r)
			}
		})
	}
}

// An honest purge is sound when it is made, and what was signed of it stays so.
func TestAPurgeIsSound(t *testing.T) {
	b := grown(t)
	b.at(400 * day)
	if err := Sound(t.Context(), b, b.key, 20, moment(400*day)); err != nil {
		t.Error(err)
	}
	b.purge(400*day, 30*day)
	if err := Sound(t.Context(), b, b.key, 21, moment(400*day)); err != nil {
		t.Error(err)
	}
	if err := Sound(t.Context(), b, b.key, 21, moment(100*day)); err == nil {
		t.Error("sound at a time at which it was too young")
	}
	if err := Sound(t.Context(), b, b.key, 22, moment(100*day)); err != nil {
		t.Errorf("signed, and doubted: %v", err)
	}
}

// Whoever reads an exported file has the same doubts, but for those that need every
// checkpoint.
func TestExportDoubtsTimesThatCannotBe(t *testing.T) {
	b := grown(t)
	b.at(150 * day)
	b.purge(151*day, 30*hour)
	b.at(140 * day)
	r, err := b.check(b.export(Keys{}))
	must(t, err)
	told := strings.Join(r.Doubts.Told, "\n")
	for _, want := range []string{"entry 22, a purge written", "entry 23 was written"} {
		if !strings.Contains(told, want) {
			t.Errorf("doubts %s, want %s", told, want)
		}
	}
}

// A clock that is behind the newest entry is found out, and so is one that jumped.
func TestAhead(t *testing.T) {
	b := grown(t)
	for now, want := range map[int64]time.Duration{
		20 * hour: 0, 19*hour - 5*minute: 0, 19*hour - 6*minute: 6 * time.Minute, 0: 19 * time.Hour,
	} {
		if got, err := Ahead(t.Context(), b, moment(now)); err != nil || got != want {
			t.Errorf("%d: %v, %v; want %v", now, got, err, want)
		}
	}
	if got, err := Ahead(t.Context(), open(t), moment(0)); err != nil || got != 0 {
		t.Errorf("an empty journal: %v, %v", got, err)
	}
}
