// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"fmt"
	"net/netip"
)

// ErrSource says that a text is not a source address, or that an address cannot
// be held against a list of sources.
var ErrSource = errors.New("trust: not a source address")

// One machine may be written in several ways: an IPv4 address in an IPv6 one, a
// scope, leading zeros, capitals. A list of sources is worth something only if
// each machine has one form here, so every address passes through SourceAddr
// before it is compared, and every form that does not say surely which machine
// it means is refused.

// ParseSourceAddr takes an address as netip writes it and in no other form (no
// capitals, no zeros that could be left out, no scope), and returns the form
// that is compared.
func ParseSourceAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.String() != s {
		return netip.Addr{}, fmt.Errorf("%w: unusual form", ErrSource)
	}
	return SourceAddr(a)
}

// SourceAddr is the form of an address that is compared: IPv4 in an IPv6 address
// (::ffff:0:0/96) and behind the well-known NAT64 prefix (64:ff9b::/96) is that
// IPv4 address, for a packet to it ends there. Refused are
//
//   - scopes: they mean something on one link of one machine only;
//   - 6to4 (2002::/16) and Teredo (2001::/32): both hold an IPv4 address, but
//     whoever sends through an open relay may write any he likes there;
//   - 64:ff9b:1::/48: where its IPv4 address begins is each network's own choice;
//   - IPv4-compatible and IPv4-translated forms (::/96, ::ffff:0:0:0/96), long
//     withdrawn, but for the loopback ::1;
//   - the unspecified address, the broadcast one and multicast: nobody sends
//     from there.
func SourceAddr(a netip.Addr) (netip.Addr, error) {
	if !a.IsValid() || a.Zone() != "" { // before Unmap, which drops a scope
		return netip.Addr{}, fmt.Errorf("%w: none, or one with a scope", ErrSource)
	}
	a = a.Unmap()
	switch {
	case within(a, nat64):
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	case embeds(a):
		return netip.Addr{}, fmt.Errorf("%w: an IPv4 address in a form that proves nothing", ErrSource)
	}
	if a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}, fmt.Errorf("%w: nobody sends from it", ErrSource)
	}
	return a, nil
}

// Prefixes of IPv6 that hold IPv4 addresses.
const (
	nat64      = "64:ff9b::/96"
	nat64Local = "64:ff9b:1::/48"
	sixToFour  = "2002::/16"
	teredo     = "2001::/32"
	mapped     = "::ffff:0:0/96"
	translated = "::ffff:0:0:0/96"
	compatible = "::/96"
)

// embeds reports whether a holds an IPv4 address that is not to be believed.
func embeds(a netip.Addr) bool {
	if a == netip.IPv6Loopback() || a.IsUnspecified() {
		return false
	}
	for _, p := range []string{nat64Local, sixToFour, teredo, translated, compatible} {
		if within(a, p) {
			return true
		}
	}
	return false
}

// within reports whether an address lies in a prefix of this file.
func within(a netip.Addr, prefix string) bool {
	p, err := netip.ParsePrefix(prefix)
	return err == nil && p.Contains(a)
}

// ParseSource takes an entry of a list of sources: an IPv4 or IPv6 prefix in the
// form that netip writes, with no bit set beyond its length. A prefix of
// addresses that SourceAddr refuses, or turns into IPv4 ones, could never match
// and is refused, so that nobody relies on it.
func ParseSource(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.String() != s || p.Masked() != p {
		return netip.Prefix{}, fmt.Errorf("%w: not a prefix such as 10.1.0.0/16 or 2001:db8::/32", ErrSource)
	}
	for _, dead := range []string{nat64, nat64Local, sixToFour, teredo, mapped, translated} {
		if d, err := netip.ParsePrefix(dead); err != nil || (d.Contains(p.Addr()) && p.Bits() >= d.Bits()) {
			return netip.Prefix{}, fmt.Errorf("%w: %s would never match", ErrSource, s)
		}
	}
	return p, checkUsable(p)
}

// checkUsable refuses a prefix of nothing but addresses that nobody sends from.
func checkUsable(p netip.Prefix) error {
	a := p.Addr()
	oldForm := within(a, compatible) && p.Bits() >= 96 && a != netip.IPv6Loopback()
	single := p.IsSingleIP() && (a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}))
	many := a.IsMulticast() && p.Bits() >= multicastBits(a)
	if oldForm || single || many {
		return fmt.Errorf("%w: %s would never match", ErrSource, p)
	}
	return nil
}

// multicastBits is the length of the multicast prefix of an address's family.
func multicastBits(a netip.Addr) int {
	if a.Is4() {
		return 4 // 224.0.0.0/4
	}
	return 8 // ff00::/8
}

// AllowsSource reports whether a technician may help from this address. An empty
// list lets nobody in: to let everybody in, a unit writes 0.0.0.0/0 and ::/0.
func (c *Charter) AllowsSource(a netip.Addr) bool {
	a, err := SourceAddr(a)
	if err != nil {
		return false
	}
	for _, p := range c.Sources {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
