// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// madeUp is a session that the server alone tells of.
func (r *rig) madeUp(id string) {
	r.t.Helper()
	machine := r.fix.numbers[0]
	for _, e := range []journal.Event{
		&journal.SessionRequested{Session: id, Login: "claire", Address: "10.0.0.1", Machine: machine, Rights: 7, Reason: "made up", Request: "00"},
		&journal.SessionAnswered{Session: id, Login: "claire", Machine: machine, Verdict: 1, Rights: 7, Answer: "00"},
		&journal.SessionChanged{Session: id, Login: "claire", Machine: machine, Number: 1, Deed: 1, Rights: 7},
		&journal.SessionEnded{Session: id, Login: "claire", Machine: machine, Reason: 1, By: byHost},
	} {
		must(r.t, r.record(r.t.Context(), e))
	}
}

// verifies is the report, which has this many faults.
func (r *rig) verifies(faults int) SessionsReport {
	r.t.Helper()
	report, err := r.VerifySessions(r.t.Context())
	if errors.Is(err, ErrSigned) != (faults > 0) || report.Faulty != faults || len(report.Faults) != min(faults, maxFaults) {
		r.t.Errorf("report is %+v, %v; want %d faults", report, err, faults)
	}
	return report
}

const madeUpSession = "00112233445566778899aabbccddeeff"

// In a journal that never was a chain each session is signed, from the first one on.
func TestASessionThatNobodySignedIsFound(t *testing.T) {
	r := unserved(t)
	r.madeUp(madeUpSession)
	r.verifies(4)
	must(t, r.record(t.Context(), &journal.JournalMigrated{Entries: 3})) // nor does this excuse it
	r.verifies(4)
	if saw := r.lookAtJournal(t.Context(), Standing{}); saw.met || !strings.Contains(saw.en, "disagree") {
		t.Errorf("compliance says %+v", saw)
	}
}

// What a chain held before the ends signed is passed over.
func TestUnsignedSessionsOfAChainArePassedOver(t *testing.T) {
	r := unserved(t)
	r.madeUp(madeUpSession)
	n, err := journal.Size(t.Context(), r.store.reader)
	must(t, err)
	must(t, r.record(t.Context(), &journal.JournalMigrated{Entries: n}))
	r.verifies(0)
	r.madeUp("ff112233445566778899aabbccddeeff")
	r.verifies(4)
}

// writes has the server write down a host's record whatever its number, as an honest one
// does not.
func (m *meeting) writes(n *wire.Noted) {
	m.r.t.Helper()
	hash, err := trust.RequestHash(m.request)
	must(m.r.t, err)
	rec, err := trust.VerifyRecord(n.Record, trust.RecordCheck{Key: m.r.fix.hosts[0].Public(), By: wire.PartyHost, Session: m.id, RequestHash: hash})
	must(m.r.t, err)
	p := &pastSession{login: "claire", machine: m.r.fix.numbers[0]}
	must(m.r.t, m.r.record(m.r.t.Context(), signedEvent(hex.EncodeToString(m.id[:]), p, rec, n.Record)))
}

// The records are numbered: one that the server left out shows, and so does one that
// comes twice.
func TestARecordThatWasLeftOutIsFound(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.writes(m.record(2, wire.DeedPaused, 0))
	m.writes(m.record(3, wire.DeedEnded, wire.EndUserCut))
	report := r.verifies(1)
	if len(report.Unclosed) != 0 || !strings.Contains(report.Faults[0], "record 2 of this end comes after 0") {
		t.Errorf("report is %+v", report)
	}
	m.writes(m.record(2, wire.DeedPaused, 0))
	r.verifies(2)
}

// One entry that cannot be verified hides no other, and a goodbye that an end did not
// sign is told as such.
func TestOneBadEntryHidesNoOther(t *testing.T) {
	r := served(t)
	m := rung(r)
	env := m.answer(wire.VerdictGranted)
	a, hash, err := readAnswer(env)
	must(t, err)
	env[len(env)-1] ^= 1
	must(t, r.answerSession(t.Context(), a, hash, env)) // as a server of before took it
	must(t, r.record(t.Context(), &journal.SessionRequested{Session: madeUpSession, Login: "claire", Machine: r.fix.numbers[0],
		Signed: base64.StdEncoding.EncodeToString(m.request)}))
	r.verifies(2)

	r = served(t)
	m = granted(r)
	m.host.send(&wire.Bye{Session: m.id, Reason: wire.EndUserCut})
	expect[*wire.Bye](m.technician)
	if report := r.verifies(0); len(report.Unsigned) != 1 {
		t.Errorf("report is %+v", report)
	}
}

// An answer counts once: a second one, rightly signed too, is somebody's addition.
func TestASecondAnswerIsFound(t *testing.T) {
	r := served(t)
	granted(r)
	r.verifies(0)
	answers := entries[*journal.SessionAnswered](r)
	if len(answers) != 1 {
		t.Fatalf("%d answers", len(answers))
	}
	must(t, r.record(t.Context(), answers[0]))
	r.verifies(1)
}

// A session that the person let go on is not over when its first grant would have run
// out; only when nobody closes it afterwards is it left open.
func TestARenewedSessionIsNotUnclosed(t *testing.T) {
	r := served(t)
	m := granted(r)
	unclosed := func(after time.Duration, want int) {
		t.Helper()
		r.advance(after)
		if report := r.verifies(0); len(report.Unclosed) != want {
			t.Errorf("report is %+v", report)
		}
	}
	says := func(number uint32, deed wire.Deed) {
		m.host.send(m.record(number, deed, 0))
		m.host.send(&wire.CheckpointAsk{}) // the barrier
		expect[*wire.Checkpoint](m.host)
	}
	r.advance(30 * time.Second)
	says(1, wire.DeedRenewed)
	unclosed(grantLife-time.Second, 0)
	unclosed(2*time.Second, 1)
	says(2, wire.DeedRenewed)
	unclosed(grantLife-time.Second, 0)
	says(3, wire.DeedPaused) // which is no renewal
	unclosed(2*time.Second, 1)
	m.host.send(m.record(4, wire.DeedEnded, wire.EndUserCut))
	expect[*wire.Bye](m.technician)
	unclosed(24*time.Hour, 0)
}

// What the host signed of a report, and the entry of that report, are written together: a
// journal with the one alone hides it from whoever looks for reports.
func TestAReportThatWasLeftOutIsFound(t *testing.T) {
	r := served(t)
	m := rung(r)
	env := m.answer(wire.VerdictReported)
	a, hash, err := readAnswer(env)
	must(t, err)
	id := hex.EncodeToString(m.id[:])
	must(t, r.record(t.Context(), &journal.SessionAnswered{Session: id, Login: "claire", Machine: r.fix.numbers[0], Verdict: uint8(a.Verdict),
		Answer: hex.EncodeToString(hash[:]), Signed: base64.StdEncoding.EncodeToString(env)}))
	if report := r.verifies(1); !strings.Contains(strings.Join(report.Faults, ""), "no entry of a report follows") {
		t.Errorf("report is %+v", report)
	}
	made := &journal.SessionReported{Session: id, Login: "claire", Machine: r.fix.numbers[0]}
	must(t, r.record(t.Context(), made)) // nobody signed it
	r.verifies(2)
	made.Signed = base64.StdEncoding.EncodeToString(env)
	must(t, r.record(t.Context(), made))
	r.verifies(1)

	r = served(t) // cut and reported
	m = granted(r)
	end := m.record(1, wire.DeedEnded, wire.EndReported)
	m.writes(end)
	r.verifies(1)
	m.host.send(&wire.Report{Session: m.id, Proof: end.Record})
	expect[*wire.Reported](m.host)
	r.verifies(0)
}
