// SPDX-License-Identifier: Apache-2.0

package input

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// The X server keeps keys down that XTEST pressed after the client is gone. So a
// second process of the same program is told of every press before it is made and
// of every release after it was made, and lets go of the rest when the pipe ends.
const (
	guardianStart = 3 * time.Second        // for the guardian to be ready
	guardianTell  = 100 * time.Millisecond // for a note to leave; the pipe holds thousands
	guardianEnd   = time.Second            // for the guardian to end
	// The server may still be reading presses of the dead process when the guardian
	// lets go, so it lets go again. What is up already stays as it is.
	letGoTimes = 4
	letGoEvery = 80 * time.Millisecond
)

// guardian is the other process, seen from this one.
type guardian struct {
	log  *slog.Logger
	cmd  *exec.Cmd
	pipe *os.File // notes to it
	over chan struct{}

	mu    sync.Mutex
	lost  error
	turns map[note]uint64 // how often each was pressed; at most 512
}

// startGuardian returns once the guardian could let go.
func startGuardian(display string, log *slog.Logger) (*guardian, error) {
	in, pipe, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoGuardian, err)
	}
	defer in.Close()
	ready, out, err := os.Pipe()
	if err != nil {
		_ = pipe.Close()
		return nil, fmt.Errorf("%w: %w", ErrNoGuardian, err)
	}
	defer ready.Close()
	// The file that runs now, even if another has taken its place.
	cmd := exec.Command("/proc/self/exe", GuardianArgument)
	cmd.Args[0] = os.Args[0] // the name that people know
	cmd.Env = append(os.Environ(), "DISPLAY="+display)
	cmd.Stdin, cmd.Stdout = in, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no signal to our group reaches it
	err = cmd.Start()
	_ = out.Close()
	if err != nil {
		_ = pipe.Close()
		return nil, fmt.Errorf("%w: %w", ErrNoGuardian, err)
	}
	g := &guardian{log: log, cmd: cmd, pipe: pipe, over: make(chan struct{}), turns: map[note]uint64{}}
	go func() {
		defer close(g.over)
		_ = cmd.Wait()
	}()
	if err := awaitReady(ready); err != nil {
		_ = cmd.Process.Kill() // it was told of nothing
		g.close()
		return nil, fmt.Errorf("%w: %w", ErrNoGuardian, err)
	}
	return g, nil
}

func awaitReady(ready *os.File) error {
	if err := ready.SetReadDeadline(time.Now().Add(guardianStart)); err != nil {
		return err
	}
	var b [1]byte
	if _, err := io.ReadFull(ready, b[:]); err != nil {
		return fmt.Errorf("it did not start: %w", err)
	}
	if b[0] != guardianReady {
		return fmt.Errorf("it said %q", b[0])
	}
	return nil
}

// down tells of a press that is about to be made; without that none may be made.
func (g *guardian) down(n note) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turns[n]++
	return g.tell(n, true)
}

// turn names the newest press of n.
func (g *guardian) turn(n note) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.turns[n]
}

// up tells that the server has let go of n, unless it was pressed again since turn.
func (g *guardian) up(n note, turn uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.turns[n] == turn {
		_ = g.tell(n, false) // then the guardian is gone, or lets go of what is up
	}
}

// tell writes one note. The caller holds mu.
func (g *guardian) tell(n note, down bool) error {
	if g.lost != nil {
		return g.lost
	}
	b := n.encode(down)
	err := g.pipe.SetWriteDeadline(time.Now().Add(guardianTell))
	if err == nil {
		_, err = g.pipe.Write(b[:])
	}
	if err != nil {
		g.lost = fmt.Errorf("%w: %w", ErrNoGuardian, err)
		g.log.Warn("the guardian of held keys is gone, no key is pressed any more", slog.Any("error", err))
	}
	return g.lost
}

// close ends the guardian, which lets go of what it still believes is held. One
// that waits for a display that does not answer is left to do so.
func (g *guardian) close() {
	_ = g.pipe.Close()
	select {
	case <-g.over:
	case <-time.After(guardianEnd):
		g.log.Warn("the guardian of held keys does not end")
	}
}

// Guard is a guardian's whole life: it says on out that it is ready, reads from in
// what is held, and lets go of that when in ends. It presses nothing.
func Guard(in io.Reader, out io.Writer) error {
	// The end of the pipe is the only end.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	conn, err := x11.Dial("", nil)
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	defer conn.Close()
	if err := allowXTest(conn); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	if _, err := out.Write([]byte{guardianReady}); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	held := readNotes(in)
	slices.Reverse(held)
	for i := 0; i < letGoTimes && len(held) > 0; i++ {
		if i > 0 {
			time.Sleep(letGoEvery)
		}
		if err := letGoOf(conn, held); err != nil {
			return fmt.Errorf("guard: %w", err)
		}
	}
	return nil
}

// letGoOf returns when the server has let go of everything in held.
func letGoOf(c *x11.Conn, held []note) error {
	for _, n := range held {
		raise(c, n)
	}
	_, err := xproto.GetInputFocus(c.X).Reply()
	return err
}
