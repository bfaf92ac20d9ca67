// SPDX-License-Identifier: Apache-2.0

// Package process says what this running app is: with which privileges, and
// whether it is the only one of its user.
package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// ErrSecond says that another app of the same user runs; it has been asked to
// come to the front.
var ErrSecond = errors.New("process: already running")

const (
	raise        = "raise\n" // the one word that the first app understands
	raised       = "raised\n"
	raiseTimeout = 2 * time.Second
)

// Elevated reports whether the app runs as root or as an elevated administrator.
// Such an app must not share its screen: helping happens with the user's own
// rights.
func Elevated() bool { return elevated() }

// Only makes this process the one app that keeps its files in dir: it listens
// on a local socket there, on which a later start can only say "come to the
// front" (onRaise). It returns ErrSecond when this is the later start.
func Only(dir string, onRaise func()) (io.Closer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	path := filepath.Join(dir, "raise.sock")
	if answered(path) {
		return nil, ErrSecond
	}
	// Nobody answers: what is there was left by a process that died.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("process: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	go serve(l, onRaise)
	return l, nil
}

// answered asks the app that listens at path to come to the front.
func answered(path string) bool {
	c, err := net.DialTimeout("unix", path, raiseTimeout)
	if err != nil {
		return false
	}
	defer c.Close()
	if c.SetDeadline(time.Now().Add(raiseTimeout)) != nil {
		return false
	}
	if _, err := io.WriteString(c, raise); err != nil {
		return false
	}
	line, err := bufio.NewReaderSize(c, 16).ReadString('\n')
	return err == nil && line == raised
}

// serve answers one caller at a time until the listener is closed.
func serve(l net.Listener, onRaise func()) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		hear(c, onRaise)
	}
}

func hear(c net.Conn, onRaise func()) {
	defer c.Close()
	if c.SetDeadline(time.Now().Add(raiseTimeout)) != nil {
		return
	}
	b := make([]byte, len(raise))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != raise {
		return
	}
	if _, err := io.WriteString(c, raised); err != nil {
		return
	}
	onRaise()
}
