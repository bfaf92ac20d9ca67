// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"strconv"
	"time"

	"assist/internal/wire"
)

// Paths of what is too large for a message.
const (
	pathCharter   = "/v1/charter"
	pathRotations = "/v1/rotations"
)

// One address may fetch this often: a floor of machines behind one address at
// once, then some each second.
const (
	fetchBurst = 600
	fetchEvery = 200 * time.Millisecond
)

// notice tells the client which charter there is, and remembers that it was told.
func (l *link) notice(ctx context.Context) error {
	l.told = l.server.inForce()
	if l.told.charter == nil {
		return nil
	}
	return l.send(ctx, &wire.CharterNotice{Epoch: l.told.charter.Epoch})
}

// watchCharter takes up what another process published, and publishes what
// changed while the unit key is open. Every client's goroutine waits for it. The
// error is a change of unit key, which ends the server.
func (s *Server) watchCharter(ctx context.Context) error {
	tick := time.NewTicker(s.limits.charter)
	defer tick.Stop()
	for {
		if err := s.rekeyed(ctx); errors.Is(err, ErrUnitKey) {
			return err
		}
		s.keepUp(ctx)
		s.remind()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// keepUp says once what stands in the way, until that changes: the same line twice a
// second would hide all others. watchCharter alone calls it.
func (s *Server) keepUp(ctx context.Context) {
	err := errors.Join(s.loadTLS(), s.loadCharter(ctx), s.refresh(ctx))
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if err != nil && text != s.obstacle {
		s.log.Error("the charter cannot be kept up to date", "error", err)
	}
	if err == nil && s.obstacle != "" {
		s.log.Info("the charter is kept up to date again")
	}
	s.obstacle = text
}

// remind warns of the end of the charter, at the start and then once a day.
// watchCharter alone calls it.
func (s *Server) remind() {
	now := s.now()
	if now.Sub(s.reminded) < 24*time.Hour {
		return
	}
	s.reminded = now
	switch f := s.inForce(); {
	case f.charter == nil:
		s.log.Warn("there is no charter, so nobody may help: sign one", "error", f.err)
	case f.current(now) == nil:
		s.log.Warn("the charter ran out, so nobody may help: sign a new one", "expired", time.Unix(f.charter.Expires, 0))
	case f.charter.ExpiresSoon(now):
		s.log.Warn("the charter ends soon: sign a new one", "expires", time.Unix(f.charter.Expires, 0))
	}
	if s.unitKey != nil {
		s.log.Warn("the unit key is open on this server: who breaks into it can sign technicians")
	}
}

// serveCharter answers with the newest charter as it was signed. It proves
// itself, so it may be read by whoever reaches the server.
func (s *Server) serveCharter(w http.ResponseWriter, r *http.Request) {
	if !s.mayFetch(w, r) {
		return
	}
	f := s.inForce()
	if f.charter == nil {
		http.Error(w, "no charter", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(f.text)))
	_, _ = w.Write(f.text) // a client that is gone does not matter
}

// serveRotations answers with each change of unit key, behind its length.
func (s *Server) serveRotations(w http.ResponseWriter, r *http.Request) {
	if !s.mayFetch(w, r) {
		return
	}
	var body []byte
	for _, one := range s.chain {
		body = binary.BigEndian.AppendUint32(body, uint32(len(one)))
		body = append(body, one...)
	}
	_, _ = w.Write(body)
}

// mayFetch bounds how often and how slowly one address reads. The address is the
// connection's: what a header says of it counts for nothing.
func (s *Server) mayFetch(w http.ResponseWriter, r *http.Request) bool {
	from, err := netParse(r.RemoteAddr)
	if err != nil || !s.fetching.allow(from.Addr(), s.now()) {
		http.Error(w, "too often", http.StatusTooManyRequests)
		return false
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "no-store")
	// Where there is no deadline to set, the kernel's own ends it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.write))
	return true
}
