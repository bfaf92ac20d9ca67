// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/hex"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// record signs a host's record of a meeting.
func (m *meeting) record(number uint32, deed wire.Deed, why wire.EndReason) *wire.Noted {
	m.r.t.Helper()
	hash, err := trust.RequestHash(m.request)
	must(m.r.t, err)
	rec := wire.Record{Session: m.id, RequestHash: hash, Number: number, At: m.r.now().Unix(), Deed: deed, Reason: why}
	if deed != wire.DeedEnded {
		rec.Rights = 1
	}
	env, err := m.r.fix.hosts[0].SignRecord(rec)
	must(m.r.t, err)
	return &wire.Noted{Session: m.id, Record: env}
}

func TestWhatTheHostSignsIsRecordedOnce(t *testing.T) {
	r := served(t)
	m := granted(r)
	for range 2 { // the second time as after a lost connection
		m.host.send(m.record(1, wire.DeedTakenBack, 0))
		m.host.send(m.record(2, wire.DeedPaused, 0))
	}
	m.host.send(m.record(3, wire.DeedEnded, wire.EndUserCut))
	if bye := expect[*wire.Bye](m.technician); bye.Reason != wire.EndUserCut {
		t.Errorf("the technician hears %+v", bye)
	}
	hash, err := trust.RequestHash(m.request)
	must(t, err)
	env, err := m.person.device.SignRecord(wire.Record{Session: m.id, RequestHash: hash, Number: 1, Deed: wire.DeedEnded, Reason: wire.EndUserCut})
	must(t, err)
	m.technician.send(&wire.Noted{Session: m.id, Record: env})
	m.technician.send(&wire.Ask{TOTP: ""}) // the barrier
	expect[*wire.Refused](m.technician)
	changed, ended := entries[*journal.SessionChanged](r), entries[*journal.SessionEnded](r)
	if len(changed) != 2 || changed[0].Deed != uint8(wire.DeedTakenBack) || changed[1].Number != 2 || changed[0].Login != "claire" {
		t.Errorf("changes: %+v", changed)
	}
	if len(ended) != 2 || ended[0].By != byHost || ended[1].By != byTechnician || ended[0].Signed == "" || ended[1].Signed == "" {
		t.Errorf("ends: %+v", ended)
	}
	report, err := r.VerifySessions(t.Context())
	must(t, err)
	if report.Granted != 1 || len(report.Unclosed) != 0 {
		t.Errorf("report is %+v", report)
	}
}

// tells wants that the server has so many of this end's records after one more.
func (c *client) tells(m *wire.Noted, has uint32) {
	c.t.Helper()
	c.send(m)
	if got := expect[*wire.Recorded](c); got.Session != m.Session || got.Number != has {
		c.t.Errorf("recorded %+v, want %d", got, has)
	}
}

// signedEnd is what the technician's app signs.
func (m *meeting) signedEnd(why wire.EndReason) *wire.Noted {
	m.r.t.Helper()
	hash, err := trust.RequestHash(m.request)
	must(m.r.t, err)
	env, err := m.person.device.SignRecord(wire.Record{Session: m.id, RequestHash: hash, Number: 1, Deed: wire.DeedEnded, Reason: why})
	must(m.r.t, err)
	return &wire.Noted{Session: m.id, Record: env}
}

// What could not be written for a moment is asked for again, in order: nothing of it is
// passed over, and the journal accuses nobody.
func TestAMomentsFaultLosesNoRecord(t *testing.T) {
	r := served(t)
	m := granted(r)
	first, second := m.record(1, wire.DeedTakenBack, 0), m.record(2, wire.DeedPaused, 0)
	r.jam("session.changed")
	m.host.tells(first, 0)
	r.unjam()
	m.host.tells(second, 0) // too early
	m.host.tells(first, 1)
	m.host.tells(second, 2)
	m.host.tells(first, 2) // once more
	r.jam("session.ended")
	m.technician.tells(m.signedEnd(wire.EndTechnician), 0)
	expect[*wire.Bye](m.host) // which waits for no disk
	r.unjam()
	m.technician.tells(m.signedEnd(wire.EndTechnician), 1)
	m.host.tells(m.record(3, wire.DeedEnded, wire.EndTechnician), 3)
	changed, ended := entries[*journal.SessionChanged](r), entries[*journal.SessionEnded](r)
	if len(changed) != 2 || changed[0].Number != 1 || changed[1].Number != 2 || len(ended) != 2 {
		t.Errorf("journal: %+v %+v", changed, ended)
	}
	r.advance(24 * time.Hour)
	if report := r.verifies(0); len(report.Unclosed)+len(report.Unsigned) != 0 {
		t.Errorf("report is %+v", report)
	}
}

// An end that comes before what it follows ends the session at once, as a goodbye, and is
// recorded as signed when it is its turn.
func TestAnEndThatComesTooEarlyIsAGoodbye(t *testing.T) {
	r := served(t)
	m := granted(r)
	end := m.record(2, wire.DeedEnded, wire.EndUserCut)
	m.host.tells(end, 0)
	if bye := expect[*wire.Bye](m.technician); bye.Reason != wire.EndUserCut {
		t.Errorf("the technician hears %+v", bye)
	}
	if e := m.entriesEnded(); len(e) != 1 || e[0].Signed != "" || e[0].Reason != uint8(wire.EndUserCut) {
		t.Errorf("ends: %+v", e)
	}
	m.host.tells(m.record(1, wire.DeedPaused, 0), 1)
	m.host.tells(end, 2)
	r.advance(24 * time.Hour)
	if report := r.verifies(0); len(report.Unclosed)+len(report.Unsigned) != 0 {
		t.Errorf("report is %+v", report)
	}
}

// What one computer has recorded of one session is bounded, in whatever order it says it.
func TestRecordsOfASessionAreBounded(t *testing.T) {
	r := served(t)
	m := granted(r)
	id := hex.EncodeToString(m.id[:])
	must(t, r.store.write(t.Context(), func(t *transaction) error {
		_, err := t.exec(`update session set host_records = ? where id = ?`, maxRecords-1, id)
		return err
	}))
	m.host.tells(m.record(maxRecords, wire.DeedPaused, 0), maxRecords)
	m.host.send(m.record(maxRecords+1, wire.DeedResumed, 0))
	m.host.send(&wire.CheckpointAsk{})
	expect[*wire.Checkpoint](m.host)
	if e := entries[*journal.SessionChanged](r); len(e) != 1 {
		t.Errorf("recorded %d", len(e))
	}
}

// Nobody speaks for another end, nor of a session that was not granted.
func TestStrangersRecordsGoNowhere(t *testing.T) {
	r := served(t)
	m := granted(r)
	stranger := r.host(1)
	stranger.send(m.record(1, wire.DeedPaused, 0))
	stranger.send(&wire.CheckpointAsk{})
	expect[*wire.Checkpoint](stranger)
	forged := m.record(1, wire.DeedPaused, 0)
	forged.Record[len(forged.Record)-1] ^= 1
	m.host.send(forged)
	high := m.record(maxRecords+1, wire.DeedPaused, 0)
	m.host.send(high)
	m.technician.send(m.record(1, wire.DeedEnded, wire.EndTechnician)) // the host's, from the technician
	m.host.send(&wire.CheckpointAsk{})
	expect[*wire.Checkpoint](m.host)
	m.technician.send(&wire.CheckpointAsk{})
	expect[*wire.Checkpoint](m.technician)
	if e := entries[*journal.SessionChanged](r); len(e) != 0 {
		t.Errorf("recorded %+v", e)
	}
	if e := entries[*journal.SessionEnded](r); len(e) != 0 {
		t.Errorf("ended %+v", e)
	}
	m = rung(served(t)) // of a request that nobody has answered yet
	m.host.send(m.record(1, wire.DeedPaused, 0))
	m.host.send(&wire.CheckpointAsk{})
	expect[*wire.Checkpoint](m.host)
	if e := entries[*journal.SessionChanged](m.r); len(e) != 0 {
		t.Errorf("recorded %+v of what was not granted", e)
	}
}
