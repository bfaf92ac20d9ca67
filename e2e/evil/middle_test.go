// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"assist/internal/peer"
	"assist/internal/wire"
)

// named finds the fingerprint in a description of a connection.
var named = regexp.MustCompile(`(?i)(a=fingerprint:sha-256 )[0-9a-f:]+`)

// renamed is a step of the set-up with another fingerprint in it.
func renamed(body []byte, fingerprint string) []byte {
	return named.ReplaceAll(body, []byte("${1}"+fingerprint))
}

func inText(sum [32]byte) string {
	var all []string
	for _, b := range sum {
		all = append(all, fmt.Sprintf("%02X", b))
	}
	return strings.Join(all, ":")
}

// tap is the set-up of a connection with one end, by the server itself.
type tap struct {
	leg     *leg
	session wire.SessionID
	in      chan []byte
	claim   string // the fingerprint that it says it has; empty is its own

	mu   sync.Mutex
	step uint32
}

// Send says a step to the end.
func (s *tap) Send(_ context.Context, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step++
	if s.claim != "" {
		body = renamed(body, s.claim)
	}
	return s.leg.inject(&wire.Signal{Session: s.session, Sequence: s.step, Body: body})
}

// Receive waits for the end's next step.
func (s *tap) Receive(ctx context.Context) ([]byte, error) {
	select {
	case b := <-s.in:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// middle is a server between two connections: to each end it is the other one.
type middle struct {
	b      *bench
	claims bool // it names the other end's fingerprint as its own
	ctx    context.Context
	work   sync.WaitGroup

	mu     sync.Mutex
	prints map[side][32]byte // of the real ends, as they signed
	legs   map[side]*leg
	taps   map[side]*tap
	loot   []string // what it saw or did
}

// pass keeps the set-up of the two ends to itself, and begins its own.
func (m *middle) pass(p passing) [][]byte {
	p.leg.mu.Lock()
	who := p.leg.side
	p.leg.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.legs[who] = p.leg
	switch msg := p.message().(type) {
	case *wire.Ask:
		m.prints[technicianSide] = within(msg.Request).(*wire.Request).Fingerprint
	case *wire.Answered:
		if a := within(msg.Answer).(*wire.Answer); p.up && a.Verdict == wire.VerdictGranted {
			m.prints[hostSide] = a.Fingerprint
			m.begin(msg.Session)
		}
	case *wire.Signal:
		if p.up && m.taps[who] != nil {
			m.taps[who].in <- bytes.Clone(msg.Body)
		}
		return nil
	case *wire.Bye:
		return nil // neither end hears from it what the other found out
	}
	return [][]byte{p.raw}
}

// begin connects to both ends; mu is held.
func (m *middle) begin(session wire.SessionID) {
	for who, other := range map[side]side{hostSide: technicianSide, technicianSide: hostSide} {
		s := &tap{leg: m.legs[who], session: session, in: make(chan []byte, 64)}
		if m.claims {
			s.claim = inText(m.prints[other])
		}
		m.taps[who] = s
		id, err := peer.NewIdentity()
		if err != nil {
			m.loot = append(m.loot, err.Error())
			return
		}
		c := peer.Config{Identity: id, Remote: m.prints[who], Signaler: s, Allow: near}
		if who == hostSide {
			m.work.Go(func() { m.seeAndDrive(c) })
		} else {
			m.work.Go(func() { m.show(c) })
		}
	}
}

func (m *middle) took(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loot = append(m.loot, what)
}

// seeAndDrive is what a technician does.
func (m *middle) seeAndDrive(c peer.Config) {
	t, err := peer.ConnectTechnician(m.ctx, c)
	if err != nil {
		return
	}
	defer t.Close()
	_ = t.Send(m.ctx, &wire.Watch{Monitors: []uint8{0}})
	_ = t.Send(m.ctx, &wire.Key{Usage: 4, Down: true})
	m.work.Go(func() {
		if _, err := t.Picture(m.ctx, 0); err == nil {
			m.took("a picture")
		}
	})
	for {
		got, err := t.Receive(m.ctx)
		if err != nil {
			return
		}
		m.took(nameOf(got))
	}
}

// show is what a host does.
func (m *middle) show(c peer.Config) {
	h, err := peer.ConnectHost(m.ctx, c)
	if err != nil {
		return
	}
	defer h.Close()
	_ = h.Send(m.ctx, &wire.Grant{Rights: uint16(wanted)})
	for {
		got, err := h.Receive(m.ctx)
		if err != nil {
			return
		}
		m.took(nameOf(got))
	}
}

// TestServerInTheMiddle: a server that answers both ends' DTLS itself is found out by
// each of them alone, whichever fingerprint it names, before anything is said or shown.
func TestServerInTheMiddle(t *testing.T) {
	t.Parallel()
	b := newBench(t, newNonces(t))
	for _, claims := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		m := &middle{b: b, claims: claims, ctx: ctx, prints: map[side][32]byte{}, legs: map[side]*leg{}, taps: map[side]*tap{}}
		b.liar.tell(m.pass, nil)
		came, err := b.intervention(true)
		cancel()
		m.work.Wait()
		e := b.pair
		if err != nil || came != asked || len(m.loot) > 0 || len(m.taps) != 2 {
			t.Errorf("claims %v: %v (%v), and it got %v\n%s", claims, came, err, m.loot, e.log)
		}
		records := e.kept()
		if len(records) != 1 || records[0].End != wire.EndProtocol {
			t.Errorf("claims %v: the person's record says %+v", claims, records)
		}
		if !errors.Is(e.end.Err, peer.ErrFingerprint) || !strings.Contains(e.log.String(), peer.ErrFingerprint.Error()) {
			t.Errorf("claims %v: an end does not say why: %v\n%s", claims, e.end.Err, e.log)
		}
		b.leave()
	}
}
