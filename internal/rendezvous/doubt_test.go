// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"assist/internal/wire"
)

// doubts are what a client refused, as an app would keep it.
type doubts struct {
	mu    sync.Mutex
	lines []string
	whys  []error
}

func (d *doubts) add(what string, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines, d.whys = append(d.lines, what), append(d.whys, why)
}

// keep are the lines that a client kept so far.
func (d *doubts) keep(t *testing.T, lines ...string) {
	t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.lines, lines) {
		t.Errorf("kept %v (%v), want %v", d.lines, d.whys, lines)
	}
}

func (d *doubts) last() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.whys[len(d.whys)-1]
}

// doubting is a registered host that keeps what it refuses.
func doubting(t *testing.T) (*peer, *Host, *doubts) {
	t.Helper()
	d := &doubts{}
	s := startServer(t)
	cfg := s.config()
	cfg.Refused = d.add
	h := newHost(t, cfg)
	h.open = s.open
	keepRunning(t, h)
	p := s.next()
	p.host()
	return p, h, d
}

// What a server says out of turn leaves a line each: about a session that never was, twice,
// or with a step left out.
func TestWhatIsPassedOverLeavesALine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, h, d := doubting(t)
		p.send(&wire.Bye{Session: wire.SessionID{9}, Reason: wire.EndCancelled})
		d.keep(t, AboutMessage)
		if !errors.Is(d.last(), ErrStrange) {
			t.Error(d.last())
		}
		ring := &wire.Ring{Session: session, Login: "anne", Address: "192.0.2.9", Request: []byte("request")}
		p.send(ring)
		c := <-h.Calls()
		p.send(ring)
		d.keep(t, AboutMessage, AboutMessage)
		if !errors.Is(d.last(), ErrRepeated) {
			t.Error(d.last())
		}
		p.send(&wire.Signal{Session: session, Sequence: 2, Body: []byte("b")})
		d.keep(t, AboutMessage, AboutMessage, AboutMessage)
		if !errors.Is(d.last(), ErrGap) {
			t.Error(d.last())
		}
		c.End(wire.EndRefused)
		expect[*wire.Bye](p)
		p.send(&wire.Signal{Session: session, Sequence: 3, Body: []byte("c")}) // it crossed the goodbye
		d.keep(t, AboutMessage, AboutMessage, AboutMessage)
	})
}

// A server that breaks the protocol, or says no, leaves a line; one that goes away does not.
func TestServerThatIsNotBelievedLeavesALine(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(p *peer)
		lines []string
	}{
		"goes away":       {func(p *peer) { p.drop() }, nil},
		"says no":         {func(p *peer) { p.send(&wire.Refused{Why: wire.RefusedDuplicate}) }, []string{AboutServer}},
		"talks nonsense":  {func(p *peer) { p.send(&wire.Pledged{Session: session}) }, []string{AboutServer}},
		"shows a journal": {func(p *peer) { p.send(&wire.Checkpoint{}) }, []string{AboutServer}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p, _, d := doubting(t)
				synctest.Wait()
				c.end(p)
				d.keep(t, c.lines...)
			})
		})
	}
}
