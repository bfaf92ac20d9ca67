// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"testing"
	"testing/synctest"

	"assist/internal/trust"
	"assist/internal/wire"
)

// anotherKey is a TLS key that the join code does not name.
func anotherKey(t *testing.T) (*tls.Config, [32]byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(2)}, &x509.Certificate{}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"http/1.1"}}
	return c, trust.PinOf(leaf.RawSubjectPublicKeyInfo)
}

// listens lets the server be found at a further address, or with another key; nil
// means that nobody listens there.
func (s *server) listens(address string, key *tls.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.also == nil {
		s.also = map[string]*tls.Config{}
	}
	s.also[address] = key
}

// knows is an app that has learned a charter with these servers.
func (u *unit) knows(servers ...trust.Server) *Charters {
	u.t.Helper()
	c := u.open()
	if err := c.learn(offer{charter: u.charter(3, func(c *trust.Charter) { c.Servers = servers })}); err != nil {
		u.t.Fatal(err)
	}
	c.learnedUnder(u.s.pin)
	return c
}

// found runs a host that knows the charters and says where it stands.
func (u *unit) found(c *Charters) State {
	u.t.Helper()
	cfg := u.s.config()
	cfg.Charters = c
	h := newHost(u.t, cfg)
	h.open = u.s.open
	stop := keepRunning(u.t, h)
	synctest.Wait()
	for len(u.s.peers) > 0 {
		u.s.next().host()
		synctest.Wait()
	}
	defer stop()
	return h.State()
}

func TestKeysOfTheCharterCount(t *testing.T) {
	const here, there = "assist.example:443", "second.example:443"
	for name, c := range map[string]struct {
		at      map[string]string // which key is shown where: "join", "new", "none"
		servers func(join, new [32]byte) []trust.Server
		want    Phase
	}{
		"announced next key": {map[string]string{here: "new"},
			func(join, new [32]byte) []trust.Server { return []trust.Server{{Address: here, Pin: join, Next: new}} }, Ready},
		"changed key": {map[string]string{here: "new"},
			func(_, new [32]byte) []trust.Server { return []trust.Server{{Address: here, Pin: new}} }, Ready},
		"key that nobody announced": {map[string]string{here: "new"},
			func(join, _ [32]byte) []trust.Server { return []trust.Server{{Address: here, Pin: join}} }, Refused},
		"key that the charter replaced": {map[string]string{here: "join"},
			func(_, new [32]byte) []trust.Server { return []trust.Server{{Address: here, Pin: new}} }, Refused},
		"key of another address": {map[string]string{here: "new"},
			func(join, new [32]byte) []trust.Server {
				return []trust.Server{{Address: here, Pin: join}, {Address: there, Pin: new}}
			}, Refused},
		"second address": {map[string]string{here: "none", there: "new"},
			func(join, new [32]byte) []trust.Server {
				return []trust.Server{{Address: here, Pin: join}, {Address: there, Pin: new}}
			}, Ready},
		"moved away": {map[string]string{here: "none", there: "join"},
			func(join, _ [32]byte) []trust.Server { return []trust.Server{{Address: there, Pin: join}} }, Ready},
		"the join code as the last resort": {map[string]string{here: "join"},
			func(_, new [32]byte) []trust.Server { return []trust.Server{{Address: there, Pin: new}} }, Ready},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newUnit(t, startServer(t))
				other, pin := anotherKey(t)
				keys := map[string]*tls.Config{"join": u.s.tls, "new": other, "none": nil}
				for address, key := range c.at {
					u.s.listens(address, keys[key])
				}
				if s := u.found(u.knows(c.servers(u.s.pin, pin)...)); s.Phase != c.want || (c.want == Refused) != errors.Is(s.Err, ErrPin) {
					t.Errorf("state %+v", s)
				}
			})
		})
	}
}

// A server's no is the unit's word: asking elsewhere would only spend the account's tries.
func TestRefusedHereIsNotAskedThere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUnit(t, startServer(t))
		u.s.listens("second.example:443", u.s.tls)
		c := u.knows(trust.Server{Address: "assist.example:443", Pin: u.s.pin}, trust.Server{Address: "second.example:443", Pin: u.s.pin})
		cfg := u.s.config()
		cfg.Charters = c
		h := newHost(t, cfg)
		h.open = u.s.open
		keepRunning(t, h)
		p := u.s.next()
		p.send(&wire.Refused{Why: wire.RefusedBusy, Wait: 30})
		p.closed()
		synctest.Wait()
		if h.State().Phase != Refused || len(u.s.tries) != 1 {
			t.Errorf("%+v after %d tries", h.State(), len(u.s.tries))
		}
	})
}

func TestTargetsInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUnit(t, startServer(t))
		c := u.knows(trust.Server{Address: "a.example:1", Pin: [32]byte{1}, Next: [32]byte{2}},
			trust.Server{Address: "assist.example:443", Pin: [32]byte{3}})
		c.learnedUnder([32]byte{9})
		cfg := Config{Server: "assist.example:443", Pin: [32]byte{9}, Near: "127.0.0.1:443", Charters: c}
		var order []string
		for _, at := range cfg.targets() {
			order = append(order, at.address)
		}
		all := cfg.targets()
		if !slices.Equal(order, []string{"127.0.0.1:443", "a.example:1", "assist.example:443"}) {
			t.Fatalf("order %v", order)
		}
		for i, want := range [][][32]byte{{{9}}, {{1}, {2}}, {{3}}} {
			if !slices.Equal(all[i].pins, want) {
				t.Errorf("%s by %v", all[i].address, all[i].pins)
			}
		}
	})
}

// An app that missed a change of key comes back by a new join code, once.
func TestANewJoinCodeCountsUntilACharterIsLearned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUnit(t, startServer(t))
		c := u.knows(trust.Server{Address: "assist.example:443", Pin: [32]byte{1}})
		c.learnedUnder([32]byte{7})
		if s := u.found(c); s.Phase != Ready {
			t.Errorf("state %+v", s)
		}
		c.learnedUnder(u.s.pin)
		if s := u.found(u.open()); s.Phase != Refused || !errors.Is(s.Err, ErrPin) {
			t.Errorf("state %+v", s)
		}
	})
}

// What a charter replaced stays replaced when the app is started again; a charter that
// is not believed replaces nothing.
func TestAFetchedCharterReplacesTheJoinCodesKey(t *testing.T) {
	for name, forged := range map[string]bool{"the unit's": false, "another unit's": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newUnit(t, startServer(t))
				_, next := anotherKey(t)
				key, want := u.key, Refused
				if forged {
					key, want = newUnit(t, u.s).key, Ready
				}
				replaced := trust.Server{Address: "assist.example:443", Pin: next}
				c := u.knows(replaced)
				c.learnedUnder([32]byte{7}) // an older join code
				u.s.has(published{charter: u.signed(key, 4, func(c *trust.Charter) { c.Servers = []trust.Server{replaced} })})
				a := u.told(c, 4)
				settle()
				a.stop()
				if s := u.found(u.open()); s.Phase != want {
					t.Errorf("state %+v", s)
				}
			})
		})
	}
}
