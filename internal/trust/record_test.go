// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"testing"

	"assist/internal/wire"
)

func sampleRecord() wire.Record {
	return wire.Record{Session: wire.SessionID{1}, RequestHash: [32]byte{2}, Number: 3, At: 4, Deed: wire.DeedTakenBack, Rights: 3}
}

func TestRecordIsTheHostsOwn(t *testing.T) {
	k := must(NewHostKey())(t)
	env := must(k.SignRecord(sampleRecord()))(t)
	check := RecordCheck{Key: k.Public(), By: wire.PartyHost, Session: wire.SessionID{1}, RequestHash: [32]byte{2}}
	r := must(VerifyRecord(env, check))(t)
	if r.By != wire.PartyHost || r.Number != 3 || r.Rights != 3 {
		t.Errorf("record is %+v", r)
	}
	other, session, request, party := check, check, check, check
	other.Key = must(NewHostKey())(t).Public()
	session.Session[0]++
	request.RequestHash[0]++
	party.By = wire.PartyTechnician
	for name, tc := range map[string]struct {
		c    RecordCheck
		want error
	}{
		"another key": {other, ErrSignature}, "another session": {session, ErrWrongSession},
		"another request": {request, ErrWrongRequest}, "another end": {party, ErrRecord},
	} {
		if _, err := VerifyRecord(env, tc.c); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range env {
		c := bytes.Clone(env)
		c[i] ^= 1
		if _, err := VerifyRecord(c, check); err == nil {
			t.Fatalf("byte %d goes unnoticed", i)
		}
	}
}

// A technician's app signs that it ended, and nothing of rights.
func TestOnlyTheHostSpeaksOfRights(t *testing.T) {
	device, host := must(NewDeviceKey())(t), must(NewHostKey())(t)
	end := sampleRecord()
	end.Deed, end.Rights, end.Reason = wire.DeedEnded, 0, wire.EndTechnician
	if _, err := device.SignRecord(end); err != nil {
		t.Error(err)
	}
	if _, err := device.SignRecord(sampleRecord()); !errors.Is(err, ErrRecord) {
		t.Errorf("a technician on rights: %v", err)
	}
	for name, spoil := range map[string]func(*wire.Record){
		"an end with rights":    func(r *wire.Record) { r.Rights = 1 },
		"an end without reason": func(r *wire.Record) { r.Reason = 0 },
		"a change with reason":  func(r *wire.Record) { r.Deed = wire.DeedPaused },
		"no number":             func(r *wire.Record) { r.Number = 0 },
	} {
		r := end
		spoil(&r)
		if _, err := host.SignRecord(r); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A record never passes for an answer, nor the other way round.
func TestRecordIsNoAnswer(t *testing.T) {
	k := must(NewHostKey())(t)
	answer := must(k.SignAnswer(&wire.Answer{Session: wire.SessionID{1}, RequestHash: [32]byte{2}, Verdict: wire.VerdictRefused}))(t)
	if _, err := VerifyRecord(answer, RecordCheck{Key: k.Public(), By: wire.PartyHost}); !errors.Is(err, ErrMalformed) {
		t.Errorf("an answer as a record: %v", err)
	}
	if _, err := AnswerSigned(must(k.SignRecord(sampleRecord()))(t)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a record as an answer: %v", err)
	}
	if a := must(AnswerSigned(answer))(t); a.Verdict != wire.VerdictRefused {
		t.Errorf("answer is %+v", a)
	}
}

// A report is the host's own word of this very session: the answer that says so, the end
// that says so, or a record made afterwards; nothing else that it signed passes for one.
func TestReportIsTheHostsOwn(t *testing.T) {
	k, other := must(NewHostKey())(t), must(NewHostKey())(t)
	check := RecordCheck{Key: k.Public(), Session: wire.SessionID{1}, RequestHash: [32]byte{2}}
	answer := wire.Answer{Session: wire.SessionID{1}, RequestHash: [32]byte{2}, Verdict: wire.VerdictReported}
	end := wire.Record{Session: wire.SessionID{1}, RequestHash: [32]byte{2}, Number: 3, Deed: wire.DeedEnded, Reason: wire.EndReported}
	later := wire.Record{Session: wire.SessionID{1}, RequestHash: [32]byte{2}, At: 4, Deed: wire.DeedReported}
	for name, env := range map[string][]byte{
		"refused": must(k.SignAnswer(&answer))(t), "cut": must(k.SignRecord(end))(t), "later": must(k.SignRecord(later))(t),
	} {
		if body, err := VerifyReport(env, check); err != nil || body == nil {
			t.Errorf("%s: %v", name, err)
		}
		for what, spoil := range map[string]func(*RecordCheck){
			"another key":     func(c *RecordCheck) { c.Key = other.Public() },
			"another session": func(c *RecordCheck) { c.Session[0]++ },
			"another request": func(c *RecordCheck) { c.RequestHash[0]++ },
		} {
			c := check
			spoil(&c)
			if _, err := VerifyReport(env, c); err == nil {
				t.Errorf("%s: %s goes unnoticed", name, what)
			}
		}
		for i := range env {
			c := bytes.Clone(env)
			c[i] ^= 1
			if _, err := VerifyReport(c, check); err == nil {
				t.Fatalf("%s: byte %d goes unnoticed", name, i)
			}
		}
	}
	refusal, cut := answer, end
	refusal.Verdict, cut.Reason = wire.VerdictRefused, wire.EndUserCut
	pledge := wire.Pledge{Session: wire.SessionID{1}, RequestHash: [32]byte{2}}
	for name, env := range map[string][]byte{
		"a refusal": must(k.SignAnswer(&refusal))(t), "a cut": must(k.SignRecord(cut))(t),
		"a change": must(k.SignRecord(sampleRecord()))(t), "a pledge": must(k.SignPledge(&pledge))(t), "nothing": nil,
	} {
		if _, err := VerifyReport(env, check); err == nil {
			t.Errorf("%s passes for a report", name)
		}
	}
}

// A report made afterwards is none of the numbered records, and never the technician's.
func TestReportIsNotNumbered(t *testing.T) {
	host, device := must(NewHostKey())(t), must(NewDeviceKey())(t)
	later := wire.Record{Deed: wire.DeedReported}
	if _, err := device.SignRecord(later); !errors.Is(err, ErrRecord) {
		t.Errorf("a technician's: %v", err)
	}
	for name, spoil := range map[string]func(*wire.Record){
		"a number": func(r *wire.Record) { r.Number = 1 },
		"rights":   func(r *wire.Record) { r.Rights = 1 },
		"a reason": func(r *wire.Record) { r.Reason = wire.EndReported },
	} {
		r := later
		spoil(&r)
		if _, err := host.SignRecord(r); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
