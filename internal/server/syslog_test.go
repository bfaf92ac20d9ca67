// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
)

func TestSyslogMessage(t *testing.T) {
	e := journal.Entry{Number: 7, At: time.Date(2026, 11, 21, 9, 0, 0, 123e6, time.UTC), Body: []byte(`{"v":1}`),
		Event: &journal.LoginRefused{Login: `a"b]c\`, Address: "192.0.2.1", At: "totp"}}
	want := `<108>1 2026-11-21T09:00:00.123Z assist.example assist-server - login.refused [assist@32473 seq="7" login="a\"b\]c\\"] ` + "\ufeff" + `{"v":1}`
	if got := string(syslogMessage(e, "assist.example")); got != want {
		t.Errorf("message is\n%s\nwant\n%s", got, want)
	}
	e.Event = &journal.SessionReported{Session: "51"} // somebody should look at this one
	if got := string(syslogMessage(e, "assist.example")); !strings.HasPrefix(got, "<108>1 ") {
		t.Errorf("a report is %s", got)
	}
}

// frames reads octet-counted messages until the connection ends, and returns their seq.
func frames(conn net.Conn, got chan<- int64) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		length, err := in.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSpace(length))
		if err != nil {
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		_, rest, _ := strings.Cut(string(b), `seq="`)
		number, _, _ := strings.Cut(rest, `"`)
		seq, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return
		}
		got <- seq
	}
}

// sinkFor is a syslog server that the configuration names; serve has each connection, in
// order. It shows the certificate in dir, which this system's authorities vouch for.
func sinkFor(r *rig, dir string, serve func(n int, conn *tls.Conn)) {
	r.t.Helper()
	r.t.Setenv("SSL_CERT_FILE", dir+"/"+fileTLSCert)
	pair, err := tls.LoadX509KeyPair(dir+"/"+fileTLSCert, dir+"/"+fileTLSKey)
	must(r.t, err)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13})
	must(r.t, err)
	r.t.Cleanup(func() { ln.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(n, conn.(*tls.Conn))
		}
	}()
	r.cfg.Journal.Syslog, r.cfg.Journal.SyslogAuthority = ln.Addr().String(), dir+"/"+fileTLSCert
	r.limits.kick, r.limits.arrive = 20*time.Millisecond, 20*time.Millisecond
}

// next is the number of the next entry that comes.
func next(t *testing.T, got <-chan int64) int64 {
	t.Helper()
	select {
	case seq := <-got:
		return seq
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
	return 0
}

// Entries arrive in order and without a gap, also over a connection that breaks: what
// was on its way then comes again.
func TestSyslogTLS(t *testing.T) {
	r := unserved(t)
	conns, got := make(chan net.Conn, 8), make(chan int64, 1000)
	sinkFor(r, r.dir, func(_ int, conn *tls.Conn) {
		conns <- conn
		frames(conn, got)
	})
	r.run()
	due := int64(1)
	until := func(last int64) {
		t.Helper()
		for due <= last {
			seq := next(t, got)
			if seq > due {
				t.Fatalf("entry %d comes where %d should", seq, due)
			}
			due = max(due, seq+1)
		}
	}
	n, err := journal.Size(t.Context(), r.store.reader)
	must(t, err)
	until(n)
	(<-conns).Close()
	for range 5 {
		must(t, r.record(t.Context(), &journal.TechnicianDisabled{Login: "claire"}))
	}
	until(n + 5)
}

// A syslog server that takes everything, reads nothing and dies has lost nothing: what its
// system has taken counts as arrived, and comes again all the same.
func TestASyslogServerThatHangsLosesNothing(t *testing.T) {
	r := unserved(t)
	hung, got := make(chan *tls.Conn, 1), make(chan int64, 1000)
	sinkFor(r, r.dir, func(n int, conn *tls.Conn) {
		if n == 0 {
			conn.HandshakeContext(t.Context())
			hung <- conn
			return
		}
		frames(conn, got)
	})
	r.run()
	dies := <-hung
	last, err := journal.Size(t.Context(), r.store.reader)
	must(t, err)
	kept := func() int64 {
		n, err := r.store.sink(t.Context(), syslogSink)
		must(t, err)
		return n
	}
	waitFor(t, func() bool { return kept() >= last })
	must(t, dies.NetConn().(*net.TCPConn).SetLinger(0))
	dies.NetConn().Close() // killed
	for due := int64(1); due <= last; due++ {
		if seq := next(t, got); seq != due {
			t.Fatalf("entry %d comes where %d should", seq, due)
		}
	}
	if n := kept(); n < last {
		t.Errorf("the position went back from %d to %d", last, n)
	}
}

// The margin is one: what is further back does not come again.
func TestOnlyTheMarginIsSentAgain(t *testing.T) {
	r := unserved(t)
	last, err := journal.Size(t.Context(), r.store.reader)
	must(t, err)
	must(t, r.store.setSink(t.Context(), syslogSink, last))
	r.limits.margin = 2
	got := make(chan int64, 1000)
	sinkFor(r, r.dir, func(_ int, conn *tls.Conn) { frames(conn, got) })
	r.run()
	if seq := next(t, got); seq != last-1 {
		t.Errorf("entry %d comes first, want %d", seq, last-1)
	}
}

// What the other side's system has not taken is not counted, however long ago it was
// sent, nor what was sent a moment ago; the margin does not set the position back.
func TestArrivedIsWhatTheOtherSideHasTaken(t *testing.T) {
	then := time.Now()
	var left int64
	c := &courier{raw: &counted{}, kept: 5, waiting: func() (int64, error) { return left, nil }}
	c.raw.written.Store(600)
	c.marks = []mark{{3, 100, then}, {6, 200, then}, {7, 400, then.Add(time.Hour)}, {8, 600, then.Add(time.Hour)}}
	for _, step := range []struct {
		left, want int64
		at         time.Duration
	}{{600, 0, time.Minute}, {500, 0, time.Minute}, {401, 0, time.Minute}, {400, 6, time.Minute}, {0, 0, time.Minute}, {1, 7, 2 * time.Hour}, {0, 8, 2 * time.Hour}, {0, 0, 2 * time.Hour}} {
		left = step.left
		got, err := c.arrived(then.Add(step.at), time.Second)
		if err != nil || got != step.want {
			t.Errorf("%+v: arrived %d, %v", step, got, err)
		}
	}
	c.waiting = func() (int64, error) { return 0, errGone }
	if _, err := c.arrived(then, 0); !errors.Is(err, errGone) {
		t.Errorf("error is %v", err)
	}
}

// stranger shows a certificate for an address, by nobody but itself.
func stranger(t *testing.T, address string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, makeTLS(dir+"/"+fileTLSKey, dir+"/"+fileTLSCert, address))
	return dir
}

// Who cannot show a certificate of the authority, for the name in the configuration, gets
// nothing: also when this system's authorities vouch for it.
func TestSyslogRefusesAStranger(t *testing.T) {
	for name, c := range map[string]struct {
		shows, believed func(r *rig) string
		want            any
	}{
		"another authority": {func(r *rig) string { return r.dir }, func(r *rig) string { return stranger(r.t, "127.0.0.1:1") }, new(x509.UnknownAuthorityError)},
		"another name":      {func(r *rig) string { return r.path("elsewhere") }, func(r *rig) string { return r.path("elsewhere") }, new(x509.HostnameError)},
	} {
		t.Run(name, func(t *testing.T) {
			r := unserved(t)
			must(t, os.Mkdir(r.path("elsewhere"), 0o700))
			must(t, makeTLS(r.path("elsewhere/"+fileTLSKey), r.path("elsewhere/"+fileTLSCert), "elsewhere.example:1"))
			read := make(chan int, 1)
			sinkFor(r, c.shows(r), func(_ int, conn *tls.Conn) {
				n, _ := conn.Read(make([]byte, 1))
				conn.Close()
				read <- n
			})
			r.cfg.Journal.SyslogAuthority = c.believed(r) + "/" + fileTLSCert
			if err := r.syslogOnce(t.Context()); !errors.As(err, c.want) {
				t.Errorf("error is %v", err)
			}
			if n := <-read; n != 0 {
				t.Error("something was sent")
			}
			conf, err := r.cfg.Journal.tls()
			must(t, err)
			pem, err := os.ReadFile(r.cfg.Journal.SyslogAuthority)
			must(t, err)
			one := x509.NewCertPool()
			if !one.AppendCertsFromPEM(pem) || !conf.RootCAs.Equal(one) {
				t.Error("others than the one authority are believed")
			}
		})
	}
}

func TestEntriesAreJSONInEveryFrame(t *testing.T) {
	r := unserved(t)
	list, err := journal.After(t.Context(), r.store.reader, 0, 100)
	must(t, err)
	for _, e := range list {
		m := syslogMessage(e, "h")
		_, body, found := strings.Cut(m, "\ufeff")
		if !found || !json.Valid([]byte(body)) || strings.ContainsAny(m, "\r\n\x00") {
			t.Errorf("frame %q", m)
		}
	}
}

// A position beyond the journal's end, which whoever can write the database may set, stops
// nothing: all is sent again, and the administrator is told.
func TestACopyThatIsSaidToBeAheadIsMadeAnew(t *testing.T) {
	r := unserved(t)
	got := make(chan int64, 1000)
	sinkFor(r, r.dir, func(_ int, conn *tls.Conn) { frames(conn, got) })
	must(t, r.record(t.Context(), &journal.TechnicianDisabled{Login: "claire"}))
	must(t, r.store.setSink(t.Context(), syslogSink, 1<<40))
	var f Findings
	f.syslog(t.Context(), r.Server)
	if s := r.lookAtCopy(t.Context()); !f.Bad() || s.met {
		t.Errorf("check says %+v, compliance %+v", f, s)
	}
	r.run()
	select {
	case seq := <-got:
		if seq != 1 {
			t.Errorf("entry %d came first", seq)
		}
	case <-time.After(patience):
		t.Fatal("nothing is sent")
	}
}
