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

// meeting is a request that the host has been rung for.
type meeting struct {
	r          *rig
	host       *client
	technician *client
	person     *person
	id         wire.SessionID
	request    []byte
}

func meet(r *rig) *meeting {
	r.t.Helper()
	m := &meeting{r: r, host: r.host(0), person: r.enrolled("claire")}
	var cert []byte
	m.technician, cert = r.technician(m.person)
	m.id, m.request = r.request(m.person, cert, r.fix.numbers[0])
	m.technician.send(&wire.Ask{TOTP: r.code(m.person, 0), Request: m.request})
	return m
}

// rung is meet after the ring has arrived.
func rung(r *rig) *meeting {
	r.t.Helper()
	m := meet(r)
	ring := expect[*wire.Ring](m.host)
	if ring.Session != m.id || ring.Login != "claire" || ring.Address != "127.0.0.1" || string(ring.Request) != string(m.request) {
		r.t.Fatalf("ring is %+v", ring)
	}
	return m
}

func (m *meeting) answer(v wire.Verdict) []byte {
	m.r.t.Helper()
	hash, err := trust.RequestHash(m.request)
	must(m.r.t, err)
	a := &wire.Answer{Session: m.id, RequestHash: hash, Verdict: v, Expires: m.r.now().Add(time.Minute).Unix()}
	if v == wire.VerdictGranted {
		a.Rights = 1
	}
	env, err := m.r.fix.hosts[0].SignAnswer(a)
	must(m.r.t, err)
	return env
}

// granted is a session that both ends are in.
func granted(r *rig) *meeting {
	r.t.Helper()
	m := rung(r)
	env := m.answer(wire.VerdictGranted)
	m.host.send(&wire.Answered{Session: m.id, Answer: env})
	if got := expect[*wire.Answered](m.technician); string(got.Answer) != string(env) {
		r.t.Fatal("the answer arrived altered")
	}
	return m
}

func (m *meeting) entriesEnded() []*journal.SessionEnded { return entries[*journal.SessionEnded](m.r) }

func TestInterventionFromAskToBye(t *testing.T) {
	r := served(t)
	m := rung(r)
	if e := entries[*journal.SessionRequested](r); len(e) != 1 || e[0].Machine != r.fix.numbers[0] ||
		e[0].Login != "claire" || e[0].Reason != "the printer is stuck" || e[0].Session != hex.EncodeToString(m.id[:]) {
		t.Fatalf("journal: %+v", e)
	}
	hash, err := trust.RequestHash(m.request)
	must(t, err)
	pledge, err := r.fix.hosts[0].SignPledge(&wire.Pledge{Session: m.id, RequestHash: hash})
	must(t, err)
	m.host.send(&wire.Pledged{Session: m.id, Pledge: pledge})
	if got := expect[*wire.Pledged](m.technician); string(got.Pledge) != string(pledge) {
		t.Fatal("the pledge arrived altered")
	}
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictGranted)})
	expect[*wire.Answered](m.technician)
	m.technician.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("offer")})
	if got := expect[*wire.Signal](m.host); string(got.Body) != "offer" || got.Sequence != 1 {
		t.Fatalf("signal is %+v", got)
	}
	m.host.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("answer")})
	if got := expect[*wire.Signal](m.technician); string(got.Body) != "answer" {
		t.Fatalf("signal is %+v", got)
	}
	m.host.send(&wire.Bye{Session: m.id, Reason: wire.EndUserCut})
	if got := expect[*wire.Bye](m.technician); got.Reason != wire.EndUserCut || got.Session != m.id {
		t.Fatalf("bye is %+v", got)
	}
	if e := m.entriesEnded(); len(e) != 1 || e[0].Reason != uint8(wire.EndUserCut) || e[0].By != byHost {
		t.Fatalf("journal: %+v", e)
	}
	if e := entries[*journal.SessionAnswered](r); len(e) != 1 || e[0].Verdict != uint8(wire.VerdictGranted) || e[0].Rights != 1 {
		t.Fatalf("journal: %+v", e)
	}
}
