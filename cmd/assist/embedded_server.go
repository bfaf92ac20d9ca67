// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"assist/internal/config"
	"assist/internal/server"
	"assist/internal/trust"
	"assist/internal/ui"
)

// This file is the one place where the desktop app holds a server: for a trial on
// one computer, or for a very small unit. Its unit key lies beside it, with the
// passphrase, so whoever reads this user's files can sign technicians; a real unit
// keeps its key elsewhere.

const (
	trialPort    = 8443            // tried first; an ordinary user may open it
	trialStop    = 3 * time.Second // for the server to stop when the app is closed
	passFile     = "passphrase"
	trialUnit    = "Assist"
	maxLoginPart = 32
)

// trial is the server inside this app.
type trial struct {
	p   *program
	dir string

	mu      sync.Mutex // guards running
	running *trialRun  // nil while it does not
}

// trialRun is a server that serves.
type trialRun struct {
	server *server.Server
	stop   context.CancelFunc
	over   chan struct{}
}

func newTrial(p *program) *trial { return &trial{p: p, dir: filepath.Join(p.dirs.Data, "server")} }

// exists reports whether a server was set up here before.
func (t *trial) exists() bool {
	_, err := os.Stat(filepath.Join(t.dir, passFile))
	return err == nil
}

// serves reports whether the server of this code is the one inside this app.
func (t *trial) serves(code trust.JoinCode) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running != nil && t.running.server.JoinCode().Pin == code.Pin
}

// near is where this app itself reaches the server of a code, when that is the one
// inside it: over loopback, whatever becomes of the computer's addresses. It is empty
// for any other.
func (t *trial) near(code trust.JoinCode) string {
	if !t.serves(code) {
		return ""
	}
	_, port, err := net.SplitHostPort(code.Server)
	if err != nil {
		return ""
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// Start sets the server up, unless it is, runs it, and begins to enrol a technician.
func (t *trial) Start(ctx context.Context, f ui.TrialForm) (ui.Enrolment, error) {
	if !t.exists() {
		if err := t.init(); err != nil {
			t.p.log.Error("the server cannot be set up", "error", err)
			return nil, ui.ErrNoServer
		}
	}
	if err := t.run(); err != nil {
		t.p.log.Error("the server does not start", "error", err)
		return nil, ui.ErrNoServer
	}
	t.mu.Lock()
	s := t.running.server
	t.mu.Unlock()
	code, err := s.AddTechnician(ctx, server.Technician{Login: loginOf(f.Name), Name: f.Name, Role: f.Role})
	if err != nil {
		t.p.log.Error("the technician cannot be added", "error", err)
		return nil, ui.ErrNoServer
	}
	if err := t.p.join(s.JoinCode()); err != nil {
		return nil, err
	}
	return t.p.helper.Enrol(ctx, code, f.Password)
}

// Code is the join code of the server, empty while it does not run.
func (t *trial) Code() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == nil {
		return ""
	}
	return t.running.server.JoinCode().String()
}

// Invite lets a further technician in, by a code that is good once.
func (t *trial) Invite(ctx context.Context, i ui.Invitation) (string, error) {
	t.mu.Lock()
	r := t.running
	t.mu.Unlock()
	if r == nil {
		return "", ui.ErrNoServer
	}
	all, err := r.server.Technicians(ctx)
	if err != nil {
		t.p.log.Error("the technicians cannot be listed", "error", err)
		return "", ui.ErrNotInvited
	}
	who := server.Technician{Login: freeLogin(loginOf(i.Name), all), Name: i.Name, Role: i.Role}
	code, err := r.server.AddTechnician(ctx, who)
	if err != nil {
		t.p.log.Error("the technician cannot be invited", "error", err)
		return "", ui.ErrNotInvited
	}
	return code, nil
}

// freeLogin is a login that nobody uses: another person may have the same name.
func freeLogin(login string, all []server.Account) string {
	taken := map[string]bool{}
	for _, a := range all {
		taken[a.Login] = true
	}
	free := login
	for n := 2; taken[free]; n++ {
		free = fmt.Sprint(login, n)
	}
	return free
}

// init makes the server's folder. The passphrase is written last and says that the
// rest is whole.
func (t *trial) init() error {
	if err := os.RemoveAll(t.dir); err != nil { // half a set-up that was interrupted
		return err
	}
	address, err := trialAddress()
	if err != nil {
		return err
	}
	pass := rand.Text()
	_, err = server.Init(t.dir, server.Options{Name: trialUnit, Address: address, STUN: "off", Passphrase: pass})
	if err != nil {
		return err
	}
	return config.WriteFile(filepath.Join(t.dir, passFile), []byte(pass))
}

// run starts the server that was set up, unless it runs.
func (t *trial) run() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running != nil {
		return nil
	}
	pass, err := os.ReadFile(filepath.Join(t.dir, passFile))
	if err != nil {
		return err
	}
	s, err := server.Open(t.dir, server.Options{Passphrase: strings.TrimSpace(string(pass)), Version: buildVersion(), Log: t.p.log})
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return errors.Join(err, s.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &trialRun{server: s, stop: cancel, over: make(chan struct{})}
	go func() {
		defer close(r.over)
		if err := s.Run(ctx); err != nil && ctx.Err() == nil {
			t.p.log.Error("the server on this computer ended", "error", err)
		}
	}()
	t.running = r
	return nil
}

// close stops the server.
func (t *trial) close() {
	t.mu.Lock()
	r := t.running
	t.running = nil
	t.mu.Unlock()
	if r == nil {
		return
	}
	r.stop()
	select {
	case <-r.over:
	case <-time.After(trialStop):
		t.p.log.Warn("the server on this computer does not stop")
		return
	}
	if err := r.server.Close(); err != nil {
		t.p.log.Warn("the server's files", "error", err)
	}
}

// trialAddress is an address of this computer that others on its network can reach,
// and a port that is free now.
func trialAddress() (string, error) {
	host := "127.0.0.1"
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			host = n.IP.String()
			break
		}
	}
	for _, port := range []int{trialPort, 0} {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{Port: port})
		if err != nil {
			continue
		}
		defer l.Close()
		_, free, err := net.SplitHostPort(l.Addr().String())
		return net.JoinHostPort(host, free), err
	}
	return "", errors.New("no free port")
}

// loginOf makes a login of a name: ASCII letters, digits and dots.
func loginOf(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ' || r == '-' || r == '\'':
			b.WriteByte('.')
		default:
			b.WriteString(plainLetter(r))
		}
	}
	login := strings.Trim(b.String(), ".")
	login = login[:min(len(login), maxLoginPart)]
	if login == "" {
		return "technicien"
	}
	return login
}

// plainLetter is an accented letter without its accent.
func plainLetter(r rune) string {
	for _, pair := range []string{"aàâäáã", "cç", "eéèêë", "iîïí", "nñ", "oôöóõ", "uùûüú", "yÿ"} {
		if strings.ContainsRune(pair, r) {
			return pair[:1]
		}
	}
	return ""
}
