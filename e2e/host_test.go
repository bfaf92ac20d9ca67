// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jezek/xgb/xproto"
)

// sockets counts the UDP sockets of the host's app: pictures leave by nothing else.
func (w *world) sockets(t *testing.T) int {
	t.Helper()
	own := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", w.host.proc.pid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.Trim(to, "socket:[]")] = true
		}
	}
	n := 0
	for _, table := range []string{"udp", "udp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", w.host.proc.pid(), table))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(b), "\n")[1:] {
			if f := strings.Fields(line); len(f) > 9 && own[f[9]] {
				n++
			}
		}
	}
	return n
}

// sentByHost is how much the host's app sent so far; 0 where there is no cable.
func (w *world) sentByHost(t *testing.T) int {
	t.Helper()
	if w.cable.space == "" {
		return 0
	}
	n, err := w.cable.fromHost()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// banner finds one of the host app's own banners: unmanaged, wide and thin.
func (w *world) banner() (xproto.Window, image.Rectangle, error) {
	all, err := w.banners()
	if err != nil || len(all) == 0 {
		return 0, image.Rectangle{}, errors.Join(err, errors.New("no banner"))
	}
	for win, r := range all {
		return win, r, nil
	}
	return 0, image.Rectangle{}, nil
}

// banners lists all banners: unmanaged windows at the edge of a monitor, 32 high.
func (w *world) banners() (map[xproto.Window]image.Rectangle, error) {
	d := w.host.screen
	tree, err := xproto.QueryTree(d.x, d.root).Reply()
	if err != nil {
		return nil, err
	}
	found := map[xproto.Window]image.Rectangle{}
	for _, win := range tree.Children {
		a, err := xproto.GetWindowAttributes(d.x, win).Reply()
		if err != nil || !a.OverrideRedirect || a.MapState != xproto.MapStateViewable {
			continue
		}
		r, err := d.place(win)
		if err == nil && r.Dy() >= 28 && r.Dy() <= 48 && r.Dx() >= 300 {
			found[win] = r
		}
	}
	return found, nil
}

// back waits until the technician has the form again: a request that failed goes back
// to it by itself.
func (w *world) back(t *testing.T) {
	t.Helper()
	w.tech.see(t, aWhile, want{id: "machine-number"})
}
