// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jezek/xgb/xproto"

	"assist/internal/trust"
)

// TestShipped looks at the app as it is shipped: what is not in it, and what it says
// before it opens a window.
func TestShipped(t *testing.T) {
	w := newDesktops(t)
	s := &shipped{world: w, bin: w.build(t, "assist", "./cmd/assist", "")}
	t.Run("no doors", s.noDoors)
	t.Run("version", s.version)
	t.Run("root", s.root)
	t.Run("attest", s.attests)
	t.Run("configuration", s.configuration)
	t.Run("windows", s.windows)
	t.Run("configuration in a window", s.faultInWindow)
	t.Run("damaged key in a window", s.keyInWindow)
	t.Run("joins by a file, by keyboard", s.joinsByFile)
}

type shipped struct {
	*world
	bin string
}

// doors is what only builds for tests have; the first names are functions, which stay
// in a program's tables even when its symbols are stripped.
func doors() []string {
	return []string{"ui.(*App).serveDoor", "ui.(*App).answerDoor", "ui.(*App).widgets", "ui.measure", ").DoorID", "ASSIST_TEST_DOOR"}
}

// noDoors compares the program with one that was built for tests: what is looked for
// must be found there.
func (s *shipped) noDoors(t *testing.T) {
	other := s.build(t, "assist-testdoor", "./cmd/assist", "testdoor")
	for _, name := range doors() {
		if has(t, s.bin, name) {
			t.Errorf("the shipped program holds %q", name)
		}
		if !has(t, other, name) {
			t.Errorf("the program for tests does not hold %q: this test looks for the wrong thing", name)
		}
	}
	info, err := buildinfo.ReadFile(s.bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range info.Settings {
		if one.Key == "-tags" && one.Value != "" {
			t.Errorf("it is built with the tags %q", one.Value)
		}
	}
	door := regexp.MustCompile(`^assist/.*\b(serve|answer)?[dD]oor\w*$`)
	for _, name := range symbols(t, s.bin) {
		if door.MatchString(name) && !strings.HasSuffix(name, ").openDoor") { // that one does nothing here
			t.Errorf("the shipped program has the symbol %s", name)
		}
	}
	if all := symbols(t, other); !slices.ContainsFunc(all, door.MatchString) {
		t.Errorf("none of the %d symbols of the program for tests is a door's", len(all))
	}
}

func has(t *testing.T, file, text string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(b, []byte(text))
}

func symbols(t *testing.T, file string) []string {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = one.Name
	}
	return names
}

// says runs the app to its end, without a display, and returns its status and what it
// wrote.
func (s *shipped) says(t *testing.T, as account, env []string, args ...string) (int, string) {
	t.Helper()
	c := exec.Command(s.bin, args...)
	c.Env, c.Dir = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}, env...), s.dir
	if as.other {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: as.uid, Gid: as.gid}}
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- c.Wait() }()
	var err error
	if wait(2*aWhile, func() error {
		select {
		case err = <-over:
			return nil
		default:
			return errNotYet
		}
	}) != nil {
		_ = c.Process.Kill()
		t.Fatalf("assist %v goes on: %s", args, &out)
	}
	if _, ran := err.(*exec.ExitError); err != nil && !ran {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String()
}

func (s *shipped) version(t *testing.T) {
	status, out := s.says(t, s.as, nil, "--version")
	if status != 0 || !regexp.MustCompile(`^assist \S+\n$`).MatchString(out) {
		t.Errorf("status %d, %q", status, out)
	}
}

// root starts the app as root, or as one who looks like root.
func (s *shipped) root(t *testing.T) {
	if os.Getuid() != 0 {
		inner := &shipped{world: s.world, bin: s.bin}
		if err := exec.Command("unshare", "--map-root-user", "true").Run(); err != nil {
			t.Skip("nobody here can be root")
		}
		inner.bin = filepath.Join(s.dir, "as-root")
		script := fmt.Sprintf("#!/bin/sh\nexec unshare --map-root-user %s \"$@\"\n", s.bin)
		if err := os.WriteFile(inner.bin, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		s = inner
	}
	for language, want := range map[string]string{
		"fr_FR.UTF-8": "Assist ne se lance pas en tant qu’administrateur (root)",
		"C":           "Assist does not start as administrator (root)",
	} {
		dir := filepath.Join(s.dir, "root")
		status, out := s.says(t, account{}, []string{"LANG=" + language}, "--config-dir", dir)
		if status != 1 || !strings.HasPrefix(out, want) || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: status %d, %q", language, status, out)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("it kept something as root")
		}
	}
}

// configuration shows that a fault is named by file, line and key, in words.
func (s *shipped) configuration(t *testing.T) {
	for _, c := range []struct {
		name, text, key string
		line            int
	}{
		{"unknown key", "[app]\nlanguage = \"fr\"\n\n[policy]\nunattended = true\n", "policy.unattended", 5},
		{"impossible value", "# ours\n[app]\ntext_size = 400\n", "app.text_size", 3},
		{"wrong type", "[app]\ntheme = 3\n", "app.theme", 2},
		{"no code", "[unit]\njoin = \"ASSIST1-XYZ\"\n", "unit.join", 2},
		{"not TOML", "[app]\ntheme = \"dark\"\nlanguage = fr\n", "", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(s.dir, strings.ReplaceAll(c.name, " ", "-"))
			file := filepath.Join(dir, "assist.toml")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			status, out := s.says(t, s.as, []string{"LANG=fr_FR.UTF-8"}, "--config-dir", dir)
			where := fmt.Sprintf("%s:%d: %s", file, c.line, c.key)
			if status != 1 || !strings.Contains(out, where) || !strings.HasPrefix(out, "Le fichier de configuration ne peut pas être utilisé") {
				t.Errorf("status %d, no %q in %q", status, where, out)
			}
		})
	}
}

// windows starts the app on a display, with the variable that opens a door in builds
// for tests, and then once more.
func (s *shipped) windows(t *testing.T) {
	d := newDisplay(t, s.dir, image.Pt(1280, 900))
	a := s.newApp(t, "one", s.bin, d)
	a.launch(t)
	first := &person{app: a}
	first.opens(t, "Assist")
	if _, err := os.Lstat(a.door); err == nil {
		t.Errorf("%s was made", a.door)
	}
	for _, path := range listeners(t, a.proc.pid()) {
		if path != filepath.Join(a.dir, "raise.sock") {
			t.Errorf("it listens at %q", path)
		}
	}
	s.attestsTheRunning(t, a)
	start(t, program{path: "xterm", as: s.as, env: append(d.env(), "HOME="+a.dir), log: filepath.Join(s.dir, "xterm.log"), args: []string{"-T", "in front"}})
	(&person{app: a}).opens(t, "in front")
	second := start(t, program{path: s.bin, args: []string{"--config-dir", a.dir}, as: s.as, log: filepath.Join(s.dir, "second.log"),
		env: append(d.env(), "HOME="+a.dir, "XDG_RUNTIME_DIR="+a.dir)})
	eventually(t, aWhile, "the second app ends", func() error { return yes(second.ended()) })
	if second.err != nil {
		t.Errorf("the second app ends with %v: %s", second.err, second.said())
	}
	other := start(t, program{path: s.bin, args: []string{"--config-dir", a.dir + "-other"}, as: s.as, log: filepath.Join(s.dir, "other.log"),
		env: append(d.env(), "HOME="+a.dir, "XDG_RUNTIME_DIR="+a.dir, "LANG=en_GB.UTF-8")})
	eventually(t, aWhile, "an app with other settings says why it does not open", func() error {
		return yes(strings.Contains(other.said(), "already open on this screen"))
	})
	other.stop()
	eventually(t, soon, "the first app's window is in front", func() error {
		win, _, err := d.window("Assist")
		if err == nil && d.active() != win {
			err = errNotYet
		}
		return err
	})
	eventually(t, soon, "two windows", func() error { // the other app said it in one, too
		all, err := d.titles()
		if err == nil && len(all) != 2 {
			err = fmt.Errorf("the windows are %q", all)
		}
		return err
	})
	if a.proc.ended() {
		t.Error("the first app has ended")
	}
	place, err := d.atom("_ASSIST_APP")
	if err == nil {
		err = xproto.SetSelectionOwnerChecked(d.x, xproto.WindowNone, place, xproto.TimeCurrentTime).Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, aWhile, "an app closes when its place on the display is taken", func() error { return yes(a.proc.ended()) })
}

// faultInWindow: who started the app with the mouse sees no text of a terminal.
func (s *shipped) faultInWindow(t *testing.T) {
	d := newDisplay(t, s.dir, image.Pt(1280, 900))
	a := s.newApp(t, "fault", s.bin, d)
	if err := os.WriteFile(filepath.Join(a.dir, "assist.toml"), []byte("[app]\nlanguage = \"xx\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.leavesFault(t, a, "assist.toml:2: app.language")
}

// keyInWindow is the same for a key that cannot be used: the app's own window is made by
// then, and must not be there.
func (s *shipped) keyInWindow(t *testing.T) {
	d := newDisplay(t, s.dir, image.Pt(1280, 900))
	a := s.newApp(t, "key", s.bin, d)
	code, err := joinCode()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"assist.toml": "[unit]\njoin = \"" + code + "\"\n", "device.key": "garbage"} {
		file := filepath.Join(a.dir, name)
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), s.as.own(file)); err != nil {
			t.Fatal(err)
		}
	}
	s.leavesFault(t, a, "device.key")
}

// leavesFault wants the app to show one window, which Esc closes, and to end.
func (s *shipped) leavesFault(t *testing.T, a *app, said string) {
	t.Helper()
	a.launch(t)
	p := &person{app: a}
	p.opens(t, "Assist")
	if all, err := a.screen.titles(); err != nil || len(all) != 1 {
		t.Errorf("the windows are %q, %v", all, err)
	}
	p.strike(t, "Escape")
	p.closes(t, "Assist")
	eventually(t, aWhile, "the app ends", func() error { return yes(a.proc.ended()) })
	if status := a.proc.cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(a.proc.said(), said) {
		t.Errorf("status %d, %q", status, a.proc.said())
	}
}

// joinsByFile opens a configuration in the toolkit's own dialog of files.
func (s *shipped) joinsByFile(t *testing.T) {
	d := newDisplay(t, s.dir, image.Pt(1280, 900))
	a := s.newApp(t, "files", s.bin, d)
	code, err := joinCode()
	file := filepath.Join(a.dir, "aaa.toml") // the dialog begins at home, and lists by name
	if err = errors.Join(err, os.WriteFile(file, []byte("[unit]\njoin = \""+code+"\"\n"), 0o600), s.as.own(file)); err != nil {
		t.Fatal(err)
	}
	a.launch(t)
	p := &person{app: a}
	p.opens(t, "Assist")
	p.eventually(t, "the first page", p.painted)
	p.turns(t, "space") // the first tile
	p.tab(t, 1)         // from the code on to the button
	p.turns(t, "space")
	p.tab(t, 2) // over the favourites to the files
	p.strike(t, "Right", "space")
	p.tab(t, -2) // round to the dialog's main button
	p.strike(t, "space")
	p.eventually(t, "it has joined", func() error {
		b, err := os.ReadFile(filepath.Join(a.dir, "assist.toml"))
		return joinErr(err, strings.Contains(string(b), code))
	})
}

// joinCode is that of a unit whose server nobody reaches.
func joinCode() (string, error) {
	unit, err := trust.NewUnitKey()
	if err != nil {
		return "", err
	}
	return trust.JoinCode{Server: "127.0.0.1:1", Pin: [32]byte{1}, Unit: unit.Public()}.String(), nil
}

// listeners are the unix sockets that a process listens at, by path.
func listeners(t *testing.T, pid int) []string {
	t.Helper()
	own := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatalf("no open files of %d: %v", pid, err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/unix", pid))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(b), "\n") {
		const accepts = "00010000"
		if f := strings.Fields(line); len(f) >= 7 && f[3] == accepts && own[f[6]] {
			out = append(out, strings.Join(f[7:], " "))
		}
	}
	if len(out) == 0 {
		t.Errorf("process %d listens nowhere, not even for a second start", pid)
	}
	return out
}
