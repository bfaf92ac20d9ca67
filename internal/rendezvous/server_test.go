// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"assist/internal/trust"
	"assist/internal/wire"
)

// server is a small real one: TLS, HTTP and WebSocket, over pipes, so that a
// test can run in a bubble of its own time. A test plays the server's part on
// each connection as it comes.
type server struct {
	t     *testing.T
	tls   *tls.Config
	pin   [32]byte
	peers chan *peer
	conns chan knock
	stop  func()      // closes stopped
	down  atomic.Bool // refuses connections
	tries chan time.Time
	pings chan time.Time
	deaf  atomic.Bool // does not answer pings

	stopped chan struct{}
	instead http.HandlerFunc // answers in its place

	mu        sync.Mutex
	also      map[string]*tls.Config // further addresses, with the key shown there
	published published
	fetched   []time.Time // when a charter was asked for
}

// peer is one connection as the server has it.
type peer struct {
	t        *testing.T
	ws       *websocket.Conn
	nonce    [32]byte
	exporter []byte
	over     chan struct{}
	once     sync.Once
}

// knock is a connection that arrives, and the key to show it.
type knock struct {
	conn net.Conn
	tls  *tls.Config
}

// pipe counts as a network address for net/http.
type pipe struct{ net.Conn }

func (p *pipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5} }

var errRefusedByNet = errors.New("connection refused")

// serverKey is the fixture's TLS key, made once: it is only data.
var serverKey = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)},
		&x509.Certificate{}, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

// startServer starts one, and stops it when the test ends.
func startServer(t *testing.T) *server {
	t.Helper()
	cert, err := serverKey()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, pin: trust.PinOf(leaf.RawSubjectPublicKeyInfo),
		tls:   &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}},
		peers: make(chan *peer, 64), conns: make(chan knock, 64),
		tries: make(chan time.Time, 1024), pings: make(chan time.Time, 1024)}
	s.stopped = make(chan struct{})
	s.stop = sync.OnceFunc(func() { close(s.stopped) })
	web := &http.Server{Handler: s, ErrorLog: slog.NewLogLogger(quiet().Handler(), slog.LevelDebug)}
	served := make(chan struct{})
	go func() { defer close(served); web.Serve(s) }()
	t.Cleanup(func() { s.stop(); web.Close(); <-served })
	return s
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func (s *server) config() Config {
	return Config{Server: "assist.example:443", Pin: s.pin, Witness: newWitness(s.t), Log: quiet()}
}

func newWitness(t *testing.T) *trust.Witness {
	t.Helper()
	unit, err := trust.NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	w, err := trust.NewWitness(t.TempDir(), unit.Public(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// credulous makes a client of this package's tests take the server's journal on trust:
// they are of other things.
func (c *client) credulous() {
	c.first = func(context.Context, *link) error { return nil }
	c.again = func(then func(error)) { then(nil) }
}

// newHost is a host that takes the journal on trust.
func newHost(t *testing.T, cfg Config) *Host {
	t.Helper()
	key, err := trust.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHost(cfg, key)
	if err != nil {
		t.Fatal(err)
	}
	h.credulous()
	return h
}

// open is the network: it stands in for net.Dialer.
func (s *server) open(_ context.Context, _, address string) (net.Conn, error) {
	s.tries <- time.Now()
	key := s.at(address)
	if s.down.Load() || key == nil {
		return nil, errRefusedByNet
	}
	mine, theirs := net.Pipe()
	select {
	case s.conns <- knock{&pipe{mine}, key}:
		return theirs, nil
	case <-s.stopped:
		return nil, errRefusedByNet
	}
}

// at is the key shown at an address, nil where nobody listens.
func (s *server) at(address string) *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key, known := s.also[address]; known || address != "assist.example:443" {
		return key
	}
	return s.tls
}

// Accept is the server's end of the network.
func (s *server) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return tls.Server(c.conn, c.tls), nil
	case <-s.stopped:
		return nil, net.ErrClosed
	}
}

func (s *server) Close() error   { s.stop(); return nil }
func (s *server) Addr() net.Addr { return &net.TCPAddr{} }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.instead != nil {
		s.instead(w, r)
		return
	}
	if r.URL.Path != "/v1/signal" {
		s.publish(w, r)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"assist.v1"},
		OnPingReceived: func(context.Context, []byte) bool {
			s.pings <- time.Now()
			return !s.deaf.Load()
		},
	})
	if err != nil {
		return
	}
	exporter, err := r.TLS.ExportKeyingMaterial(trust.ExporterLabel, nil, trust.ExporterLength)
	if err != nil {
		s.t.Error(err)
	}
	p := &peer{t: s.t, ws: ws, exporter: exporter, over: make(chan struct{})}
	rand.Read(p.nonce[:])
	ws.SetReadLimit(wire.MaxMessage)
	s.peers <- p
	select {
	case <-p.over:
	case <-s.stopped: // nobody has taken it: a client may dial once more while a test ends
		p.drop()
	}
}

// next is the next connection; it ends with the test.
func (s *server) next() *peer {
	p := <-s.peers
	s.t.Cleanup(p.drop)
	return p
}

// drop cuts a connection without a word.
func (p *peer) drop() { p.once.Do(func() { p.ws.CloseNow(); close(p.over) }) }

func (p *peer) send(m wire.FromServer) {
	p.t.Helper()
	b, err := wire.Marshal(m)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.ws.Write(context.Background(), websocket.MessageBinary, b); err != nil {
		p.t.Fatalf("server sends %T: %v", m, err)
	}
}

// expect reads one message, which must be an M.
func expect[M wire.FromClient](p *peer) M {
	p.t.Helper()
	_, b, err := p.ws.Read(context.Background())
	if err != nil {
		p.t.Fatalf("server reads: %v", err)
	}
	m, err := wire.UnmarshalFromClient(b)
	if err != nil {
		p.t.Fatal(err)
	}
	got, ok := m.(M)
	if !ok {
		p.t.Fatalf("server read %T %+v, want %T", m, m, got)
	}
	return got
}

func (p *peer) challenge() {
	p.t.Helper()
	p.send(&wire.Challenge{Version: wire.Version, Nonce: p.nonce, Unit: "UMR 0000"})
}

// host lets a host in, as the real server would.
func (p *peer) host() {
	p.t.Helper()
	p.challenge()
	m := expect[*wire.HostHello](p)
	if err := trust.VerifyHello(m.HostKey, trust.RoleHost, p.nonce, p.exporter, m.Signature); err != nil || m.Version != wire.Version {
		p.t.Fatalf("host hello: %v", err)
	}
	p.send(&wire.HostReady{Address: "192.0.2.1", STUN: "assist.example:3478"})
}

// technician lets a technician in whose password is right.
func (p *peer) technician() *wire.TechnicianHello {
	p.t.Helper()
	m := p.technicianHello()
	p.send(&wire.TechnicianReady{Certificate: []byte("certificate"), Address: "192.0.2.1", STUN: "assist.example:3478"})
	return m
}

func (p *peer) technicianHello() *wire.TechnicianHello {
	p.t.Helper()
	p.challenge()
	m := expect[*wire.TechnicianHello](p)
	if err := trust.VerifyHello(m.DeviceKey, trust.RoleTechnician, p.nonce, p.exporter, m.Signature); err != nil {
		p.t.Fatalf("technician hello: %v", err)
	}
	return m
}

// closed waits for the client to hang up, and returns what it sent before.
func (p *peer) closed() (left []wire.FromClient, status websocket.StatusCode) {
	for {
		_, b, err := p.ws.Read(context.Background())
		if err != nil {
			p.drop()
			return left, websocket.CloseStatus(err)
		}
		if m, err := wire.UnmarshalFromClient(b); err == nil {
			left = append(left, m)
		}
	}
}
