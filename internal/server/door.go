// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net"
	"net/netip"
	"sync"
)

// capped refuses connections beyond a number in all and a number per
// neighbourhood, before any byte of TLS. It is shared by the listeners.
type capped struct {
	most, each int
	drops      *drops

	mu   sync.Mutex // guards all and from, and each place's fields
	all  int
	from map[netip.Prefix]int
}

func newCapped(c serverConfig, d *drops) *capped {
	return &capped{most: c.MaxConnections, each: c.MaxPerAddress, drops: d, from: map[netip.Prefix]int{}}
}

// place is one connection's, until it leaves.
type place struct {
	cap  *capped
	key  netip.Prefix // zero before it settled
	left bool
}

// enter gives a place, or nil when there is none. Where nobody knows yet whence a
// connection comes, key is the zero prefix: it counts in all alone.
func (c *capped) enter(key netip.Prefix) *place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.most || !c.count(key) {
		return nil
	}
	c.all++
	return &place{cap: c, key: key}
}

// count adds one to a neighbourhood that has room. The caller holds mu.
func (c *capped) count(key netip.Prefix) bool {
	if !key.IsValid() {
		return true
	}
	if c.from[key] >= c.each {
		return false
	}
	c.from[key]++
	return true
}

// settle gives a place that was nowhere to a neighbourhood, if that has room.
func (p *place) settle(key netip.Prefix) bool {
	p.cap.mu.Lock()
	defer p.cap.mu.Unlock()
	if p.left || !p.cap.count(key) {
		return false
	}
	p.key = key
	return true
}

// leave gives the place back, once.
func (p *place) leave() {
	c := p.cap
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.left {
		return
	}
	p.left = true
	c.all--
	if !p.key.IsValid() {
		return
	}
	if c.from[p.key]--; c.from[p.key] == 0 {
		delete(c.from, p.key)
	}
}

// door is one listener behind a cap.
type door struct {
	net.Listener
	cap     *capped
	proxies *proxies
}

// Accept closes what is over the cap and waits for the next. It reads nothing.
func (d door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := addrPort(c.RemoteAddr()).Addr()
		proxied := d.proxies.list(peer)
		var key netip.Prefix
		if !proxied {
			key = neighbourhood(peer)
		}
		at := d.cap.enter(key)
		switch {
		case at == nil:
			d.cap.drops.connections.Add(1)
			_ = c.Close()
		case proxied:
			return &guest{Conn: &carried{Conn: c, by: d.proxies, proxy: peer, at: at}, at: at}, nil
		default:
			return &guest{Conn: c, at: at}, nil
		}
	}
}

// guest gives its place back when it is closed.
type guest struct {
	net.Conn
	at *place
}

// Close closes the connection.
func (g *guest) Close() error {
	g.at.leave()
	return g.Conn.Close()
}
