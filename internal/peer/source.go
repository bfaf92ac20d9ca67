// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

// An address is held against Config.Allow three times: when the other end names it
// or is heard from it (the library asks for both, so a candidate that nobody named
// is no way round), when it is chosen for the connection, and with every sign of
// life, for what is allowed may change during a session.

// sources asks Config.Allow, and remembers that it said no.
type sources struct {
	allow   func(netip.Addr) bool
	refused atomic.Bool
}

// keep is what the library asks.
func (s *sources) keep(ip net.IP) bool {
	a, ok := netip.AddrFromSlice(ip)
	ok = ok && s.allow(a.Unmap())
	if !ok {
		s.refused.Store(true)
	}
	return ok
}

// because adds to an error that addresses were refused, when that may be its cause.
func (s *sources) because(err error) error {
	if s != nil && s.refused.Load() {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	return err
}

// checkSource ends the link when the other end's address, as it is really used, is
// not allowed.
func (l *link) checkSource() error {
	if l.sources == nil {
		return nil
	}
	pair, err := l.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	return l.sources.checkPair(pair)
}

func (s *sources) checkPair(pair *webrtc.ICECandidatePair) error {
	if pair == nil || pair.Remote == nil {
		return fmt.Errorf("%w: none is chosen", ErrSource)
	}
	a, err := netip.ParseAddr(pair.Remote.Address)
	if err != nil {
		return fmt.Errorf("%w: not an address", ErrSource)
	}
	if !s.allow(a.WithZone("").Unmap()) {
		return ErrSource
	}
	return nil
}

// minded makes the library ask for each address before it is used.
func (l *link) minded() {
	if l.sources == nil {
		return
	}
	l.pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(func(p *webrtc.ICECandidatePair) {
		if err := l.sources.checkPair(p); err != nil {
			l.fail(err)
		}
	})
}
