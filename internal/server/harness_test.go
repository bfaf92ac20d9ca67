// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pquerna/otp/totp"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

const (
	testPassphrase = "a passphrase of the unit key"
	testPassword   = "seven grey herons over the weir"
	patience       = 20 * time.Second // for what must happen soon
	prompt         = 15 * time.Second // for what takes five at most, on a busy machine
)

// fixture is made once: its keys are slow on purpose.
type fixture struct {
	dir     string
	unit    *trust.UnitKey
	hosts   [3]*trust.HostKey
	numbers [3]string
}

var fixtures = sync.OnceValues(makeFixture)

func makeFixture() (*fixture, error) {
	f := &fixture{dir: filepath.Join(os.Getenv("ASSIST_SERVER_FIXTURE"), "template")}
	_, err := Init(f.dir, Options{Name: "INCI", Address: "127.0.0.1:4433", Listen: "127.0.0.1:0", STUN: "127.0.0.1:0", Passphrase: testPassphrase})
	if err != nil {
		return nil, err
	}
	if f.unit, err = trust.OpenUnitKey(filepath.Join(f.dir, fileUnitKey), testPassphrase); err != nil {
		return nil, err
	}
	for i := range f.hosts {
		if f.hosts[i], err = trust.NewHostKey(); err != nil {
			return nil, err
		}
		if f.numbers[i], err = f.hosts[i].MachineID(f.unit.Public()); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "assist-server-test")
	if err == nil {
		err = os.Setenv("ASSIST_SERVER_FIXTURE", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// rig is a server of its own for one test, on a clock that only the test moves.
type rig struct {
	*Server
	t     *testing.T
	fix   *fixture
	clock atomic.Int64 // Unix milliseconds
	stop  func() error // ends Run and returns what it returned
	road  string       // where clients connect to; empty: to the server itself
}

// way is where clients connect to.
func (r *rig) way() string {
	if r.road != "" {
		return r.road
	}
	return r.Addr().String()
}

// unserved opens a copy of the fixture without running it.
func unserved(t *testing.T) *rig {
	t.Helper()
	fix, err := fixtures()
	must(t, err)
	dir := filepath.Join(t.TempDir(), "data")
	copyData(t, dir, fix.dir)
	return opened(t, dir, fix)
}

// copyData is a restore as docs/server.md has it: files and their rights.
func copyData(t *testing.T, to, from string) {
	t.Helper()
	must(t, os.CopyFS(to, os.DirFS(from)))
	must(t, os.Chmod(to, 0o700))
	for _, f := range ourFiles() {
		if err := os.Chmod(filepath.Join(to, f), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

func opened(t *testing.T, dir string, fix *fixture) *rig {
	t.Helper()
	s, err := Open(dir, Options{Version: "test"})
	must(t, err)
	r := &rig{Server: s, t: t, fix: fix, stop: func() error { return nil }}
	// The middle of a step, so that no code changes during a test.
	r.clock.Store((time.Now().Unix()/totpStep*totpStep + totpStep/2) * 1000)
	s.now = func() time.Time { return time.UnixMilli(r.clock.Load()) }
	s.unitKey = fix.unit
	s.limits.closing = 200 * time.Millisecond // most tests' clients do not listen to it
	s.limits.ring = patience / 4              // a busy machine's host is not away
	for i, k := range fix.hosts {
		must(t, s.addMachine(t.Context(), fix.numbers[i], k.Public(), mustAddr(t, "127.0.0.1")))
	}
	t.Cleanup(func() { r.close() })
	return r
}

// served is unserved and run.
func served(t *testing.T, tune ...func(*Server)) *rig {
	t.Helper()
	r := unserved(t)
	for _, f := range tune {
		f(r.Server)
	}
	r.run()
	return r
}

func (r *rig) run() {
	r.t.Helper()
	must(r.t, r.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ran:
			return err
		case <-time.After(2 * patience):
			return errors.New("the server does not stop")
		}
	})
}

func (r *rig) close() {
	if err := errors.Join(r.stop(), r.Close()); err != nil {
		r.t.Errorf("stopping the server: %v", err)
	}
}

// restart stops the server and opens its directory again.
func (r *rig) restart() *rig {
	r.t.Helper()
	must(r.t, r.stop())
	must(r.t, r.Close())
	r.stop = func() error { return nil }
	next := opened(r.t, r.dir, r.fix)
	next.clock.Store(r.clock.Load())
	next.run()
	return next
}

func (r *rig) advance(d time.Duration) { r.clock.Add(d.Milliseconds()) }

// person is an enrolled technician with everything that goes with it.
type person struct {
	login  string
	secret string
	device *trust.DeviceKey
}

// enrolled makes an active account without the dialogue, with a fast hash.
func (r *rig) enrolled(login string) *person {
	r.t.Helper()
	p := r.unsigned(Technician{Login: login, Name: "Claire Dubois", Role: "IT support"})
	r.sign()
	return p
}

// unsigned is an account that the charter does not know yet.
func (r *rig) unsigned(who Technician) *person {
	r.t.Helper()
	login := who.Login
	ctx := r.t.Context()
	_, err := r.AddTechnician(ctx, who)
	must(r.t, err)
	a, err := r.store.accountBy(ctx, "login", login)
	must(r.t, err)
	device, err := trust.NewDeviceKey()
	must(r.t, err)
	key, err := r.newTOTP(login)
	must(r.t, err)
	sealed, err := r.seal(a.id, key.Secret())
	must(r.t, err)
	cost := passwordCost{64, 1, 1}
	salt := make([]byte, passwordSalt)
	hash := cost.format(salt, cost.key(testPassword, salt, passwordHash))
	must(r.t, r.store.write(ctx, func(t *transaction) error {
		_, err := t.exec(`update technician set state = 'enrolled', code_hash = null, password = ?, device_key = ?, totp_sealed = ?
			where login = ?`, hash, device.Public(), sealed, login)
		return err
	}))
	return &person{login, key.Secret(), device}
}

// sign publishes a charter of what the server knows.
func (r *rig) sign() uint64 {
	r.t.Helper()
	epoch, err := r.signAndPublish(r.t.Context(), r.fix.unit, SignOptions{})
	must(r.t, err)
	return epoch
}

// rotate hands the unit over to a new key, as a person who reads and confirms does.
func (r *rig) rotate() error {
	r.t.Helper()
	next, err := r.PrepareRotation(r.t.Context(), testPassphrase)
	if err != nil {
		return err
	}
	return r.Rotate(r.t.Context(), next, testPassphrase)
}

// code is the TOTP code some steps from now.
func (r *rig) code(p *person, steps int) string {
	r.t.Helper()
	c, err := totp.GenerateCode(p.secret, r.now().Add(time.Duration(steps)*totpStep*time.Second))
	must(r.t, err)
	return c
}

// client speaks package wire over a real TLS connection and WebSocket.
type client struct {
	t         *testing.T
	r         *rig
	ws        *websocket.Conn
	exporter  []byte
	challenge *wire.Challenge
	noticed   []uint64 // epochs of charters, as told
}

func (r *rig) dial() *client {
	r.t.Helper()
	c, err := r.tryDial()
	must(r.t, err)
	c.challenge = expect[*wire.Challenge](c)
	return c
}

// dialWith is dial with headers of the caller's.
func (r *rig) dialWith(h http.Header) *client {
	r.t.Helper()
	c, err := r.tryDial(h)
	must(r.t, err)
	c.challenge = expect[*wire.Challenge](c)
	return c
}

func (r *rig) tryDial(headers ...http.Header) (*client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := &client{t: r.t, r: r}
	pin := r.JoinCode().Pin
	config := &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, ServerName: "127.0.0.1",
		InsecureSkipVerify: true, // the pin below takes the place of an authority
		VerifyConnection: func(s tls.ConnectionState) error {
			if sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo) != pin {
				return errors.New("another key than the pinned one")
			}
			return nil
		},
	}
	transport := &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		raw, err := (&tls.Dialer{Config: config}).DialContext(ctx, network, r.way())
		if err != nil {
			return nil, err
		}
		state := raw.(*tls.Conn).ConnectionState()
		c.exporter, err = state.ExportKeyingMaterial(trust.ExporterLabel, nil, trust.ExporterLength)
		return raw, err
	}}
	ws, _, err := websocket.Dial(ctx, "wss://127.0.0.1"+pathSignal, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{subprotocol}, HTTPHeader: first(headers)})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(wire.MaxMessage)
	c.ws = ws
	r.t.Cleanup(func() { ws.CloseNow() })
	return c, nil
}

func first(h []http.Header) http.Header {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

func (c *client) send(m wire.Message) {
	c.t.Helper()
	raw, err := wire.Marshal(m)
	must(c.t, err)
	must(c.t, c.sendRaw(raw))
}

func (c *client) sendRaw(raw []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageBinary, raw)
}

// read returns the next message but for notices of charters, which it notes, or
// an error when the connection is over.
func (c *client) read() (wire.FromServer, error) {
	for {
		m, err := c.readAny()
		n, ok := m.(*wire.CharterNotice)
		if !ok {
			return m, err
		}
		c.noticed = append(c.noticed, n.Epoch)
	}
}

func (c *client) readAny() (wire.FromServer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, raw, err := c.ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	return wire.UnmarshalFromServer(raw)
}

// expect reads the next message, which must be an M.
func expect[M wire.FromServer](c *client) M {
	c.t.Helper()
	for {
		m, err := c.read()
		if err != nil {
			c.t.Fatalf("want %T, got %v", *new(M), err)
		}
		want, ok := m.(M)
		if ok {
			return want
		}
		if _, said := m.(*wire.Recorded); !said { // each record is answered; few tests are about that
			c.t.Fatalf("want %T, got %T %+v", want, m, m)
		}
	}
}

func (c *client) refused(why wire.Refusal) *wire.Refused {
	c.t.Helper()
	m := expect[*wire.Refused](c)
	if m.Why != why {
		c.t.Fatalf("refused for %d, want %d", m.Why, why)
	}
	return m
}

// closed reads until the server has closed the connection.
func (c *client) closed() {
	c.t.Helper()
	for {
		if _, err := c.read(); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				c.t.Error("the server does not close the connection") // not Fatal: some ask from a goroutine
			}
			return
		}
	}
}

func (c *client) sign(k trust.Signer, role trust.Role) []byte {
	c.t.Helper()
	sig, err := trust.SignHello(k, role, c.challenge.Nonce, c.exporter)
	must(c.t, err)
	return sig
}

// host connects and registers fixture host i.
func (r *rig) host(i int) *client {
	r.t.Helper()
	c := r.dial()
	c.hello(r.fix.hosts[i])
	expect[*wire.HostReady](c)
	return c
}

func (c *client) hello(k *trust.HostKey) {
	c.t.Helper()
	c.send(&wire.HostHello{Version: wire.Version, HostKey: k.Public(), Signature: c.sign(k, trust.RoleHost)})
}

func (c *client) login(p *person, password string) {
	c.t.Helper()
	c.send(&wire.TechnicianHello{Version: wire.Version, Login: p.login, Password: password,
		DeviceKey: p.device.Public(), Signature: c.sign(p.device, trust.RoleTechnician)})
}

// technician connects and logs in.
func (r *rig) technician(p *person) (*client, []byte) {
	r.t.Helper()
	c := r.dial()
	c.login(p, testPassword)
	return c, expect[*wire.TechnicianReady](c).Certificate
}

// request signs a request for a machine.
func (r *rig) request(p *person, cert []byte, machine string) (wire.SessionID, []byte) {
	r.t.Helper()
	id := wire.SessionID(randomBytes(16))
	env, err := p.device.SignRequest(&wire.Request{Session: id, Machine: machine, Certificate: cert, Rights: 1,
		Reason: "the printer is stuck", Nonce: [32]byte(randomBytes(32)), Expires: r.now().Add(trust.RequestLife).Unix()})
	must(r.t, err)
	return id, env
}

// entries are the journal's events of one type, oldest first.
func entries[E journal.Event](r *rig) []E {
	r.t.Helper()
	list, err := journal.List(r.t.Context(), r.store.reader, journal.Filter{Limit: 1000})
	must(r.t, err)
	var out []E
	for _, e := range list {
		if match, ok := e.Event.(E); ok {
			out = append([]E{match}, out...)
		}
	}
	return out
}

// get asks the web side.
func (r *rig) get(path string) (int, string) {
	r.t.Helper()
	c := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := c.Get("https://" + r.way() + path)
	must(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(r.t, err)
	return resp.StatusCode, string(body)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer is a log that several goroutines write to.
type lockedBuffer struct {
	mu   sync.Mutex
	text []byte
}

// Write appends.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

// String is what was written so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// journalEvent stands for every event.
type journalEvent = journal.Event
