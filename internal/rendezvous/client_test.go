// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"assist/internal/wire"
)

func TestAnotherServerKeyIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		cfg := s.config()
		cfg.Pin[31] ^= 1
		h := newHost(t, cfg)
		h.open = s.open
		keepRunning(t, h)
		synctest.Wait()
		if st := h.State(); st.Phase != Refused || !errors.Is(st.Err, ErrPin) {
			t.Errorf("state %+v", st)
		}
		if len(s.peers) != 0 {
			t.Error("something was said to the wrong server")
		}
	})
}

func TestOlderTLSIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		s.tls.MaxVersion = tls.VersionTLS12
		h := startHost(t, s)
		synctest.Wait()
		if st := h.State(); st.Phase != Waiting || st.Err == nil || len(s.peers) != 0 {
			t.Errorf("state %+v", st)
		}
	})
}

func TestOtherVersionIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := startHost(t, s)
		p := s.next()
		p.send(&wire.Challenge{Version: wire.Version + 1})
		if left, _ := p.closed(); len(left) != 0 {
			t.Errorf("said %+v", left)
		}
		synctest.Wait()
		if st := h.State(); st.Phase != Refused || !errors.Is(st.Err, ErrVersion) {
			t.Errorf("state %+v", st)
		}
	})
}

// Each of these is followed by a new connection, never by a hang or a crash.
func TestServerThatBreaksTheProtocol(t *testing.T) {
	ready := func(p *peer) { p.host() }
	greeted := func(p *peer) { p.challenge(); expect[*wire.HostHello](p) }
	for name, c := range map[string]struct {
		before func(*peer)
		say    func(*peer)
		want   error
	}{
		"no challenge":      {nil, func(p *peer) { p.send(&wire.HostReady{}) }, ErrServer},
		"another's ready":   {greeted, func(p *peer) { p.send(&wire.TechnicianReady{}) }, ErrServer},
		"a technician's":    {ready, func(p *peer) { p.send(&wire.Pledged{}) }, ErrServer},
		"a second start":    {ready, (*peer).challenge, ErrServer},
		"rubbish":           {ready, func(p *peer) { p.raw(websocket.MessageBinary, []byte("rubbish")) }, ErrServer},
		"text":              {ready, func(p *peer) { p.raw(websocket.MessageText, []byte{0x1e}) }, ErrServer},
		"too long":          {ready, func(p *peer) { p.raw(websocket.MessageBinary, make([]byte, wire.MaxMessage+1)) }, ErrLost},
		"nothing, and away": {ready, (*peer).drop, ErrLost},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := startServer(t)
				h := startHost(t, s)
				p := s.next()
				if c.before != nil {
					c.before(p)
				}
				c.say(p)
				p.closed()
				synctest.Wait()
				if st := h.State(); st.Phase != Waiting || !errors.Is(st.Err, c.want) {
					t.Errorf("state %+v", st)
				}
				s.next().host()
				synctest.Wait()
				if h.State().Phase != Ready {
					t.Error("did not come back")
				}
			})
		})
	}
}

func (p *peer) raw(kind websocket.MessageType, b []byte) {
	_ = p.ws.Write(context.Background(), kind, b) // the client may hang up in the middle
}

// A web server at that address, or one that sends its clients elsewhere.
func TestServerThatIsNone(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/v1/signal", http.StatusFound)
		},
		"no WebSocket": func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) },
		"other subprotocol": func(w http.ResponseWriter, r *http.Request) {
			ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"other"}})
			if err == nil {
				ws.CloseNow()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := startServer(t)
				s.instead = answer
				h := startHost(t, s)
				synctest.Wait()
				if st := h.State(); st.Phase != Waiting && st.Phase != Refused || st.Err == nil {
					t.Errorf("state %+v", st)
				}
				if len(s.tries) != 1 {
					t.Errorf("%d connections", len(s.tries))
				}
			})
		})
	}
}

func TestRetriesSlowDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		s.down.Store(true)
		h := startHost(t, s)
		last := <-s.tries
		longest := time.Second
		for i := range 12 {
			synctest.Wait()
			if st := h.State(); st.Phase != Waiting || st.RetryAt.Before(time.Now()) || !errors.Is(st.Err, errRefusedByNet) {
				t.Errorf("state %+v", st)
			}
			next := <-s.tries
			if wait := next.Sub(last); wait > longest || wait < longest/2 {
				t.Errorf("retry %d after %v, want at most %v", i, wait, longest)
			}
			last, longest = next, min(2*longest, time.Minute)
		}
		s.down.Store(false)
		s.next().host()
	})
}

func TestStableConnectionClearsThePast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		s.down.Store(true)
		startHost(t, s)
		for range 8 {
			<-s.tries
		}
		s.down.Store(false)
		p := s.next()
		<-s.tries
		p.host()
		time.Sleep(standardPace().stable)
		p.drop()
		begun := time.Now()
		if next := <-s.tries; next.Sub(begun) > time.Second {
			t.Errorf("first retry after %v", next.Sub(begun))
		}
		// One that is cut as soon as it is up does not.
		for range 4 {
			p := s.next()
			p.host()
			p.drop()
			<-s.tries
		}
		begun = time.Now()
		p = s.next()
		p.host()
		p.drop()
		if next := <-s.tries; next.Sub(begun) < 5*time.Second {
			t.Errorf("a connection that does not hold is tried again after %v", next.Sub(begun))
		}
	})
}

func TestRefusedHostWaitsLonger(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := startHost(t, s)
		<-s.tries
		p := s.next()
		p.challenge()
		expect[*wire.HostHello](p)
		p.send(&wire.Refused{Why: wire.RefusedDuplicate})
		p.closed()
		begun := time.Now()
		synctest.Wait()
		var no *RefusedError
		if st := h.State(); st.Phase != Refused || !errors.As(st.Err, &no) || no.Why != wire.RefusedDuplicate || st.RetryAt.IsZero() {
			t.Errorf("state %+v", st)
		}
		if next := <-s.tries; next.Sub(begun) < 5*time.Second {
			t.Errorf("tried again after %v", next.Sub(begun))
		}
	})
}

func TestDelayHeedsTheServer(t *testing.T) {
	p := standardPace()
	no := &RefusedError{Why: wire.RefusedTooMany, Wait: 17 * time.Minute}
	if d := p.delay(0, no, 0.5); d < no.Wait {
		t.Errorf("told to wait %v, waits %v", no.Wait, d)
	}
	if d := p.delay(1000, nil, 0.999); d > p.most || d < p.most/2 {
		t.Errorf("after a thousand attempts %v", d)
	}
	if p.delay(3, nil, 0) == p.delay(3, nil, 0.9) {
		t.Error("all clients come back at the same moment")
	}
}

func TestPings(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := startHost(t, s)
		p := s.next()
		p.host()
		reading := make(chan struct{})
		go func() { defer close(reading); p.closed() }()
		begun := time.Now()
		for i := range 3 {
			if at := (<-s.pings).Sub(begun); at != time.Duration(i+1)*45*time.Second {
				t.Errorf("ping %d after %v", i, at)
			}
		}
		if h.State().Phase != Ready {
			t.Errorf("state %+v", h.State())
		}
		s.deaf.Store(true)
		<-s.pings
		<-reading
		if took := time.Since(begun) - 4*45*time.Second; took > 21*time.Second {
			t.Errorf("a server that is deaf was dropped after %v", took)
		}
		s.deaf.Store(false)
		s.next().host()
		synctest.Wait()
		if h.State().Phase != Ready {
			t.Errorf("state %+v", h.State())
		}
	})
}

func TestServerThatNeverGreets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := startServer(t)
		h := startHost(t, s)
		p := s.next()
		begun := time.Now()
		p.closed()
		if took := time.Since(begun); took > standardPace().dial {
			t.Errorf("given up after %v", took)
		}
		synctest.Wait()
		if st := h.State(); st.Phase != Waiting {
			t.Errorf("state %+v", st)
		}
	})
}

// Once over a real network, with the standard dialer.
func TestOverTCP(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		tcp, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("no %s here: %v", address, err)
			continue
		}
		s := startServer(t)
		web := &http.Server{Handler: s}
		go web.Serve(tls.NewListener(tcp, s.tls))
		cfg := s.config()
		cfg.Server = tcp.Addr().String()
		h := newHost(t, cfg)
		stop := keepRunning(t, h)
		p := s.next()
		p.host()
		p.send(&wire.Ring{Session: session})
		(<-h.Calls()).End(wire.EndUserCut)
		if m := expect[*wire.Bye](p); m.Reason != wire.EndUserCut {
			t.Errorf("bye %+v", m)
		}
		go p.closed()
		stop()
		web.Close()
	}
}

// Clients that lost their server at one moment do not all come back at another.
func TestRetriesAreSpread(t *testing.T) {
	p, seen := standardPace(), map[time.Duration]bool{}
	for range 100 {
		seen[p.delay(5, nil, chance()).Round(time.Millisecond)] = true
	}
	if len(seen) < 50 {
		t.Errorf("%d different delays of 100", len(seen))
	}
}
