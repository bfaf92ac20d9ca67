// SPDX-License-Identifier: Apache-2.0

package process

import (
	"strings"
	"testing"
)

// A line of the kernel's tables is a socket of ours or it is not; only those that accept
// are said to listen.
func FuzzSockets(f *testing.F) {
	f.Add("tcp", "0: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 42")
	f.Add("udp6", "1: 00000000000000000000000001000000:14E9 0:0 07 0:0 00:0 0 0 0 42")
	f.Add("unix", "0000000000000000: 00000002 00000000 00010000 0001 01 42 /tmp/.X11-unix/X0")
	f.Fuzz(func(t *testing.T, table, line string) {
		fields := strings.Fields(line)
		s, ok := parseSocket(table, fields, map[string]bool{"42": true})
		if ok && s.Protocol != table {
			t.Errorf("%q of %q is called %q", line, table, s.Protocol)
		}
		if ok && s.Listens && table != "unix" && !strings.HasPrefix(table, "tcp") {
			t.Errorf("%q listens", table)
		}
		for _, field := range fields {
			_ = parseAddress(field)
		}
	})
}
