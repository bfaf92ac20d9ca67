// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	_ "modernc.org/sqlite" // the server's database
)

// The one technician of the unit.
const (
	unitName   = "INCI"
	techLogin  = "camille"
	techName   = "Camille Martin"
	techRole   = "Assistance informatique"
	techSecret = "une phrase de passe assez longue"
)

// server is a unit's server, run as an ordinary user.
type server struct {
	bin, dir string
	address  string // where clients look for it
	listens  string // where it is
	as       account
	proc     *process
	join     string // join code
	life     *testing.T
}

// newServer sets a server up at an address of this machine and starts it.
func newServer(t *testing.T, bin, dir, host string, as account) *server {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{life: t, bin: bin, dir: filepath.Join(dir, "server"), address: l.Addr().String(), listens: l.Addr().String(), as: as}
	_ = l.Close()
	pass := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(pass, []byte("the unit key of the end-to-end tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := as.own(pass); err != nil {
		t.Fatal(err)
	}
	out := s.command(t, "init", "--name", unitName, "--address", s.address, "--listen", s.address,
		"--stun", "off", "--passphrase-file", pass)
	s.join = strings.Join(strings.Fields(regexp.MustCompile(`ASSIST1-[0-9A-Z-]+(\s+[0-9A-Z-]+)*`).FindString(out)), "")
	if s.join == "" {
		t.Fatalf("no join code in:\n%s", out)
	}
	s.run(t)
	return s
}

// command runs assist-server to its end, as the server's own user.
func (s *server) command(t *testing.T, args ...string) string {
	t.Helper()
	i := 1
	if args[0] == "technician" || args[0] == "journal" || args[0] == "charter" {
		i = 2
	}
	args = append(append(append([]string{}, args[:i]...), "--dir", s.dir), args[i:]...)
	log := filepath.Join(filepath.Dir(s.dir), fmt.Sprintf("server-%s-%d.log", args[0], time.Now().UnixNano()))
	p := start(t, program{path: s.bin, args: args, as: s.as, log: log})
	<-p.done
	if p.err != nil {
		t.Fatalf("assist-server %v: %v\n%s", args, p.err, p.said())
	}
	return p.said()
}

// run starts the server and waits until it can be reached.
func (s *server) run(t *testing.T) {
	t.Helper()
	s.proc = start(t, program{path: s.bin, as: s.as, life: s.life, log: filepath.Join(filepath.Dir(s.dir), "server.log"),
		args: []string{"run", "--dir", s.dir, "--passphrase-file", filepath.Join(filepath.Dir(s.dir), "passphrase")}})
	eventually(t, aWhile, "server at "+s.listens, func() error {
		c, err := net.Dial("tcp", s.listens)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, s.proc.said())
		}
		return c.Close()
	})
}

// invite makes the technician's account and returns the enrolment code.
func (s *server) invite(t *testing.T) string {
	t.Helper()
	out := s.command(t, "technician", "add", "--login", techLogin, "--name", techName, "--role", techRole)
	code := regexp.MustCompile(`\b[0-9A-Z]{5}(-[0-9A-Z]{5})+\b`).FindString(out)
	if code == "" {
		t.Fatalf("no enrolment code in:\n%s", out)
	}
	return code
}

// authenticator is the technician's phone.
type authenticator struct {
	s      *server
	secret string
	step   int64 // of the last code given out
}

const totpStep = 30 // seconds

// next is a code that was not used yet. Codes come faster here than a phone gives
// them, so once all valid ones are used the server is made to forget that they
// were; the test of a code used twice does without this.
func (a *authenticator) next(t *testing.T) string {
	t.Helper()
	now := time.Now().Unix() / totpStep
	a.step = max(a.step+1, now) // the one before could run out while it is typed
	if a.step > now+1 {
		a.s.forgetCodes(t)
		a.step = now
	}
	return a.code(t, a.step)
}

func (a *authenticator) code(t *testing.T, step int64) string {
	t.Helper()
	c, err := totp.GenerateCode(a.secret, time.Unix(step*totpStep, 0))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// forgetCodes lets used codes be used again.
func (s *server) forgetCodes(t *testing.T) {
	t.Helper()
	file, err := s.database()
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`update technician set totp_last_step = 0`); err != nil {
		t.Fatal(err)
	}
}

// forgetFailures clears the counters of wrong attempts, as a quiet day would.
func (s *server) forgetFailures(t *testing.T) {
	t.Helper()
	file, err := s.database()
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`delete from attempt`); err != nil {
		t.Fatal(err)
	}
}

func (s *server) database() (string, error) {
	found, err := filepath.Glob(filepath.Join(s.dir, "*.db"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("databases in %s: %v %w", s.dir, found, err)
	}
	return found[0], nil
}
