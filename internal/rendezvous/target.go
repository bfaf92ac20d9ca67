// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"
)

// target is one address of the server, and the keys to know it by.
type target struct {
	address string // host:port
	pins    [][32]byte
}

func (t target) url(path string) string { return "https://" + t.address + path }

// Key is one key by which the server is known at one address.
type Key struct {
	Address string   // host:port
	Pin     [32]byte // SHA-256 of the server's SubjectPublicKeyInfo
	Epoch   uint64   // of the charter that says so; 0: the join code does
	Next    bool     // announced for later
}

// Keys are all that count now, in the order in which the server is looked for: near
// first, then as the newest charter says, then as the join code does. Each address has
// its own: the charter's current one and the announced next where the charter lists it,
// else the join code's. A key that the charter replaced may be in other hands.
func (c Config) Keys() []Key {
	var all []Key
	if c.Near != "" {
		all = append(all, Key{Address: c.Near, Pin: c.Pin})
	}
	servers, epoch := c.Charters.servers()
	for _, s := range servers {
		all = append(all, Key{Address: s.Address, Pin: s.Pin, Epoch: epoch})
		if s.Next != ([32]byte{}) {
			all = append(all, Key{Address: s.Address, Pin: s.Next, Epoch: epoch, Next: true})
		}
	}
	if !c.Charters.replaces(c.Server, c.Pin) {
		all = append(all, Key{Address: c.Server, Pin: c.Pin})
	}
	return all
}

// targets are the same, by address.
func (c Config) targets() []target {
	var all []target
	for _, k := range c.Keys() {
		i := slices.IndexFunc(all, func(t target) bool { return t.address == k.Address })
		if i < 0 {
			i, all = len(all), append(all, target{address: k.Address})
		}
		all[i].pins = append(all[i].pins, k.Pin)
	}
	return all
}

// reach opens a connection at the first address where the unit's server is. An address
// where it is not costs its share of the time and no more. A server that says no is
// the unit's word: no other is asked.
func (c *client) reach(ctx context.Context) (*link, error) {
	all := c.cfg.targets()
	share := c.pace.dial / time.Duration(len(all))
	var failures []error
	for _, t := range all {
		one, cancel := context.WithTimeout(ctx, share)
		l, err := dial(one, t, c.open)
		cancel()
		if err == nil {
			return l, nil
		}
		failures = append(failures, err)
		var no *RefusedError
		if ctx.Err() != nil || errors.As(err, &no) {
			break
		}
	}
	return nil, errors.Join(failures...)
}

// transport speaks HTTP over TLS with the keys of a target and no other. shook, if
// any, is given each connection once its key is the right one.
func (t target) transport(open dialFunc, shook func(*tls.Conn) error) *http.Transport {
	return &http.Transport{
		DisableCompression: true,
		MaxConnsPerHost:    1,
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := t.dialTLS(ctx, func() (net.Conn, error) { return open(ctx, network, address) })
			if err != nil {
				return nil, err // never a non-nil connection that holds nothing
			}
			if shook == nil {
				return conn, nil
			}
			return conn, shook(conn)
		},
	}
}

func (t target) dialTLS(ctx context.Context, open func() (net.Conn, error)) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(t.address)
	if err != nil {
		return nil, err
	}
	raw, err := open()
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, pinned(host, t.pins))
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return conn, nil
}
