// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
	"golang.org/x/time/rate"

	"assist/internal/trust"
)

// Limits of what is believed of proxies.
const (
	maxProxies   = 64
	proxyBits4   = 24  // of a prefix at least: proxies are few, and each may name any address
	proxyBits6   = 64  // the same for IPv6
	headerBuffer = 256 // bytes read at once; a whole header has 4112 at most
)

// proxies are the neighbours that say for whom they open a connection, by the PROXY
// protocol in front of TLS. They can add nothing to what TLS protects and see nothing of
// it: each sign-in is bound to the TLS connection, whose key the apps pin.
type proxies struct {
	listed []netip.Prefix
	wait   time.Duration // for a whole header
	drops  *drops
	log    *slog.Logger
	told   rate.Sometimes // a proxy that is set up wrongly fails with each connection
}

func (s *Server) newProxies() *proxies {
	return &proxies{listed: s.cfg.Server.proxies, wait: s.limits.header, drops: &s.drops, log: s.log,
		told: rate.Sometimes{First: 10, Interval: 10 * time.Second}}
}

// list reports whether a neighbour is a listed proxy.
func (p *proxies) list(peer netip.Addr) bool {
	return slices.ContainsFunc(p.listed, func(n netip.Prefix) bool { return n.Contains(peer) })
}

// parseProxies reads the configured list.
func parseProxies(list []string) ([]netip.Prefix, error) {
	if len(list) > maxProxies {
		return nil, fmt.Errorf("has more than %d entries", maxProxies)
	}
	var all []netip.Prefix
	for _, text := range list {
		one, err := trust.ParseSource(text)
		if err != nil {
			return nil, fmt.Errorf("has %q, which is not an address such as 10.0.0.7/32 or 2001:db8::7/128", text)
		}
		least := proxyBits6
		if one.Addr().Is4() {
			least = proxyBits4
		}
		if one.Bits() < least {
			return nil, fmt.Errorf("has %q, which holds too many: list the proxies themselves, or /%d at the widest", text, least)
		}
		all = append(all, one)
	}
	return all, nil
}

// carried is a connection that a listed proxy opened for somebody. The header is read by
// whoever first asks where it comes from or what it says: in package net/http that is the
// connection's own goroutine, before it sets deadlines of its own.
type carried struct {
	net.Conn
	by    *proxies
	proxy netip.Addr
	at    *place

	once sync.Once // guards what follows
	from net.Addr
	rest []byte // what came behind the header and was not asked for yet
	err  error
}

// RemoteAddr is the address that the proxy named, or none (of a form that no address
// has) where it named nobody or is not believed.
func (c *carried) RemoteAddr() net.Addr {
	c.once.Do(c.greet)
	return c.from
}

// Read reads what comes behind the header.
func (c *carried) Read(b []byte) (int, error) {
	c.once.Do(c.greet)
	if c.err != nil {
		return 0, c.err
	}
	if len(c.rest) > 0 {
		n := copy(b, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// greet reads the header, and closes the connection where that does not tell who comes
// or too many come from there.
func (c *carried) greet() {
	c.from = &net.TCPAddr{}
	from, err := c.header()
	if err != nil {
		c.err = fmt.Errorf("%w: %w", errHeader, err)
		c.by.refused(c.proxy, err)
		_ = c.Conn.Close()
		return
	}
	if !from.IsValid() {
		return
	}
	if !c.at.settle(neighbourhood(from.Addr())) {
		c.err = errBusy
		c.by.drops.connections.Add(1)
		_ = c.Conn.Close()
		return
	}
	c.from = net.TCPAddrFromAddrPort(from)
}

// header is the address that the header names. It is none on a connection of the proxy's
// own, to see whether the server lives.
func (c *carried) header() (netip.AddrPort, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.by.wait)); err != nil {
		return netip.AddrPort{}, err
	}
	in := bufio.NewReaderSize(c.Conn, headerBuffer)
	h, err := proxyproto.Read(in)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if c.rest, err = in.Peek(in.Buffered()); err != nil {
		return netip.AddrPort{}, err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return netip.AddrPort{}, err
	}
	return named(h)
}

// named is the address in a header.
func named(h *proxyproto.Header) (netip.AddrPort, error) {
	if h.Command.IsLocal() || h.TransportProtocol.IsUnspec() {
		return netip.AddrPort{}, nil
	}
	source, _, isTCP := h.TCPAddrs()
	if !isTCP {
		return netip.AddrPort{}, errors.New("not a TCP connection")
	}
	a := source.AddrPort()
	if !a.IsValid() {
		return netip.AddrPort{}, errors.New("no address")
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
}

// refused counts a connection without a good header and says so, but not each of many.
func (p *proxies) refused(proxy netip.Addr, err error) {
	n := p.drops.headers.Add(1)
	p.told.Do(func() {
		p.log.Warn("a listed proxy did not say for whom it connects: refused", "proxy", proxy.String(), "error", err, "refusedSoFar", n)
	})
}
