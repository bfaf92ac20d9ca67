// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

func TestHostRegisters(t *testing.T) {
	r := served(t)
	c := r.dial()
	if c.challenge.Version != wire.Version || c.challenge.Unit != "INCI" || c.challenge.Time != r.now().Unix() {
		t.Errorf("challenge is %+v", c.challenge)
	}
	c.hello(r.fix.hosts[0])
	m := expect[*wire.HostReady](c)
	host, port, err := net.SplitHostPort(m.STUN)
	if m.Address != "127.0.0.1" || err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("ready is %+v", m)
	}
}

func TestHostWithAForeignKeyIsRefused(t *testing.T) {
	r := served(t)
	c := r.dial()
	// The key of one machine, signed by another.
	c.send(&wire.HostHello{Version: wire.Version, HostKey: r.fix.hosts[0].Public(), Signature: c.sign(r.fix.hosts[1], trust.RoleHost)})
	c.refused(wire.RefusedIdentity)
	c.closed()
	c = r.dial()
	c.send(&wire.HostHello{Version: wire.Version, HostKey: []byte("no key"), Signature: []byte("x")})
	c.refused(wire.RefusedIdentity)
}

// The slow hash is computed for a key that was never seen, and then no more.
func TestMachineNumberIsComputedOnce(t *testing.T) {
	r := served(t)
	k, err := trust.NewHostKey()
	must(t, err)
	c := r.dial()
	c.hello(k)
	expect[*wire.HostReady](c)
	want, err := k.MachineID(r.unit)
	must(t, err)
	id, err := r.store.machineByKey(t.Context(), k.Public())
	must(t, err)
	if id != want {
		t.Fatalf("number is %s, want %s", id, want)
	}
	found := false
	for _, e := range entries[*journal.MachineRegistered](r) {
		found = found || e.Machine == want
	}
	if !found {
		t.Error("a new machine is not in the journal")
	}
	must(t, errors.Join(c.ws.CloseNow()))
	r = r.restart()
	for range cap(r.naming.inside) { // no place left to compute
		r.naming.inside <- struct{}{}
	}
	c = r.dial()
	c.hello(k)
	expect[*wire.HostReady](c)
}

func TestTwoKeysWithOneNumberAreNotBothKnown(t *testing.T) {
	r := unserved(t)
	if err := r.addMachine(t.Context(), r.fix.numbers[0], []byte("another key"), mustAddr(t, "127.0.0.1")); !errors.Is(err, errDuplicate) {
		t.Errorf("error is %v", err)
	}
	must(t, r.addMachine(t.Context(), r.fix.numbers[0], r.fix.hosts[0].Public(), mustAddr(t, "127.0.0.1")))
}

func TestNewKeysAreLimitedPerAddress(t *testing.T) {
	r := unserved(t)
	a, b := mustAddr(t, "192.0.2.1"), mustAddr(t, "192.0.2.2")
	for range newcomerBurst {
		if !r.newcomers.allow(a, r.now()) {
			t.Fatal("the burst is too small")
		}
	}
	if r.newcomers.allow(a, r.now()) {
		t.Error("no limit")
	}
	if !r.newcomers.allow(b, r.now()) {
		t.Error("another address is limited too")
	}
	r.advance(newcomerEvery)
	if !r.newcomers.allow(a, r.now()) {
		t.Error("the limit never lifts")
	}
	k, err := trust.NewHostKey()
	must(t, err)
	for r.newcomers.allow(a, r.now()) {
	}
	if _, err := r.machineOf(t.Context(), k.Public(), a); !errors.Is(err, errBusy) {
		t.Errorf("error is %v", err)
	}
	if id, err := r.machineOf(t.Context(), r.fix.hosts[0].Public(), a); err != nil || id != r.fix.numbers[0] {
		t.Errorf("a known key is limited: %v", err)
	}
}

// heard reads for a client until its connection ends, as an app does: who does not
// read does not answer pings. The channel has why it was refused.
func (c *client) heard() <-chan wire.Refusal {
	why := make(chan wire.Refusal, 1)
	go func() {
		defer close(why)
		for {
			m, err := c.read()
			if err != nil {
				return
			}
			if no, ok := m.(*wire.Refused); ok {
				why <- no.Why
			}
		}
	}()
	return why
}

func TestTwoLiveHostsWithOneKeyAreBothRefused(t *testing.T) {
	log := &lockedBuffer{}
	r := served(t, func(s *Server) {
		s.limits.settle = time.Millisecond
		s.log = slog.New(slog.NewTextHandler(log, nil))
	})
	first := r.host(0).heard()
	second := r.dial()
	second.hello(r.fix.hosts[0])
	second.refused(wire.RefusedDuplicate)
	second.closed()
	if why := <-first; why != wire.RefusedDuplicate {
		t.Errorf("the first was refused for %d", why)
	}
	<-first
	for range 2 { // whichever comes back, however often
		c := r.dial()
		c.hello(r.fix.hosts[0])
		c.refused(wire.RefusedDuplicate)
	}
	r.host(1) // another machine is not concerned
	number := r.fix.numbers[0]
	if e := entries[*journal.MachineDuplicate](r); len(e) != 1 || *e[0] != (journal.MachineDuplicate{Machine: number, First: "127.0.0.1", Second: "127.0.0.1"}) {
		t.Errorf("journal: %+v", e)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), number) {
		t.Errorf("the log says %q", log.String())
	}
	f := find(Check(t.Context(), r.dir), "machines")
	if len(f) != 1 || f[0].Grade != Bad || !strings.Contains(f[0].Text, number) {
		t.Errorf("check says %+v", f)
	}
	all, err := r.Machines(t.Context())
	must(t, err)
	held := slices.DeleteFunc(all, func(m Machine) bool { return m.DuplicateSince.IsZero() })
	if len(held) != 1 || held[0].Number != number {
		t.Errorf("held back: %+v", held)
	}
	must(t, r.ReleaseMachine(t.Context(), number))
	if err := r.ReleaseMachine(t.Context(), number); !errors.Is(err, ErrMachine) {
		t.Errorf("released twice: %v", err)
	}
	r.host(0)
}

// An app that joins anew may be there twice for a moment.
func TestAHostThatIsLeavingGivesWay(t *testing.T) {
	r := served(t, func(s *Server) { s.limits.settle = 3 * time.Second })
	first := r.host(0)
	gone := first.heard()
	time.AfterFunc(50*time.Millisecond, func() { first.ws.CloseNow() })
	r.host(0)
	if why, open := <-gone; open {
		t.Errorf("the first was refused for %d", why)
	}
	if e := entries[*journal.MachineDuplicate](r); len(e) != 0 {
		t.Errorf("journal: %+v", e)
	}
}

func TestAHostThatNoLongerAnswersGivesWay(t *testing.T) {
	r := served(t)
	r.host(0) // nobody reads there: a ping gets no answer
	second := r.dial()
	second.hello(r.fix.hosts[0])
	expect[*wire.HostReady](second)
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	_, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	expect[*wire.Ring](second)
}

func TestASilentClientIsDropped(t *testing.T) {
	r := served(t, func(s *Server) { s.limits.idle, s.limits.pong = 20*time.Millisecond, 100*time.Millisecond })
	r.host(0)
	subject := subjectMachine(r.fix.numbers[0])
	waitFor(t, func() bool {
		_, err := r.bus.ask(t.Context(), subject, []byte{0}, time.Second)
		return errors.Is(err, errNotListened)
	})
}

// A machine is present while somebody listens to its subject, and not a moment
// longer.
func TestPresenceEndsWithTheConnection(t *testing.T) {
	r := served(t)
	host := r.host(0)
	host.ws.CloseNow()
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	waitFor(t, func() bool {
		_, err := r.bus.ask(t.Context(), subjectClaim(r.fix.numbers[0]), nil, time.Second)
		return errors.Is(err, errNotListened)
	})
	start := time.Now()
	_, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	c.refused(wire.RefusedOffline)
	if took := time.Since(start); took > r.limits.ring { // it is asked twice for as long
		t.Errorf("no responders took %v", took)
	}
}

// A host that is slow to take the request is not rung behind the technician's
// back once that one was told "offline".
func TestAHostThatTakesTheRequestTooLateDoesNotRing(t *testing.T) {
	r := served(t, func(s *Server) { s.limits.ring = patience / 20 })
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	// A stand-in for the slow connection: it listens and says nothing.
	inbox := make(chan *nats.Msg, 2)
	sub, err := r.bus.listen(subjectMachine(r.fix.numbers[0]), inbox)
	must(t, err)
	id, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	c.refused(wire.RefusedOffline)
	r.bus.unlisten(sub)
	if len(inbox) != 2 {
		t.Errorf("asked %d times", len(inbox))
	}
	host := r.host(0)
	late := <-inbox
	must(t, r.bus.conn.PublishRequest(late.Subject, "nobody", late.Data))
	r.advance(totpStep * time.Second)
	next, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	if ring := expect[*wire.Ring](host); ring.Session == id || ring.Session != next {
		t.Error("the late request rang")
	}
}

func TestARingAskedTwiceRingsOnce(t *testing.T) {
	r := served(t)
	m := rung(r)
	raw, err := wire.Marshal(&wire.Ring{Session: m.id, Login: "claire", Address: "127.0.0.1", Request: m.request})
	must(t, err)
	reply, err := r.bus.ask(t.Context(), subjectMachine(r.fix.numbers[0]), raw, patience)
	if err != nil || reply != replyRung {
		t.Errorf("reply is %q, %v", reply, err)
	}
	m.technician.send(&wire.Bye{Session: m.id, Reason: wire.EndCancelled})
	expect[*wire.Bye](m.host) // and no second Ring before it
}

func TestTooManyWaitersAreTurnedAway(t *testing.T) {
	g := newGate(1, 1)
	must(t, g.enter(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() { waiting <- g.enter(ctx) }()
	waitFor(t, func() bool { return len(g.waiting) == 1 })
	if err := g.enter(t.Context()); !errors.Is(err, errBusy) {
		t.Errorf("error is %v", err)
	}
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	g.leave()
	must(t, g.enter(t.Context()))
}

func TestSubjectsHoldOnlyDigitsAndHex(t *testing.T) {
	id := wire.SessionID{0: 0xff, 15: '*'}
	for _, s := range []string{subjectMachine("123456789012"), subjectClaim("123456789012"), subjectHostOf(id), subjectTechnician(id)} {
		if strings.ContainsAny(s, "*> ") {
			t.Errorf("subject %q is a pattern", s)
		}
	}
}

// Rung or not, a host is never left asking its user for nobody: whenever the
// technician was told "offline", a ring is followed by its Bye.
func TestARingThatCameTooLateIsTakenBack(t *testing.T) {
	r := served(t, func(s *Server) { s.limits.ring = 60 * time.Microsecond })
	host := r.host(0)
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	refused := map[wire.SessionID]bool{}
	for range 20 {
		id, env := r.request(p, cert, r.fix.numbers[0])
		c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
		c.send(&wire.Ask{TOTP: "", Request: env}) // answered in any case: the barrier
		if m := expect[*wire.Refused](c); m.Why == wire.RefusedOffline {
			refused[id] = true
			expect[*wire.Refused](c)
		} else {
			c.send(&wire.Bye{Session: id, Reason: wire.EndCancelled})
		}
		must(t, r.forgetAttempts(t))
		r.advance(totpStep * time.Second)
	}
	c.send(&wire.Ask{TOTP: ""}) // behind the last Bye
	expect[*wire.Refused](c)
	// Behind everything that was sent to the host: it ends the connection.
	must(t, r.bus.knock(subjectMachine(r.fix.numbers[0])))
	open := map[wire.SessionID]bool{}
	for {
		m, err := host.read()
		must(t, err)
		switch m := m.(type) {
		case *wire.Ring:
			open[m.Session] = true
		case *wire.Bye:
			delete(open, m.Session)
		case *wire.Refused:
			for id := range open {
				t.Errorf("session %x rings for nobody (technician told: %v)", id, refused[id])
			}
			t.Logf("%d of 20 were told offline", len(refused))
			return
		}
	}
}
