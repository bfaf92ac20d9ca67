// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"database/sql"
	"errors"
	"testing"
	"time"
)

// purge erases what is older than moment before, at moment now.
func (b *book) purge(now, before int64) *JournalPurged {
	b.t.Helper()
	b.sign(now)
	var e *JournalPurged
	b.within(func(tx *sql.Tx) (err error) {
		e, err = Purge(b.t.Context(), tx, Purging{moment(now), moment(before), "server", b.key})
		return err
	})
	return e
}

// aged are twenty entries, one a second and each signed for, of a session of its own but the
// first.
func aged(t *testing.T) *book {
	b := open(t)
	b.add(&ServerStarted{"1"})
	for i := int64(1); i < 20; i++ {
		b.sign(i - 1)
		_, err := b.try(moment(i), &SessionUndelivered{string(rune('a' + i)), "claire", "482917305566", "offline"})
		must(t, err)
	}
	b.sign(19)
	return b
}

func TestPurgeVerifies(t *testing.T) {
	b := aged(t)
	before := b.sign(20)
	e := b.purge(100, 8)
	if e == nil || e.Through != 8 || e.Entries != 8 || e.Kept != 0 || e.Before != moment(8).Unix() {
		t.Fatalf("purged %+v", e)
	}
	r := b.verify()
	if r.Entries != 21 || r.Purged != 8 || !r.First.Equal(moment(8).Truncate(time.Millisecond)) {
		t.Errorf("report is %+v", r)
	}
	// The checkpoint of before still fits, and the tree still proves that it continues it.
	if _, err := Continues(t.Context(), b, 21, before.Size); err != nil {
		t.Error(err)
	}
	if again := b.purge(101, 8); again != nil {
		t.Errorf("purged twice: %+v", again)
	}
	if e := b.purge(102, 10); e == nil || e.Through != 10 || e.Entries != 2 {
		t.Errorf("then %+v", e)
	}
	b.verify()
}

// Nothing that could be read is left of a purged entry.
func TestPurgeErases(t *testing.T) {
	b := aged(t)
	b.purge(100, 8)
	var left int
	must(t, b.QueryRow(`select count(*) from journal where number <= 8`).Scan(&left))
	if left != 0 {
		t.Errorf("%d entries are left", left)
	}
	if _, err := b.Exec(`delete from journal where number = 9`); err == nil {
		t.Error("more can be deleted than was purged")
	}
}

func TestPurgeOfEverythingLeavesItsOwnRecord(t *testing.T) {
	b := aged(t)
	if e := b.purge(100, 90); e == nil || e.Through != 20 || e.Entries != 20 {
		t.Fatalf("purged %+v", e)
	}
	b.sign(101)
	if e := b.purge(300, 200); e == nil || e.Through != 21 || e.Entries != 1 {
		t.Errorf("the old record of a purge stays: %+v", e)
	}
	if r := b.verify(); r.Entries != 22 || r.Purged != 21 {
		t.Errorf("report is %+v", r)
	}
}

func TestNothingOldNothingPurged(t *testing.T) {
	b := aged(t)
	if e := b.purge(100, 0); e != nil {
		t.Errorf("purged %+v", e)
	}
	if e := open(t).purge(100, 90); e != nil {
		t.Errorf("purged %+v of nothing", e)
	}
}

// One entry with a wrong clock keeps what is before it, and hides nothing.
func TestClockThatWentBackKeepsMore(t *testing.T) {
	b := aged(t)
	_, err := b.try(moment(2), &ServerStopped{})
	must(t, err)
	if e := b.purge(100, 5); e == nil || e.Through != 5 {
		t.Errorf("purged %+v", e)
	}
	b.verify()
}

func TestHeldSessionsOutliveAPurge(t *testing.T) {
	b := aged(t)
	b.within(func(tx *sql.Tx) error {
		return Hold(t.Context(), tx, moment(21), &SessionHeld{"c", "rssi", "contested"})
	})
	b.sign(22)
	if e := b.purge(100, 90); e == nil || e.Through != 21 || e.Kept != 2 || e.Entries != 19 {
		t.Fatalf("purged %+v", e)
	}
	list, err := List(t.Context(), b, Filter{Keys: Keys{Session: "c"}})
	must(t, err)
	if numbers(list) != "21 3" {
		t.Errorf("left are %s", numbers(list))
	}
	if r := b.verify(); r.Purged != 19 {
		t.Errorf("report is %+v", r)
	}
	sessions, err := Held(t.Context(), b)
	must(t, err)
	if len(sessions) != 1 || sessions[0] != "c" {
		t.Errorf("held are %v", sessions)
	}
	if err := Sound(t.Context(), b, b.key, 0, moment(100).AddDate(0, MinMonths, 0)); err != nil {
		t.Error(err)
	}
	// A held entry cannot go without a word.
	b.tamper(`delete from journal where number = 3`)
	if _, err := Verify(t.Context(), b, b.key); !errors.Is(err, ErrTampered) {
		t.Errorf("error is %v", err)
	}
}

// Whoever makes up the list of what a purge left can neither take a session on hold with
// it, nor leave what was not on hold.
func TestAPurgeLeavesWhatWasOnHold(t *testing.T) {
	for name, gone := range map[string][]int64{
		"all of it":           {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
		"more left than that": {1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := aged(t)
			b.within(func(tx *sql.Tx) error {
				return Hold(t.Context(), tx, moment(21), &SessionHeld{"c", "rssi", "contested"})
			})
			b.pretendPurge(100, 90, 20, gone...)
			if _, err := Verify(t.Context(), b, b.key); !errors.Is(err, ErrTampered) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestReleasedSessionsArePurged(t *testing.T) {
	b := aged(t)
	hold := func(tx *sql.Tx) error {
		return Hold(t.Context(), tx, moment(21), &SessionHeld{"c", "rssi", "contested"})
	}
	release := func(tx *sql.Tx) error {
		return Release(t.Context(), tx, moment(101), &SessionReleased{"c", "rssi", "settled"})
	}
	if err := b.attempt(release); !errors.Is(err, ErrHold) {
		t.Errorf("released what was not held: %v", err)
	}
	b.within(hold)
	if err := b.attempt(hold); !errors.Is(err, ErrHold) {
		t.Errorf("held twice: %v", err)
	}
	b.sign(22)
	b.purge(100, 90)
	b.within(release)
	b.within(func(tx *sql.Tx) error { // and once more: the newest word counts
		return Hold(t.Context(), tx, moment(101), &SessionHeld{"c", "rssi", "after all"})
	})
	b.sign(102)
	if e := b.purge(200, 150); e == nil || e.Kept != 4 {
		t.Errorf("held again, purged %+v", e)
	}
	b.within(release)
	b.sign(202)
	if e := b.purge(300, 250); e == nil || e.Kept != 0 {
		t.Errorf("purged %+v", e)
	}
	if err := b.attempt(hold); !errors.Is(err, ErrHold) {
		t.Errorf("held what is gone: %v", err)
	}
	b.verify()
}

func TestPurgeIsAllOrNothing(t *testing.T) {
	b := aged(t)
	err := b.attempt(func(tx *sql.Tx) error {
		_, err := Purge(t.Context(), tx, Purging{moment(100), moment(8), "server", b.key})
		return errors.Join(err, errors.New("the caller changes its mind"))
	})
	if err == nil {
		t.Fatal("committed")
	}
	if r := b.verify(); r.Entries != 20 || r.Purged != 0 {
		t.Errorf("report is %+v", r)
	}
}

func TestPurgeFailsWithoutItsTables(t *testing.T) {
	for _, spoil := range []string{`drop table journal`, `drop table journal_head`, `drop table journal_hash`} {
		b := aged(t)
		b.tamper(spoil)
		err := b.attempt(func(tx *sql.Tx) error {
			_, err := Purge(t.Context(), tx, Purging{moment(100), moment(8), "server", b.key})
			return err
		})
		if err == nil {
			t.Errorf("%s: purged", spoil)
		}
	}
}

func TestLastOfAType(t *testing.T) {
	b := aged(t)
	e, err := Last(t.Context(), b, "session.undelivered")
	must(t, err)
	if e == nil || e.Number != 20 {
		t.Errorf("last is %+v", e)
	}
	if e, err := Last(t.Context(), b, "journal.purged"); e != nil || err != nil {
		t.Errorf("last is %+v, %v", e, err)
	}
}
