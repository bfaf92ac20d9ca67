// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Where the server listens for us.
const (
	signalPath  = "/v1/signal"
	subprotocol = "assist.v1"
)

// maxOutbox is how many messages may wait to be written; a line that sends more
// waits, a goodbye that finds it full is dropped with the connection.
const maxOutbox = 64

// dialFunc opens a TCP connection, as net.Dialer does.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// link is one connection to the server.
type link struct {
	ws        *websocket.Conn
	challenge *wire.Challenge
	exporter  []byte   // keying material of the TLS connection
	tcp       net.Conn // below TLS
	outbox    chan []byte
	ready     ready
	early     []wire.FromServer // what came before the first checkpoint
	at        target
}

// ready is what the server said of this client when it let it in.
type ready struct {
	address, stun string
	certificate   []byte
}

// dial opens a connection at one address and reads the server's challenge.
func dial(ctx context.Context, at target, open dialFunc) (*link, error) {
	l := &link{outbox: make(chan []byte, maxOutbox), at: at}
	transport := at.transport(open, func(conn *tls.Conn) error {
		state := conn.ConnectionState()
		l.tcp = conn.NetConn()
		var err error
		l.exporter, err = state.ExportKeyingMaterial(trust.ExporterLabel, nil, trust.ExporterLength)
		return err
	})
	transport.DisableKeepAlives = true
	var err error
	l.ws, _, err = websocket.Dial(ctx, at.url(signalPath), &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: transport, CheckRedirect: noRedirect},
		Subprotocols: []string{subprotocol},
	})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	l.ws.SetReadLimit(wire.MaxMessage)
	if err := l.challenged(ctx); err != nil {
		l.drop()
		return nil, err
	}
	return l, nil
}

// noRedirect: the unit's server never sends its clients elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// challenged waits for the message that opens every connection.
func (l *link) challenged(ctx context.Context) error {
	if l.ws.Subprotocol() != subprotocol {
		return ErrVersion
	}
	m, err := l.receive(ctx)
	if err != nil {
		return err
	}
	c, ok := m.(*wire.Challenge)
	if !ok {
		return refusal(m)
	}
	if c.Version != wire.Version {
		return ErrVersion
	}
	l.challenge = c
	return nil
}

// receive reads one message. Nothing else may read at the same time.
func (l *link) receive(ctx context.Context) (wire.FromServer, error) {
	kind, b, err := l.ws.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	}
	if kind != websocket.MessageBinary {
		return nil, ErrServer
	}
	m, err := wire.UnmarshalFromServer(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrServer, err)
	}
	return m, nil
}

// send writes one message at once. The client's writer does it for a link that
// is up; before that, the greeting does.
func (l *link) send(ctx context.Context, m wire.FromClient) error {
	b, err := wire.Marshal(m)
	if err != nil {
		return err
	}
	return l.write(ctx, b)
}

func (l *link) write(ctx context.Context, b []byte) error {
	if err := l.ws.Write(ctx, websocket.MessageBinary, b); err != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return nil
}

// sign proves that this client holds its key, over this very connection.
func (l *link) sign(key trust.Signer, role trust.Role) ([]byte, error) {
	return trust.SignHello(key, role, l.challenge.Nonce, l.exporter)
}

// sever ends the connection at once, whatever is being read or written.
func (l *link) sever() { _ = l.tcp.Close() }

// drop severs the connection and returns when nothing of it is left.
func (l *link) drop() {
	l.sever() // or CloseNow would first wait to take leave in TLS
	_ = l.ws.CloseNow()
}

// refusal is the error that an unexpected message stands for.
func refusal(m wire.FromServer) error {
	if r, ok := m.(*wire.Refused); ok {
		return refused(r)
	}
	return ErrServer
}
