// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/trust"
	"assist/internal/wire"
)

// published is what the server has for whoever asks.
type published struct {
	charter, rotations []byte
	status             int // instead of it, when not zero
}

// publish answers as the real server does.
func (s *server) publish(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	p := s.published
	if r.URL.Path == "/v1/charter" {
		s.fetched = append(s.fetched, time.Now())
	}
	s.mu.Unlock()
	switch {
	case p.status != 0:
		http.Error(w, "no", p.status)
	case r.URL.Path == "/v1/charter" && p.charter != nil:
		w.Write(p.charter)
	case r.URL.Path == "/v1/rotations":
		w.Write(p.rotations)
	default:
		http.NotFound(w, r)
	}
}

func (s *server) has(p published) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published = p
}

func (s *server) fetches() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched
}

// unit is a unit and what its apps know.
type unit struct {
	t   *testing.T
	s   *server
	key *trust.UnitKey
	dir string
}

func newUnit(t *testing.T, s *server) *unit {
	t.Helper()
	key, err := trust.NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	return &unit{t, s, key, t.TempDir()}
}

// open is the app started: it knows what it remembers, and asks the server for more.
func (u *unit) open() *Charters {
	u.t.Helper()
	c, err := OpenCharters(u.dir, u.key.Public(), quiet())
	if err != nil {
		u.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
			u.t.Errorf("Run: %v", err)
		}
	}()
	u.t.Cleanup(func() { cancel(); <-over })
	return c
}

// charter is one of this unit's, in force for a year.
func (u *unit) charter(epoch uint64, change ...func(*trust.Charter)) []byte {
	return u.signed(u.key, epoch, change...)
}

func (u *unit) signed(key *trust.UnitKey, epoch uint64, change ...func(*trust.Charter)) []byte {
	u.t.Helper()
	now := time.Now().Unix()
	c := trust.Charter{
		Unit: "UMR 0000", Epoch: epoch, Issued: now, Expires: now + 365*24*3600, Policy: trust.DefaultPolicy(),
		Servers: []trust.Server{{Address: "assist.example:443", Pin: u.s.pin}},
		Sources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}
	for _, do := range change {
		do(&c)
	}
	b, err := key.SignCharter(c)
	if err != nil {
		u.t.Fatal(err)
	}
	return b
}

// rotation hands over to another key, as it travels.
func (u *unit) rotation(epoch uint64, to *trust.UnitKey) []byte {
	u.t.Helper()
	b, err := u.key.SignRotation(trust.Rotation{Epoch: epoch, Issued: time.Now().Unix(), To: to.Public()})
	if err != nil {
		u.t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// app is a registered host that has been told of a charter.
type app struct {
	*Host
	at   *peer // as the server has it
	stop context.CancelFunc
}

func (u *unit) told(c *Charters, epoch uint64) *app {
	u.t.Helper()
	cfg := u.s.config()
	cfg.Charters = c
	h := newHost(u.t, cfg)
	h.open = u.s.open
	a := &app{Host: h, stop: keepRunning(u.t, h), at: u.s.next()}
	a.at.host()
	go a.at.closed() // reads, or no ping would be answered
	a.tell(epoch)
	return a
}

func (a *app) tell(epoch uint64) { a.at.send(&wire.CharterNotice{Epoch: epoch}) }

// epochOf is the epoch in force, zero when there is none.
func epochOf(c *Charters) uint64 {
	now, err := c.Now()
	if err != nil {
		return 0
	}
	return now.Epoch
}

// settle gives everybody the time that a fetch may take.
func settle() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func TestCharterIsFetchedAndKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUnit(t, startServer(t))
		c := u.open()
		if _, err := c.Now(); !errors.Is(err, trust.ErrNoCharter) {
			t.Errorf("before any: %v", err)
		}
		u.s.has(published{charter: u.charter(3)})
		changed := c.Changed()
		a := u.told(c, 3)
		<-changed
		settle()
		if epochOf(c) != 3 || c.Problem() != nil {
			t.Fatalf("epoch %d, %v", epochOf(c), c.Problem())
		}
		a.tell(3)
		settle()
		if n := len(u.s.fetches()); n != 1 {
			t.Errorf("%d fetches of one charter", n)
		}
		u.s.down.Store(true)
		if again := u.open(); epochOf(again) != 3 {
			t.Error("forgotten when the app is started again")
		}
	})
}

// The person's session must end within 5 s: a machine that is in one does not wait.
func TestCharterIsFetchedAtOnceDuringASession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUnit(t, startServer(t))
		u.s.has(published{charter: u.charter(3)})
		c := u.open()
		a := u.told(c, 3)
		settle()
		a.at.send(&wire.Ring{Session: session, Request: []byte("request")})
		<-a.Calls()
		u.s.has(published{charter: u.charter(4)})
		began := time.Now()
		a.tell(4)
		<-c.Changed()
		if took := time.Since(began); epochOf(c) != 4 || took > 100*time.Millisecond {
			t.Errorf("epoch %d after %v", epochOf(c), took)
		}
	})
}

func TestLyingServersCharterIsRefused(t *testing.T) {
	for name, lie := range map[string]struct {
		offer  func(u *unit) published
		notice uint64
		want   error
	}{
		"an older one":              {func(u *unit) published { return published{charter: u.charter(4)} }, 9, trust.ErrRollback},
		"says it has an older one":  {func(u *unit) published { return published{charter: u.charter(4)} }, 4, trust.ErrRollback},
		"says it has none any more": {func(*unit) published { return published{} }, 0, trust.ErrRollback},
		"another under this number": {func(u *unit) published {
			return published{charter: u.charter(5, func(c *trust.Charter) { c.Policy.Rights = 1 })}
		}, 5, trust.ErrForked},
		"another unit's": {func(u *unit) published {
			return published{charter: u.signed(newUnit(u.t, u.s).key, 6)}
		}, 6, trust.ErrCharter},
		"one that ran out": {func(u *unit) published {
			return published{charter: u.charter(6, func(c *trust.Charter) { c.Expires = c.Issued + 1 })}
		}, 6, trust.ErrExpired},
		"nonsense": {func(*unit) published { return published{charter: []byte("nonsense")} }, 6, trust.ErrCharter},
		"another's rotation": {func(u *unit) published {
			other := newUnit(u.t, u.s)
			return published{charter: u.signed(other.key, 7), rotations: newUnit(u.t, u.s).rotation(6, other.key)}
		}, 7, trust.ErrRotation},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newUnit(t, startServer(t))
				u.s.has(published{charter: u.charter(5)})
				first := u.open()
				a := u.told(first, 5)
				settle()
				a.stop()
				c := u.open() // started again, so that it looks at the server's once more
				u.s.has(lie.offer(u))
				settle()
				u.told(c, lie.notice)
				settle()
				if epochOf(c) != 5 || !errors.Is(c.Problem(), lie.want) {
					t.Errorf("epoch %d, %v", epochOf(c), c.Problem())
				}
			})
		})
	}
}

// What was refused is looked at again much later only; a server that comes back to
// what is believed is heard.
func TestRefusedCharterIsNotAskedForAgainAndAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUnit(t, startServer(t))
		u.s.has(published{charter: u.charter(5)})
		c := u.open()
		a := u.told(c, 5)
		settle()
		u.s.has(published{charter: []byte("nonsense")})
		a.tell(6)
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if n := len(u.s.fetches()); n != 2 || c.Problem() == nil {
			t.Errorf("%d fetches, %v", n, c.Problem())
		}
		u.s.has(published{charter: u.charter(6)})
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if epochOf(c) != 6 || c.Problem() != nil {
			t.Errorf("epoch %d, %v", epochOf(c), c.Problem())
		}
		a.tell(2)
		settle()
		if !errors.Is(c.Problem(), trust.ErrRollback) {
			t.Errorf("an older one: %v", c.Problem())
		}
		a.tell(6)
		settle()
		if c.Problem() != nil {
			t.Errorf("came back: %v", c.Problem())
		}
	})
}

// A server that cannot give a charter is asked again, ever more slowly, and what it
// sends is bounded.
func TestFetchIsTriedAgainAndBounded(t *testing.T) {
	for name, broken := range map[string]published{
		"too many":           {status: http.StatusTooManyRequests},
		"none":               {},
		"elsewhere":          {status: http.StatusFound},
		"too long":           {charter: make([]byte, trust.MaxCharter+1)},
		"rotations too long": {charter: []byte("x"), rotations: make([]byte, maxRotations+1)},
		"rotations cut":      {charter: []byte("x"), rotations: []byte{0, 0, 0, 9, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				u := newUnit(t, startServer(t))
				u.s.has(broken)
				c := u.open()
				u.told(c, 3)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if epochOf(c) != 0 || c.Problem() != nil {
					t.Errorf("epoch %d, %v", epochOf(c), c.Problem())
				}
				if n := len(u.s.tries); n > 40 {
					t.Errorf("%d tries in ten minutes", n)
				}
				u.s.has(published{charter: u.charter(3)})
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				if epochOf(c) != 3 {
					t.Error("given up")
				}
			})
		})
	}
}

func TestRotationIsFollowed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUnit(t, startServer(t))
		u.s.has(published{charter: u.charter(3)})
		c := u.open()
		a := u.told(c, 3)
		settle()
		next, err := trust.NewUnitKey()
		if err != nil {
			t.Fatal(err)
		}
		u.s.has(published{charter: u.signed(next, 5), rotations: u.rotation(4, next)})
		a.tell(5)
		settle()
		if epochOf(c) != 5 || string(c.Unit()) != string(next.Public()) {
			t.Errorf("epoch %d, %v", epochOf(c), c.Problem())
		}
		if again := u.open(); epochOf(again) != 5 || string(again.Unit()) != string(next.Public()) {
			t.Error("forgotten when the app is started again")
		}
		u.s.has(published{charter: u.charter(6), rotations: u.rotation(4, next)}) // by the old key
		a.tell(6)
		settle()
		if epochOf(c) != 5 || !errors.Is(c.Problem(), trust.ErrCharter) {
			t.Errorf("the old key speaks on: epoch %d, %v", epochOf(c), c.Problem())
		}
	})
}

func TestCharterRunsOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := newUnit(t, startServer(t))
		u.s.has(published{charter: u.charter(3, func(c *trust.Charter) { c.Expires = c.Issued + 60 })})
		c := u.open()
		u.told(c, 3)
		settle()
		time.Sleep(time.Minute)
		if _, err := c.Now(); !errors.Is(err, trust.ErrExpired) {
			t.Errorf("still in force: %v", err)
		}
		if servers, _ := c.servers(); len(servers) != 1 {
			t.Error("nobody could fetch the next one")
		}
	})
}

func FuzzSplitRotations(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 'c'})
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		chain, err := splitRotations(b)
		if err != nil {
			return
		}
		var again []byte
		for _, r := range chain {
			if len(r) == 0 || len(r) > trust.MaxRotation {
				t.Fatalf("a link of %d bytes", len(r))
			}
			again = append(binary.BigEndian.AppendUint32(again, uint32(len(r))), r...)
		}
		if string(again) != string(b) || len(chain) > trust.MaxRotations {
			t.Fatal("read in another way than written")
		}
	})
}
