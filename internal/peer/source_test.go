// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"errors"
	"image"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// allowing makes the host ask f for each address.
func allowing(f func(netip.Addr) bool) setup {
	return setup{limit: 3 * time.Second, change: func(host, _ *Config) { host.Allow = f }}
}

// An address that is not allowed is never connected to, and the reason is told.
func TestAddressNotAllowedIsNotReached(t *testing.T) {
	var asked atomic.Int64
	p := tryPair(t, allowing(func(netip.Addr) bool { asked.Add(1); return false }))
	if p.hostErr == nil || p.techErr == nil {
		t.Fatal("connected")
	}
	if asked.Load() == 0 {
		t.Error("nobody asked for the address")
	}
	if !errors.Is(p.hostErr, ErrSource) {
		t.Errorf("the host says %v", p.hostErr)
	}
}

// A technician who names no address at all is seen by the packets that come from
// them, and those have an address too.
func TestUnnamedAddressIsHeldToTheSameList(t *testing.T) {
	unnamed := func(b []byte) []byte {
		if b[0] == byte(signalCandidate) { // named as somewhere else
			return []byte("\x03candidate:1 1 udp 2130706431 192.0.2.9 9 typ host")
		}
		return withoutCandidates(b)
	}
	s := allowing(func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.9") })
	s.answered = unnamed
	if p := tryPair(t, s); p.hostErr == nil {
		t.Error("connected to an address that nobody allowed")
	}
	s = setup{answered: unnamed}
	p := newPair(t, s)
	pair, err := p.host.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair.Remote.Typ != webrtc.ICECandidateTypePrflx {
		t.Errorf("this test no longer reaches the unnamed: %v, %v", pair, err)
	}
}

// withoutCandidates drops the lines of a description that name addresses.
func withoutCandidates(b []byte) []byte {
	var kept [][]byte
	for _, line := range bytes.SplitAfter(b, []byte("\r\n")) {
		if !bytes.HasPrefix(line, []byte("a=candidate:")) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, nil)
}

// What is allowed may change while people are connected.
func TestAddressNoLongerAllowedEndsTheLink(t *testing.T) {
	var shut atomic.Bool
	p := newPair(t, allowing(func(netip.Addr) bool { return !shut.Load() }))
	f := picture(0, image.Pt(320, 240), 1)
	p.show(t, f)
	shut.Store(true)
	select {
	case <-p.host.Done():
	case <-within(t, 5*time.Second).Done():
		t.Fatal("goes on")
	}
	if !errors.Is(p.host.Err(), ErrSource) {
		t.Errorf("ended by %v", p.host.Err())
	}
}

// Addresses are handed over in one form.
func TestAddressesAreUnmapped(t *testing.T) {
	var got netip.Addr
	c := &sources{allow: func(a netip.Addr) bool { got = a; return true }}
	v4 := netip.MustParseAddr("192.0.2.7")
	for name, ask := range map[string]func() bool{
		"mapped": func() bool { return c.keep(net.ParseIP("192.0.2.7").To16()) },
		"plain":  func() bool { return c.keep(net.IPv4(192, 0, 2, 7).To4()) },
		"used": func() bool {
			return c.checkPair(&webrtc.ICECandidatePair{Remote: &webrtc.ICECandidate{Address: "::ffff:192.0.2.7"}}) == nil
		},
	} {
		if got = (netip.Addr{}); !ask() || got != v4 {
			t.Errorf("%s: asked for %v", name, got)
		}
	}
	scoped := &webrtc.ICECandidatePair{Remote: &webrtc.ICECandidate{Address: "fe80::1%eth0"}}
	if c.checkPair(scoped) != nil || got != netip.MustParseAddr("fe80::1") {
		t.Errorf("with a scope: asked for %v", got)
	}
	for _, p := range []*webrtc.ICECandidatePair{nil, {}, {Remote: &webrtc.ICECandidate{Address: "host.local"}}} {
		if err := c.checkPair(p); !errors.Is(err, ErrSource) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if c.keep(nil) {
		t.Error("no address is allowed")
	}
}
