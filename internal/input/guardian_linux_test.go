// SPDX-License-Identifier: Apache-2.0

package input

import (
	"bufio"
	"bytes"
	"errors"
	"image"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/screen"
	"assist/internal/wire"
	"assist/internal/x11/x11test"
)

// killedWithin is how soon everything must be up after the driving program died, on a busy
// machine too.
const killedWithin = 5 * time.Second

// HID usages and what XTEST makes of them.
const (
	usageCtrl, usageDelete = 0xe0, 0x4c
	codeCtrl, codeDelete   = 37, 119
	button1Mask            = xproto.KeyButMaskButton1
)

// TestDriver is no test by itself: it is the program that the others kill.
func TestDriver(t *testing.T) {
	if os.Getenv(drivenVar) == "" {
		t.Skip("played by TestKilledProgramHoldsNothing")
	}
	w, err := Watch(nil)
	if err != nil {
		t.Fatal(err)
	}
	control, err := consenttest.Lease(t, consent.AllRights).Control()
	if err != nil {
		t.Fatal(err)
	}
	layout := func() screen.Layout { return screen.Layout{{Bounds: image.Rect(0, 0, 800, 600)}} }
	desk, err := Open(control, Options{Local: w, Layout: layout})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []wire.Input{
		&wire.Key{Usage: usageCtrl, Down: true}, &wire.Key{Usage: usageDelete, Down: true},
		&wire.Button{X: 5, Y: 5, Button: 1, Down: true},
	} {
		if err := desk.Do(in); err != nil {
			t.Fatal(err)
		}
	}
	os.Stdout.WriteString("held\n")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until killed
}

// onDisplay is what the server believes is down.
type onDisplay struct {
	t *testing.T
	c *xgb.Conn
}

func look(t *testing.T) onDisplay {
	t.Helper()
	c, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return onDisplay{t, c}
}

func (o onDisplay) down() (keys []int, buttons uint16) {
	o.t.Helper()
	m, err := xproto.QueryKeymap(o.c).Reply()
	if err != nil {
		o.t.Fatal(err)
	}
	for k := range len(m.Keys) * 8 {
		if m.Keys[k/8]&(1<<(k%8)) != 0 {
			keys = append(keys, k)
		}
	}
	p, err := xproto.QueryPointer(o.c, xproto.Setup(o.c).DefaultScreen(o.c).Root).Reply()
	if err != nil {
		o.t.Fatal(err)
	}
	return keys, p.Mask & button1Mask
}

// pointed reports whether the pointer is over a window.
func (o onDisplay) pointed() bool {
	p, err := xproto.QueryPointer(o.c, xproto.Setup(o.c).DefaultScreen(o.c).Root).Reply()
	return err == nil && p.Child != 0
}

func (o onDisplay) nothing() bool {
	keys, buttons := o.down()
	return len(keys) == 0 && buttons == 0
}

// hold starts a program that holds Ctrl, Delete and the first button.
func hold(t *testing.T, o onDisplay) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestDriver$")
	cmd.Env = append(os.Environ(), drivenVar+"=1")
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "held" {
		t.Log(lines.Text())
	}
	keys, buttons := o.down()
	if !slices.Contains(keys, codeCtrl) || !slices.Contains(keys, codeDelete) || buttons == 0 {
		t.Fatalf("held are %v, buttons %#x", keys, buttons)
	}
	return cmd
}

// What XTEST pressed outlives its program: somebody else must let go.
func TestKilledProgramHoldsNothing(t *testing.T) {
	x11test.Start(t, displaySize)
	o := look(t)
	cmd := hold(t, o)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	died := time.Now()
	eventually(t, "everything up", o.nothing)
	if took := time.Since(died); took > killedWithin {
		t.Errorf("up after %v", took)
	}
	_ = cmd.Wait()
}

// A signal to the whole group, as a terminal or a session manager sends, reaches
// the driving program and must not reach its guardian first.
func TestGuardianOutlivesTheGroup(t *testing.T) {
	s := setTheStage(t)
	g := s.driver().guard
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	pgid, err := syscall.Getpgid(g.cmd.Process.Pid)
	if err != nil || pgid == syscall.Getpgrp() {
		t.Errorf("the guardian's group is %d, %v", pgid, err)
	}
	s.do(&wire.Key{Usage: usageCtrl, Down: true}, &wire.Key{Usage: usageCtrl})
	if err := s.desk.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-g.over:
	case <-time.After(patience): // a program built with -race takes a second to end
		t.Fatal("the guardian outlives its desk")
	}
	if !g.cmd.ProcessState.Success() {
		t.Errorf("the guardian ended with %v", g.cmd.ProcessState)
	}
}

func (s *stage) driver() *driver { return s.desk.back.in.(*driver) }

// Without a guardian nothing is pressed, from the start or from when it is gone.
func TestNoGuardianNoKeys(t *testing.T) {
	s := setTheStage(t)
	o := look(t)
	s.do(&wire.Key{Usage: usageCtrl, Down: true})
	g := s.driver().guard
	if err := g.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-g.over
	for _, in := range []wire.Input{
		&wire.Key{Usage: usageDelete, Down: true}, &wire.Button{X: 5, Y: 5, Button: 1, Down: true},
		&wire.Scroll{DY: notch}, &wire.Text{Text: "a"},
	} {
		if err := s.desk.Do(in); !errors.Is(err, ErrNoGuardian) {
			t.Errorf("%T without a guardian: %v", in, err)
		}
	}
	s.desk.Release()
	if keys, buttons := o.down(); len(keys) != 0 || buttons != 0 {
		t.Errorf("down are %v, %#x", keys, buttons)
	}

	t.Setenv(noGuardianVar, "1")
	control, err := consenttest.Lease(t, consent.AllRights).Control()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(control, Options{Layout: twoMonitors, Local: s.watcher}); !errors.Is(err, ErrNoGuardian) {
		t.Errorf("opened without a guardian: %v", err)
	}
}

// A guardian lets go of exactly what its notes say is held.
func TestGuardianReadsNotes(t *testing.T) {
	ctrl, del, left := note{noteKey, codeCtrl}, note{noteKey, codeDelete}, note{noteButton, 1}
	say := func(n note, down bool) string { b := n.encode(down); return string(b[:]) }
	for name, c := range map[string]struct {
		notes string
		want  []note
	}{
		"nothing":       {"", nil},
		"down and up":   {say(ctrl, true) + say(ctrl, false), nil},
		"some are up":   {say(ctrl, true) + say(del, true) + say(left, true) + say(del, false), []note{ctrl, left}},
		"pressed twice": {say(ctrl, true) + say(del, true) + say(ctrl, true), []note{del, ctrl}},
		"up only":       {say(left, false), nil},
		"cut short":     {say(ctrl, true) + say(ctrl, false)[:1], []note{ctrl}},
		"nonsense":      {say(ctrl, true) + "hello, world", []note{ctrl}},
	} {
		if got := readNotes(strings.NewReader(c.notes)); !slices.Equal(got, c.want) {
			t.Errorf("%s: held are %v, want %v", name, got, c.want)
		}
	}
}

func FuzzGuardianNotes(f *testing.F) {
	f.Add([]byte{1 | noteDown, 37, 2 | noteDown, 1, 1, 37})
	f.Fuzz(func(t *testing.T, b []byte) {
		held := readNotes(bytes.NewReader(b))
		seen := map[note]bool{}
		for _, n := range held {
			if seen[n] || n.kind != noteKey && n.kind != noteButton {
				t.Fatalf("held are %v", held)
			}
			seen[n] = true
		}
	})
}
