// SPDX-License-Identifier: Apache-2.0

// Package x11test starts X servers for tests. Only test files import it.
package x11test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// startLimit bounds how long a server may take to start.
const startLimit = 20 * time.Second

// Server is a running X server.
type Server struct {
	Display string
	t       testing.TB
	cmd     *exec.Cmd
	over    chan struct{}
}

// Start starts an Xvfb with one screen of this size, such as "1280x720", makes
// it $DISPLAY and ends it with the test. Where Xvfb is not installed the test is
// skipped, but for a CI, where that is a failure.
func Start(t testing.TB, size string, args ...string) *Server {
	t.Helper()
	name, err := exec.LookPath("Xvfb")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("Xvfb is not installed")
		}
		t.Skip("Xvfb is not installed: nothing to draw on (apt install xvfb)")
	}
	args = append([]string{"-displayfd", "3", "-screen", "0", size + "x24", "-nolisten", "tcp", "-noreset"}, args...)
	return launch(t, exec.Command(name, args...))
}

// launch starts a server that tells its number on its file 3.
func launch(t testing.TB, cmd *exec.Cmd) *Server {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := &Server{t: t, cmd: cmd, over: make(chan struct{})}
	s.cmd.ExtraFiles = []*os.File{w}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	go func() { _ = s.cmd.Wait(); close(s.over) }() // it is killed
	t.Cleanup(s.Kill)
	if err := r.SetReadDeadline(time.Now().Add(startLimit)); err != nil {
		t.Fatal(err)
	}
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("the X server did not start: %v", err)
	}
	s.Display = ":" + strings.TrimSpace(number)
	t.Setenv("DISPLAY", s.Display)
	return s
}

// Kill ends the server, as a crash would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may be over
	<-s.over
}
