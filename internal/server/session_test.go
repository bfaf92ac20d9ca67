// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/hex"
	"errors"
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

func TestUnknownAndOfflineMachines(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	for _, tc := range []struct {
		machine string
		why     wire.Refusal
	}{
		{r.fix.numbers[1], wire.RefusedOffline},
		{"000000000000", wire.RefusedUnknown},
		{"123456789012", wire.RefusedUnknown}, // a wrong check digit
	} {
		id, env := r.request(p, cert, tc.machine)
		c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
		if m := c.refused(tc.why); m.Session != id {
			t.Errorf("refusal names session %x", m.Session)
		}
		r.advance(totpStep * time.Second)
	}
	if e := entries[*journal.SessionUndelivered](r); len(e) != 1 || e[0].Why != "offline" {
		t.Errorf("journal: %+v", e)
	}
	left, err := r.store.unanswered(t.Context())
	must(t, err)
	if len(left) != 0 {
		t.Errorf("sessions are left open: %v", left)
	}
}

// What reaches a machine is this technician's own request, or nothing.
func TestForeignRequestsAreRefused(t *testing.T) {
	r := served(t)
	host := r.host(0)
	claire, denis := r.enrolled("claire"), r.enrolled("denis")
	c, cert := r.technician(claire)
	_, foreign := r.technician(denis)
	valid := func() wire.Request {
		return wire.Request{Session: wire.SessionID(randomBytes(16)), Machine: r.fix.numbers[0], Certificate: cert, Rights: 1,
			Reason: "x", Nonce: [32]byte(randomBytes(32)), Expires: r.now().Add(trust.RequestLife).Unix()}
	}
	for _, tc := range []struct {
		name  string
		spoil func(*wire.Request)
		by    *trust.DeviceKey
		why   wire.Refusal
	}{
		{"another's certificate", func(q *wire.Request) { q.Certificate = foreign }, denis.device, wire.RefusedIdentity},
		{"another's key", func(*wire.Request) {}, denis.device, wire.RefusedIdentity},
		{"no session", func(q *wire.Request) { q.Session = wire.SessionID{} }, claire.device, wire.RefusedProtocol},
		{"no reason", func(q *wire.Request) { q.Reason = "" }, claire.device, wire.RefusedProtocol},
		{"expired", func(q *wire.Request) { q.Expires = r.now().Add(-time.Hour).Unix() }, claire.device, wire.RefusedProtocol},
		{"no certificate", func(q *wire.Request) { q.Certificate = nil }, claire.device, wire.RefusedIdentity},
	} {
		q := valid()
		tc.spoil(&q)
		env, err := tc.by.SignRequest(&q)
		must(t, err)
		c.send(&wire.Ask{TOTP: r.code(claire, 0), Request: env})
		if m := expect[*wire.Refused](c); m.Why != tc.why {
			t.Errorf("%s: refused for %d, want %d", tc.name, m.Why, tc.why)
		}
		r.advance(totpStep * time.Second)
	}
	c.send(&wire.Ask{TOTP: r.code(claire, 0), Request: []byte("not an envelope")})
	c.refused(wire.RefusedProtocol)
	if e := entries[*journal.SessionRequested](r); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
	r.advance(totpStep * time.Second)
	_, env := r.request(claire, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(claire, 0), Request: env})
	if ring := expect[*wire.Ring](host); string(ring.Request) != string(env) {
		t.Error("an earlier request reached the host")
	}
}

func TestSessionNumberIsUsedOnce(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.host.send(&wire.Bye{Session: m.id, Reason: wire.EndUserCut})
	expect[*wire.Bye](m.technician)
	r.advance(totpStep * time.Second)
	m.technician.send(&wire.Ask{TOTP: r.code(m.person, 0), Request: m.request})
	m.technician.refused(wire.RefusedProtocol)
}

func TestOneSessionPerHost(t *testing.T) {
	r := served(t)
	m := rung(r)
	p := r.enrolled("denis")
	c, cert := r.technician(p)
	id, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	if got := c.refused(wire.RefusedBusy); got.Session != id {
		t.Errorf("refusal names session %x", got.Session)
	}
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictRefused)})
	if a := expect[*wire.Answered](m.technician); a.Session != m.id {
		t.Errorf("answer is %+v", a)
	}
	if e := m.entriesEnded(); len(e) != 1 || e[0].Reason != uint8(wire.EndRefused) || e[0].By != byHost {
		t.Errorf("journal: %+v", e)
	}
	// Refused, so the host is free again.
	r.advance(totpStep * time.Second)
	_, env = r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	expect[*wire.Ring](m.host)
}

// A message for a session reaches only the two ends of it, and only from them.
func TestStrangersMessagesGoNowhere(t *testing.T) {
	r := served(t)
	m := granted(r)
	denis := r.enrolled("denis")
	technician, _ := r.technician(denis)
	host := r.host(1)
	before := r.drops.foreign.Load()
	for _, stranger := range []*client{technician, host} {
		stranger.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("evil")})
		stranger.send(&wire.Bye{Session: m.id, Reason: wire.EndUserCut})
	}
	host.send(&wire.Pledged{Session: m.id, Pledge: []byte("evil")})
	host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictRefused)})
	waitFor(t, func() bool { return r.drops.foreign.Load() == before+6 })

	m.host.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("good")})
	if s := expect[*wire.Signal](m.technician); string(s.Body) != "good" {
		t.Errorf("the technician heard %q", s.Body)
	}
	m.technician.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("good")})
	if s := expect[*wire.Signal](m.host); string(s.Body) != "good" {
		t.Errorf("the host heard %q", s.Body)
	}
}

// waitFor polls what another goroutine of the server does. The poll yields; the
// time only bounds a test that fails.
func waitFor(t *testing.T, true func() bool) {
	t.Helper()
	late := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !true() {
		select {
		case <-late:
			t.Fatal("it does not come about")
		case <-tick.C:
		}
	}
}

func TestSignalsBeforeTheAnswerGoNowhere(t *testing.T) {
	r := served(t)
	m := rung(r)
	m.technician.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("early")})
	m.host.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("early")})
	waitFor(t, func() bool { return r.drops.foreign.Load() == 2 })
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictGranted)})
	expect[*wire.Answered](m.technician)
	m.technician.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("offer")})
	if s := expect[*wire.Signal](m.host); string(s.Body) != "offer" {
		t.Errorf("the host heard %q", s.Body)
	}
}

func TestAnswersThatAreNotTheHostsEndItsConnection(t *testing.T) {
	for name, spoil := range map[string]func(m *meeting) *wire.Answered{
		"garbage":   func(m *meeting) *wire.Answered { return &wire.Answered{Session: m.id, Answer: []byte("x")} },
		"a request": func(m *meeting) *wire.Answered { return &wire.Answered{Session: m.id, Answer: m.request} },
		"another's key": func(m *meeting) *wire.Answered {
			env, err := m.r.fix.hosts[1].SignAnswer(&wire.Answer{Session: m.id, Verdict: wire.VerdictRefused})
			must(m.r.t, err)
			return &wire.Answered{Session: m.id, Answer: env}
		},
		"a wrong signature": func(m *meeting) *wire.Answered {
			env := m.answer(wire.VerdictGranted)
			env[len(env)-1] ^= 1
			return &wire.Answered{Session: m.id, Answer: env}
		},
		"another request": func(m *meeting) *wire.Answered {
			env, err := m.r.fix.hosts[0].SignAnswer(&wire.Answer{Session: m.id, RequestHash: [32]byte{1}, Verdict: wire.VerdictRefused})
			must(m.r.t, err)
			return &wire.Answered{Session: m.id, Answer: env}
		},
		"another session": func(m *meeting) *wire.Answered {
			env, err := m.r.fix.hosts[0].SignAnswer(&wire.Answer{Session: wire.SessionID{1}, Verdict: wire.VerdictRefused})
			must(m.r.t, err)
			return &wire.Answered{Session: m.id, Answer: env}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := served(t)
			m := rung(r)
			m.host.send(spoil(m))
			m.host.refused(wire.RefusedProtocol)
			m.host.closed()
			if b := expect[*wire.Bye](m.technician); b.Session != m.id || b.Reason != wire.EndNetworkLost {
				t.Errorf("bye is %+v", b)
			}
			if e := entries[*journal.SessionAnswered](r); len(e) != 0 {
				t.Errorf("journal: %+v", e)
			}
		})
	}
}

func TestOneAnswerAndOnePledge(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictRefused)})
	m.host.refused(wire.RefusedProtocol)

	r = served(t) // nor another machine's
	m = rung(r)
	hash, err := trust.RequestHash(m.request)
	must(t, err)
	others, err := r.fix.hosts[1].SignAnswer(&wire.Answer{Session: m.id, RequestHash: hash, Verdict: wire.VerdictGranted, Rights: 1, Expires: r.now().Add(time.Minute).Unix()})
	must(t, err)
	m.host.send(&wire.Answered{Session: m.id, Answer: others})
	m.host.refused(wire.RefusedProtocol)
	if e := entries[*journal.SessionAnswered](r); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}

	r = served(t)
	m = rung(r)
	m.host.send(&wire.Pledged{Session: m.id, Pledge: []byte("one")})
	expect[*wire.Pledged](m.technician)
	m.host.send(&wire.Pledged{Session: m.id, Pledge: []byte("two")})
	m.host.refused(wire.RefusedProtocol)
}

func TestConnectionLostBeforeTheAnswer(t *testing.T) {
	t.Run("technician", func(t *testing.T) {
		r := served(t)
		m := rung(r)
		m.technician.ws.CloseNow()
		if b := expect[*wire.Bye](m.host); b.Session != m.id || b.Reason != wire.EndTechnicianLost {
			t.Errorf("bye is %+v", b)
		}
		if e := m.entriesEnded(); len(e) != 1 || e[0].By != byTechnician {
			t.Errorf("journal: %+v", e)
		}
	})
	t.Run("host", func(t *testing.T) {
		r := served(t)
		m := rung(r)
		m.host.ws.CloseNow()
		if b := expect[*wire.Bye](m.technician); b.Session != m.id || b.Reason != wire.EndNetworkLost {
			t.Errorf("bye is %+v", b)
		}
	})
}

// After the answer the two ends do not need the server: they come back to it.
func TestConnectionLostAfterTheAnswerEndsNothing(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.host.ws.CloseNow()
	m.host = r.host(0)
	m.technician.send(&wire.Signal{Session: m.id, Sequence: 2, Body: []byte("again")})
	if s := expect[*wire.Signal](m.host); string(s.Body) != "again" {
		t.Errorf("signal is %+v", s)
	}
	m.technician.ws.CloseNow()
	m.technician, _ = r.technician(m.person)
	m.technician.send(&wire.Bye{Session: m.id, Reason: wire.EndTechnician})
	if b := expect[*wire.Bye](m.host); b.Reason != wire.EndTechnician {
		t.Errorf("bye is %+v", b)
	}
	if e := m.entriesEnded(); len(e) != 1 || e[0].By != byTechnician {
		t.Errorf("journal: %+v", e)
	}
}

// An ending is told to an end that was away when it came.
func TestByeIsToldToAHostThatComesBack(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.host.ws.CloseNow()
	m.technician.send(&wire.Bye{Session: m.id, Reason: wire.EndTechnician})
	waitFor(t, func() bool { return len(m.entriesEnded()) == 1 })
	m.host = r.host(0)
	if b := expect[*wire.Bye](m.host); b.Session != m.id || b.Reason != wire.EndTechnician {
		t.Errorf("bye is %+v", b)
	}
}

// A host app that was restarted does not know of the session any more; it can
// be asked again, and its grant closes the old one.
func TestARestartedHostCanBeAskedAgain(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.host.ws.CloseNow()
	old := m.id
	m.host = r.host(0)
	p := r.enrolled("denis")
	c, cert := r.technician(p)
	m.id, m.request = r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: m.request})
	expect[*wire.Ring](m.host)
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictGranted)})
	expect[*wire.Answered](c)
	e := m.entriesEnded()
	if len(e) != 1 || e[0].Session != hex.EncodeToString(old[:]) || e[0].By != byServer {
		t.Errorf("journal: %+v", e)
	}
}

func TestCancelBeforeTheAnswer(t *testing.T) {
	r := served(t)
	m := rung(r)
	m.technician.send(&wire.Bye{Session: m.id, Reason: wire.EndCancelled})
	if b := expect[*wire.Bye](m.host); b.Reason != wire.EndCancelled {
		t.Errorf("bye is %+v", b)
	}
	// The user clicked at that very moment: nothing comes of it.
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictGranted)})
	waitFor(t, func() bool { return r.drops.foreign.Load() == 1 })
	if e := entries[*journal.SessionAnswered](r); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
}

func TestRequestThatNobodyAnswersEnds(t *testing.T) {
	r := served(t, func(s *Server) { s.limits.answer = 50 * time.Millisecond })
	m := rung(r)
	for _, c := range []*client{m.host, m.technician} {
		if b := expect[*wire.Bye](c); b.Session != m.id || b.Reason != wire.EndExpired {
			t.Errorf("bye is %+v", b)
		}
	}
	if e := m.entriesEnded(); len(e) != 1 || e[0].By != byServer {
		t.Errorf("journal: %+v", e)
	}
}

// The timer that ends a request which nobody answers does not end a session,
// not even when it fires at the moment of the grant.
func TestTheTimerOfARequestDoesNotEndASession(t *testing.T) {
	r := served(t)
	m := granted(r)
	r.giveUp(m.id)
	m.technician.send(&wire.Signal{Session: m.id, Sequence: 1, Body: []byte("offer")})
	if s := expect[*wire.Signal](m.host); string(s.Body) != "offer" {
		t.Errorf("the host heard %q", s.Body)
	}
	if e := m.entriesEnded(); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
}

func TestAnAnswerIsRecordedOnce(t *testing.T) {
	r := served(t)
	m := granted(r)
	again := &wire.Answer{Session: m.id, Verdict: wire.VerdictRefused}
	if err := r.answerSession(t.Context(), again, [32]byte{}, nil); !errors.Is(err, errProtocol) {
		t.Errorf("error is %v", err)
	}
	again.Session = wire.SessionID{1}
	if err := r.answerSession(t.Context(), again, [32]byte{}, nil); !errors.Is(err, errProtocol) {
		t.Errorf("error is %v", err)
	}
	if e := entries[*journal.SessionAnswered](r); len(e) != 1 {
		t.Errorf("journal: %+v", e)
	}
}

// One connection asks for no more sessions at a time than a person can mind.
func TestSessionsOfATechnicianAreBounded(t *testing.T) {
	e := &technician{end: technicianEnd(nil), certificate: []byte("its own")}
	for n := range byte(maxCalls) {
		if err := e.checkRequest(t.Context(), nil, &wire.Request{Session: wire.SessionID{n + 1}}); !errors.Is(err, errIdentity) {
			t.Fatalf("session %d: %v", n+1, err)
		}
		e.calls[wire.SessionID{n + 1}] = nil
	}
	if err := e.checkRequest(t.Context(), nil, &wire.Request{Session: wire.SessionID{maxCalls + 1}}); !errors.Is(err, errProtocol) {
		t.Errorf("one more: %v", err)
	}
}
