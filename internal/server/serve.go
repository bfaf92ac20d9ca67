// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Paths and subprotocol of the TCP port.
const (
	pathSignal  = "/v1/signal"
	pathHealth  = "/healthz"
	subprotocol = "assist.v1"
)

// Buffers of a WebSocket, in bytes: most connections are idle for days.
const (
	readBuffer  = 512
	writeBuffer = 1024
)

// serve runs the listeners and all connections until ctx ends, then waits for
// every goroutine that it started.
func (s *Server) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	var clients crew
	web := &http.Server{
		Handler:           s.handler(ctx, &clients),
		ReadHeaderTimeout: s.limits.hello, // for the TLS handshake too
		IdleTimeout:       s.limits.hello,
		MaxHeaderBytes:    8 << 10,                                             // our clients send a few hundred
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // strangers must not fill the log
	}
	failed := make(chan error, len(s.listening.tcp)+1) // a place each: after the first nobody reads it
	limit, proxies := newCapped(s.cfg.Server, &s.drops), s.newProxies()
	for _, l := range s.listening.tcp {
		work.Go(func() { failed <- web.Serve(tls.NewListener(door{l, limit, proxies}, s.tlsConfig())) })
	}
	for _, c := range s.listening.udp {
		work.Go(func() { answerSTUN(c, s.now, &s.drops) })
	}
	work.Go(func() { s.watchAccounts(ctx) })
	work.Go(func() {
		if err := s.watchCharter(ctx); err != nil {
			failed <- err
		}
	})
	work.Go(func() { s.tendJournal(ctx) })
	work.Go(func() { s.sendSyslog(ctx) })
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed: // nothing else closes them
	}
	cancel()
	s.listening.close()
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), s.limits.drain)
	defer done()
	if errors.Is(web.Shutdown(stop), context.DeadlineExceeded) {
		_ = web.Close()
	}
	clients.dismiss()
	work.Wait()
	return err
}

// crew are the goroutines that serve clients. A handler may outlive the HTTP server's
// patience, or begin while it closes: nobody joins a crew that is dismissed.
type crew struct {
	mu   sync.Mutex
	off  bool
	work sync.WaitGroup
}

// join reports whether work may begin, which ends with crew.work.Done.
func (c *crew) join() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.off {
		return false
	}
	c.work.Add(1)
	return true
}

// dismiss waits for all who joined.
func (c *crew) dismiss() {
	c.mu.Lock()
	c.off = true
	c.mu.Unlock()
	c.work.Wait()
}

// tlsConfig asks for the certificate at each handshake, so that "tls switch" needs no restart.
// HTTP/2 is left out: a greeting is signed for one TLS connection, which must be one client's.
func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate(), nil },
		MinVersion:     tls.VersionTLS13,
		NextProtos:     []string{"http/1.1"},
	}
}

func (s *Server) handler(ctx context.Context, clients *crew) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathHealth, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if ctx.Err() != nil {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n") // a client that is gone does not matter
	})
	mux.HandleFunc("GET "+pathCharter, s.serveCharter)
	mux.HandleFunc("GET "+pathRotations, s.serveRotations)
	mux.HandleFunc("GET "+pathSignal, func(w http.ResponseWriter, r *http.Request) {
		if l := s.accept(ctx, w, r); l != nil {
			// A goroutine of our own has a smaller stack than the handler's.
			clients.work.Go(func() { s.serveLink(ctx, l) })
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !clients.join() {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		defer clients.work.Done()
		mux.ServeHTTP(w, r)
	})
}

// accept makes a link of a request, or has answered it with an error. The keying material
// (RFC 8446, section 7.5) ties the greeting to this very connection. Nothing is compressed:
// the length of what was would tell of secrets in it, and each connection would need buffers.
// HTTP headers say nothing of the address: door has it, from the connection or from a listed
// proxy.
func (s *Server) accept(ctx context.Context, w http.ResponseWriter, r *http.Request) *link {
	if ctx.Err() != nil || r.TLS == nil {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return nil
	}
	from, err := netParse(r.RemoteAddr)
	if err != nil { // a proxy that speaks for itself
		http.Error(w, "no address", http.StatusForbidden)
		return nil
	}
	exporter, err := r.TLS.ExportKeyingMaterial(trust.ExporterLabel, nil, trust.ExporterLength)
	if err != nil {
		http.Error(w, "no keying material", http.StatusInternalServerError)
		return nil
	}
	remote := newAlarm()
	ws, err := websocket.Accept(smallHijack{w}, r, &websocket.AcceptOptions{
		Subprotocols:    []string{subprotocol},
		CompressionMode: websocket.CompressionDisabled,
		OnPingReceived:  func(context.Context, []byte) bool { remote.heard(); return true },
	})
	if err != nil {
		return nil
	}
	if ws.Subprotocol() != subprotocol {
		_ = ws.Close(websocket.StatusPolicyViolation, "subprotocol")
		return nil
	}
	ws.SetReadLimit(wire.MaxMessage)
	return &link{server: s, ws: ws, from: from, nonce: [32]byte(randomBytes(32)), exporter: exporter, alarm: remote,
		in: make(chan incoming), inbox: make(chan *letter, 256)}
}

// smallHijack hands the WebSocket smaller buffers than net/http's 8 KiB.
type smallHijack struct{ http.ResponseWriter }

// Hijack takes the connection over from the HTTP server.
func (h smallHijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if rw.Reader.Buffered() > 0 { // a client must wait for the answer
		return nil, nil, errors.Join(errProtocol, conn.Close())
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, bufio.NewReadWriter(bufio.NewReaderSize(conn, readBuffer), bufio.NewWriterSize(conn, writeBuffer)), nil
}
