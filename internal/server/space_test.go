// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"assist/internal/journal"
)

func TestRoomIsJudged(t *testing.T) {
	for free, want := range map[uint64]Grade{0: Bad, noRoom - 1: Bad, noRoom: Note, leastRoom - 1: Note, leastRoom: Good} {
		if grade, text := judgeRoom("/data", free); grade != want || !strings.Contains(text, "/data") {
			t.Errorf("%d bytes: %s %s", free, grade, text)
		}
	}
}

func TestAClockThatNothingSetsIsSaid(t *testing.T) {
	for _, one := range []struct{ set, known, told bool }{{false, true, true}, {true, true, false}, {false, false, false}} {
		var f Findings
		f.timeServer(one.set, one.known)
		if (len(f) == 1 && f[0].Grade == Note) != one.told {
			t.Errorf("%+v: %+v", one, f)
		}
	}
}

// What a full disk says is told with what to do, whoever says it; anything else is left.
func TestErrorsOfAFullDiskSayWhatToDo(t *testing.T) {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}} {
		for _, err := range []error{fullStore("/data", full), fullFile("/data/x", fmt.Errorf("server: %w", full))} {
			if !errors.Is(err, ErrFull) || !errors.Is(err, full) || !strings.Contains(err.Error(), "Free some space") {
				t.Errorf("%v is told as %v", full, err)
			}
		}
	}
	other := errors.New("something else")
	if got := fullStore("/data", other); got != other {
		t.Errorf("told as %v", got)
	}
	if fullStore("/data", nil) != nil || fullFile("/data/x", nil) != nil {
		t.Error("an error of none")
	}
}

// SQLite's own word for it, without a file system that is full.
func TestADatabaseThatMayNotGrowIsFull(t *testing.T) {
	r := unserved(t)
	must(t, r.fillUp())
	err := r.record(t.Context(), &journal.JournalRead{By: "rssi", Reason: strings.Repeat("x", 400), What: "everything"})
	for range 50 {
		if err != nil {
			break
		}
		err = r.record(t.Context(), &journal.JournalRead{By: "rssi", Reason: strings.Repeat("x", 400), What: "everything"})
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("error is %v", err)
	}
	_, err = r.store.writer.Exec(`pragma max_page_count = 100000`)
	must(t, err)
}

// A request that cannot be recorded is refused, and the log says what to do.
func TestARequestOnAFullDiskIsRefusedAndSaid(t *testing.T) {
	log := &lockedBuffer{}
	r := unserved(t)
	r.log = textLog(log)
	p := r.enrolled("claire")
	a, err := r.store.accountBy(t.Context(), "login", p.login)
	must(t, err)
	must(t, r.fillUp())
	for i := 0; i < 50 && err == nil; i++ {
		err = r.beginSession(t.Context(), asked{id: [16]byte{byte(i)}, account: a, machine: r.fix.numbers[0], reason: strings.Repeat("x", 200)})
	}
	if !errors.Is(err, errJournal) || !strings.Contains(log.String(), "Free some space") {
		t.Errorf("%v; the log says %q", err, log.String())
	}
	_, err = r.store.writer.Exec(`pragma max_page_count = 100000`)
	must(t, err)
}

// What check says of a syslog server, with what to do about it.
func TestCheckLooksAtTheSyslogServer(t *testing.T) {
	silent := unserved(t)
	must(t, silent.Listen()) // a port that answers nobody
	for name, one := range map[string]struct {
		set  func(r *rig)
		want string
	}{
		"in order": {func(*rig) {}, "answers over TLS 1.3"},
		"copied":   {func(r *rig) { r.cfg.Journal.Syslog = "127.0.0.1:1" }, "; none is known to have arrived"},
		"no name":  {func(r *rig) { r.cfg.Journal.Syslog = "no-such-host.invalid:6514" }, "not found in DNS"},
		"closed":   {func(r *rig) { r.cfg.Journal.Syslog = "127.0.0.1:1" }, "does not answer"},
		"hangs": {func(r *rig) {
			r.cfg.Journal.Syslog, r.limits.hello = silent.Addr().String(), 300*time.Millisecond
		}, "does not answer in time"},
		"another authority": {func(r *rig) { r.cfg.Journal.SyslogAuthority = stranger(r.t, "127.0.0.1:1") + "/" + fileTLSCert }, "nobody known vouches"},
		"no file":           {func(r *rig) { r.cfg.Journal.SyslogAuthority = r.path("nothing") }, "cannot be used"},
		"ends soon":         {func(r *rig) { r.clock.Store(time.Now().Add(tlsLife - 24*time.Hour).UnixMilli()) }, "renew it there"},
	} {
		t.Run(name, func(t *testing.T) {
			r := unserved(t)
			sinkFor(r, r.dir, func(_ int, conn *tls.Conn) { _ = conn.Handshake(); <-t.Context().Done() })
			one.set(r)
			var f Findings
			f.syslog(t.Context(), r.Server)
			if len(f) != 1 || !strings.Contains(f[0].Text, one.want) || (f[0].Grade == Good) != (name == "in order") {
				t.Errorf("%+v", f)
			}
		})
	}
}
