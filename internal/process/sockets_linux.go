// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// States of a socket in the kernel's tables.
const (
	tcpListens  = "0A"
	unixAccepts = "00010000"
)

// running reads the process that holds the lock out of the lock, and believes it only
// if that process has the file open. Where that may not be looked at, the kernel's list of
// locks decides: the number stays in the file when an app ends, and another account's
// process may bear it since.
func running(dir string) (int, error) {
	path, err := filepath.EvalSymlinks(filepath.Join(dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("process: %w", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("process: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 0 {
		return 0, nil // the app of a moment ago, or of the next
	}
	open, err := descriptors(pid)
	switch {
	case slices.Contains(open, path):
		return pid, nil
	case err != nil && holds(pid, path):
		return pid, err
	}
	return 0, nil
}

// holds reports whether the kernel says that a process holds the lock on a file. When it
// says nothing at all, the process is taken to hold it.
func holds(pid int, path string) bool {
	var i unix.Stat_t
	if unix.Stat(path, &i) != nil {
		return true
	}
	b, err := os.ReadFile("/proc/locks")
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(b)) { // 1: FLOCK ADVISORY WRITE 4242 00:1f:567 0 EOF
		f := strings.Fields(line)
		if len(f) >= 6 && f[1] == "FLOCK" && f[4] == strconv.Itoa(pid) && strings.HasSuffix(f[5], fmt.Sprintf(":%d", i.Ino)) {
			return true
		}
	}
	return false
}

// descriptors is what a process has open.
func descriptors(pid int) ([]string, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	var out []string
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			out = append(out, to)
		}
	}
	return out, nil
}

func sockets(pid int) ([]Socket, error) {
	open, err := descriptors(pid)
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, to := range open {
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	var out []Socket
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6", "unix"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			if os.IsNotExist(err) { // a kernel without that protocol
				continue
			}
			return nil, fmt.Errorf("process: %w", err)
		}
		for line := range strings.Lines(string(b)) {
			if s, ok := parseSocket(table, strings.Fields(line), own); ok {
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b Socket) int { return strings.Compare(a.Protocol+a.Local, b.Protocol+b.Local) })
	return out, nil
}

// parseSocket reads one line of a kernel's table; ok is false for sockets of others.
func parseSocket(table string, f []string, own map[string]bool) (s Socket, ok bool) {
	if table == "unix" {
		if len(f) < 7 || !own[f[6]] || f[3] != unixAccepts {
			return s, false
		}
		return Socket{table, strings.Join(f[7:], " "), true}, true
	}
	if len(f) < 10 || !own[f[9]] {
		return s, false
	}
	return Socket{table, parseAddress(f[1]), f[3] == tcpListens && strings.HasPrefix(table, "tcp")}, true
}

// parseAddress reads an address as the kernel writes it: words of four bytes in the
// order of this machine, a colon, the port.
func parseAddress(s string) string {
	host, port, ok := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || err2 != nil || len(b)%4 != 0 {
		return s
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return s
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)).String()
}
