// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// watching is an end's witness, and how it asks over a connection.
func (c *client) watches(w *trust.Witness) error {
	c.t.Helper()
	s, err := w.Look()
	must(c.t, err)
	c.send(&wire.CheckpointAsk{Size: s.Size()})
	return s.See(expect[*wire.Checkpoint](c))
}

func (r *rig) witness() *trust.Witness {
	r.t.Helper()
	w, err := trust.NewWitness(r.t.TempDir(), r.unit, nil)
	must(r.t, err)
	return w
}

// size is what a witness has kept.
func size(t *testing.T, w *trust.Witness) uint64 {
	t.Helper()
	s, err := w.Look()
	must(t, err)
	return s.Size()
}

func TestEndsAreShownThatTheJournalContinues(t *testing.T) {
	r := served(t)
	host, tech := r.witness(), r.witness()
	h := r.host(0)
	must(t, h.watches(host))
	first := size(t, host)
	c, _ := r.technician(r.enrolled("claire"))
	_, err := r.checkpoint(t.Context())
	must(t, err)
	must(t, c.watches(tech))
	must(t, h.watches(host))
	if first == 0 || size(t, host) <= first || size(t, tech) != size(t, host) {
		t.Errorf("kept %d, then %d and %d", first, size(t, host), size(t, tech))
	}
	r = r.restart()
	must(t, r.host(0).watches(host))
}

// A database put back from a copy is a shorter history: refused, until the unit key
// vouches for it.
func TestRestoredServerIsRefusedUntilTheUnitVouches(t *testing.T) {
	r := unserved(t)
	copied := t.TempDir() + "/copy"
	must(t, r.Backup(t.Context(), copied))
	r.run()
	w := r.witness()
	must(t, r.host(0).watches(w))
	must(t, r.stop())
	must(t, r.Close())
	r.stop = func() error { return nil }

	old := opened(t, copied, r.fix)
	old.run()
	if err := old.host(0).watches(w); !errors.Is(err, trust.ErrHistory) {
		t.Fatalf("the copy: %v", err)
	}
	if err := old.RestartJournal(t.Context(), testPassphrase, Who{By: "root"}); !errors.Is(err, ErrReason) {
		t.Errorf("restarted without a reason: %v", err)
	}
	if err := old.RestartJournal(t.Context(), "another passphrase", Who{"root", "a restore"}); !errors.Is(err, ErrUnitKey) {
		t.Errorf("restarted without the unit key: %v", err)
	}
	must(t, old.RestartJournal(t.Context(), testPassphrase, Who{"root", "restored the copy of last night"}))
	must(t, old.host(1).watches(w))
	if e := entries[*journal.JournalRestarted](old); len(e) != 1 || e[0].By != "root" {
		t.Errorf("journal: %+v", e)
	}
}

func TestMissingJournalKeyIsNotReplaced(t *testing.T) {
	r := served(t)
	must(t, r.stop())
	must(t, r.Close())
	r.stop = func() error { return nil }
	must(t, os.Rename(r.path(fileJournal), r.path("away")))
	if _, err := Open(r.dir, Options{}); !errors.Is(err, ErrConfig) {
		t.Errorf("error is %v", err)
	}
	must(t, os.Rename(r.path("away"), r.path(fileJournal)))
	again, err := Open(r.dir, Options{})
	must(t, err)
	r.Server = again
}

// A session whose end the machine never signed is shown as such.
func TestUnclosedSessionsAreShown(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.technician.send(&wire.Bye{Session: m.id, Reason: wire.EndTechnician})
	expect[*wire.Bye](m.host)
	r.advance(24 * time.Hour)
	report, err := r.VerifySessions(t.Context())
	must(t, err)
	if report.Granted != 1 || len(report.Unclosed) != 1 {
		t.Errorf("report is %+v", report)
	}
}

func TestPurgeHoldAndRetention(t *testing.T) {
	r := served(t, func(s *Server) { s.limits.kick = time.Hour }) // it must not purge by itself meanwhile
	m := granted(r)
	m.host.send(m.record(1, wire.DeedEnded, wire.EndUserCut))
	expect[*wire.Bye](m.technician)
	id := entries[*journal.SessionRequested](r)[0].Session
	must(t, r.Hold(t.Context(), id, Who{"rssi", "the user contests it"}))
	if err := errors.Join(r.Hold(t.Context(), id, Who{By: "rssi"}), r.Release(t.Context(), id, Who{By: "rssi"})); !errors.Is(err, ErrReason) {
		t.Errorf("without a reason: %v", err)
	}
	if err := r.Hold(t.Context(), id, Who{"rssi", "again"}); !errors.Is(err, journal.ErrHold) {
		t.Errorf("held twice: %v", err)
	}
	_, err := r.checkpoint(t.Context())
	must(t, err)
	r.advance(400 * 24 * time.Hour)
	if done, err := r.Purge(t.Context(), "root", false); done != nil || !errors.Is(err, journal.ErrClock) {
		t.Errorf("a clock that jumped purges %+v, %v", done, err)
	}
	must(t, r.record(t.Context(), &journal.JournalRead{By: "rssi", Reason: "review", What: "everything"}))
	r.advance(25 * time.Hour)
	done, err := r.Purge(t.Context(), "root", false)
	must(t, err)
	if done == nil || done.Kept < 3 || done.By != "root" {
		t.Fatalf("purged %+v", done)
	}
	if e := entries[*journal.LoginSucceeded](r); len(e) != 0 {
		t.Errorf("left: %+v", e)
	}
	if e := entries[*journal.SessionRequested](r); len(e) != 1 {
		t.Errorf("held: %+v", e)
	}
	_, err = r.VerifyJournal(t.Context())
	must(t, err)
	must(t, r.Release(t.Context(), id, Who{"rssi", "settled"}))
	if list, err := r.Held(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("held: %v, %v", list, err)
	}
}

func TestRetentionBounds(t *testing.T) {
	for _, tc := range []struct {
		months int
		reason string
		good   bool
	}{{5, "", false}, {6, "", true}, {12, "", true}, {13, "", false}, {13, "a dispute", true}, {36, "a dispute", true}, {37, "a dispute", false}, {5, "a dispute", false}} {
		c := journalConfig{RetentionMonths: tc.months, RetentionReason: tc.reason}
		if bad := c.check(); (bad == nil) != tc.good {
			t.Errorf("%d months, %q: %+v", tc.months, tc.reason, bad)
		}
	}
	r := unserved(t)
	r.cfg.Journal.RetentionMonths, r.cfg.Journal.RetentionReason = 24, "note 12/2026"
	must(t, r.keepRetention(t.Context()))
	must(t, r.keepRetention(t.Context()))
	if e := entries[*journal.JournalRetention](r); len(e) != 1 || e[0].Months != 24 || e[0].Reason != "note 12/2026" {
		t.Errorf("journal: %+v", e)
	}
}

func TestReadingIsRecordedWithItsReason(t *testing.T) {
	r := unserved(t)
	if _, err := r.Journal(t.Context(), JournalFilter{}, Who{By: "rssi", Reason: " "}); !errors.Is(err, ErrReason) {
		t.Errorf("read without a reason: %v", err)
	}
	if _, err := r.ExportJournal(t.Context(), &bytes.Buffer{}, FormatCSV, JournalKeys{}, Who{By: "rssi"}); !errors.Is(err, ErrReason) {
		t.Errorf("exported without a reason: %v", err)
	}
	_, err := r.Journal(t.Context(), JournalFilter{Keys: JournalKeys{Login: "claire"}}, Who{"rssi", "review"})
	must(t, err)
	var file bytes.Buffer
	_, err = r.ExportJournal(t.Context(), &file, FormatNDJSON, JournalKeys{}, Who{"rssi", "review"})
	must(t, err)
	report, err := VerifyExport(&file, r.JournalKey())
	must(t, err)
	if report.Unit != "INCI" || report.Entries != report.Size {
		t.Errorf("report is %+v", report)
	}
	read, out := entries[*journal.JournalRead](r), entries[*journal.JournalExported](r)
	if len(read) != 1 || read[0].What != "login claire" || read[0].By != "rssi" || len(out) != 1 || out[0].Format != FormatNDJSON {
		t.Errorf("journal: %+v, %+v", read, out)
	}
}

// What is typed as a password, a code or a secret is in no log, journal or export.
func TestCanariesAreNowhere(t *testing.T) {
	var log lockedBuffer
	r := served(t, func(s *Server) { s.log = textLog(&log) })
	p := r.enrolled("claire")
	const canary = "canary-7f3a seven grey herons"
	c := r.dial()
	c.login(p, canary)
	c.refused(wire.RefusedIdentity)
	tech, cert := r.technician(p)
	r.host(0)
	code := r.code(p, 0)
	_, env := r.request(p, cert, r.fix.numbers[0])
	tech.send(&wire.Ask{TOTP: code, Request: env})
	tech.send(&wire.Ask{TOTP: "97531864", Request: env})
	tech.refused(wire.RefusedIdentity)
	var files bytes.Buffer
	for _, format := range []string{FormatNDJSON, FormatCSV} {
		_, err := r.ExportJournal(t.Context(), &files, format, JournalKeys{}, Who{"rssi", "a test"})
		must(t, err)
	}
	list, err := journal.List(t.Context(), r.store.reader, journal.Filter{Limit: 1000})
	must(t, err)
	all := log.String() + files.String()
	for _, e := range list {
		all += string(e.Body)
	}
	for _, secret := range []string{canary, testPassword, p.secret, "97531864", testPassphrase} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is written somewhere", secret)
		}
	}
	if holdsCode(all, code) {
		t.Errorf("the code %s is written somewhere", code)
	}
}

// holdsCode looks for a code, in whatever form, but not in a longer number, a fraction of a
// second or a hash.
func holdsCode(all, code string) bool {
	return regexp.MustCompile(`(^|[^.0-9A-Za-z+/_-])` + code + `($|[^0-9A-Za-z+/_-])`).MatchString(all)
}

// The form in which a log or an export would have it.
func TestCodesAreFoundInEveryForm(t *testing.T) {
	for text, want := range map[string]bool{
		"level=INFO code=123456\n": true, `{"code":"123456"}`: true, `{"code":123456}`: true, "x,123456,y": true, "wish={123456 5}": true,
		"time=10:00:00.123456Z": false, "a123456b": false, "1234567": false,
	} {
		if holdsCode(text, "123456") != want {
			t.Errorf("%q", text)
		}
	}
}

// A server whose clock is behind its journal says so before it writes, and erases nothing.
func TestClockBehindTheJournalIsSaid(t *testing.T) {
	log := &lockedBuffer{}
	r := unserved(t)
	r.advance(time.Minute) // later than what the fixture wrote
	must(t, r.record(t.Context(), &journal.JournalRead{By: "rssi", Reason: "review", What: "everything"}))
	r.advance(-time.Hour)
	r.log = textLog(log)
	r.run()
	r.host(0)
	if _, err := r.Purge(t.Context(), "root", false); err != nil { // nothing is old
		t.Error(err)
	}
	must(t, r.stop())
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "behind=1h0m0s") {
		t.Errorf("the log says %q", log.String())
	}
	report, err := r.VerifyJournal(t.Context())
	if must(t, err); report.Doubts.All != 2 { // an entry, and the next checkpoint
		t.Errorf("doubts %+v", report.Doubts)
	}
	f := find(Check(t.Context(), r.dir), "journal")
	if len(f) != 1 || f[0].Grade != Note || !strings.Contains(f[0].Text, "1h0m0s before entry") {
		t.Errorf("check says %+v", f)
	}
	last := fmt.Sprintf("at entry %d; after it, all is in order", report.Doubts.Last)
	if saw := r.lookAtJournal(t.Context(), Standing{}); saw.met || !strings.Contains(saw.en, "2 times in it cannot be") || !strings.Contains(saw.en, last) {
		t.Errorf("compliance says %+v", saw)
	}
}

// What is old enough stays while something in the journal is later than now.
func TestNothingIsErasedWhileTheClockIsBehind(t *testing.T) {
	r := unserved(t)
	r.advance(400 * 24 * time.Hour)
	must(t, r.record(t.Context(), &journal.JournalRead{By: "rssi", Reason: "review", What: "everything"}))
	r.advance(25 * time.Hour)
	must(t, r.record(t.Context(), &journal.JournalRead{By: "rssi", Reason: "review", What: "everything"}))
	r.advance(-30 * time.Minute)
	if done, err := r.Purge(t.Context(), "root", false); done != nil || !errors.Is(err, journal.ErrClock) {
		t.Errorf("purged %+v, %v", done, err)
	}
	r.advance(30 * time.Minute)
	if done, err := r.Purge(t.Context(), "root", false); done == nil || err != nil {
		t.Errorf("purged %+v, %v", done, err)
	}
	if report, err := r.VerifyJournal(t.Context()); err != nil || report.Doubts.All != 0 {
		t.Errorf("%+v, %v", report.Doubts, err)
	}
}
