// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/journal"
)

// aloneFor runs what looks after the journal for so many days in which nobody comes.
func (r *rig) aloneFor(days int) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.tendJournal(ctx)
	}()
	time.Sleep(time.Duration(days) * 24 * time.Hour)
	cancel()
	<-over
}

// A server that nobody uses and nobody starts again erases what is due all the same, and
// goes on doing so.
func TestAServerLeftAlonePurges(t *testing.T) {
	_, err := fixtures() // outside: its files are of today
	must(t, err)
	today := time.Now().Round(0)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today) + time.Hour)
		r := unserved(t)
		r.now, r.limits.kick = time.Now, 12*time.Hour
		must(t, r.record(t.Context(), &journal.JournalRead{By: "rssi", Reason: "review", What: "everything"}))
		r.aloneFor(360)
		if n := len(entries[*journal.JournalRead](r)); n != 1 {
			t.Errorf("%d entries after 360 days", n)
		}
		r.aloneFor(10)
		if n := len(entries[*journal.JournalRead](r)); n != 0 {
			t.Errorf("%d entries after 370 days", n)
		}
		first := entries[*journal.JournalPurged](r)
		r.aloneFor(380)
		if last := entries[*journal.JournalPurged](r); len(first) == 0 || len(last) == 0 || last[0].Through <= first[0].Through {
			t.Errorf("purged %+v, then %+v", first, last)
		}
		report, err := r.VerifyJournal(t.Context())
		if must(t, err); report.Doubts.All != 0 {
			t.Errorf("doubts %v", report.Doubts.Told)
		}
		days, err := texts(t.Context(), r.store.reader, `select day from ran`)
		if must(t, err); len(days) != keptDays {
			t.Errorf("%d days are remembered", len(days))
		}
	})
}

// That the server runs proves nothing of the days that a clock has left out.
func TestRunningOnceIsNoProofOfAYear(t *testing.T) {
	r := unserved(t)
	must(t, r.noteDay(t.Context()))
	r.advance(400 * 24 * time.Hour)
	for hours := range 2 { // started under the wrong clock, and a day later
		r.advance(time.Duration(hours) * 23 * time.Hour)
		must(t, r.noteDay(t.Context()))
		if done, err := r.Purge(t.Context(), "root", false); done != nil || !errors.Is(err, journal.ErrClock) {
			t.Errorf("purged %+v, %v", done, err)
		}
	}
}
