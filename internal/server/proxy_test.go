// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/wire"
)

const (
	theProxy  = "127.0.0.2" // listed
	aStranger = "127.0.0.3" // not listed
	client4   = "192.0.2.7"
	client6   = "2001:db8:1::7"
)

// version2 is a header of version 2: command and family are the bytes 13 and 14.
func version2(command, family byte, body []byte) []byte {
	head := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), command, family)
	head = binary.BigEndian.AppendUint16(head, uint16(len(body)))
	return append(head, body...)
}

// body is source, destination and ports, and what may follow.
func body(source, destination string, more ...byte) []byte {
	b := append(netip.MustParseAddr(source).AsSlice(), netip.MustParseAddr(destination).AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, 50123)
	b = binary.BigEndian.AppendUint16(b, 443)
	return append(b, more...)
}

func version1(kind, source string) []byte {
	destination := "127.0.0.1"
	if kind == "TCP6" {
		destination = "::1"
	}
	return fmt.Appendf(nil, "PROXY %s %s %s 50123 443\r\n", kind, source, destination)
}

// behindProxies is a server that believes theProxy.
func behindProxies(t *testing.T, tune ...func(*Server)) *rig {
	t.Helper()
	return served(t, append(tune, func(s *Server) { s.cfg.Server.proxies = []netip.Prefix{netip.MustParsePrefix(theProxy + "/32")} })...)
}

// from calls the server from an address of this machine's.
func (r *rig) from(address string) net.Conn {
	r.t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 0)), Timeout: patience}
	c, err := d.Dial("tcp", r.Addr().String())
	must(r.t, err)
	must(r.t, c.SetDeadline(time.Now().Add(patience)))
	r.t.Cleanup(func() { c.Close() })
	return c
}

// proxy passes connections on to the server, from an address and with a header in front,
// and is the clients' way from then on. TLS goes through it untouched.
func (r *rig) proxy(address string, header []byte) {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(r.t, err)
	var passing sync.WaitGroup
	r.t.Cleanup(func() { l.Close(); passing.Wait() })
	passing.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			passing.Go(func() { r.pass(in, address, header) })
		}
	})
	r.road = l.Addr().String()
}

func (r *rig) pass(in net.Conn, address string, header []byte) {
	defer in.Close()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 0))}
	out, err := d.Dial("tcp", r.Addr().String())
	if err != nil {
		return // the server has stopped
	}
	defer out.Close()
	// Header and the client's first bytes arrive together, as they may.
	first := make([]byte, 4096)
	n, err := in.Read(first)
	if err != nil {
		return
	}
	if _, err := out.Write(append(bytes.Clone(header), first[:n]...)); err != nil {
		return
	}
	defer context.AfterFunc(r.t.Context(), func() { in.Close() })()
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(in, out); in.Close() })
	_, _ = io.Copy(out, in)
	out.Close()
	back.Wait()
}

// closedSoon wants that the server ends a connection without a word.
func closedSoon(t *testing.T, c net.Conn) {
	t.Helper()
	var late net.Error
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.As(err, &late) && late.Timeout() {
		t.Errorf("it is still open: %v", err)
	}
}

// The charter's list, the record and the answer to a technician know the address that a
// listed proxy names, in every form that one can be named in.
func TestAProxyNamesTheClient(t *testing.T) {
	r := behindProxies(t)
	p := r.enrolled("claire")
	r.sources("192.0.2.0/24", "2001:db8:1::/64")
	for name, c := range map[string]struct {
		header []byte
		want   string
	}{
		"version 1":                {version1("TCP4", client4), client4},
		"version 1 IPv6":           {version1("TCP6", client6), client6},
		"version 1 mapped":         {version1("TCP6", "::ffff:"+client4), client4},
		"version 2":                {version2(0x21, 0x11, body(client4, "127.0.0.1")), client4},
		"version 2 IPv6":           {version2(0x21, 0x21, body(client6, "::1")), client6},
		"version 2 mapped":         {version2(0x21, 0x21, body("::ffff:"+client4, "::1")), client4},
		"version 2 and more":       {version2(0x21, 0x11, body(client4, "127.0.0.1", 0x04, 0, 3, 1, 2, 3)), client4},
		"another client":           {version1("TCP4", "198.51.100.7"), ""},
		"another IPv6 client":      {version2(0x21, 0x21, body("2001:db8:2::7", "::1")), ""},
		"the server's own address": {version1("TCP4", "127.0.0.1"), ""},
		"another mapped client":    {version1("TCP6", "::ffff:198.51.100.7"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r.proxy(theProxy, c.header)
			tech := r.dial()
			tech.login(p, testPassword)
			m, err := tech.read()
			must(t, err)
			if ready, in := m.(*wire.TechnicianReady); in != (c.want != "") || in && ready.Address != c.want {
				t.Errorf("got %T %+v", m, m)
			}
			must(t, r.forgetAttempts(t))
		})
	}
	refused := map[string]bool{}
	for _, e := range entries[*journal.LoginRefused](r) {
		refused[e.Address] = e.At == "source"
	}
	if len(refused) != 3 || !refused["198.51.100.7"] || !refused["2001:db8:2::7"] || !refused["127.0.0.1"] {
		t.Errorf("journal: %v", refused)
	}
}

// What a technician was let in from is asked again at each request.
func TestACarriedAddressIsHeldToAtEachRequest(t *testing.T) {
	r := behindProxies(t, func(s *Server) { s.limits.kick, s.limits.charter = time.Hour, time.Hour })
	p := r.enrolled("claire")
	r.sources("192.0.2.0/24")
	r.proxy(theProxy, version1("TCP4", client4))
	host := r.host(0)
	tech, cert := r.technician(p)
	_, request := r.request(p, cert, r.fix.numbers[0])
	tech.send(&wire.Ask{TOTP: r.code(p, 0), Request: request})
	expect[*wire.Ring](host)
	if e := entries[*journal.SessionRequested](r); len(e) != 1 || e[0].Address != client4 {
		t.Errorf("journal: %+v", e)
	}
	r.sources(theProxy+"/32", "127.0.0.0/8") // the proxy's own address helps nobody
	other := r.dial()
	other.login(p, testPassword)
	other.refused(wire.RefusedIdentity)
	_, request = r.request(p, cert, r.fix.numbers[0])
	r.advance(totpStep * time.Second)
	tech.send(&wire.Ask{TOTP: r.code(p, 0), Request: request})
	expect[*wire.Bye](tech) // what was open
	tech.refused(wire.RefusedIdentity)
	if e := entries[*journal.SessionRequested](r); len(e) != 1 {
		t.Errorf("journal: %+v", e)
	}
}

// Failures are counted for the client, not for the proxy that all clients come through.
func TestFailuresBehindAProxyAreTheClients(t *testing.T) {
	r := behindProxies(t)
	p := r.enrolled("claire")
	r.sources("192.0.2.0/24")
	r.proxy(theProxy, version1("TCP4", client4))
	of := fromAddress(mustAddr(t, client4))
	for range of.free {
		must(t, r.attempt(t.Context(), []tally{of}))
	}
	c := r.dial()
	c.login(&person{login: "nobody", device: p.device}, "wrong")
	c.refused(wire.RefusedIdentity)
	wait := func(address string) time.Duration {
		return waitOf(r.attempt(t.Context(), []tally{fromAddress(mustAddr(t, address))}))
	}
	if wait(client4) == 0 || wait(theProxy) != 0 || wait("192.0.2.8") != 0 {
		t.Errorf("the client waits %v", wait(client4))
	}
}

// Whoever is not listed says nothing of others: a header in front of TLS is no TLS, and
// the connection's own address counts.
func TestAStrangersHeaderIsNotUnderstood(t *testing.T) {
	r := behindProxies(t)
	for _, header := range [][]byte{version1("TCP4", client4), version2(0x21, 0x11, body(client4, "127.0.0.1"))} {
		r.proxy(aStranger, header)
		if _, err := r.tryDial(); err == nil {
			t.Errorf("%q: a connection came about", header)
		}
	}
	r.proxy(aStranger, nil)
	c := r.dial()
	c.hello(r.fix.hosts[0])
	if m := expect[*wire.HostReady](c); m.Address != aStranger {
		t.Errorf("address is %q", m.Address)
	}
	if n := r.drops.headers.Load(); n != 0 {
		t.Errorf("%d headers were looked at", n)
	}
}

// From a listed proxy there is no way in without a good header, and that is told.
func TestAProxyMustNameTheClient(t *testing.T) {
	for name, header := range map[string][]byte{
		"none":                 nil,
		"nonsense":             []byte("PROXY TCP5 x y 1 2\r\n"),
		"other family":         version1("TCP4", client6),
		"name":                 version1("TCP4", "localhost"),
		"unusual form":         version1("TCP4", "192.0.2.007"),
		"scope":                version1("TCP6", "fe80::1%eth0"),
		"line without end":     bytes.Repeat([]byte("PROXY TCP4 "), 400),
		"unknown command":      version2(0x22, 0x11, body(client4, "127.0.0.1")),
		"unknown version":      version2(0x31, 0x11, body(client4, "127.0.0.1")),
		"UDP":                  version2(0x21, 0x12, body(client4, "127.0.0.1")),
		"socket file":          version2(0x21, 0x31, make([]byte, 216)),
		"too short":            version2(0x21, 0x21, body(client4, "127.0.0.1")),
		"oversized":            version2(0x21, 0x11, body(client4, "127.0.0.1", make([]byte, 5000)...)),
		"oversized of its own": version2(0x20, 0x00, make([]byte, 60000)),
		"signature alone":      []byte("\r\n\r\n\x00\r\nQUIT\n"),
	} {
		t.Run(name, func(t *testing.T) {
			log := &lockedBuffer{}
			r := behindProxies(t, func(s *Server) {
				s.log = slog.New(slog.NewTextHandler(log, nil))
				s.limits.header = 200 * time.Millisecond
			})
			r.proxy(theProxy, header)
			if _, err := r.tryDial(); err == nil {
				t.Error("a connection came about")
			}
			waitFor(t, func() bool { return strings.Contains(log.String(), "did not say for whom") })
			if n := r.drops.headers.Load(); n == 0 || !strings.Contains(log.String(), "proxy="+theProxy) {
				t.Errorf("%d refused; log: %s", n, log)
			}
		})
	}
}

// Proxies that say nothing, or not enough, hold nobody up, and are left after a while.
func TestASlowHeaderHoldsNobodyUp(t *testing.T) {
	r := behindProxies(t, func(s *Server) { s.limits.header = time.Hour })
	var silent []net.Conn
	for i := range 20 {
		c := r.from(theProxy)
		_, err := c.Write(version2(0x21, 0x11, body(client4, "127.0.0.1"))[:i])
		must(t, err)
		silent = append(silent, c)
	}
	r.proxy(theProxy, version1("TCP4", client4))
	r.host(0)
	if code, _ := r.get(pathHealth); code != http.StatusOK {
		t.Errorf("status %d", code)
	}
	must(t, r.stop()) // nor does the server wait for them when it stops
	for _, c := range silent {
		closedSoon(t, c)
	}

	r = behindProxies(t, func(s *Server) { s.limits.header = 50 * time.Millisecond })
	for _, begun := range [][]byte{nil, []byte("PRO"), version2(0x21, 0x11, body(client4, "127.0.0.1"))[:20]} {
		c := r.from(theProxy)
		_, err := c.Write(begun)
		must(t, err)
		closedSoon(t, c)
	}
	if n := r.drops.headers.Load(); n != 3 {
		t.Errorf("%d refused", n)
	}
}

// A header is read before TLS, under its own limit; what follows is under that of TLS.
func TestAGoodHeaderAndSilence(t *testing.T) {
	r := behindProxies(t, func(s *Server) { s.limits.header, s.limits.hello = time.Hour, 100*time.Millisecond })
	c := r.from(theProxy)
	_, err := c.Write(version1("TCP4", client4))
	must(t, err)
	closedSoon(t, c)
}

// A proxy that connects for itself sees whether the server lives, and nothing else.
func TestAProxyThatSpeaksForItself(t *testing.T) {
	r := behindProxies(t)
	p := r.enrolled("claire")
	r.sources("127.0.0.0/8")
	for name, header := range map[string][]byte{
		"version 1":            []byte("PROXY UNKNOWN\r\n"),
		"version 1 with words": []byte("PROXY UNKNOWN 127.0.0.1 127.0.0.1 1 2\r\n"),
		"version 2":            version2(0x20, 0x00, nil),
		"version 2 and more":   version2(0x20, 0x11, body("127.0.0.1", "127.0.0.1", 1, 0, 1, 7)),
	} {
		t.Run(name, func(t *testing.T) {
			r.proxy(theProxy, header)
			if code, _ := r.get(pathHealth); code != http.StatusOK {
				t.Errorf("health: %d", code)
			}
			if code, _ := r.get(pathCharter); code == http.StatusOK {
				t.Errorf("charter: %d", code)
			}
			if c, err := r.tryDial(); err == nil {
				c.challenge = expect[*wire.Challenge](c)
				c.login(p, testPassword)
				m, _ := c.read()
				t.Errorf("got %T", m)
			}
		})
	}
}

// Each client behind a proxy has as many connections as one without, and gives them back.
func TestCapsBehindAProxy(t *testing.T) {
	r := behindProxies(t, func(s *Server) { s.cfg.Server.MaxPerAddress = 2 })
	r.proxy(theProxy, version1("TCP4", client4))
	first, _ := r.dial(), r.dial()
	if _, err := r.tryDial(); err == nil {
		t.Fatal("a third connection was accepted")
	}
	if r.drops.connections.Load() == 0 {
		t.Error("the drop was not counted")
	}
	one := r.road
	r.proxy(theProxy, version1("TCP4", "192.0.2.8"))
	r.dial()
	r.road = one
	first.ws.CloseNow()
	waitFor(t, func() bool {
		c, err := r.tryDial()
		if err == nil {
			c.ws.CloseNow()
		}
		return err == nil
	})

	r = behindProxies(t, func(s *Server) { s.cfg.Server.MaxConnections, s.limits.header = 3, time.Hour })
	for range 3 {
		r.from(theProxy)
	}
	waitFor(t, func() bool { // those that say nothing count in all
		c, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}
