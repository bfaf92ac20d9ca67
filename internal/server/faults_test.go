// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assist/internal/journal"
	"assist/internal/wire"
)

// jam makes SQLite refuse to write a kind of journal entry, as a full disk
// would: the statement fails in the middle of the transaction.
func (r *rig) jam(kind string) {
	r.t.Helper()
	_, err := r.store.writer.ExecContext(r.t.Context(), `create trigger jam before insert on journal
		when new.type like '`+kind+`' begin select raise(abort, 'database or disk is full'); end`)
	must(r.t, err)
}

func (r *rig) unjam() {
	r.t.Helper()
	_, err := r.store.writer.ExecContext(r.t.Context(), `drop trigger jam`)
	must(r.t, err)
}

// No record, no request: the machine hears nothing of it.
func TestJournalFailureRefusesTheRequest(t *testing.T) {
	r := served(t)
	host := r.host(0)
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	r.jam("session.%")
	id, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	if m := c.refused(wire.RefusedJournal); m.Session != id {
		t.Errorf("refusal names session %x", m.Session)
	}
	left, err := r.store.unanswered(t.Context())
	must(t, err)
	if len(left) != 0 {
		t.Errorf("a session without a record: %v", left)
	}
	r.unjam()
	r.advance(totpStep * time.Second)
	next, env := r.request(p, cert, r.fix.numbers[0])
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	if ring := expect[*wire.Ring](host); ring.Session != next {
		t.Error("the request without a record reached the host")
	}
}

// A disk that is full, as SQLite itself says it.
func TestFullDatabaseRefusesTheRequest(t *testing.T) {
	r := served(t)
	r.host(0)
	p := r.enrolled("claire")
	c, cert := r.technician(p)
	_, env := r.request(p, cert, r.fix.numbers[0])
	must(t, r.fillUp())
	c.send(&wire.Ask{TOTP: r.code(p, 0), Request: env})
	c.refused(wire.RefusedJournal)
	// Or the server could not record its own stop.
	_, err := r.store.writer.Exec(`pragma max_page_count = 100000`)
	must(t, err)
}

// fillUp forbids the database to grow and uses up what is left inside it.
func (r *rig) fillUp() error {
	ctx := r.t.Context()
	var pages int
	if err := r.store.writer.QueryRowContext(ctx, `pragma page_count`).Scan(&pages); err != nil {
		return err
	}
	if err := r.store.writer.QueryRowContext(ctx, `pragma max_page_count = 1`).Scan(&pages); err != nil {
		return err
	}
	for size := 4096; size > 0; size /= 2 {
		for {
			err := r.store.write(ctx, func(t *transaction) error {
				return t.record(r.now(), &journal.TechnicianAdded{Name: strings.Repeat("x", min(size, 500))})
			})
			if err != nil {
				break
			}
		}
	}
	for {
		err := r.store.write(ctx, func(t *transaction) error {
			_, err := t.exec(`insert into attempt values (hex(randomblob(40)), 1, 0, ?)`, r.now().UnixMilli())
			return err
		})
		if err != nil {
			return nil
		}
	}
}

// A grant that cannot be recorded does not come about.
func TestJournalFailureUndoesTheAnswer(t *testing.T) {
	r := served(t)
	m := rung(r)
	r.jam("session.answered")
	m.host.send(&wire.Answered{Session: m.id, Answer: m.answer(wire.VerdictGranted)})
	for _, c := range []*client{m.host, m.technician} {
		if b := expect[*wire.Bye](c); b.Session != m.id || b.Reason != wire.EndServerStopped {
			t.Errorf("bye is %+v", b)
		}
	}
	if e := m.entriesEnded(); len(e) != 1 || e[0].By != byServer {
		t.Errorf("journal: %+v", e)
	}
}

// Ending never waits for the journal.
func TestJournalFailureDoesNotKeepASessionAlive(t *testing.T) {
	r := served(t)
	m := granted(r)
	r.jam("session.ended")
	m.host.send(&wire.Bye{Session: m.id, Reason: wire.EndUserCut})
	if b := expect[*wire.Bye](m.technician); b.Reason != wire.EndUserCut {
		t.Errorf("bye is %+v", b)
	}
	r.unjam()
}

func TestLoginFailsWhenNothingCanBeRecorded(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	r.jam("login.%")
	c := r.dial()
	c.login(p, testPassword)
	c.refused(wire.RefusedBusy)
	c.closed()
}

// disable is what the command line does, in another process's database handle.
func (r *rig) disableElsewhere(login string) {
	r.t.Helper()
	other, err := Open(r.dir, Options{})
	must(r.t, err)
	must(r.t, errors.Join(other.DisableTechnician(r.t.Context(), login), other.Close()))
}

func TestDisableEndsSessionsAndConnections(t *testing.T) {
	r := served(t)
	m := granted(r)
	start := time.Now()
	r.disableElsewhere("claire")
	for _, c := range []*client{m.host, m.technician} {
		if b := expect[*wire.Bye](c); b.Session != m.id || b.Reason != wire.EndRevoked {
			t.Errorf("bye is %+v", b)
		}
	}
	m.technician.refused(wire.RefusedIdentity)
	m.technician.closed()
	if took := time.Since(start); took > prompt {
		t.Errorf("took %v", took)
	}
	if e := m.entriesEnded(); len(e) != 1 || e[0].By != byServer {
		t.Errorf("journal: %+v", e)
	}
	if e := entries[*journal.TechnicianDisabled](r); len(e) != 1 {
		t.Errorf("journal: %+v", e)
	}
	c := r.dial()
	c.login(m.person, testPassword)
	c.refused(wire.RefusedIdentity)
	// The others are left in peace.
	denis := r.enrolled("denis")
	r.technician(denis)
}

// A row that nothing of ours wrote does not keep the account's other sessions going.
func TestDisableDespiteAStrangeRow(t *testing.T) {
	r := served(t)
	m := granted(r)
	r.tampers(`insert into session (rowid, id, machine, technician, login, asked, answered)
		select -1, '0', machine, technician, login, asked, answered from session limit 1`)
	m.technician.ws.CloseNow()
	r.disableElsewhere("claire")
	if b := expect[*wire.Bye](m.host); b.Session != m.id || b.Reason != wire.EndRevoked {
		t.Errorf("bye is %+v", b)
	}
}

func TestDisableReachesAHostThatWasAway(t *testing.T) {
	r := served(t)
	m := granted(r)
	m.host.ws.CloseNow()
	m.technician.ws.CloseNow()
	r.disableElsewhere("claire")
	waitFor(t, func() bool { return len(m.entriesEnded()) == 1 })
	m.host = r.host(0)
	if b := expect[*wire.Bye](m.host); b.Session != m.id || b.Reason != wire.EndRevoked {
		t.Errorf("bye is %+v", b)
	}
}

func TestDisableInTheMiddleOfAnEnrolment(t *testing.T) {
	r := served(t)
	code, k := r.invite("paul")
	c := r.dial()
	c.enrol(code, goodPassword, k)
	p := c.scan(k)
	r.disableElsewhere("paul")
	c.send(&wire.EnrolConfirm{TOTP: r.code(p, 0)})
	c.refused(wire.RefusedIdentity)
	list, err := r.Technicians(t.Context())
	must(t, err)
	if list[0].State != StateDisabled {
		t.Errorf("list is %+v", list)
	}
}

func TestRestartLosesNothing(t *testing.T) {
	r := served(t)
	m := granted(r)
	before, err := r.Journal(t.Context(), JournalFilter{Limit: 1000}, Who{"rssi", "a test"})
	must(t, err)
	r = r.restart()
	after, err := r.Journal(t.Context(), JournalFilter{Limit: 1000}, Who{"rssi", "a test"})
	must(t, err)
	byNumber := map[int64]string{}
	for _, e := range after {
		byNumber[e.Number] = string(e.Body)
	}
	for _, e := range before {
		if byNumber[e.Number] != string(e.Body) {
			t.Errorf("entry %d is lost", e.Number)
		}
	}
	// The granted session goes on for both ends.
	m.r = r
	m.host = r.host(0)
	m.technician, _ = r.technician(m.person)
	m.technician.send(&wire.Signal{Session: m.id, Sequence: 3, Body: []byte("still here")})
	if s := expect[*wire.Signal](m.host); string(s.Body) != "still here" {
		t.Errorf("signal is %+v", s)
	}
	if _, err := r.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStopEndsWhatWasNotAnswered(t *testing.T) {
	r := served(t)
	m := rung(r)
	done := make(chan error, 1)
	go func() { done <- r.stop() }()
	for _, c := range []*client{m.host, m.technician} {
		if b := expect[*wire.Bye](c); b.Session != m.id || b.Reason != wire.EndServerStopped {
			t.Errorf("bye is %+v", b)
		}
		go c.closed() // answers the closing handshake
	}
	must(t, <-done)
	if e := m.entriesEnded(); len(e) != 1 || e[0].Reason != uint8(wire.EndServerStopped) {
		t.Errorf("journal: %+v", e)
	}
	if e := entries[*journal.ServerStopped](r); len(e) != 1 {
		t.Errorf("journal: %+v", e)
	}
}

// After a kill nobody said goodbye; the next start does it.
func TestRecoveryAfterAKill(t *testing.T) {
	r := unserved(t)
	p := r.enrolled("claire")
	a, err := r.store.accountBy(t.Context(), "login", p.login)
	must(t, err)
	must(t, r.beginSession(t.Context(), asked{id: wire.SessionID{1}, account: a, machine: r.fix.numbers[0], address: "::1", reason: "x"}))
	r.run()
	waitFor(t, func() bool { return len(entries[*journal.SessionEnded](r)) == 1 })
}

// What the configuration names is in a copy where it lies in the data directory; what is not is told,
// and a file that is missing keeps nobody from a backup.
func TestABackupHasTheFilesThatTheConfigurationNames(t *testing.T) {
	r := unserved(t)
	must(t, os.Mkdir(r.path("syslog"), 0o700))
	must(t, os.WriteFile(r.path("syslog/ca.pem"), []byte("authority"), 0o600))
	away := filepath.Join(t.TempDir(), "key.pem")
	r.cfg.Journal.SyslogAuthority, r.cfg.Journal.SyslogCertificate, r.cfg.Journal.SyslogKey = r.path("syslog/ca.pem"), r.path("gone.pem"), away
	r.cfg.Unit.PassphraseFile = r.path("passphrase")
	must(t, os.WriteFile(r.cfg.Unit.PassphraseFile, []byte(testPassphrase), 0o600))
	to := filepath.Join(t.TempDir(), "copy")
	must(t, r.Backup(t.Context(), to))
	if b, err := os.ReadFile(filepath.Join(to, "syslog", "ca.pem")); err != nil || string(b) != "authority" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(to, "passphrase")); err == nil {
		t.Error("the passphrase lies beside the key that it opens")
	}
	if got := r.NotCopied(); !slices.Equal(got, []string{away, r.cfg.Unit.PassphraseFile}) {
		t.Errorf("not copied: %q", got)
	}
	r.cfg.Journal.SyslogKey = r.path("syslog/ca.pem") // one file with both, and one of ours
	r.cfg.Journal.SyslogCertificate = r.path(fileTLSCert)
	must(t, r.Backup(t.Context(), to+"2"))
}

// Backup is a copy; restore puts it back.
func TestBackupAndRestore(t *testing.T) {
	r := served(t)
	p := r.enrolled("claire")
	r.technician(p)
	backup := t.TempDir() + "/backup"
	must(t, r.Backup(t.Context(), backup))
	if err := r.Backup(t.Context(), backup); err == nil {
		t.Error("a backup was overwritten")
	}
	info, err := os.Stat(backup)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("rights are %o", info.Mode().Perm())
	}
	again := opened(t, backup, r.fix)
	again.clock.Store(r.clock.Load())
	again.run()
	again.technician(p)
	if again.JoinCode().String() != r.JoinCode().String() {
		t.Error("clients would not know the restored server")
	}
	if _, err := again.VerifyJournal(t.Context()); err != nil {
		t.Error(err)
	}
}
