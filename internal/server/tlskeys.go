// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
)

// tlsKeys are the TLS key in use and the pin of the next one, as the files have
// them. The files change beside a running server; mu guards the rest.
type tlsKeys struct {
	mu   sync.Mutex
	seen [2]stamp // of key and next key
	cert *tls.Certificate
	next [32]byte // zero while none is announced
}

// stamp tells one version of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// loadTLS reads the keys when a file has changed.
func (s *Server) loadTLS() error {
	s.tls.mu.Lock()
	defer s.tls.mu.Unlock()
	now := [2]stamp{stampOf(s.path(fileTLSKey)), stampOf(s.path(fileTLSNext))}
	if s.tls.cert != nil && now == s.tls.seen {
		return nil
	}
	cert, err := s.readTLS()
	if err != nil {
		return err
	}
	next, err := readNext(s.path(fileTLSNext))
	if err != nil {
		return err
	}
	s.tls.seen, s.tls.cert, s.tls.next = now, cert, next
	return nil
}

// readTLS takes the key; clients pin it and nothing else. A certificate that is
// left from the key before is made anew, in memory.
func (s *Server) readTLS() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(s.path(fileTLSCert), s.path(fileTLSKey))
	if err == nil && cert.Leaf != nil {
		return &cert, nil
	}
	key, keyErr := readTLSKey(s.path(fileTLSKey))
	old, oldErr := readPEM(s.path(fileTLSCert), blockTLSCert)
	if keyErr != nil || oldErr != nil {
		return nil, fmt.Errorf("server: tls certificate: %w", err)
	}
	leaf, oldErr := x509.ParseCertificate(old)
	if oldErr != nil || key.PublicKey.Equal(leaf.PublicKey) {
		return nil, fmt.Errorf("server: tls certificate: %w", err)
	}
	der, err := selfSigned(key, s.cfg.Server.Address)
	if err != nil {
		return nil, err
	}
	leaf, err = x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("server: tls certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// readTLSKey takes ECDSA keys alone: what else lies there was put there by hand.
func readTLSKey(path string) (*ecdsa.PrivateKey, error) {
	der, err := readPEM(path, blockTLSKey)
	if err != nil {
		return nil, err
	}
	any, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("server: tls key: %w", err)
	}
	key, ok := any.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("server: tls key: %s is of another kind", path)
	}
	return key, nil
}

// readNext is the pin of a key that is announced, or zeros.
func readNext(path string) (pin [32]byte, err error) {
	key, err := readTLSKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return pin, nil
	}
	if err != nil {
		return pin, err
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return pin, fmt.Errorf("server: tls key: %w", err)
	}
	return trust.PinOf(spki), nil
}

// certificate is asked for at each handshake.
func (s *Server) certificate() *tls.Certificate {
	s.tls.mu.Lock()
	defer s.tls.mu.Unlock()
	return s.tls.cert
}

// pins are those of the key in use and of the next one.
func (s *Server) pins() (now, next [32]byte) {
	s.tls.mu.Lock()
	defer s.tls.mu.Unlock()
	return trust.PinOf(s.tls.cert.Leaf.RawSubjectPublicKeyInfo), s.tls.next
}

// draftServer is how clients reach this server, in the one form of a charter.
func (s *Server) draftServer() (DraftServer, error) {
	if err := s.loadTLS(); err != nil {
		return DraftServer{}, err
	}
	host, port, err := net.SplitHostPort(strings.ToLower(s.cfg.Server.Address))
	n, perr := strconv.ParseUint(port, 10, 16)
	if err := errors.Join(err, perr); err != nil {
		return DraftServer{}, fmt.Errorf("%w: server.address: %w", ErrConfig, err)
	}
	now, next := s.pins()
	return DraftServer{net.JoinHostPort(host, strconv.FormatUint(n, 10)), formatPin(now), formatPin(next)}, nil
}

// AnnounceTLS makes the next TLS key. The next charter announces it; SwitchTLS
// takes it into use once that charter is out.
func (s *Server) AnnounceTLS(ctx context.Context) error {
	if _, next := s.pins(); next != [32]byte{} {
		return fmt.Errorf("%w: a next key is there already, %s: publish a charter that announces it (charter sign), wait a week or so, then \"tls switch\"", ErrTLS, s.path(fileTLSNext))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTLS, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTLS, err)
	}
	if err := writePEM(s.path(fileTLSNext), blockTLSKey, der); err != nil {
		return err
	}
	if err := s.loadTLS(); err != nil {
		return err
	}
	_, next := s.pins()
	return s.record(ctx, &journal.ServerKeyAnnounced{Pin: hex.EncodeToString(next[:]), By: s.store.by})
}

// SwitchTLS takes the announced key into use; a running server does so within a
// second. It refuses while the charter in force does not announce it: no client
// could follow.
func (s *Server) SwitchTLS(ctx context.Context) error {
	now, next := s.pins()
	if next == [32]byte{} {
		return fmt.Errorf("%w: there is no next key; make one first (tls next)", ErrTLS)
	}
	at, err := s.draftServer()
	if err != nil {
		return err
	}
	c := s.inForce().current(s.now())
	if c == nil || !announces(c, trust.Server{Address: at.Address, Pin: now, Next: next}) {
		return fmt.Errorf("%w: the charter in force does not announce the next key yet; sign and publish one first", ErrTLS)
	}
	key, err := readTLSKey(s.path(fileTLSNext))
	if err != nil {
		return err
	}
	cert, err := selfSigned(key, s.cfg.Server.Address)
	if err != nil {
		return err
	}
	// The key decides. Between the two steps the certificate is of the key before,
	// and readTLS makes one in memory.
	if err := os.Rename(s.path(fileTLSNext), s.path(fileTLSKey)); err != nil {
		return fmt.Errorf("%w: %w", ErrTLS, err)
	}
	if err := replaceFile(s.path(fileTLSCert), pem.EncodeToMemory(&pem.Block{Type: blockTLSCert, Bytes: cert})); err != nil {
		return err
	}
	if err := s.loadTLS(); err != nil {
		return err
	}
	return s.record(ctx, &journal.ServerKeyChanged{Pin: hex.EncodeToString(next[:]), By: s.store.by})
}

// announces wants the whole line: another key announced for the address is not this one.
func announces(c *trust.Charter, want trust.Server) bool {
	for _, one := range c.Servers {
		if one == want {
			return true
		}
	}
	return false
}
