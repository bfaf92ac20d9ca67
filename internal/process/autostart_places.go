// SPDX-License-Identifier: Apache-2.0

package process

import (
	"path/filepath"
	"slices"
)

// starterDirs are the folders of units and desktop entries on Linux; elsewhere they do not
// exist. Who asks may have other variables than who starts the session: where the files lie
// without any is looked at all the same.
func starterDirs(env func(string) string) []string {
	all := []string{"/etc/systemd", "/run/systemd/system", "/run/systemd/user"}
	for _, dir := range slices.Concat(configHomes(env), filepath.SplitList(env("XDG_CONFIG_DIRS")), []string{"/etc/xdg"}) {
		all = append(all, filepath.Join(dir, "autostart"), filepath.Join(dir, "systemd", "user"))
	}
	data := []string{filepath.Join(env("HOME"), ".local", "share"), env("XDG_DATA_HOME"), "/usr/share", "/usr/local/share"}
	for _, dir := range append(data, filepath.SplitList(env("XDG_DATA_DIRS"))...) {
		all = append(all, filepath.Join(dir, "systemd", "user"), filepath.Join(dir, "dbus-1", "services"), filepath.Join(dir, "dbus-1", "system-services"))
	}
	return append(all, filepath.Join(env("XDG_RUNTIME_DIR"), "systemd", "user"), "/usr/lib/systemd", "/lib/systemd", "/usr/local/lib/systemd")
}

// scripts are the tables, scripts and settings of desktops, of commands line by line, that
// run by themselves.
func scripts(env func(string) string) []string {
	all := []string{
		"/etc/crontab", "/etc/anacrontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron",
		"/etc/profile", "/etc/profile.d", "/etc/bash.bashrc", "/etc/bashrc", "/etc/zsh", "/etc/zshenv", "/etc/zprofile", "/etc/zshrc", "/etc/fish",
		"/etc/X11/Xsession.d", "/etc/X11/xinit", "/etc/xprofile", "/etc/rc.local", "/etc/init.d",
		"/etc/xdg/openbox", "/etc/xdg/lxsession", "/etc/xdg/plasma-workspace", "/etc/i3", "/etc/sway",
	}
	below := func(dir string, names ...string) {
		for _, name := range names {
			all = append(all, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	below(env("HOME"), ".profile", ".bash_profile", ".bash_login", ".bashrc", ".xprofile", ".xsession", ".xsessionrc", ".xinitrc", ".xserverrc",
		".i3/config", ".fluxbox/startup", ".vnc/xstartup", ".kde/Autostart", ".kde/env")
	for _, dir := range []string{env("HOME"), env("ZDOTDIR")} {
		below(dir, ".zshenv", ".zprofile", ".zshrc", ".zlogin")
	}
	for _, dir := range configHomes(env) {
		below(dir, "autostart-scripts", "plasma-workspace", "lxsession", "openbox/autostart", "openbox/environment", "i3/config", "sway", "labwc", "hypr",
			"bspwm", "awesome", "river", "niri", "qtile", "herbstluftwm", "wayfire.ini", "fish/config.fish", "fish/conf.d")
	}
	return all
}

// configHomes are the folders of the person's settings.
func configHomes(env func(string) string) []string {
	return []string{filepath.Join(env("HOME"), ".config"), env("XDG_CONFIG_HOME")}
}
