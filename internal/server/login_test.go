// SPDX-License-Identifier: Apache-2.0

package server

import (
	"runtime"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

func TestLoginGivesTheCertificateOfTheAccount(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	_, env := r.technician(p)
	c, err := trust.VerifyCertificate(env, r.fix.unit.Public(), r.now())
	must(t, err)
	if c.Name != "Claire Dubois" || c.Unit != "INCI" || string(c.DeviceKey) != string(p.device.Public()) {
		t.Errorf("certificate is %+v", c)
	}
	if life := time.Unix(c.NotAfter, 0).Sub(r.now()); life > 90*24*time.Hour || life < 89*24*time.Hour {
		t.Errorf("certificate lives %v", life)
	}
	if e := entries[*journal.LoginSucceeded](r); len(e) != 1 || e[0].Login != "claire" {
		t.Errorf("journal: %+v", e)
	}
}

// Every wrong factor gets the same bytes in answer.
func TestLoginRefusesEveryWrongFactorAlike(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	other, err := trust.NewDeviceKey()
	must(t, err)
	must(t, disabled(r, "denis"))
	for name, tc := range map[string]struct {
		login, password string
		device          *trust.DeviceKey
		role            trust.Role
	}{
		"wrong password":    {"claire", "eight grey herons over the weir", p.device, trust.RoleTechnician},
		"empty password":    {"claire", "", p.device, trust.RoleTechnician},
		"wrong device":      {"claire", testPassword, other, trust.RoleTechnician},
		"unknown login":     {"clara", testPassword, p.device, trust.RoleTechnician},
		"disabled account":  {"denis", testPassword, p.device, trust.RoleTechnician},
		"foreign signature": {"claire", testPassword, p.device, trust.RoleHost},
	} {
		t.Run(name, func(t *testing.T) {
			c := r.dial()
			c.send(&wire.TechnicianHello{Version: wire.Version, Login: tc.login, Password: tc.password,
				DeviceKey: tc.device.Public(), Signature: c.sign(tc.device, tc.role)})
			if m := c.refused(wire.RefusedIdentity); *m != (wire.Refused{Why: wire.RefusedIdentity}) {
				t.Errorf("the refusal tells more: %+v", m)
			}
			c.closed()
		})
	}
	for _, e := range entries[*journal.LoginRefused](r) {
		if e.Login == "clara" {
			t.Error("a login that nobody has is in the journal; it may be a mistyped password")
		}
	}
}

func disabled(r *rig, login string) error {
	r.enrolled(login)
	return r.DisableTechnician(r.t.Context(), login)
}

// An unknown login, a wrong device and a wrong password cost one hash each. The
// account's own hash is as dear as the dummy here, as it is in service.
// TestLoginTakesTheSameTimeForEveryWrongFactor holds the work rather than a clock,
// which a busy machine would upset: the cost asked of Argon2id, and that the memory
// which this cost stands for is really taken.
func TestLoginTakesTheSameTimeForEveryWrongFactor(t *testing.T) {
	r := unserved(t)
	dear := currentCost()
	salt := make([]byte, passwordSalt)
	hash := dear.format(salt, dear.key(testPassword, salt, passwordHash))
	for _, c := range []struct{ name, stored, password string }{
		{"right", hash, testPassword}, {"wrong", hash, "x"}, {"unknown", "", testPassword}, {"damaged", "$argon2id$", testPassword},
	} {
		if cost, _, _ := weigh(c.stored); cost != dear {
			t.Errorf("%s: costs %+v, another one %+v", c.name, cost, dear)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ok, err := r.passwordIs(t.Context(), c.stored, c.password)
		must(t, err)
		runtime.ReadMemStats(&after)
		if ok != (c.name == "right") {
			t.Errorf("%s: believed is %v", c.name, ok)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took < uint64(dear.memory)<<10 {
			t.Errorf("%s: took %d bytes of memory, so no hash was made", c.name, took)
		}
	}
}

func TestHelloCannotBeReplayedOnAnotherConnection(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	first := r.dial()
	hello := &wire.TechnicianHello{Version: wire.Version, Login: p.login, Password: testPassword,
		DeviceKey: p.device.Public(), Signature: first.sign(p.device, trust.RoleTechnician)}
	first.send(hello)
	expect[*wire.TechnicianReady](first)
	second := r.dial()
	second.send(hello)
	second.refused(wire.RefusedIdentity)

	// Bound to the TLS connection too: the right nonce is not enough.
	third, fourth := r.dial(), r.dial()
	third.exporter = fourth.exporter
	third.hello(r.fix.hosts[0])
	third.refused(wire.RefusedIdentity)
}

func TestAnotherVersionIsRefused(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	k := r.fix.hosts[0]
	for name, hello := range map[string]func(*client) wire.Message{
		"host": func(c *client) wire.Message {
			return &wire.HostHello{Version: 2, HostKey: k.Public(), Signature: c.sign(k, trust.RoleHost)}
		},
		"technician": func(c *client) wire.Message {
			return &wire.TechnicianHello{Version: 2, Login: p.login, Password: testPassword,
				DeviceKey: p.device.Public(), Signature: c.sign(p.device, trust.RoleTechnician)}
		},
		"enrolment": func(c *client) wire.Message {
			return &wire.Enrol{Version: 2, DeviceKey: p.device.Public(), Signature: c.sign(p.device, trust.RoleEnrol)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := r.dial()
			c.send(hello(c))
			c.refused(wire.RefusedProtocol)
			c.closed()
		})
	}
}

func TestLoginWithoutCertificateAwaitsTheSignature(t *testing.T) {
	r := served(t, func(s *Server) { s.unitKey = nil })
	p := r.unsigned(Technician{Login: "claire", Name: "Claire Dubois", Role: "IT support"})
	c := r.dial()
	c.login(p, testPassword)
	c.refused(wire.RefusedUnsigned)
	c.closed()

	// As "charter sign" does it, from another process.
	other, err := Open(r.dir, Options{})
	must(t, err)
	_, err = other.SignCharter(t.Context(), testPassphrase, SignOptions{})
	must(t, err)
	if waits, err := other.Pending(t.Context()); err != nil || waits {
		t.Errorf("still waits: %v, %v", waits, err)
	}
	must(t, other.Close())
	waitFor(t, func() bool { return r.inForce().epoch() == 2 })
	r.technician(p)
}

func TestSignRefusesAWrongPassphrase(t *testing.T) {
	r := unserved(t)
	if _, err := r.SignCharter(t.Context(), "not the passphrase", SignOptions{}); err == nil {
		t.Error("signed with a wrong passphrase")
	}
}

// Where the unit key is open, nobody notices that a certificate would run out.
func TestCertificateIsRenewedBeforeItRunsOut(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	_, old := r.technician(p)
	epoch := r.inForce().epoch()
	r.advance(77 * 24 * time.Hour)
	waitFor(t, func() bool { return r.inForce().epoch() > epoch })
	r.advance(20 * 24 * time.Hour)
	_, cert := r.technician(p)
	if _, err := trust.VerifyCertificate(cert, r.fix.unit.Public(), r.now()); err != nil || string(cert) == string(old) {
		t.Errorf("the new certificate: %v", err)
	}
}

func TestNothingCountsOnceTheCharterRanOut(t *testing.T) {
	r := served(t, func(s *Server) { s.unitKey = nil })
	p := r.enrolled("claire")
	c, _ := r.technician(p)
	r.advance(91 * 24 * time.Hour)
	c.refused(wire.RefusedIdentity) // the connection that was there before
	c.closed()
	c = r.dial()
	c.login(p, testPassword)
	c.refused(wire.RefusedUnsigned)
}

func TestRepeatedFailuresAreDelayedMoreAndMore(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	try := func(password string) wire.FromServer {
		c := r.dial()
		c.login(p, password)
		m, err := c.read()
		must(t, err)
		return m
	}
	for range 4 { // three are free; the fourth starts the clock
		if m := try("wrong").(*wire.Refused); m.Why != wire.RefusedIdentity {
			t.Fatalf("refused for %d", m.Why)
		}
	}
	for wait := uint16(1); wait <= 8; wait *= 2 {
		m, ok := try(testPassword).(*wire.Refused)
		if !ok || m.Why != wire.RefusedTooMany || m.Wait != wait {
			t.Fatalf("want a wait of %d, got %+v", wait, m)
		}
		r.advance(time.Duration(wait) * time.Second)
		if m := try("wrong").(*wire.Refused); m.Why != wire.RefusedIdentity {
			t.Fatalf("refused for %d after the wait", m.Why)
		}
	}
	r = r.restart()
	if m, ok := try(testPassword).(*wire.Refused); !ok || m.Why != wire.RefusedTooMany || m.Wait != 16 {
		t.Fatalf("a restart forgot the delay: %+v", m)
	}
	r.advance(16 * time.Second)
	if m, ok := try(testPassword).(*wire.TechnicianReady); !ok {
		t.Fatalf("still refused after the wait: %+v", m)
	}
	if m := try("wrong").(*wire.Refused); m.Why != wire.RefusedIdentity {
		t.Error("success did not clear the count")
	}
}

// A stranger who guesses cannot lock the technician's own device out.
func TestStrangersFailuresDoNotLockTheDeviceOut(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	other, err := trust.NewDeviceKey()
	must(t, err)
	for range 6 {
		c := r.dial()
		c.login(&person{"claire", "", other}, "guess")
		expect[*wire.Refused](c)
	}
	r.technician(p)
}

// What failed while the clock was ahead is forgotten once it is right again; what failed a
// moment ago by a clock that is being set right is not.
func TestAClockThatWasAheadLocksNobodyOut(t *testing.T) {
	for ahead, want := range map[time.Duration]time.Duration{48 * time.Hour: 0, time.Minute: time.Minute + time.Second} {
		r := unserved(t)
		from := []tally{fromAddress(mustAddr(t, "192.0.2.7"))}
		r.advance(ahead)
		for range from[0].free + 1 {
			must(t, r.attempt(t.Context(), from))
		}
		r.advance(-ahead)
		if wait := waitOf(r.attempt(t.Context(), from)); wait != want {
			t.Errorf("ahead by %v: waits %v", ahead, wait)
		}
	}
}

func TestAnAddressIsDelayedWhateverTheAccount(t *testing.T) {
	r := unserved(t)
	from := fromAddress(mustAddr(t, "192.0.2.7"))
	for range from.free + 1 {
		must(t, r.attempt(t.Context(), []tally{from}))
	}
	if wait := waitOf(r.attempt(t.Context(), []tally{from})); wait != time.Second {
		t.Errorf("waits %v", wait)
	}
	must(t, r.attempt(t.Context(), []tally{fromAddress(mustAddr(t, "192.0.2.8"))}))
	six := fromAddress(mustAddr(t, "2001:db8::1"))
	if six.key != fromAddress(mustAddr(t, "2001:db8::ffff:1")).key {
		t.Error("one IPv6 network counts as many")
	}
	r.advance(from.forget + time.Second)
	must(t, r.attempt(t.Context(), []tally{from}))
	if wait := waitOf(r.attempt(t.Context(), []tally{from})); wait != 0 {
		t.Error("an hour of quiet was not forgiven")
	}
}

func TestDelayStopsGrowing(t *testing.T) {
	c := tally{"k", 3, time.Hour}
	last := time.Duration(0)
	for n := range 200 {
		d := c.delay(n)
		if d < last || d > maxDelay || (n <= 3) != (d == 0) {
			t.Fatalf("delay after %d failures is %v", n, d)
		}
		last = d
	}
	if last != maxDelay {
		t.Errorf("ends at %v", last)
	}
}
