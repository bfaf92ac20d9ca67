// SPDX-License-Identifier: Apache-2.0

package input

import (
	"bufio"
	"fmt"
	"image"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/consent/consenttest"
	"assist/internal/screen"
	"assist/internal/wire"
	"assist/internal/x11/x11test"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

const displaySize = "1920x1080"

// stage is a display of its own with a Desk and the things that tests look at.
type stage struct {
	t       *testing.T
	watcher *Watcher
	lease   *consent.Lease
	desk    *Desk
	held    bool // our dialog is open
	mu      sync.Mutex
}

// twoMonitors are of different sizes and heights.
func twoMonitors() screen.Layout {
	return screen.Layout{
		{ID: 0, Name: "A", Bounds: image.Rect(0, 0, 800, 700), Primary: true},
		{ID: 1, Name: "B", Bounds: image.Rect(800, 50, 1801, 651)},
	}
}

func setTheStage(t *testing.T) *stage {
	t.Helper()
	x11test.Start(t, displaySize)
	return stageHere(t)
}

// stageHere sets the stage on $DISPLAY.
func stageHere(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t}
	var err error
	if s.watcher, err = Watch(nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.watcher.Close)
	s.open()
	return s
}

// open gives the stage a new lease and a new Desk.
func (s *stage) open() {
	s.t.Helper()
	s.lease = consenttest.Lease(s.t, consent.AllRights)
	control, err := s.lease.Control()
	if err != nil {
		s.t.Fatal(err)
	}
	s.desk, err = Open(control, Options{Layout: twoMonitors, Held: s.isHeld, Local: s.watcher})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.desk.Close() })
}

func (s *stage) isHeld() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

func (s *stage) hold(held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = held
}

// do does events, each of which must succeed.
func (s *stage) do(ins ...wire.Input) {
	s.t.Helper()
	for _, in := range ins {
		if err := s.desk.Do(in); err != nil {
			s.t.Fatalf("%T: %v", in, err)
		}
	}
}

// run runs a program to its end.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// person is the one at the machine, played by xdotool.
func (s *stage) person(args ...string) {
	s.t.Helper()
	run(s.t, "xdotool", args...)
}

// eventually waits until f holds.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never came: %s", what)
		}
	}
}

// program is another program's window, and all input events that it got.
type program struct {
	t      testing.TB
	mu     sync.Mutex
	window xproto.Window
	lines  []string
	times  []time.Time
	more   chan struct{} // one slot
}

// startProgram shows another program's window.
func startProgram(t testing.TB, at image.Rectangle) *program {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %d %d", recorderVar, at.Min.X, at.Min.Y, at.Dx(), at.Dy()))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, more: make(chan struct{}, 1)}
	lines := bufio.NewScanner(out)
	lines.Scan()
	if _, err := fmt.Sscanf(lines.Text(), "ready %d", &p.window); err != nil {
		t.Fatal("the recording program did not start")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			p.add(lines.Text())
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	return p
}

func (p *program) add(line string) {
	p.mu.Lock()
	p.lines, p.times = append(p.lines, line), append(p.times, time.Now())
	p.mu.Unlock()
	wake(p.more)
}

func (p *program) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lines)
}

// forget drops what came so far.
func (p *program) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines, p.times = nil, nil
}

// waitFor waits until an event came, and returns when.
func (p *program) waitFor(line string) time.Time {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		i := slices.Index(p.lines, line)
		if i >= 0 {
			defer p.mu.Unlock()
			return p.times[i]
		}
		p.mu.Unlock()
		select {
		case <-p.more:
		case <-deadline:
			p.t.Fatalf("%q never came, only %q", line, p.got())
		}
	}
}

// expect waits for exactly these events since forget, in order, motion left out
// unless asked for.
func (p *program) expect(want ...string) {
	p.t.Helper()
	var got []string
	eventually(p.t, fmt.Sprint(want), func() bool {
		got = slices.DeleteFunc(p.got(), func(l string) bool { return strings.HasPrefix(l, "motion") })
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		p.t.Errorf("got %q, want %q", got, want)
	}
}
