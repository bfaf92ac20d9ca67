// SPDX-License-Identifier: Apache-2.0

// Package process says what this running app is: with which privileges, and
// whether it is the only one of its user.
package process

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
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

// ErrHeld says that another process holds the lock.
var ErrHeld = errors.New("held by another process")

const (
	raise        = "raise\n" // the one word that the first app understands
	raised       = "raised\n"
	raiseTimeout = 2 * time.Second
)

// Only makes this process the one app that keeps its files in dir, for as long as
// what it returns is open. A lock that the system drops with the process decides who
// is first; a local socket (RaiseSocket) lets a later start say one thing, "come to the
// front" (onRaise). It returns ErrSecond when this is the later start.
func Only(dir string, onRaise func()) (io.Closer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	path := RaiseSocket(dir)
	held, err := Lock(filepath.Join(dir, "lock"))
	if errors.Is(err, ErrHeld) {
		askToRaise(path)
		return nil, ErrSecond
	}
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	// The lock is ours: a socket that is there was left by a process that died.
	// Without a socket of ours the lock decides all the same; only a later start
	// cannot bring this one to the front.
	_ = os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		return held, nil
	}
	go serve(l, onRaise)
	return &only{socket: l, held: held}, nil
}

// maxSocket is the longest name of a local socket that every system takes, in bytes.
const maxSocket = 103

// RaiseSocket is the local socket of the app that keeps its files in dir: beside them, or,
// where that name is too long for a socket, in the person's own runtime folder, as long
// as that is closed to others. It is empty where there is no place for one.
func RaiseSocket(dir string) string {
	beside := filepath.Join(dir, "raise.sock")
	if len(beside) <= maxSocket {
		return beside
	}
	runtime := os.Getenv("XDG_RUNTIME_DIR")
	place, err := os.Stat(runtime)
	if err != nil || !filepath.IsAbs(runtime) || !place.IsDir() || place.Mode().Perm()&0o077 != 0 {
		return ""
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if whole, err := filepath.Abs(dir); err == nil {
		dir = whole
	}
	hash := sha256.Sum256([]byte(dir))
	if path := filepath.Join(runtime, "assist-"+hex.EncodeToString(hash[:8])+".sock"); len(path) <= maxSocket {
		return path
	}
	return ""
}

// only is the lock and the socket of the one app.
type only struct {
	socket net.Listener
	held   io.Closer
}

// Close lets another app be the one.
func (o *only) Close() error { return errors.Join(o.socket.Close(), o.held.Close()) }

// askToRaise asks the app that listens at path to come to the front. That app may be
// starting or stuck; there is nothing more that this one could do.
func askToRaise(path string) {
	c, err := net.DialTimeout("unix", path, raiseTimeout)
	if err != nil {
		return
	}
	defer c.Close()
	if c.SetDeadline(time.Now().Add(raiseTimeout)) != nil {
		return
	}
	if _, err := io.WriteString(c, raise); err != nil {
		return
	}
	_, _ = bufio.NewReaderSize(c, 16).ReadString('\n') // its answer, so that it was heard
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
