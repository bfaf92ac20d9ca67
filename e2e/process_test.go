// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// account is the ordinary user that the programs run as.
type account struct {
	uid, gid uint32
	other    bool // not the one who runs the tests
}

const accountName = "assist-e2e"

// ordinary returns the user of the programs; root makes one.
func ordinary() (account, error) {
	if os.Getuid() != 0 {
		return account{uint32(os.Getuid()), uint32(os.Getgid()), false}, nil
	}
	if _, err := user.Lookup(accountName); err != nil {
		if out, err := exec.Command("useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", accountName).CombinedOutput(); err != nil {
			return account{}, fmt.Errorf("make the user %s: %w: %s", accountName, err, out)
		}
	}
	u, err := user.Lookup(accountName)
	if err != nil {
		return account{}, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return account{uint32(uid), uint32(gid), true}, errors.Join(err1, err2)
}

// own gives a file to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// program is what to start.
type program struct {
	path string
	args []string
	env  []string // beside the necessary
	as   account  // whose process it is
	net  string   // network namespace; empty: the one of the tests
	log  string   // file that takes what it writes

	life *testing.T // the test with whose end it ends; nil: the one that starts it
}

// process is a program that was started, known by its pid alone.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // once done
}

// start starts a program; it is stopped at the end of the test at the latest.
func start(t *testing.T, p program) *process {
	t.Helper()
	path, args := p.path, p.args
	var cred *syscall.SysProcAttr
	switch {
	case p.net != "":
		args = append([]string{"netns", "exec", p.net, "setpriv", "--reuid", fmt.Sprint(p.as.uid),
			"--regid", fmt.Sprint(p.as.gid), "--clear-groups", path}, args...)
		path = "ip"
	case p.as.other:
		cred = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: p.as.uid, Gid: p.as.gid}}
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := exec.Command(path, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH")}, p.env...)
	c.Stdout, c.Stderr, c.SysProcAttr = out, out, cred
	c.Dir = filepath.Dir(p.log)
	if err := c.Start(); err != nil {
		t.Fatalf("start %s: %v", p.path, err)
	}
	r := &process{cmd: c, log: p.log, done: make(chan struct{})}
	go func() {
		r.err = c.Wait()
		close(r.done)
	}()
	if p.life == nil {
		p.life = t
	}
	p.life.Cleanup(r.stop)
	return r
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// ended reports whether the process has ended, whoever ended it.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the process to end, and ends it when it does not.
func (p *process) stop() {
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return
	case <-time.After(5 * time.Second):
	}
	p.kill()
}

// kill ends the process at once.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// said is what the process wrote so far.
func (p *process) said() string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// resident is the memory of the process that is in use, in bytes.
func (p *process) resident() (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid()))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// run runs a command to its end and returns what it printed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	var out, bad bytes.Buffer
	c.Stdout, c.Stderr = &out, &bad
	if err := c.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, &out, &bad)
	}
	return out.String()
}
