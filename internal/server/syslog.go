// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"assist/internal/journal"
)

// What a syslog message says of itself: facility 13 is log audit; 32473 is the number
// set aside for examples (RFC 5612), since this project has none of its own.
const (
	syslogFacility   = 13
	syslogEnterprise = "32473"
	syslogSink       = "syslog"
)

// syslogBatch is how many entries are sent between two looks at the clock.
const syslogBatch = 200

// sendSyslog sends the journal to a syslog server until ctx ends. The journal itself is
// the queue, on disk and bounded by its retention; the position is kept in SQL. Each new
// connection begins a margin before it: entries come at least once, and what was purged
// unsent shows as a gap in seq.
func (s *Server) sendSyslog(ctx context.Context) {
	if s.cfg.Journal.Syslog == "" {
		return
	}
	wait := time.Second // doubled to a minute, and begun anew after a connection that held
	for ctx.Err() == nil {
		begun := time.Now()
		if err := s.syslogOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("the journal could not be sent to syslog", "error", err)
		}
		if time.Since(begun) > time.Minute {
			wait = time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Minute)
	}
}

// syslogOnce sends over one connection until it breaks.
func (s *Server) syslogOnce(ctx context.Context) error {
	conf, err := s.cfg.Journal.tls()
	if err != nil {
		return err
	}
	dial, cancel := context.WithTimeout(ctx, s.limits.hello)
	defer cancel()
	dialled, err := s.cfg.Journal.dial(dial)
	if err != nil {
		return err
	}
	defer func() { _ = dialled.Close() }()
	unhook := context.AfterFunc(ctx, func() { _ = dialled.Close() })
	defer unhook()
	tcp, ok := dialled.(*net.TCPConn)
	if !ok {
		return errGone // it always is one
	}
	raw := &counted{TCPConn: tcp}
	conn := tls.Client(raw, conf)
	if err := conn.HandshakeContext(dial); err != nil {
		return err
	}
	kept, err := s.sent(ctx)
	if errors.Is(err, errBeyond) {
		s.log.Error("the whole journal is sent to syslog once more", "error", err)
		err = nil
	}
	if err != nil {
		return err
	}
	return s.stream(ctx, &courier{raw: raw, conn: conn, kept: kept, sent: max(0, kept-s.limits.margin),
		waiting: func() (int64, error) { return unacknowledged(tcp) }})
}

// sent is the number of the last entry that arrived, or zero with errBeyond: by such a
// position no entry would be sent any more.
func (s *Server) sent(ctx context.Context) (int64, error) {
	kept, err := s.store.sink(ctx, syslogSink)
	if err != nil {
		return 0, err
	}
	size, err := journal.Size(ctx, s.store.reader)
	if err != nil {
		return 0, err
	}
	if kept > size {
		return 0, errBeyond
	}
	return kept, nil
}

// dial reaches the other side, not yet in TLS. It is the one connection that the server opens by
// itself, to the address that the unit configured.
func (c *journalConfig) dial(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", c.Syslog)
}

// tls is how the other side is known, and how it knows this one.
func (c *journalConfig) tls() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(c.Syslog)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: host}
	if c.SyslogAuthority != "" {
		pem, err := os.ReadFile(c.SyslogAuthority)
		if err != nil {
			return nil, err
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: %s holds no certificate", ErrConfig, c.SyslogAuthority)
		}
	}
	if c.SyslogCertificate != "" {
		pair, err := tls.LoadX509KeyPair(c.SyslogCertificate, c.SyslogKey)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrConfig, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// counted is a connection that counts what is written to it: by its owner, and by TLS
// when it answers the other side.
type counted struct {
	*net.TCPConn
	written atomic.Int64 // bytes
}

// Write counts what the system took, also of a write that failed half-way.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.TCPConn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// mark is how far a connection had come at a moment.
type mark struct {
	number  int64 // of the last entry sent
	written int64 // bytes, by then
	at      time.Time
}

// courier is one connection to the syslog server, and how far it has come.
type courier struct {
	raw     *counted
	conn    net.Conn // TLS, over raw
	waiting func() (int64, error)
	sent    int64  // number of the last entry sent
	kept    int64  // number of the last one that the other system has taken, as the store has it
	marks   []mark // oldest first; no more than the kernel's buffer holds
}

// arrived is the last entry that the other side's system has taken, as its kernel says
// where that can be asked, and which was sent long enough ago where it cannot; zero when
// it is no later than what is known.
func (c *courier) arrived(now time.Time, wait time.Duration) (int64, error) {
	written := c.raw.written.Load() // before the question: it may be too little, never too much
	left, err := c.waiting()
	if err != nil {
		return 0, err
	}
	var number int64
	for len(c.marks) > 0 && c.marks[0].written <= written-left && now.Sub(c.marks[0].at) >= wait {
		number, c.marks = c.marks[0].number, c.marks[1:]
	}
	if number <= c.kept { // of the margin, which is sent again
		return 0, nil
	}
	return number, nil
}

// stream sends what is new, each second, and keeps the position. Syslog confirms nothing:
// what the other side's system has taken, the syslog server may never read. The margin
// that is sent again on the next connection is for that.
func (s *Server) stream(ctx context.Context, c *courier) error {
	tick := time.NewTicker(s.limits.kick)
	defer tick.Stop()
	gone := make(chan error, 1)
	go func() { // a syslog server says nothing; the end of the connection is all there is to read
		_, err := c.conn.Read(make([]byte, 1))
		gone <- errors.Join(errGone, err)
	}()
	for {
		n, err := s.send(ctx, c)
		if err != nil {
			return err
		}
		number, err := c.arrived(time.Now(), s.limits.arrive)
		if err != nil {
			return err
		}
		if number > 0 {
			if err := s.store.setSink(ctx, syslogSink, number); err != nil {
				return err
			}
			c.kept = number
		}
		if n == syslogBatch {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-gone:
			return err
		case <-tick.C:
		}
	}
}

// send writes what is new, a batch at most, and returns how many entries that were.
func (s *Server) send(ctx context.Context, c *courier) (int, error) {
	list, err := journal.After(ctx, s.store.reader, c.sent, syslogBatch)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	if err := s.frames(c.conn, list); err != nil {
		return 0, err
	}
	c.sent = list[len(list)-1].Number
	c.marks = append(c.marks, mark{c.sent, c.raw.written.Load(), time.Now()})
	return len(list), nil
}

// frames writes entries, each behind its length (RFC 5425).
func (s *Server) frames(conn net.Conn, list []journal.Entry) error {
	var b []byte
	host, _, err := net.SplitHostPort(s.cfg.Server.Address)
	if err != nil {
		return err
	}
	for _, e := range list {
		m := syslogMessage(e, host)
		b = append(append(strconv.AppendInt(b, int64(len(m)), 10), ' '), m...)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(s.limits.write)); err != nil {
		return err
	}
	_, err = conn.Write(b)
	return err
}

// syslogMessage is an entry as RFC 5424 has it. The entry's bytes are JSON: no control
// character stands in them as itself.
func syslogMessage(e journal.Entry, host string) string {
	k := e.Keys()
	var data strings.Builder
	for _, p := range []struct{ name, value string }{
		{"seq", strconv.FormatInt(e.Number, 10)}, {"session", k.Session}, {"login", k.Login}, {"machine", k.Machine},
	} {
		if p.value != "" {
			fmt.Fprintf(&data, ` %s="%s"`, p.name, strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(p.value))
		}
	}
	return fmt.Sprintf("<%d>1 %s %s assist-server - %s [assist@%s%s] \ufeff%s", syslogFacility*8+severity(e.Event),
		e.At.UTC().Format("2006-01-02T15:04:05.000Z"), host, e.Event.Type(), syslogEnterprise, data.String(), e.Body)
}

// severity is 4 for what somebody should look at, 5 for what changes who may do what,
// 6 for the rest.
func severity(e journal.Event) int {
	switch e.(type) {
	case *journal.LoginRefused, *journal.SessionReported, *journal.JournalRestarted:
		return 4
	case *journal.TechnicianAdded, *journal.TechnicianEnrolled, *journal.TechnicianCertified, *journal.TechnicianDisabled,
		*journal.JournalPurged, *journal.JournalRetention, *journal.SessionHeld, *journal.SessionReleased:
		return 5
	}
	return 6
}

// sink is how far a copy of the journal has come.
func (st *store) sink(ctx context.Context, name string) (int64, error) {
	var n int64
	err := st.reader.QueryRowContext(ctx, `select number from journal_sink where name = ?`, name).Scan(&n)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("server: database: %w", err)
	}
	return n, nil
}

// setSink is written by one goroutine, that of sendSyslog.
func (st *store) setSink(ctx context.Context, name string, number int64) error {
	return st.write(ctx, func(t *transaction) error {
		_, err := t.exec(`insert into journal_sink values (?, ?) on conflict (name) do update set number = excluded.number`, name, number)
		return err
	})
}
