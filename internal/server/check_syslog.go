// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	// syslogPatience bounds the look at the syslog server.
	syslogPatience = 5 * time.Second
	// syslogSilence is for how long a syslog server that takes this one says nothing.
	syslogSilence = 500 * time.Millisecond
	// expiresSoon is when a certificate is told to be renewed.
	expiresSoon = 30 * 24 * time.Hour
)

// syslog connects to the syslog server as run does, and sends nothing.
func (f *Findings) syslog(ctx context.Context, s *Server) {
	to := s.cfg.Journal.Syslog
	if to == "" {
		return
	}
	far, err := s.copied(ctx)
	if err != nil {
		f.add(Bad, "syslog", "%v", err)
		return
	}
	until, err := syslogGreets(ctx, &s.cfg.Journal, min(s.limits.hello, syslogPatience))
	switch {
	case err != nil:
		f.add(Bad, "syslog", "%s: %s. Until then they stay in the journal: %s (%v)", to, syslogAdvice(err), far.english(), err)
	case until.Sub(s.now()) < expiresSoon:
		f.add(Note, "syslog", "WARNING: the certificate of %s ends on %s: renew it there", to, day(until))
	default:
		f.add(Good, "syslog", "%s answers over TLS 1.3; its certificate is good until %s; %s", to, day(until), far.english())
	}
}

// syslogGreets says until when the other side's certificate is good.
func syslogGreets(ctx context.Context, c *journalConfig, patience time.Duration) (time.Time, error) {
	conf, err := c.tls()
	if err != nil {
		return time.Time{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	raw, err := c.dial(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = raw.Close() }()
	conn := tls.Client(raw, conf)
	if err := conn.HandshakeContext(ctx); err != nil {
		return time.Time{}, err
	}
	// In TLS 1.3 a server that wants another client certificate says so after the handshake.
	if err := conn.SetReadDeadline(time.Now().Add(syslogSilence)); err != nil {
		return time.Time{}, err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return time.Time{}, fmt.Errorf("%w: %w", errGone, err)
	}
	return conn.ConnectionState().PeerCertificates[0].NotAfter, nil
}

// syslogAdvice says what to do about a syslog server that cannot be spoken to.
func syslogAdvice(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var file *os.PathError
	var dial *net.OpError
	switch {
	case errors.As(err, &file) || errors.Is(err, ErrConfig):
		return "a file that journal.syslog_authority, syslog_certificate or syslog_key names cannot be used; mend it"
	case errors.As(err, &name):
		return "its name is not found in DNS; mend journal.syslog or the DNS"
	case errors.As(err, &certificate):
		return certificateAdvice(certificate)
	case errors.As(err, &record):
		return "it does not speak TLS; name its port for TLS (6514 as a rule)"
	case errors.Is(err, errGone):
		return "it ended the connection; it may want a client certificate (journal.syslog_certificate)"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "it does not answer; start it, or let TCP through from here"
	case errors.Is(err, context.DeadlineExceeded):
		return "it does not answer in time; look at it, and at the firewall between"
	}
	return "no TLS 1.3 connection comes about; look at its own log"
}

func certificateAdvice(err *tls.CertificateVerificationError) string {
	var stranger x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &stranger):
		return "nobody known vouches for its certificate; name its authority's file in journal.syslog_authority"
	case errors.As(err, &host):
		return "its certificate is for another name; write that name in journal.syslog, or give it a certificate for this one"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has run out, or the clock here is wrong; renew it there"
	}
	return "its certificate is not to be believed; renew it there"
}
