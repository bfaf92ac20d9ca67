// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestStartersAreFound(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	want := []string{
		write(".config/autostart/help.desktop", "[Desktop Entry]\nExec=/opt/assist/assist --verbose\n"),
		write(".config/autostart/name.desktop", "[Desktop Entry]\nExec=\"assist\"\n"),
		write(".config/systemd/user/x.service", "[Service]\nExecStart=-/opt/assist/assist\n"),
	}
	write(".config/autostart/other.desktop", "[Desktop Entry]\n# Exec=assist\nExec=/usr/bin/assistant\n")
	write(".config/systemd/user/server.service", "[Service]\nExecStart=/usr/bin/assist-server run\n")
	want = append(want,
		write(".profile", "export LANG=fr\nDISPLAY=:0 /opt/assist/assist &\n"),
		write(".xprofile", "assist&\n"),
		write(".xsessionrc", "( sleep 5; /usr/bin/assist; )\n"),
		write(".bash_profile", "[ -x /opt/assist/assist ] && nohup \"/opt/assist/assist\"\n"),
		write(".config/i3/config", "exec --no-startup-id assist\n"),
	)
	write(".zprofile", "# assist\nexport PATH=$PATH:/opt/assist\nHELP=/opt/assist/assist\nassistant &\n")
	env := func(name string) string { return map[string]string{"HOME": home}[name] }
	var got []string
	for _, path := range Starters("/opt/assist/assist", env) {
		if rel, err := filepath.Rel(home, path); err == nil && rel[0] == '.' && rel[1] != '.' {
			got = append(got, path)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// A table's line may begin with variables: most that can open a window do.
func TestLinesOfTablesAreRead(t *testing.T) {
	for line, want := range map[string]bool{
		"@reboot alice DISPLAY=:0 /usr/bin/assist":     true,
		"@reboot alice /usr/bin/assist":                true,
		"0 8 * * 1-5 alice env DISPLAY=:0 assist --x":  true,
		"@reboot alice FILE=/usr/bin/assist /bin/true": false,
		"# @reboot alice DISPLAY=:0 /usr/bin/assist":   false,
		"MAILTO=assist": false,
		"@reboot root DISPLAY=:0 /usr/bin/assist-server": false,
	} {
		if got := runs([]byte(line+"\n"), "/usr/bin/assist"); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}
