// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"assist/internal/trust"
	"assist/internal/wire"
)

// signalPath and subprotocol are where clients meet the server.
const (
	signalPath  = "/v1/signal"
	subprotocol = "assist.v1"
)

// side is an end, as the server sees it.
type side uint8

const (
	unknownSide side = iota
	hostSide
	technicianSide
)

func (s side) String() string { return [...]string{"client", "host", "technician"}[s] }

// passing is one message on its way.
type passing struct {
	leg *leg
	up  bool // from the client to the server
	raw []byte
}

// kind names the message.
func (p passing) kind() string { return nameOf(p.message()) }

func (p passing) message() wire.Message {
	if p.up {
		if m, err := wire.UnmarshalFromClient(p.raw); err == nil {
			return m
		}
		return nil
	}
	if m, err := wire.UnmarshalFromServer(p.raw); err == nil {
		return m
	}
	return nil
}

// liar is a server that lies. It holds the TLS key of an honest one, which it asks for
// everything, and changes what passes in both directions. Greetings are bound to one
// TLS connection, so it says to the honest one what a client would have said there:
// who owns the server need not believe greetings at all.
type liar struct {
	complain func(format string, args ...any)
	upstream string
	listener net.Listener
	cert     tls.Certificate
	web      *http.Server
	work     sync.WaitGroup

	stop  chan struct{}
	beats atomic.Int64 // since something last passed

	mu      sync.Mutex
	signers []trust.Signer                        // whose greetings it can make
	seek    func() []trust.Signer                 // finds more of them; may be nil
	lie     func(passing) [][]byte                // nil is the truth
	page    func(path string, body []byte) []byte // what is made of a document; nil is not found
	legs    map[*leg]bool
}

// newLiar stands before the server at an address, whose TLS key it has.
func newLiar(t testing.TB, upstream string, cert tls.Certificate, signers ...trust.Signer) *liar {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := newLiarOn(l, upstream, cert, t.Errorf)
	t.Cleanup(s.close)
	for _, k := range signers {
		s.learn(k)
	}
	return s
}

// newLiarOn stands on a listener; what must not be is told to complain.
func newLiarOn(l net.Listener, upstream string, cert tls.Certificate, complain func(string, ...any)) *liar {
	s := &liar{complain: complain, upstream: upstream, listener: l, cert: cert, stop: make(chan struct{}), legs: map[*leg]bool{}}
	s.work.Go(s.listens)
	s.web = &http.Server{Handler: s}
	secured := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}})
	s.work.Go(func() { _ = s.web.Serve(secured) })
	return s
}

func (s *liar) close() {
	_ = s.web.Close()
	close(s.stop)
	s.hangUp()
	s.work.Wait()
}

// hangUp drops every connection.
func (s *liar) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.legs {
		l.drop()
	}
}

// learn makes the liar able to greet as somebody more.
func (s *liar) learn(k trust.Signer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signers = append(s.signers, k)
}

// tell sets the lies, of messages and of documents; nil is the truth.
func (s *liar) tell(lie func(passing) [][]byte, page func(string, []byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lie, s.page = lie, page
}

// beat is what silence is counted in. Beats are left out while the whole machine stands still
// or has no time for us: nobody can say anything then.
const beat = 5 * time.Millisecond

// stir notes that something passes.
func (s *liar) stir() { s.beats.Store(0) }

// still is how long nothing has passed, though it could have.
func (s *liar) still() time.Duration { return time.Duration(s.beats.Load()) * beat }

func (s *liar) listens() {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.beats.Add(1)
		case <-s.stop:
			return
		}
	}
}

// ServeHTTP serves one client.
func (s *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.stir()
	defer s.stir()
	if r.URL.Path != signalPath {
		s.document(w, r)
		return
	}
	exporter, err := r.TLS.ExportKeyingMaterial(trust.ExporterLabel, nil, trust.ExporterLength)
	if err != nil {
		return
	}
	down, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return
	}
	up, theirs, err := s.dial()
	if err != nil {
		down.CloseNow()
		return
	}
	for _, ws := range []*websocket.Conn{down, up} {
		ws.SetReadLimit(1 << 20)
	}
	l := &leg{liar: s, down: down, up: up, mine: exporter, theirs: theirs}
	s.mu.Lock()
	s.legs[l] = true
	s.mu.Unlock()
	l.run()
	s.mu.Lock()
	delete(s.legs, l)
	s.mu.Unlock()
}

// dial reaches the honest server.
func (s *liar) dial() (*websocket.Conn, []byte, error) {
	var exporter []byte
	pin := trust.PinOf(s.cert.Leaf.RawSubjectPublicKeyInfo)
	config := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, ServerName: "127.0.0.1", InsecureSkipVerify: true,
		VerifyConnection: func(c tls.ConnectionState) error {
			if trust.PinOf(c.PeerCertificates[0].RawSubjectPublicKeyInfo) != pin {
				return errors.New("not the honest server")
			}
			return nil
		}}
	transport := &http.Transport{DisableKeepAlives: true, DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := (&tls.Dialer{Config: config}).DialContext(ctx, network, s.upstream)
		if err != nil {
			return nil, err
		}
		state := c.(*tls.Conn).ConnectionState()
		exporter, err = state.ExportKeyingMaterial(trust.ExporterLabel, nil, trust.ExporterLength)
		return c, err
	}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "https://"+s.upstream+signalPath,
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{subprotocol}})
	return ws, exporter, err
}

// document passes on what the server publishes.
func (s *liar) document(w http.ResponseWriter, r *http.Request) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true}}}
	answer, err := client.Get("https://" + s.upstream + r.URL.Path)
	if err != nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	s.mu.Lock()
	page := s.page
	s.mu.Unlock()
	if err == nil && answer.StatusCode == http.StatusOK && page != nil {
		body = page(r.URL.Path, body)
	}
	if err != nil || answer.StatusCode != http.StatusOK || body == nil {
		http.Error(w, "", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(body)
}

// leg is one client's connection, and the one to the honest server that goes with it.
type leg struct {
	liar         *liar
	down, up     *websocket.Conn
	mine, theirs []byte // keying material of the two

	mu        sync.Mutex
	side      side
	challenge *wire.Challenge // of the honest server
	told      *wire.Challenge // as the client heard it
}

func (l *leg) drop() {
	l.down.CloseNow()
	l.up.CloseNow()
}

// run carries messages both ways until either end goes.
func (l *leg) run() {
	var both sync.WaitGroup
	both.Go(func() { l.carry(l.up, l.down, false) })
	both.Go(func() { l.carry(l.down, l.up, true) })
	both.Wait()
}

func (l *leg) carry(from, to *websocket.Conn, up bool) {
	defer l.drop()
	for {
		_, raw, err := from.Read(context.Background())
		if err != nil {
			if code := websocket.CloseStatus(err); code > 0 {
				_ = to.Close(code, "")
			}
			return
		}
		for _, b := range l.pass(up, raw) {
			if to.Write(context.Background(), websocket.MessageBinary, b) != nil {
				return
			}
		}
	}
}

// inject says something to the client that the honest server did not.
func (l *leg) inject(m wire.Message) error {
	b, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	return l.down.Write(context.Background(), websocket.MessageBinary, b)
}

// pass is what goes on in place of a message.
func (l *leg) pass(up bool, raw []byte) [][]byte {
	defer l.liar.stir()
	l.mu.Lock()
	if up && l.side == unknownSide {
		raw = l.greeted(raw)
	}
	l.mu.Unlock()
	p := passing{l, up, raw}
	l.liar.mu.Lock()
	lie := l.liar.lie
	l.liar.mu.Unlock()
	out := [][]byte{raw}
	if lie != nil {
		out = lie(p)
	}
	if !up {
		l.note(raw, out)
	}
	return out
}

// note keeps both versions of the challenge.
func (l *leg) note(raw []byte, out [][]byte) {
	m, err := wire.UnmarshalFromServer(raw)
	c, ok := m.(*wire.Challenge)
	if err != nil || !ok || len(out) == 0 {
		return
	}
	told, _ := wire.UnmarshalFromServer(out[0])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.challenge = c
	l.told, _ = told.(*wire.Challenge)
}

// greeted makes of a client's greeting one that is good at the honest server. Before,
// it makes sure that it was one for this connection.
func (l *leg) greeted(raw []byte) []byte {
	m, err := wire.UnmarshalFromClient(raw)
	if err != nil || l.challenge == nil {
		return raw
	}
	var key, signature *[]byte
	var role trust.Role
	switch m := m.(type) {
	case *wire.HostHello:
		l.side, role, key, signature = hostSide, trust.RoleHost, &m.HostKey, &m.Signature
	case *wire.TechnicianHello:
		l.side, role, key, signature = technicianSide, trust.RoleTechnician, &m.DeviceKey, &m.Signature
	case *wire.Enrol:
		l.side, role, key, signature = technicianSide, trust.RoleEnrol, &m.DeviceKey, &m.Signature
	default:
		return raw
	}
	if l.told != nil {
		if err := trust.VerifyHello(*key, role, l.told.Nonce, l.mine, *signature); err != nil {
			l.liar.complain("a %s greets with a signature that is not for this connection: %v", role, err)
		}
	}
	l.liar.mu.Lock()
	signers, seek := slices.Clone(l.liar.signers), l.liar.seek
	l.liar.mu.Unlock()
	if seek != nil {
		signers = append(signers, seek()...)
	}
	for _, k := range signers {
		if !bytes.Equal(k.Public(), *key) {
			continue
		}
		if again, err := trust.SignHello(k, role, l.challenge.Nonce, l.theirs); err == nil {
			*signature = again
		}
	}
	if again, err := wire.Marshal(m); err == nil {
		return again
	}
	return raw
}
