// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestWhoActs(t *testing.T) {
	for _, one := range []struct{ process, sudo, want string }{
		{"root", "", "root"},
		{"assist-server", "claire", "claire as assist-server"},
		{"root", "root", "root"},
		{`INCI\Claire Dubois`, "", `INCI\Claire_Dubois`},
		{"claire@inci.fr", "", "claire@inci.fr"},
		{"", "", "unknown"},
		{"root", "a\nb", "unknown as root"},
		{"root", "rssi as root", "unknown as root"}, // it would read as two accounts
		{"root", "\u202egro", "unknown as root"},
		{"root", strings.Repeat("a", maxAccount+1), "unknown as root"},
		{strings.Repeat("a", maxAccount), "", strings.Repeat("a", maxAccount)},
	} {
		if got := acting(one.process, one.sudo); got != one.want {
			t.Errorf("%q, %q: %q, want %q", one.process, one.sudo, got, one.want)
		}
	}
}

// From init on, each command that changes something is recorded with who ran it.
func TestEachCommandIsRecordedWithItsAccount(t *testing.T) {
	t.Setenv("SUDO_USER", "rssi")
	dir, pass := setUp(t)
	for _, line := range []string{
		"technician add --login claire --name Claire --role IT", "technician disable --login claire",
		"charter policy --idle 10", "charter sign --yes --passphrase-file " + pass, "tls next", "journal export --reason review --to " + filepath.Join(t.TempDir(), "e"),
	} {
		plays(t, append(strings.Fields(line), "--dir", dir)...)
	}
	for _, line := range strings.Split(strings.TrimSpace(plays(t, "journal", "list", "--json", "--dir", dir, "--reason", "review")), "\n") {
		if !strings.Contains(line, `"by":"`+account()+`"`) || !strings.HasPrefix(account(), "rssi as ") {
			t.Errorf("nobody, or somebody else than %s, did %s", account(), line)
		}
	}
}
