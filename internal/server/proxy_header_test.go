// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPlacesAreGivenBack(t *testing.T) {
	c := newCapped(serverConfig{MaxConnections: 2, MaxPerAddress: 1}, &drops{})
	near := neighbourhood(mustAddr(t, client4))
	a, b := c.enter(netip.Prefix{}), c.enter(near)
	if a == nil || b == nil || c.enter(netip.Prefix{}) != nil {
		t.Fatal("not two places")
	}
	if a.settle(near) {
		t.Error("a second one from there")
	}
	b.leave()
	b.leave()
	if !a.settle(near) || c.enter(near) != nil {
		t.Error("the place is not given on")
	}
	a.leave()
	if a.settle(near) {
		t.Error("settled after it left")
	}
	if c.all != 0 || len(c.from) != 0 {
		t.Errorf("%d places, %v", c.all, c.from)
	}
}

func TestListedProxies(t *testing.T) {
	listed, err := parseProxies([]string{"10.0.0.7/32", "192.0.2.0/24", "2001:db8::7/128"})
	must(t, err)
	p := &proxies{listed: listed}
	for address, want := range map[string]bool{"10.0.0.7:1": true, "10.0.0.8:1": false, "192.0.2.200:1": true, "[2001:db8::7]:1": true,
		"[2001:db8::8]:1": false, "[::ffff:10.0.0.7]:1": true, "127.0.0.1:1": false} {
		if got := p.list(addrPort(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))).Addr()); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if (&proxies{}).list(mustAddr(t, "127.0.0.1")) || p.list(netip.Addr{}) {
		t.Error("believed without being listed")
	}
}

func loaded(t *testing.T, text string) (config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), fileConfig)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return loadConfig(path)
}

func TestConfigNamesBadProxies(t *testing.T) {
	const head = "[unit]\nname='x'\n[server]\naddress='a:443'\n"
	for name, list := range map[string]string{
		"no list":         `"10.0.0.7/32"`,
		"no text":         `[7]`,
		"a name":          `["proxy.example.org"]`,
		"no length":       `["10.0.0.7"]`,
		"bits beyond":     `["10.0.0.7/24"]`,
		"mapped":          `["::ffff:10.0.0.7/128"]`,
		"everybody":       `["0.0.0.0/0"]`,
		"a large part":    `["10.0.0.0/16"]`,
		"everybody IPv6":  `["::/0"]`,
		"large IPv6":      `["2001:db8::/32"]`,
		"too many":        "[" + strings.Repeat(`"10.0.0.7/32",`, maxProxies+1) + "]",
		"on a line below": "[\n  '10.0.0.7/32',\n  'x',\n]",
	} {
		_, err := loaded(t, head+"proxies = "+list+"\n")
		if !errors.Is(err, ErrConfig) || !strings.Contains(fmt.Sprint(err), fileConfig+":5: server.proxies ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, good := range []string{"", "proxies = []\n", "proxies = [\"10.0.0.7/32\", '2001:db8::7/128']\n"} {
		if _, err := loaded(t, head+good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// fromBytes is a connection that says these bytes.
type fromBytes struct {
	net.Conn
	*bytes.Reader
	deadline *time.Time
}

// Read reads them.
func (f fromBytes) Read(b []byte) (int, error) { return f.Reader.Read(b) }

// SetReadDeadline keeps it.
func (f fromBytes) SetReadDeadline(at time.Time) error {
	*f.deadline = at
	return nil
}

// Close closes nothing.
func (fromBytes) Close() error { return nil }

// Whatever a proxy sends: an address in the form that is compared, and every byte behind
// the header, or an error.
func FuzzProxyHeader(f *testing.F) {
	for _, seed := range [][]byte{version1("TCP4", client4), version1("TCP6", client6), []byte("PROXY UNKNOWN\r\n"),
		version2(0x21, 0x11, body(client4, "127.0.0.1")), version2(0x21, 0x21, body("::ffff:"+client4, "::1", 4, 0, 0)), version2(0x20, 0, nil)} {
		f.Add(append(seed, "\x16\x03\x01 and so on"...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var deadline time.Time
		c := &carried{Conn: fromBytes{Reader: bytes.NewReader(b), deadline: &deadline}, by: &proxies{wait: time.Hour}}
		from, err := c.header()
		if err != nil {
			return
		}
		if !deadline.IsZero() {
			t.Error("the header's deadline is left for what follows")
		}
		if a := from.Addr(); a.IsValid() && (a.Is4In6() || a.Zone() != "") {
			t.Errorf("the address is %v", a)
		}
		c.once.Do(func() {}) // the header is read
		rest, err := io.ReadAll(c)
		if err != nil || !bytes.HasSuffix(b, rest) || len(b)-len(rest) > 16+4096 || len(rest) == len(b) {
			t.Errorf("%d of %d bytes are left, %v", len(rest), len(b), err)
		}
	})
}
