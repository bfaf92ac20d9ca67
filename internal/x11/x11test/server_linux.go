// SPDX-License-Identifier: Apache-2.0

// Package x11test starts X servers for tests. Only test files import it.
package x11test

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// startLimit bounds how long a server may take to start.
const startLimit = time.Minute

// Numbers of displays are drawn by lot, far above those that programs choose by
// themselves. A server that chooses takes the lowest that is free: that of a server which
// another test has just killed, and whose clients would come back to a stranger.
const (
	firstNumber = 2000
	numbers     = 30000
	draws       = 5 // one may be taken
)

// Server is a running X server.
type Server struct {
	Display string
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
	args = append([]string{"-screen", "0", size + "x24", "-nolisten", "tcp", "-noreset"}, args...)
	return launch(t, name, args...)
}

// launch starts a server on a number of its own.
func launch(t testing.TB, name string, args ...string) *Server {
	t.Helper()
	var err error
	for range draws {
		var lot [2]byte
		_, _ = rand.Read(lot[:]) // never fails
		s := &Server{
			Display: fmt.Sprintf(":%d", firstNumber+int(binary.LittleEndian.Uint16(lot[:]))%numbers),
			over:    make(chan struct{}),
		}
		s.cmd = exec.Command(name, append([]string{s.Display, "-displayfd", "3"}, args...)...)
		if err = s.serve(); err == nil {
			t.Cleanup(s.Kill)
			t.Setenv("DISPLAY", s.Display)
			return s
		}
	}
	t.Fatalf("the X server did not start: %v", err)
	return nil
}

// serve starts the server and waits until it tells its number on its file 3.
func (s *Server) serve() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	s.cmd.ExtraFiles = []*os.File{w}
	err = s.cmd.Start()
	_ = w.Close()
	if err != nil {
		return err
	}
	go func() { _ = s.cmd.Wait(); close(s.over) }() // it is killed
	if err = r.SetReadDeadline(time.Now().Add(startLimit)); err == nil {
		_, err = bufio.NewReader(r).ReadString('\n')
	}
	if err != nil {
		s.end()
	}
	return err
}

func (s *Server) end() {
	_ = s.cmd.Process.Kill() // it may be over
	<-s.over
}

// Kill ends the server, as a crash would, but for the socket that one leaves behind.
func (s *Server) Kill() {
	s.end()
	_ = os.Remove("/tmp/.X11-unix/X" + s.Display[1:])
}
