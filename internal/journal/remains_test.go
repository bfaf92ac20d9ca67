// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"strings"
	"testing"
)

// An export of everything accounts for what is missing in it: nothing is signed with a gap
// that no purge left, and a file with one does not verify.
func TestAnExportHasNoGap(t *testing.T) {
	b := grown(t)
	b.tamper(`delete from journal where number = 17`)
	if _, err := WriteNDJSON(t.Context(), io.Discard, b, Export{At: moment(80)}, b.sign(20*hour), b.key); !errors.Is(err, ErrTampered) {
		t.Errorf("exported: %v", err)
	}
	for name, gone := range map[string][]int64{"of what the purge left": {3, 4}, "of a purge": {4}} {
		b := grown(t)
		b.pretendPurge(20*hour, hour, 5, 4)
		for _, n := range gone {
			b.tamper(`delete from journal where number = ?`, n)
		}
		if _, err := b.check(b.export(Keys{})); !errors.Is(err, ErrTampered) {
			t.Errorf("a gap %s: %v", name, err)
		}
	}
}

// A file whose signer looked away does not verify either.
func TestAGapThatWasSigned(t *testing.T) {
	b := grown(t)
	b.tamper(`delete from journal where number = 17`)
	c := b.sign(20 * hour)
	for _, through := range []int64{0, 5} {
		if through > 0 {
			b.pretendPurge(20*hour, hour, through)
			c = b.sign(20*hour + 1)
		}
		var out bytes.Buffer
		o := &ndjson{w: &out, q: b, to: c, key: b.key, erased: c.Size}
		_, err := o.write(t.Context(), Export{At: moment(20 * hour)})
		must(t, err)
		if _, err := b.check(out.Bytes()); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), "no purge up to entry 17") {
			t.Errorf("%d: %v", through, err)
		}
	}
}

// A purge in the middle of an export leaves gaps that the file has no record of.
func TestAnExportHoldsTheRecordOfItsGaps(t *testing.T) {
	b := aged(t)
	c := b.sign(20)
	b.purge(100, 8)
	var out bytes.Buffer
	if _, err := WriteNDJSON(t.Context(), &out, b, Export{At: moment(101)}, c, b.key); err == nil || errors.Is(err, ErrTampered) {
		t.Errorf("error is %v", err)
	}
	if _, err := b.check(b.export(Keys{})); err != nil {
		t.Errorf("again: %v", err)
	}
}

// How far the head says that was purged is what the newest purge says.
func TestThePurgeIsTheHeads(t *testing.T) {
	b := grown(t)
	b.forgePurge(20*hour, hour, 4)
	b.tamper(`update journal_head set purged = 4`)
	b.within(func(tx *sql.Tx) error {
		e := &JournalPurged{By: "server", Before: moment(hour).Unix(), Through: 5, Entries: 5, List: listed(nil)}
		_, err := Append(t.Context(), tx, moment(20*hour), e)
		return err
	})
	if _, err := Verify(t.Context(), b, b.key); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), "no purge up to entry 4") {
		t.Errorf("error is %v", err)
	}
}

// What is missing is what the newest purge said, whoever holds the key.
func TestRemains(t *testing.T) {
	const none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of nothing
	of := func(session string) Event { return &SessionUndelivered{session, "claire", "482917305566", "offline"} }
	for name, c := range map[string]struct {
		there []Event // from entry 3 on
		last  int64
		good  bool
	}{
		"nothing missing":          {[]Event{of("a")}, 0, true},
		"no purge":                 {[]Event{of("a")}, 2, false},
		"a purge":                  {[]Event{&JournalPurged{Through: 2, List: none}}, 2, true},
		"a purge of less":          {[]Event{&JournalPurged{Through: 1, List: none}}, 2, false},
		"none where it left one":   {[]Event{&JournalPurged{Through: 2, Kept: 1, List: none}}, 2, false},
		"others than it left":      {[]Event{&JournalPurged{Through: 2, List: "00"}}, 2, false},
		"one where it left none":   {[]Event{of("a"), &JournalPurged{Through: 3, List: none}}, 2, false},
		"a session on hold, gone":  {[]Event{&SessionHeld{"a", "rssi", "why"}, &JournalPurged{Through: 2, List: none}}, 2, false},
		"a session on hold, there": {[]Event{of("a"), &SessionHeld{"a", "rssi", "why"}, &JournalPurged{Through: 2, List: none}}, 2, true},
		"released": {[]Event{&SessionHeld{"a", "rssi", "why"}, &SessionReleased{"a", "rssi", "why"},
			&JournalPurged{Through: 2, List: none}}, 2, true},
	} {
		r := newRemains()
		for i, e := range c.there {
			r.take(int64(3+i), e, true)
		}
		if err := r.end(c.last); (err == nil) != c.good || err != nil && !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
