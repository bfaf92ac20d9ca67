// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxUnit is the largest service or autostart file that is read, in bytes.
const maxUnit = 64 << 10

// Starters lists the files among those of the session and service managers, of cron and of
// the shells at login that would start this program, or one of its name, by themselves. env
// is os.Getenv.
func Starters(program string, env func(string) string) []string {
	found := lookThrough(starterDirs(env), func(text []byte) bool { return starts(text, program) })
	return append(found, lookThrough(scripts(env), func(text []byte) bool { return runs(text, program) })...)
}

// lookThrough lists the files, there or in these folders, whose text is of the kind.
func lookThrough(places []string, is func(text []byte) bool) []string {
	var found []string
	for _, place := range places {
		if !filepath.IsAbs(place) {
			continue
		}
		_ = filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // what cannot be looked at starts nothing of this user
			}
			if b, err := readSome(path); err == nil && is(b) {
				found = append(found, path)
			}
			return nil
		})
	}
	return found
}

// starterDirs are the folders of such files on Linux; elsewhere they do not exist.
func starterDirs(env func(string) string) []string {
	home, config := env("HOME"), env("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	return []string{
		filepath.Join(config, "autostart"), filepath.Join(config, "systemd", "user"),
		filepath.Join(home, ".local", "share", "systemd", "user"), filepath.Join(home, ".local", "share", "dbus-1", "services"),
		"/etc/xdg/autostart", "/etc/systemd", "/usr/lib/systemd", "/usr/local/lib/systemd",
		"/usr/share/dbus-1", "/usr/local/share/dbus-1",
	}
}

// scripts are the tables and scripts, of commands line by line, that run by themselves.
func scripts(env func(string) string) []string {
	home := env("HOME")
	all := []string{"/etc/crontab", "/etc/cron.d", "/etc/profile", "/etc/profile.d", "/etc/X11/Xsession.d"}
	for _, name := range []string{
		".profile", ".bash_profile", ".bash_login", ".zprofile", ".xprofile", ".xsession", ".xsessionrc", ".xinitrc",
		".config/openbox/autostart", ".config/i3/config", ".i3/config", ".fluxbox/startup",
	} {
		all = append(all, filepath.Join(home, filepath.FromSlash(name)))
	}
	return all
}

func readSome(path string) ([]byte, error) {
	i, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !i.Mode().IsRegular() || i.Size() > maxUnit {
		return nil, fs.ErrInvalid
	}
	return os.ReadFile(path)
}

// starts reports whether a line of a unit or a desktop entry starts the program: its path,
// or a word that is its name.
func starts(text []byte, program string) bool {
	apart := func(r rune) bool { return strings.ContainsRune(" \t=\"'@+:!;", r) }
	return anyLine(text, func(line string) bool {
		if strings.Contains(line, "=") && !strings.HasPrefix(line, "Exec") {
			return false // a name or a description
		}
		return slices.ContainsFunc(strings.FieldsFunc(line, apart), func(word string) bool { return names(word, program) })
	})
}

// runs is starts for tables and scripts, where variables may stand before a command, or
// alone.
func runs(text []byte, program string) bool {
	return anyLine(text, func(line string) bool {
		return slices.ContainsFunc(strings.Fields(line), func(word string) bool {
			return names(strings.Trim(word, "\"'`;&|(){}$"), program)
		})
	})
}

// names reports whether a word of a command is the program, or one of its name. With "=" in
// it, it is a variable.
func names(word, program string) bool {
	name := filepath.Base(program)
	return word == program || word == name || strings.HasSuffix(word, "/"+name) && !strings.Contains(word, "=")
}

// anyLine reports whether a line that is no comment is of the kind.
func anyLine(text []byte, is func(line string) bool) bool {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") && is(line) {
			return true
		}
	}
	return false
}
