// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Rivals that can be measured in the same run.
const (
	rivalScraper = "x0vncserver" // TigerVNC that shows an ordinary display, as assist does
	rivalServer  = "xvnc"        // TigerVNC that is the display itself: its best case
)

var errRival = errors.New("the rival did not start")

const (
	rivalPatience = 15 * time.Second
	rivalScreen   = "1920x1080"
)

// rival is a running TigerVNC session between two displays of its own.
type rival struct {
	programs []*exec.Cmd
}

// startRival starts the programs of a rival and returns what to measure.
func startRival(ctx context.Context, kind string) (r *rival, t target, err error) {
	r, t = &rival{}, target{Name: "TigerVNC " + kind, Interface: "lo"}
	defer func() {
		if err != nil {
			r.stop()
		}
	}()
	port, err := freePort()
	if err != nil {
		return r, t, err
	}
	if t.HostDisplay, t.HostPIDs, err = r.server(ctx, kind, port); err != nil {
		return r, t, err
	}
	if t.ViewDisplay, _, err = r.display(ctx); err != nil {
		return r, t, err
	}
	if err = dialable(ctx, port); err != nil {
		return r, t, err
	}
	viewer := exec.CommandContext(ctx, "xtigervncviewer", "-display", t.ViewDisplay, "-SecurityTypes", "None",
		"-FullScreen", "-RemoteResize=0", "-ReconnectOnError=0", "-AlertOnFatalError=0",
		fmt.Sprintf("localhost::%d", port))
	if err = r.start(viewer); err != nil {
		return r, t, err
	}
	t.ViewPIDs = []int{viewer.Process.Pid}
	return r, t, pause(ctx, 2*settleTime)
}

// server starts the host's side.
func (r *rival) server(ctx context.Context, kind string, port int) (name string, pids []int, err error) {
	portText := fmt.Sprint(port)
	if kind == rivalServer {
		return r.displayOf(exec.CommandContext(ctx, "Xtigervnc", "-geometry", rivalScreen, "-depth", "24",
			"-SecurityTypes", "None", "-rfbport", portText, "-localhost", "-displayfd", "3"))
	}
	if name, _, err = r.display(ctx); err != nil {
		return "", nil, err
	}
	scraper := exec.CommandContext(ctx, "X0tigervnc", "-display", name, "-SecurityTypes", "None",
		"-rfbport", portText, "-localhost")
	if err = r.start(scraper); err != nil {
		return "", nil, err
	}
	return name, []int{scraper.Process.Pid}, nil
}

// display starts an ordinary display.
func (r *rival) display(ctx context.Context) (string, []int, error) {
	return r.displayOf(exec.CommandContext(ctx, "Xvfb", "-screen", "0", rivalScreen+"x24", "-nolisten", "tcp",
		"-noreset", "-displayfd", "3"))
}

// displayOf starts an X server that writes its number to file 3 once it serves.
func (r *rival) displayOf(cmd *exec.Cmd) (string, []int, error) {
	in, out, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	defer in.Close()
	cmd.ExtraFiles = []*os.File{out}
	err = r.start(cmd)
	_ = out.Close()
	if err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return "", nil, fmt.Errorf("%w: %s: %w", errRival, cmd.Path, err)
	}
	return ":" + strings.TrimSpace(line), []int{cmd.Process.Pid}, nil
}

func (r *rival) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", errRival, err)
	}
	r.programs = append(r.programs, cmd)
	return nil
}

// stop ends the programs, the newest first.
func (r *rival) stop() {
	for i := len(r.programs) - 1; i >= 0; i-- {
		_ = r.programs[i].Process.Kill()
		_ = r.programs[i].Wait()
	}
}

// freePort finds a port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// dialable waits until somebody listens on a port.
func dialable(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, rivalPatience)
	defer cancel()
	for {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return c.Close()
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return errors.Join(errRival, err)
		}
	}
}
