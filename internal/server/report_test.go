// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"assist/internal/journal"
	"assist/internal/trust"
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

// report is what the person says afterwards, signed by fixture host 0.
func (m *meeting) report() *wire.Report {
	m.r.t.Helper()
	hash, err := trust.RequestHash(m.request)
	must(m.r.t, err)
	env, err := m.r.fix.hosts[0].SignRecord(wire.Record{Session: m.id, RequestHash: hash, At: m.r.now().Unix(), Deed: wire.DeedReported})
	must(m.r.t, err)
	return &wire.Report{Session: m.id, Proof: env}
}

// reported wants one report in the journal, with this proof, that verifies.
func (m *meeting) reported(proof []byte) {
	m.r.t.Helper()
	want := journal.SessionReported{Session: hex.EncodeToString(m.id[:]), Login: "claire", Machine: m.r.fix.numbers[0],
		Signed: base64.StdEncoding.EncodeToString(proof)}
	if e := m.reports(); len(e) != 1 || *e[0] != want {
		m.r.t.Fatalf("journal: %+v", e)
	}
	m.r.verifies(0)
}

func TestAPastSessionIsReportedDurably(t *testing.T) {
	r := served(t)
	m := granted(r).over()
	report := m.report()
	m.host.send(report)
	if got := expect[*wire.Reported](m.host); got.Session != m.id {
		t.Errorf("reported %x", got.Session)
	}
	m.reported(report.Proof)
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
		m.host.send(m.report())
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
		stranger.send(&wire.Report{Session: id, Proof: m.report().Proof})
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
	m.technician.send(m.report())
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
	m.host.send(m.report())
	m.host.refused(wire.RefusedJournal)
	r.unjam() // and it can be said again
	m.host.send(m.report())
	expect[*wire.Reported](m.host)
}

// A report is the host's own signed word: the server takes no other, and journal verify
// finds one that the server made up.
func TestAReportIsSigned(t *testing.T) {
	r := served(t)
	m := granted(r).over()
	forged, another := m.report(), m.report()
	forged.Proof[len(forged.Proof)-1] ^= 1
	hash, err := trust.RequestHash(m.request)
	must(t, err)
	another.Proof, err = r.fix.hosts[1].SignRecord(wire.Record{Session: m.id, RequestHash: hash, Deed: wire.DeedReported})
	must(t, err)
	foreign, err := r.fix.hosts[1].SignAnswer(&wire.Answer{Session: m.id, RequestHash: hash, Verdict: wire.VerdictReported})
	must(t, err)
	for name, proof := range map[string][]byte{
		"nothing": nil, "another host's refusal": foreign, "a forged signature": forged.Proof, "another host's": another.Proof, "a grant": m.answer(wire.VerdictGranted),
		"a refusal": m.answer(wire.VerdictRefused), "an end": m.record(1, wire.DeedEnded, wire.EndUserCut).Record,
	} {
		m.host.send(&wire.Report{Session: m.id, Proof: proof})
		if got := m.host.refused(wire.RefusedProtocol); got.Session != m.id {
			t.Errorf("%s: refusal names %x", name, got.Session)
		}
	}
	if e := m.reports(); len(e) != 0 {
		t.Fatalf("journal: %+v", e)
	}
	made := func(id string, proof []byte) journal.Event {
		return &journal.SessionReported{Session: id, Login: "claire", Machine: r.fix.numbers[0], Signed: base64.StdEncoding.EncodeToString(proof)}
	}
	id := hex.EncodeToString(m.id[:])
	for i, e := range []journal.Event{made(id, nil), made(id, forged.Proof), made(id, another.Proof),
		made(id, foreign), made(id, m.record(1, wire.DeedEnded, wire.EndUserCut).Record), made(madeUpSession, m.report().Proof)} {
		must(t, r.record(t.Context(), e))
		r.verifies(i + 1)
	}
	must(t, r.record(t.Context(), made(id, m.report().Proof)))
	r.verifies(6)
}

// jammed wants nothing of a report that cannot be recorded, nor of what it came with.
func (m *meeting) jammed(entries func() int) {
	m.r.t.Helper()
	m.host.send(&wire.CheckpointAsk{}) // the barrier
	for {
		got, err := m.host.read()
		must(m.r.t, err)
		if _, ok := got.(*wire.Checkpoint); ok {
			break
		}
	}
	if n := entries(); n != 0 {
		m.r.t.Errorf("%d entries without the report that belongs to them", n)
	}
}

// What the person says while it happens is in the journal as what it was, together with
// their report, in the words that the host signed.
func TestRefuseAndReportIsRecordedAsSuch(t *testing.T) {
	r := served(t)
	m := rung(r)
	answer := m.answer(wire.VerdictReported)
	m.host.send(&wire.Answered{Session: m.id, Answer: answer})
	expect[*wire.Answered](m.technician)
	if e := entries[*journal.SessionAnswered](r); len(e) != 1 || e[0].Verdict != uint8(wire.VerdictReported) {
		t.Errorf("journal: %+v", e)
	}
	m.reported(answer)
	m.host.send(&wire.Report{Session: m.id, Proof: answer}) // the host wants to hear that it is there
	expect[*wire.Reported](m.host)
	m.reported(answer)

	r = served(t) // all of it or nothing
	m = rung(r)
	r.jam("session.reported")
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictReported)})
	m.jammed(func() int { return len(entries[*journal.SessionAnswered](r)) })
}

// The report of a refusal that was lost on its way is taken when the host is back.
func TestARefusalThatWasLostIsReportedAfterwards(t *testing.T) {
	r := served(t)
	m := rung(r)
	must(t, m.host.ws.CloseNow())
	expect[*wire.Bye](m.technician)
	answer := m.answer(wire.VerdictReported)
	m.host = r.host(0)
	m.host.send(&wire.Report{Session: m.id, Proof: answer})
	expect[*wire.Reported](m.host)
	m.reported(answer)
}

// A session that nobody granted is reported by the refusal alone: of another record
// nobody could tell later whose it is.
func TestNoRecordReportsASessionThatWasNotGranted(t *testing.T) {
	m := rung(served(t))
	m.host.send(m.report())
	m.host.refused(wire.RefusedProtocol)
}

func TestCutAndReportIsRecordedAsSuch(t *testing.T) {
	r := served(t)
	m := granted(r)
	end := m.record(1, wire.DeedEnded, wire.EndReported)
	m.host.send(end)
	expect[*wire.Bye](m.technician)
	if e := m.entriesEnded(); len(e) != 1 || e[0].Reason != uint8(wire.EndReported) || e[0].By != byHost {
		t.Errorf("journal: %+v", e)
	}
	m.reported(end.Record)
	m.host.send(end) // again, as after a lost connection, and as a report
	m.host.send(&wire.Report{Session: m.id, Proof: end.Record})
	expect[*wire.Reported](m.host)
	m.reported(end.Record)

	r = served(t)
	m = granted(r)
	r.jam("session.reported")
	m.host.send(m.record(1, wire.DeedEnded, wire.EndReported))
	m.jammed(func() int { return len(m.entriesEnded()) })
}

// A goodbye that nobody signed is no report, and the technician cannot report themselves.
func TestNobodyElseReports(t *testing.T) {
	r := served(t)
	m := granted(r)
	hash, err := trust.RequestHash(m.request)
	must(t, err)
	env, err := m.person.device.SignRecord(wire.Record{Session: m.id, RequestHash: hash, Number: 1, Deed: wire.DeedEnded, Reason: wire.EndReported})
	must(t, err)
	m.technician.send(&wire.Noted{Session: m.id, Record: env})
	expect[*wire.Bye](m.host)
	m.host.send(&wire.Bye{Session: m.id, Reason: wire.EndReported})
	m.host.send(&wire.CheckpointAsk{}) // the barrier
	expect[*wire.Checkpoint](m.host)
	if e := m.reports(); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
}

// The log tells that there is something to look at, once, and who was meant only by the
// number of the session.
func TestAReportIsToldInTheLog(t *testing.T) {
	var out lockedBuffer
	r := served(t, func(s *Server) { s.log = textLog(&out) })
	m := granted(r)
	end := m.record(1, wire.DeedEnded, wire.EndReported)
	m.host.send(end)
	expect[*wire.Bye](m.technician)
	m.host.send(&wire.Report{Session: m.id, Proof: end.Record})
	expect[*wire.Reported](m.host)
	var warnings []string
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "level=WARN") && strings.Contains(line, "reported") {
			warnings = append(warnings, line)
		}
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "session="+hex.EncodeToString(m.id[:])) {
		t.Errorf("warnings: %q", warnings)
	}
	for _, secret := range []string{"claire", "Claire", "printer", r.fix.numbers[0]} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log says %q", secret)
		}
	}
}

// Check says how many reports the last days brought, and nothing when there are none.
func TestCheckMentionsReports(t *testing.T) {
	r := served(t)
	said := func() (out string) {
		for _, f := range Check(t.Context(), r.dir) {
			if f.About == "reports" {
				out += string(f.Grade) + " " + f.Text
			}
		}
		return out
	}
	if got := said(); got != "" {
		t.Errorf("without a report: %q", got)
	}
	m := granted(r).over()
	m.host.send(m.report())
	expect[*wire.Reported](m.host)
	if got := said(); !strings.Contains(got, "within 30 days: 1 (") || !strings.Contains(got, "journal list --event session.reported") {
		t.Errorf("with one: %q", got)
	}
}
