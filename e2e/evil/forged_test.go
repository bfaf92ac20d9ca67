// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/peer"
	"assist/internal/trust"
	"assist/internal/wire"
)

// forger has made all the keys that a server can make for itself, and besides what it
// may have come by: certificates that ran out or are listed nowhere.
type forger struct {
	b      *bench
	unit   *trust.UnitKey
	device *trust.DeviceKey
	host   *trust.HostKey
}

func newForger(b *bench) *forger {
	b.t.Helper()
	f := &forger{b: b}
	var err [3]error
	f.unit, err[0] = trust.NewUnitKey()
	f.device, err[1] = trust.NewDeviceKey()
	f.host, err[2] = trust.NewHostKey()
	must(b.t, errors.Join(err[:]...))
	return f
}

// card makes a certificate in the technician's name.
func (f *forger) card(by *trust.UnitKey, of *trust.DeviceKey, until time.Duration) []byte {
	now := time.Now()
	env, err := by.IssueCertificate(wire.Certificate{Version: 1, Serial: [16]byte{9}, Name: f.b.ground.people[0].name, Role: "Assistance", Unit: "INCI",
		DeviceKey: of.Public(), NotBefore: now.Add(-48 * time.Hour).Unix(), NotAfter: now.Add(until).Unix()})
	must(f.b.t, err)
	return env
}

// forgery is what the server puts in the place of one message, and how it is noticed.
type forgery struct {
	name  string
	with  func(f *forger, p passing) wire.Message // nil: this message is left alone
	came  outcome
	trace error // what the end that noticed says of it; nil where the technician is told of a refusal
}

// asking changes the request that the host hears.
func asking(change func(f *forger, q *wire.Request) trust.DeviceKey) func(*forger, passing) wire.Message {
	return func(f *forger, p passing) wire.Message {
		ring, ok := p.message().(*wire.Ring)
		if !ok {
			return nil
		}
		q, _ := within(ring.Request).(*wire.Request)
		k := change(f, q)
		env, err := k.SignRequest(q)
		must(f.b.t, err)
		ring.Request = env
		return ring
	}
}

// within is the body of an envelope.
func within(env []byte) wire.Message {
	if e, err := wire.UnmarshalEnvelope(env); err == nil {
		return carried(e.Body)
	}
	return nil
}

// presenting hands the technician a certificate of one's own.
func presenting(card func(f *forger) []byte) func(*forger, passing) wire.Message {
	return func(f *forger, p passing) wire.Message {
		m, ok := p.message().(*wire.TechnicianReady)
		if !ok {
			return nil
		}
		m.Certificate = card(f)
		return m
	}
}

// speaking answers in the host's place, by another key: the pledge, the answer, or both.
func speaking(key func(*forger) *trust.HostKey, pledge, answer bool) func(*forger, passing) wire.Message {
	return func(f *forger, p passing) wire.Message {
		if p.up {
			return nil
		}
		switch m := p.message().(type) {
		case *wire.Pledged:
			was, ok := within(m.Pledge).(*wire.Pledge)
			if !ok || !pledge {
				return nil
			}
			env, err := key(f).SignPledge(was)
			must(f.b.t, err)
			m.Pledge = env
			return m
		case *wire.Answered:
			was, ok := within(m.Answer).(*wire.Answer)
			if !ok || !answer {
				return nil
			}
			was.Verdict, was.Rights, was.Expires = wire.VerdictGranted, uint16(wanted), time.Now().Add(time.Hour).Unix()
			env, err := key(f).SignAnswer(was)
			must(f.b.t, err)
			m.Answer = env
			return m
		}
		return nil
	}
}

func (f *forger) own() *trust.HostKey   { return f.host }
func (f *forger) other() *trust.HostKey { return f.b.ground.machines[1].key }

func forgeries() []forgery {
	claire := func(f *forger) trust.DeviceKey { return *f.b.ground.people[0].device }
	return append([]forgery{
		{"a certificate of its own unit", asking(func(f *forger, q *wire.Request) trust.DeviceKey {
			q.Certificate = f.card(f.unit, f.device, time.Hour)
			return *f.device
		}), refused, trust.ErrSignature},
		{"its own device under her certificate", asking(func(f *forger, _ *wire.Request) trust.DeviceKey {
			return *f.device
		}), refused, trust.ErrSignature},
		{"a device that the unit certified once, and the charter does not list", asking(func(f *forger, q *wire.Request) trust.DeviceKey {
			q.Certificate = f.card(f.b.ground.unit, f.device, time.Hour)
			return *f.device
		}), refused, trust.ErrUnlisted},
		{"her certificate that ran out", asking(func(f *forger, q *wire.Request) trust.DeviceKey {
			k := claire(f)
			q.Certificate = f.card(f.b.ground.unit, &k, -time.Second)
			return k
		}), refused, trust.ErrExpired},
		{"her request that ran out", asking(func(f *forger, q *wire.Request) trust.DeviceKey {
			q.Expires = time.Now().Add(-time.Second).Unix()
			return claire(f)
		}), refused, trust.ErrExpired},
		{"her request that is good for too long", asking(func(f *forger, q *wire.Request) trust.DeviceKey {
			q.Expires = time.Now().Add(time.Hour).Unix()
			return claire(f)
		}), refused, trust.ErrNotYetValid},
		{"her request to another machine", asking(func(f *forger, q *wire.Request) trust.DeviceKey {
			q.Machine = f.b.ground.machines[1].number
			return claire(f)
		}), refused, trust.ErrWrongMachine},
		{"her request in another session", asking(func(f *forger, q *wire.Request) trust.DeviceKey {
			q.Session[0] ^= 1
			return claire(f)
		}), refused, trust.ErrWrongSession},
		{"its own unit's certificate for the technician", presenting(func(f *forger) []byte {
			k := claire(f)
			return f.card(f.unit, &k, time.Hour)
		}), refused, nil},
		{"a certificate for the technician that ran out", presenting(func(f *forger) []byte {
			k := claire(f)
			return f.card(f.b.ground.unit, &k, -time.Second)
		}), refused, nil},
		{"another device's certificate for the technician", presenting(func(f *forger) []byte {
			return f.card(f.b.ground.unit, f.device, time.Hour)
		}), refused, nil},
	}, swaps()...)
}

// swaps put another host in the place of the one whose number was read out: the
// person there is asked by then, rightly, and nothing comes of it.
func swaps() []forgery {
	return []forgery{
		{"the pledge of its own host", speaking((*forger).own, true, false), asked, trust.ErrWrongMachine},
		{"the answer of its own host", speaking((*forger).own, false, true), asked, trust.ErrWrongHost},
		{"pledge and answer of its own host", speaking((*forger).own, true, true), asked, trust.ErrWrongMachine},
		{"pledge and answer of another machine of the unit", speaking((*forger).other, true, true), asked, trust.ErrWrongMachine},
		{"its own host's fingerprint in the set-up", describing(strange), asked, peer.ErrFingerprint},
	}
}

// strange is the fingerprint of nobody.
var strange = strings.TrimSuffix(strings.Repeat("AB:", 32), ":")

// describing puts a fingerprint into what both ends hear of each other's connection.
func describing(fingerprint string) func(*forger, passing) wire.Message {
	return func(_ *forger, p passing) wire.Message {
		m, ok := p.message().(*wire.Signal)
		if !ok || p.up {
			return nil
		}
		m.Body = renamed(m.Body, fingerprint)
		return m
	}
}

// TestServerForgesKeys: no key, certificate or name that a server makes gets anybody
// asked, or anything shown, and the end that noticed says what was wrong.
func TestServerForgesKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, newNonces(t))
	f := newForger(b)
	for _, c := range forgeries() {
		b.liar.tell(func(p passing) [][]byte {
			if m := c.with(f, p); m != nil {
				if raw, err := wire.Marshal(m); err == nil {
					return [][]byte{raw}
				}
			}
			return [][]byte{p.raw}
		}, nil)
		b.hindrance = nil
		came, err := b.intervention(true)
		e := b.pair
		why := []error{b.hindrance, e.app.State().RefusedWhy, e.end.Err}
		noticed := slices.ContainsFunc(why, func(w error) bool { return c.trace != nil && errors.Is(w, c.trace) }) ||
			c.trace == nil && e.end.Refusal == wire.RefusedIdentity
		if err != nil || came != c.came || !noticed {
			t.Errorf("%s: %v (%v), and must be %v; noticed as %v, wanted %v\n%s", c.name, came, err, c.came, why, c.trace, e.log)
		}
		b.leave()
	}
}

// TestServerCannotSayYes: what the person refused is not granted by anybody else.
func TestServerCannotSayYes(t *testing.T) {
	t.Parallel()
	b := newBench(t, newNonces(t))
	f := newForger(b)
	yes := speaking((*forger).own, false, true)
	b.liar.tell(func(p passing) [][]byte {
		if m := yes(f, p); m != nil {
			raw, err := wire.Marshal(m)
			must(t, err)
			return [][]byte{raw}
		}
		return [][]byte{p.raw}
	}, nil)
	e, err := b.ready(true)
	must(t, err)
	e.answers = func(context.Context, consent.Question) (consent.Rights, error) { return 0, consent.ErrRefused }
	came, err := b.intervention(false)
	if err != nil || came != asked || e.end.Verdict == wire.VerdictGranted || !errors.Is(e.end.Err, trust.ErrWrongHost) {
		t.Errorf("%v (%v), the technician's: %+v", came, err, e.end)
	}
}
