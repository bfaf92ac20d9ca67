// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// atHome makes a file below a folder, and the folders on its way.
func atHome(t *testing.T, home, name, text string) string {
	t.Helper()
	path := filepath.Join(home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// starters are those that were found below a folder, sorted.
func starters(below string, env map[string]string) []string {
	var got []string
	for _, path := range Starters("/opt/assist/assist", func(name string) string { return env[name] }) {
		if rel, err := filepath.Rel(below, path); err == nil && filepath.IsLocal(rel) {
			got = append(got, path)
		}
	}
	slices.Sort(got)
	return got
}

func TestStartersAreFound(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string) string { return atHome(t, home, name, text) }
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
		write(".bashrc", "pgrep assist || /opt/assist/assist &\n"),
		write(".zshenv", "/opt/assist/assist &!\n"),
		write(".config/fish/conf.d/a.fish", "/opt/assist/assist &\n"),
		write(".config/sway/config.d/help", "exec assist\n"),
		write(".config/hypr/hyprland.conf", "exec-once=/opt/assist/assist\n"),
		write(".config/lxsession/LXDE/autostart", "@assist\n"),
		write(".config/autostart-scripts/a.sh", "/opt/assist/assist\n"),
		write(".config/plasma-workspace/env/a.sh", "/opt/assist/assist &\n"),
		write(".config/awesome/rc.lua", "awful.spawn(\"/opt/assist/assist\")\n"),
		write(".config/labwc/autostart", "assist &\n"),
		write(".config/bspwm/bspwmrc", "assist &\n"),
		write(".config/niri/config.kdl", "spawn-at-startup \"assist\"\n"),
		write(".vnc/xstartup", "assist &\n"),
	)
	write(".zprofile", "# assist\nexport PATH=$PATH:/opt/assist\nHELP=/opt/assist/assist\nassistant &\n")
	slices.Sort(want)
	if got := starters(home, map[string]string{"HOME": home}); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// A folder that is a link (files of settings kept elsewhere) is one all the same, at the
// place itself and below where a service manager reads one; a circle of links is left, and
// what nobody would read, too.
func TestStartersBehindLinksAreFound(t *testing.T) {
	dir := t.TempDir()
	const entry, unit = "[Desktop Entry]\nExec=assist\n", "[Service]\nExecStart=assist\n"
	atHome(t, dir, "kept/autostart/a.desktop", entry)
	atHome(t, dir, "kept/units/a.service", unit)
	atHome(t, dir, "kept/drop/b.conf", unit)
	atHome(t, dir, "kept/aside/c.desktop", entry)
	atHome(t, dir, "home/.config/systemd/x", "")
	for at, to := range map[string]string{
		"home/.config/autostart": "../../kept/autostart", "home/.config/systemd/user": filepath.Join(dir, "kept", "units"),
		"kept/units/x.service.d": "../drop", "kept/units/y.service.d": ".", "kept/autostart/aside": "../aside", "kept/drop/b.service.d": "../units",
	} {
		if err := os.Symlink(to, filepath.Join(dir, at)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"home/.config/autostart/a.desktop", "home/.config/systemd/user/a.service", "home/.config/systemd/user/x.service.d/b.conf"}
	for i := range want {
		want[i] = filepath.Join(dir, want[i])
	}
	if got := starters(dir, map[string]string{"HOME": filepath.Join(dir, "home")}); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// Whoever asks may have said where such folders lie; those that count without it stay.
func TestStartersWhereVariablesSay(t *testing.T) {
	dir := t.TempDir()
	const entry, unit = "[Desktop Entry]\nExec=assist\n", "[Service]\nExecStart=assist\n"
	want := []string{
		atHome(t, dir, "config/autostart/a.desktop", entry), atHome(t, dir, "config/sway/config", "exec assist\n"), atHome(t, dir, "data/systemd/user/a.service", unit),
		atHome(t, dir, "dirs1/autostart/a.desktop", entry), atHome(t, dir, "dirs2/systemd/user/a.service", unit),
		atHome(t, dir, "home/.config/autostart/a.desktop", entry), atHome(t, dir, "home/.local/share/systemd/user/a.service", unit),
		atHome(t, dir, "run/systemd/user/a.service", unit), atHome(t, dir, "share/dbus-1/services/a.service", unit), atHome(t, dir, "zsh/.zshrc", "assist &\n"),
	}
	got := starters(dir, map[string]string{
		"HOME": filepath.Join(dir, "home"), "XDG_CONFIG_HOME": filepath.Join(dir, "config"), "XDG_DATA_HOME": filepath.Join(dir, "data"),
		"XDG_CONFIG_DIRS": filepath.Join(dir, "dirs1") + ":relative:" + filepath.Join(dir, "dirs2"), "XDG_DATA_DIRS": filepath.Join(dir, "share"),
		"XDG_RUNTIME_DIR": filepath.Join(dir, "run"), "ZDOTDIR": filepath.Join(dir, "zsh"),
	})
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
		"run(\"x\", [\"assist\", \"-x\"])":             true, "exec-once=assist --x": true, "HELP=assist": false,
		"MAILTO=assist": false,
		"@reboot root DISPLAY=:0 /usr/bin/assist-server": false,
	} {
		if got := runs([]byte(line+"\n"), "/usr/bin/assist"); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// A command may go on in the next line.
func TestCommandsOnTwoLinesAreRead(t *testing.T) {
	for text, want := range map[string]bool{
		"[Service]\nExecStart=/usr/bin/env \\\n  DISPLAY=:0 /usr/bin/assist\n":              true,
		"[Service]\nExecStart=/usr/bin/env \\\n# the screen\n  DISPLAY=:0 assist --x\n":     true,
		"[Service]\nExecStart=/bin/sh -c \\\n  'a=1; exec assist --config-dir=/x'":          true,
		"[Service]\nDescription=begins \\\n assist\nExecStart=/bin/true\n":                  false,
		"[Service]\n# ExecStart=/usr/bin/env \\\nExecStart=/bin/true\nDocumentation=assist": false,
	} {
		if got := starts([]byte(text), "/usr/bin/assist"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
