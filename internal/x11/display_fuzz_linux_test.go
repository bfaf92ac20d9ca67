// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"strings"
	"testing"
)

// Whatever DISPLAY says, it is a place to call or an error, and no other socket than
// those of X servers is called by a number.
func FuzzDisplay(f *testing.F) {
	for _, seed := range []string{":0", "host:1.2", "tcp/host:3", "unix/:4", "/tmp/.X11-unix/X0:0", "::", "[::1]:5", ":99999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, display string) {
		if display == "" {
			return // the environment's own is read then
		}
		a, err := parseDisplay(display)
		switch {
		case err != nil:
		case a.network != "tcp" && a.network != "unix":
			t.Errorf("%q is called over %q", display, a.network)
		case strings.Trim(a.number, "0123456789") != "":
			t.Errorf("%q has the number %q", display, a.number)
		case a.screen < 0:
			t.Errorf("%q has screen %d", display, a.screen)
		}
	})
}
