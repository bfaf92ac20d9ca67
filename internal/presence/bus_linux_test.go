// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// soon is how long a test waits for what must come at once, on a busy machine too.
const soon = 30 * time.Second

const busConf = `<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow eavesdrop="true"/></policy></busconfig>`

// testBus is a real message bus of this test's own, and how to stop it.
func testBus(t *testing.T) (address string, stop func()) {
	t.Helper()
	path, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("no dbus-daemon")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, busConf, filepath.Join(dir, "bus")), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, "--config-file="+conf, "--nofork", "--nopidfile", "--print-address=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
		})
	}
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), stop
}

func dial(t *testing.T, address string) *dbus.Conn {
	t.Helper()
	c, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

const testSession = dbus.ObjectPath("/org/freedesktop/login1/session/_31")

// loginManager is a small one: one session, its properties, and descriptors that
// hold sleep up.
type loginManager struct {
	conn *dbus.Conn

	mu      sync.Mutex
	props   map[string]dbus.Variant
	holders []*os.File // our ends: they read end-of-file once the holder lets go
	held    chan struct{}
	looked  chan struct{} // somebody asked for the properties
}

func newLoginManager(t *testing.T, address string) *loginManager {
	t.Helper()
	m := &loginManager{conn: dial(t, address), held: make(chan struct{}, 16), looked: make(chan struct{}, 64), props: map[string]dbus.Variant{
		"LockedHint": dbus.MakeVariant(false), "Active": dbus.MakeVariant(true), "State": dbus.MakeVariant("active"),
	}}
	for _, e := range []struct {
		path  dbus.ObjectPath
		iface string
	}{{login1Path, login1Manager}, {testSession, properties}} {
		if err := m.conn.Export(m, e.path, e.iface); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := m.conn.RequestName(login1, dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(got, err)
	}
	return m
}

// GetSession knows one.
func (m *loginManager) GetSession(id string) (dbus.ObjectPath, *dbus.Error) {
	if id != "1" {
		return "", dbus.NewError("org.freedesktop.login1.NoSuchSession", nil)
	}
	return testSession, nil
}

// GetSessionByPID knows every process, as its session.
func (m *loginManager) GetSessionByPID(uint32) (dbus.ObjectPath, *dbus.Error) {
	return testSession, nil
}

// GetAll returns the properties of the session.
func (m *loginManager) GetAll(string) (map[string]dbus.Variant, *dbus.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case m.looked <- struct{}{}:
	default:
	}
	all := map[string]dbus.Variant{}
	for k, v := range m.props {
		all[k] = v
	}
	return all, nil
}

// Inhibit gives out a descriptor whose closing is noticed.
func (m *loginManager) Inhibit(what, _, _, mode string) (dbus.UnixFD, *dbus.Error) {
	var p [2]int
	if what != "sleep:shutdown" || mode != "delay" || unix.Pipe2(p[:], unix.O_CLOEXEC) != nil {
		return 0, dbus.NewError("org.freedesktop.DBus.Error.InvalidArgs", nil)
	}
	m.mu.Lock()
	m.holders = append(m.holders, os.NewFile(uintptr(p[0]), "holder"))
	m.mu.Unlock()
	m.held <- struct{}{}
	go m.passOn(p[1])
	return dbus.UnixFD(p[1]), nil
}

// passOn closes our end once the Watcher, which is in this process too, has its copy.
func (m *loginManager) passOn(fd int) {
	defer unix.Close(fd)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(soon); copies(fd) < 2; {
		select {
		case <-tick.C:
		case <-limit:
			return
		}
	}
}

// copies is how many descriptors of this process are the same end of the same pipe.
func copies(fd int) (n int) {
	type end struct {
		inode uint64
		mode  int
	}
	of := func(fd int) end {
		var s unix.Stat_t
		mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || unix.Fstat(fd, &s) != nil {
			return end{}
		}
		return end{s.Ino, mode & unix.O_ACCMODE}
	}
	all, _ := os.ReadDir("/proc/self/fd")
	for _, e := range all {
		if other, err := strconv.Atoi(e.Name()); err == nil && of(other) == of(fd) {
			n++
		}
	}
	return n
}

// released is closed when the newest holder has let go.
func (m *loginManager) released() <-chan struct{} {
	m.mu.Lock()
	f := m.holders[len(m.holders)-1]
	m.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = f.Read(make([]byte, 1))
	}()
	return done
}

// set changes properties of the session and says so.
func (m *loginManager) set(t *testing.T, name string, value any) {
	t.Helper()
	v := dbus.MakeVariant(value)
	m.mu.Lock()
	m.props[name] = v
	m.mu.Unlock()
	m.emit(t, testSession, properties+".PropertiesChanged", login1Session, map[string]dbus.Variant{name: v}, []string{})
}

func (m *loginManager) emit(t *testing.T, path dbus.ObjectPath, name string, body ...any) {
	t.Helper()
	if err := m.conn.Emit(path, name, body...); err != nil {
		t.Fatal(err)
	}
}

// person is a Watcher and what it told.
type person struct {
	*Watcher
	told chan Cause
}

func watched(t *testing.T) *person {
	t.Helper()
	p := &person{told: make(chan Cause, 16)}
	p.Watcher = Watch(Options{OnAway: func(c Cause) { p.told <- c }})
	t.Cleanup(p.Close)
	return p
}

// tells waits for the next word of the Watcher, and returns how long that took.
func (p *person) tells(t *testing.T, want Cause) time.Duration {
	t.Helper()
	began := time.Now()
	select {
	case got := <-p.told:
		if got != want {
			t.Fatalf("told %v, want %v", got, want)
		}
	case <-time.After(soon):
		t.Fatalf("not told that the person is %v", want)
	}
	return time.Since(began)
}

// becomes waits until the Watcher says so.
func (p *person) becomes(t *testing.T, want Cause) {
	t.Helper()
	limit := time.After(soon)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for p.Away() != want {
		select {
		case <-limit:
			t.Fatalf("still %v, want %v", p.Away(), want)
		case <-tick.C:
		}
	}
}

// alone gives the test buses of its own, or none.
func alone(t *testing.T, system, session string) {
	t.Helper()
	none := "unix:path=" + filepath.Join(t.TempDir(), "none")
	if system == "" {
		system = none
	}
	if session == "" {
		session = none
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", system)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", session)
	t.Setenv("DISPLAY", "")
	t.Setenv("XDG_SESSION_ID", "")
}
