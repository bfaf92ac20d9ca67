// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/stun/v4"

	"assist/internal/wire"
)

func TestOnlyTwoPathsAnswer(t *testing.T) {
	r := served(t)
	if code, body := r.get(pathHealth); code != http.StatusOK || body != "ok\n" {
		t.Errorf("health: %d %q", code, body)
	}
	for _, path := range []string{"/", "/v1", "/v1/signal/", "/healthz/", "/favicon.ico", "/v1/../etc/passwd"} {
		if code, _ := r.get(path); code != http.StatusNotFound && code != http.StatusTemporaryRedirect && code != http.StatusMovedPermanently {
			t.Errorf("%s answers %d", path, code)
		}
	}
	if code, _ := r.get(pathSignal); code != http.StatusUpgradeRequired {
		t.Errorf("signal without an upgrade answers %d", code)
	}
}

func TestTLSIsOneThreeAndHTTPIsOneOne(t *testing.T) {
	r := served(t)
	for name, c := range map[string]*tls.Config{
		"TLS 1.2":     {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
		"HTTP/2 only": {InsecureSkipVerify: true, NextProtos: []string{"h2"}},
	} {
		conn, err := tls.Dial("tcp", r.Addr().String(), c)
		if err == nil {
			conn.Close()
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestSubprotocolAndOriginAreRequired(t *testing.T) {
	r := served(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	url := "wss://" + r.Addr().String() + pathSignal
	ws, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: client})
	if err == nil {
		_, _, err = ws.Read(t.Context())
		ws.CloseNow()
	}
	if err == nil {
		t.Error("served without the subprotocol")
	}
	_, _, err = websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{subprotocol},
		HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil {
		t.Error("a web page of another site was served")
	}
}

func TestClientsThatSayNothingAreDropped(t *testing.T) {
	r := served(t, func(s *Server) { s.limits.hello = 2 * time.Second }) // time for a handshake on a busy machine
	c := r.dial()
	c.refused(wire.RefusedProtocol)
	c.closed()
	raw, err := net.Dial("tcp", r.Addr().String()) // not even TLS
	must(t, err)
	defer raw.Close()
	must(t, raw.SetReadDeadline(time.Now().Add(patience)))
	if _, err := raw.Read(make([]byte, 1)); err == nil || errors.Is(err, errTimeout(err)) {
		t.Errorf("a silent connection is kept: %v", err)
	}
}

// errTimeout returns err itself when it is a time-out, to compare with.
func errTimeout(err error) error {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return err
	}
	return errGone
}

func TestConnectionCaps(t *testing.T) {
	for name, tune := range map[string]func(*Server){
		"per address": func(s *Server) { s.cfg.Server.MaxPerAddress = 2 },
		"in all":      func(s *Server) { s.cfg.Server.MaxConnections = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			r := served(t, tune)
			first, _ := r.dial(), r.dial()
			if _, err := r.tryDial(); err == nil {
				t.Fatal("a third connection was accepted")
			}
			if r.drops.connections.Load() == 0 {
				t.Error("the drop was not counted")
			}
			first.ws.CloseNow()
			waitFor(t, func() bool {
				c, err := r.tryDial()
				if err == nil {
					c.ws.CloseNow()
				}
				return err == nil
			})
		})
	}
}

func TestNeighbourhoods(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		if (neighbourhood(mustAddr(t, tc.a)) == neighbourhood(mustAddr(t, tc.b))) != tc.same {
			t.Errorf("%s and %s", tc.a, tc.b)
		}
	}
}

func TestBothAddressFamiliesShareThePort(t *testing.T) {
	six, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 on this machine")
	}
	six.Close()
	p, err := bind(serverConfig{Listen: ":0", STUN: ":0"})
	must(t, err)
	defer p.close()
	if len(p.tcp) != 2 || len(p.udp) != 2 {
		t.Fatalf("%d TCP and %d UDP sockets", len(p.tcp), len(p.udp))
	}
	for i := range p.tcp {
		tcp, udp := addrPort(p.tcp[i].Addr()), addrPort(p.udp[i].LocalAddr())
		if tcp.Port() != p.addr().Port() || udp.Port() != p.stunPort() || tcp.Addr().Is6() != (i == 1) || udp.Addr().Is6() != (i == 1) {
			t.Errorf("sockets %d are %v and %v", i, tcp, udp)
		}
	}
}

func TestPortInUse(t *testing.T) {
	r := served(t, func(s *Server) { s.cfg.Server.STUN = stunOff })
	if _, err := bind(serverConfig{Listen: r.Addr().String(), STUN: stunOff}); err == nil {
		t.Error("bound twice")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	free.Close()
	if _, err := bind(serverConfig{Listen: free.Addr().String(), STUN: "192.0.2.1:1"}); err == nil {
		t.Error("bound another machine's address")
	}
	again, err := net.Listen("tcp", free.Addr().String())
	must(t, err) // the first half was given back
	again.Close()
}

// Over IPv6, as seen from the other end.
func TestServesIPv6(t *testing.T) {
	r := unserved(t)
	r.cfg.Server.Listen, r.cfg.Server.STUN = "[::1]:0", "[::1]:0"
	if err := r.Listen(); err != nil {
		t.Skip("no IPv6 on this machine")
	}
	r.run()
	c := r.dial()
	c.hello(r.fix.hosts[0])
	if m := expect[*wire.HostReady](c); m.Address != "::1" {
		t.Errorf("address is %q", m.Address)
	}
}

func TestSTUNAnswersBindingRequestsOnly(t *testing.T) {
	r := served(t)
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addrPort(r.listening.udp[0].LocalAddr())))
	must(t, err)
	defer conn.Close()
	must(t, conn.SetReadDeadline(time.Now().Add(patience)))
	indication := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodBinding, stun.ClassIndication))
	allocate := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest))
	for _, junk := range [][]byte{{}, []byte("hello"), make([]byte, 20), indication.Raw, allocate.Raw} {
		_, err := conn.Write(junk)
		must(t, err)
	}
	ask := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	_, err = conn.Write(ask.Raw)
	must(t, err)
	buf := make([]byte, 1500)
	n, err := conn.Read(buf)
	must(t, err)
	reply := &stun.Message{Raw: buf[:n]}
	must(t, reply.Decode())
	var mapped stun.XORMappedAddress
	must(t, mapped.GetFrom(reply))
	local := conn.LocalAddr().(*net.UDPAddr)
	if reply.TransactionID != ask.TransactionID || reply.Type != stun.BindingSuccess || mapped.Port != local.Port || !mapped.IP.Equal(local.IP) {
		t.Errorf("reply is %v with %v", reply, mapped)
	}
	if got := r.drops.stun.Load(); got != 5 {
		t.Errorf("%d dropped", got)
	}
	if n > 3*len(ask.Raw) {
		t.Errorf("%d bytes for %d: a good reflector", n, len(ask.Raw))
	}
}

func TestSTUNQuota(t *testing.T) {
	var q stunQuota
	now := time.Unix(1000, 0)
	a, b := mustAddr(t, "192.0.2.1"), mustAddr(t, "192.0.2.2")
	for range stunPerSecond {
		if !q.allow(a, now) {
			t.Fatal("the quota is too small")
		}
	}
	if q.allow(a, now) || !q.allow(b, now) || !q.allow(a, now.Add(time.Second)) {
		t.Error("the quota is not per source and second")
	}
	next := mustAddr(t, "10.0.0.1")
	for range stunSources + 10 {
		q.allow(next, now.Add(2*time.Second))
		next = next.Next()
	}
	if len(q.asked) > stunSources {
		t.Errorf("%d sources are remembered", len(q.asked))
	}
}

func FuzzBindingReply(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add([]byte("hello"))
	from := &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5}
	f.Fuzz(func(t *testing.T, packet []byte) {
		if reply := bindingReply(packet, from); reply != nil && len(reply) > 3*len(packet) {
			t.Errorf("%d bytes for %d", len(reply), len(packet))
		}
	})
}

// Whatever was going on, nothing of it is left when Run has returned.
func TestNothingIsLeftAfterRun(t *testing.T) {
	r := served(t) // what the process starts once is running from here on
	p := r.enrolled("claire")
	r.host(1)
	must(t, r.stop())
	must(t, r.Close())
	before := runtime.NumGoroutine()

	r = opened(t, r.dir, r.fix)
	r.run()
	m := &meeting{r: r, host: r.host(0), person: p}
	var cert []byte
	m.technician, cert = r.technician(p)
	m.id, m.request = r.request(p, cert, r.fix.numbers[0])
	m.technician.send(&wire.Ask{TOTP: r.code(p, 0), Request: m.request})
	expect[*wire.Ring](m.host)
	r.dial() // says nothing
	half, err := net.Dial("tcp", r.Addr().String())
	must(t, err)
	defer half.Close()
	for _, c := range []*client{m.host, m.technician} {
		go c.closed()
	}
	must(t, r.stop())
	must(t, r.Close())
	var stacks []byte
	defer func() {
		if t.Failed() {
			t.Logf("%s", stacks)
		}
	}()
	waitFor(t, func() bool { // the clients' own goroutines end a little later
		stacks = make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return runtime.NumGoroutine() <= before || onlyClients(stacks)
	})
}

// onlyClients says that no goroutine runs code of the server, its bus or its
// database.
func onlyClients(stacks []byte) bool {
	for _, g := range bytes.Split(stacks, []byte("\n\n")) {
		for _, ours := range []string{"assist/internal/server.(*Server)", "assist/internal/server.(*link)", "nats-io/", "database/sql.", "http.(*Server)", "answerSTUN"} {
			if bytes.Contains(g, []byte(ours)) {
				return false
			}
		}
	}
	return true
}

func TestRunTwice(t *testing.T) {
	r := served(t)
	waitFor(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.lock != nil })
	if err := r.Run(t.Context()); !errors.Is(err, ErrRunning) {
		t.Errorf("error is %v", err)
	}
	second, err := Open(r.dir, Options{}) // as another process would, on ports of its own
	must(t, err)
	defer second.Close()
	if err := second.Run(t.Context()); !errors.Is(err, ErrRunning) {
		t.Errorf("a second server on the same directory: %v", err)
	}
}

// At info level the log has no login, name, address of a person, code or reason.
func TestLogKeepsSecretsAndNames(t *testing.T) {
	var out lockedBuffer
	r := unserved(t)
	r.log = slog.New(slog.NewTextHandler(&out, nil))
	r.run()
	m := granted(r)
	c := r.dial()
	c.login(m.person, "a wrong password")
	c.refused(wire.RefusedIdentity)
	m.host.send(&wire.Bye{Session: m.id, Reason: wire.EndUserCut})
	expect[*wire.Bye](m.technician)
	r.jam("%")
	c = r.dial()
	c.login(m.person, testPassword)
	expect[*wire.Refused](c)
	r.unjam()
	must(t, r.stop())
	text := out.String()
	for _, secret := range []string{"claire", "Claire", "printer", testPassword, "wrong password", m.person.secret, r.fix.numbers[0]} {
		if strings.Contains(text, secret) {
			t.Errorf("the log says %q:\n%s", secret, text)
		}
	}
	if !strings.Contains(text, "serving") || !strings.Contains(text, "stopped") {
		t.Errorf("the log is %s", text)
	}
}
