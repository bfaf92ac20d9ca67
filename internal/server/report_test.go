// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/hex"
	"testing"

	"assist/internal/journal"
	"assist/internal/wire"
)

func (m *meeting) over() *meeting {
	m.r.t.Helper()
	m.host.send(&wire.Bye{Session: m.id, Reason: wire.EndUserCut})
	expect[*wire.Bye](m.technician)
	return m
}

func (m *meeting) reports() []*journal.SessionReported {
	return entries[*journal.SessionReported](m.r)
}

func TestAPastSessionIsReportedDurably(t *testing.T) {
	r := served(t)
	m := granted(r).over()
	m.host.send(&wire.Report{Session: m.id})
	if got := expect[*wire.Reported](m.host); got.Session != m.id {
		t.Errorf("reported %x", got.Session)
	}
	want := journal.SessionReported{Session: hex.EncodeToString(m.id[:]), Login: "claire", Machine: r.fix.numbers[0]}
	if e := m.reports(); len(e) != 1 || *e[0] != want {
		t.Fatalf("journal: %+v", e)
	}
	r = r.restart()
	if e := entries[*journal.SessionReported](r); len(e) != 1 {
		t.Errorf("after a restart: %+v", e)
	}
	if _, err := r.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSayingItTwiceIsOneRecord(t *testing.T) {
	m := granted(served(t)).over()
	for range 3 {
		m.host.send(&wire.Report{Session: m.id})
		expect[*wire.Reported](m.host)
	}
	if e := m.reports(); len(e) != 1 {
		t.Errorf("%d records", len(e))
	}
}

// A host can report its own sessions only, and learns nothing of others; it
// stays connected, for it may be an honest one whose server was set up anew.
func TestSessionsOfOthersCannotBeReported(t *testing.T) {
	r := served(t)
	m := granted(r).over()
	stranger := r.host(1)
	for _, id := range []wire.SessionID{m.id, {1, 2, 3}, {}} {
		stranger.send(&wire.Report{Session: id})
		if got := stranger.refused(wire.RefusedUnknown); got.Session != id {
			t.Errorf("refusal names %x, want %x", got.Session, id)
		}
	}
	if e := m.reports(); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
}

func TestTechniciansDoNotReport(t *testing.T) {
	m := granted(served(t)).over()
	m.technician.send(&wire.Report{Session: m.id})
	m.technician.refused(wire.RefusedProtocol)
	m.technician.closed()
	if e := m.reports(); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
}

func TestAReportThatCannotBeRecordedIsRefused(t *testing.T) {
	r := served(t)
	m := granted(r).over()
	r.jam("session.reported")
	m.host.send(&wire.Report{Session: m.id})
	m.host.refused(wire.RefusedJournal)
	r.unjam() // and it can be said again
	m.host.send(&wire.Report{Session: m.id})
	expect[*wire.Reported](m.host)
}

// What the person says while it happens is in the journal as what it was.
func TestRefuseAndReportIsRecordedAsSuch(t *testing.T) {
	r := served(t)
	m := rung(r)
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictReported)})
	expect[*wire.Answered](m.technician)
	if e := entries[*journal.SessionAnswered](r); len(e) != 1 || e[0].Verdict != uint8(wire.VerdictReported) {
		t.Errorf("journal: %+v", e)
	}
}

func TestCutAndReportIsRecordedAsSuch(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.host.send(&wire.Bye{Session: m.id, Reason: wire.EndReported})
	expect[*wire.Bye](m.technician)
	if e := m.entriesEnded(); len(e) != 1 || e[0].Reason != uint8(wire.EndReported) || e[0].By != byHost {
		t.Errorf("journal: %+v", e)
	}
}
