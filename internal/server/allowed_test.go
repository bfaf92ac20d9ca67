// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

func netAddrPort(t *testing.T, s string) netip.AddrPort {
	t.Helper()
	a, err := netip.ParseAddrPort(s)
	must(t, err)
	return a
}

// sources makes the unit admit these addresses and no others.
func (r *rig) sources(list ...string) {
	r.t.Helper()
	prefixes, err := parseSources(list)
	must(r.t, err)
	must(r.t, r.store.write(r.t.Context(), func(t *transaction) error { return t.replaceSources(prefixes) }))
	r.sign()
}

// From an address that is not listed, the right factors get the answer that wrong
// ones get.
func TestSourcesAreHeldToAtLogin(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	r.technician(p)
	r.sources("192.0.2.0/24", "::1/128")
	c := r.dial()
	c.login(p, testPassword)
	there := c.refused(wire.RefusedIdentity)
	c.closed()
	c = r.dial()
	c.login(p, "wrong")
	if wrong := c.refused(wire.RefusedIdentity); *wrong != *there {
		t.Errorf("an address not listed gets %+v, a wrong password %+v", there, wrong)
	}
	e := entries[*journal.LoginRefused](r)
	if len(e) != 2 || e[0].At != "source" || e[0].Login != "claire" || e[0].Address != "127.0.0.1" || e[1].At != "login" {
		t.Errorf("journal: %+v", e)
	}
	r.sources("127.0.0.1/32")
	r.technician(p)
	// Hosts are the people who are helped: they may be anywhere.
	r.sources()
	r.host(0)
}

func TestSourcesAreHeldToAtEnrolment(t *testing.T) {
	r := served(t)
	code, err := r.AddTechnician(t.Context(), Technician{Login: "claire", Name: "Claire Dubois", Role: "IT support"})
	must(t, err)
	device, err := trust.NewDeviceKey()
	must(t, err)
	enrol := func() *client {
		c := r.dial()
		c.send(&wire.Enrol{Version: wire.Version, Code: code, Password: testPassword, DeviceKey: device.Public(), Signature: c.sign(device, trust.RoleEnrol)})
		return c
	}
	r.sources("192.0.2.0/24")
	enrol().refused(wire.RefusedIdentity)
	r.sources("127.0.0.0/8")
	expect[*wire.EnrolSecret](enrol())
	if e := entries[*journal.LoginRefused](r); len(e) != 1 || e[0].At != "source" {
		t.Errorf("journal: %+v", e)
	}
}

// A new charter without the address ends connection and session.
func TestSourcesAreHeldToDuringASession(t *testing.T) {
	r := served(t)
	m := granted(r)
	r.sources("192.0.2.0/24")
	for _, c := range []*client{m.host, m.technician} {
		if b := expect[*wire.Bye](c); b.Session != m.id || b.Reason != wire.EndRevoked {
			t.Errorf("bye is %+v", b)
		}
	}
	m.technician.refused(wire.RefusedIdentity)
	m.technician.closed()
}

// The same is asked at each request: between two looks of the server at what
// changed, a request finds the charter that counts.
func TestSourcesAreHeldToAtEachRequest(t *testing.T) {
	r := served(t, func(s *Server) { s.limits.kick, s.limits.charter = time.Hour, time.Hour })
	p := r.enrolled("claire")
	l := &link{server: r.Server, from: netAddrPort(t, "127.0.0.1:9")}
	a, err := r.store.accountBy(t.Context(), "login", p.login)
	must(t, err)
	asker := &technician{end: end{link: l}, account: a}
	must(t, asker.mayAsk(t.Context()))
	r.sources("192.0.2.0/24")
	if err := asker.mayAsk(t.Context()); !errors.Is(err, errIdentity) {
		t.Errorf("error is %v", err)
	}
	r.sources("127.0.0.0/8")
	r.advance(91 * 24 * time.Hour)
	if err := asker.mayAsk(t.Context()); !errors.Is(err, errUnsigned) {
		t.Errorf("error is %v", err)
	}
}

// What a header of HTTP says of the address counts for nothing: it is inside TLS, which
// no proxy ends.
func TestForwardingHeadersChangeNothing(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	for _, sources := range [][]string{{"192.0.2.0/24"}, {"127.0.0.0/8"}} {
		r.sources(sources...)
		for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip"} {
			value := "192.0.2.7"
			if header == "Forwarded" {
				value = "for=192.0.2.7;proto=https"
			}
			c := r.dialWith(http.Header{header: {value}, "Via": {"1.1 proxy"}})
			c.login(p, testPassword)
			m, err := c.read()
			must(t, err)
			ready, in := m.(*wire.TechnicianReady)
			if in != (sources[0] == "127.0.0.0/8") {
				t.Errorf("%s: with sources %s got %T", header, sources, m)
			}
			if in && ready.Address != "127.0.0.1" {
				t.Errorf("%s: the address is %s", header, ready.Address)
			}
			must(t, r.forgetAttempts(t))
		}
	}
	for _, e := range entries[*journal.LoginRefused](r) {
		if e.Address != "127.0.0.1" {
			t.Errorf("journal: %+v", e)
		}
	}
}

// A PROXY line before TLS is no TLS, where no proxy is listed.
func TestAProxyLineIsNotUnderstood(t *testing.T) {
	r := served(t)
	raw, err := net.Dial("tcp", r.Addr().String())
	must(t, err)
	defer raw.Close()
	must(t, raw.SetDeadline(time.Now().Add(patience)))
	_, err = raw.Write([]byte("PROXY TCP4 192.0.2.7 127.0.0.1 5 443\r\n"))
	must(t, err)
	if err := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("a connection came about")
	}
}

// An IPv4 peer on an IPv6 socket is that IPv4 address; a name of an interface is
// this machine's own.
func TestPeersAreUnmapped(t *testing.T) {
	for text, want := range map[string]string{"[::ffff:192.0.2.7]:5": "192.0.2.7", "192.0.2.7:5": "192.0.2.7", "[fe80::1%eth0]:5": "fe80::1", "[2001:db8::1]:5": "2001:db8::1"} {
		if got, err := netParse(text); err != nil || got.Addr().String() != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
}

func TestExternalTechniciansAreLetInForHours(t *testing.T) {
	r := served(t)
	ctx := t.Context()
	p := r.unsigned(Technician{Login: "paul", Name: "Paul Martin", Role: "contractor", External: true})
	r.sign()
	refused := func() {
		t.Helper()
		c := r.dial()
		c.login(p, testPassword)
		c.refused(wire.RefusedUnsigned)
	}
	state := func() AccountState {
		all, err := r.Technicians(ctx)
		must(t, err)
		return all[0].State
	}
	refused()
	if s := state(); s != StateExternal {
		t.Errorf("state is %s", s)
	}
	for _, hours := range []int{-1, 25} {
		if _, err := r.OpenTechnician(ctx, "paul", hours); !errors.Is(err, ErrTechnician) {
			t.Errorf("%d hours: %v", hours, err)
		}
	}
	until, err := r.OpenTechnician(ctx, "paul", 2)
	if err != nil || until.Sub(r.now().Truncate(time.Second)) != 2*time.Hour {
		t.Fatalf("until %v, %v", until, err)
	}
	c, _ := r.technician(p) // the open unit key publishes at the log-in
	listed, _ := r.inForce().charter.Listed(p.device.Public())
	if listed.State != trust.StateExternal || listed.Until != until.Unix() || state() != StateActive {
		t.Errorf("listed as %+v, %s", listed, state())
	}
	if e := entries[*journal.TechnicianOpened](r); len(e) != 1 || e[0].Until != until.Unix() {
		t.Errorf("journal: %+v", e)
	}
	r.advance(2 * time.Hour)
	start := time.Now()
	c.refused(wire.RefusedIdentity)
	c.closed()
	if took := time.Since(start); took > prompt {
		t.Errorf("the hours ended %v ago", took)
	}
	refused()
	_, err = r.OpenTechnician(ctx, "paul", 24)
	must(t, err)
	r.technician(p)
	_, err = r.OpenTechnician(ctx, "paul", 0)
	must(t, err)
	refused()
}

func TestOnlyExternalsAreOpened(t *testing.T) {
	r := unserved(t)
	r.enrolled("claire")
	for login, want := range map[string]error{"claire": ErrTechnician, "nobody": ErrUnknown} {
		if _, err := r.OpenTechnician(t.Context(), login, 1); !errors.Is(err, want) {
			t.Errorf("%s: %v", login, err)
		}
	}
}

// A live session of an external technician ends with the hours, at both ends.
func TestALiveSessionEndsWithTheHours(t *testing.T) {
	r := served(t)
	p := r.unsigned(Technician{Login: "paul", Name: "Paul Martin", Role: "contractor", External: true})
	_, err := r.OpenTechnician(t.Context(), "paul", 1)
	must(t, err)
	r.sign()
	m := &meeting{r: r, host: r.host(0), person: p}
	var cert []byte
	m.technician, cert = r.technician(p)
	m.id, m.request = r.request(p, cert, r.fix.numbers[0])
	m.technician.send(&wire.Ask{TOTP: r.code(p, 0), Request: m.request})
	expect[*wire.Ring](m.host)
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictGranted)})
	expect[*wire.Answered](m.technician)
	r.advance(time.Hour)
	start := time.Now()
	for _, c := range []*client{m.host, m.technician} {
		if b := expect[*wire.Bye](c); b.Session != m.id || b.Reason != wire.EndRevoked {
			t.Errorf("bye is %+v", b)
		}
	}
	if took := time.Since(start); took > prompt {
		t.Errorf("took %v", took)
	}
	if e := m.entriesEnded(); len(e) != 1 || e[0].Reason != uint8(wire.EndRevoked) || e[0].By != byServer {
		t.Errorf("journal: %+v", e)
	}
}

// A unit that has stopped all help lets nobody in, and ends what goes on.
func TestNoRightsStopAllHelp(t *testing.T) {
	r := served(t)
	m := granted(r)
	none := "none"
	must(t, r.ChangePolicy(t.Context(), PolicyChange{Rights: &none}))
	if b := expect[*wire.Bye](m.host); b.Session != m.id || b.Reason != wire.EndRevoked {
		t.Errorf("bye is %+v", b)
	}
	c := r.dial()
	c.login(m.person, testPassword)
	c.refused(wire.RefusedUnsigned)
}

// A charter lists a device once: who enrols a device anew under another login
// leaves the first one.
func TestADeviceHasOneAccount(t *testing.T) {
	r := served(t)
	first := r.enrolled("claire")
	a, err := r.store.accountBy(t.Context(), "login", "claire")
	must(t, err)
	other := &account{Technician: Technician{Login: "denis"}, id: "another"}
	must(t, r.store.write(t.Context(), func(tx *transaction) error { return tx.takeDevice(other, a.deviceKey, r.now()) }))
	c := r.dial()
	c.login(first, testPassword)
	c.refused(wire.RefusedIdentity)
	if e := entries[*journal.TechnicianDisabled](r); len(e) != 1 || e[0].Login != "claire" {
		t.Errorf("journal: %+v", e)
	}
}

// The list counts on when the charter ran out, and from an address that is not in it
// the right factors get the answer that wrong ones get.
func TestSourcesOutliveTheCharter(t *testing.T) {
	r := served(t, func(s *Server) { s.unitKey = nil })
	p := r.enrolled("claire")
	r.sources("10.0.0.0/8")
	r.advance(91 * 24 * time.Hour)
	c := r.dial()
	c.login(p, testPassword)
	c.refused(wire.RefusedIdentity)
	code, err := r.AddTechnician(t.Context(), Technician{Login: "paul", Name: "Paul Martin", Role: "IT support"})
	must(t, err)
	device, err := trust.NewDeviceKey()
	must(t, err)
	c = r.dial()
	c.send(&wire.Enrol{Version: wire.Version, Code: code, Password: testPassword, DeviceKey: device.Public(), Signature: c.sign(device, trust.RoleEnrol)})
	c.refused(wire.RefusedIdentity)
}

func TestWithoutACharterOnlyThisMachineIsAdmitted(t *testing.T) {
	r := unserved(t)
	r.force.Store(&force{replaced: make(chan struct{})})
	for text, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.1": false, "fe80::1": false, "192.0.2.7": false} {
		if got := r.admits(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
