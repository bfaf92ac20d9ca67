// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxUnit is the largest service or autostart file that is read, in bytes.
const maxUnit = 64 << 10

// Starters lists the files among those of the session and service managers that would
// start this program, or one of its name, by themselves. env is os.Getenv.
func Starters(program string, env func(string) string) []string {
	var found []string
	for _, dir := range starterDirs(env) {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // what cannot be looked at starts nothing of this user
			}
			if b, err := readSome(path); err == nil && starts(b, program) {
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
	dirs := []string{
		filepath.Join(config, "autostart"), filepath.Join(config, "systemd", "user"),
		filepath.Join(home, ".local", "share", "systemd", "user"), filepath.Join(home, ".local", "share", "dbus-1", "services"),
		"/etc/xdg/autostart", "/etc/systemd", "/usr/lib/systemd", "/usr/local/lib/systemd",
		"/usr/share/dbus-1", "/usr/local/share/dbus-1", "/etc/cron.d",
	}
	var out []string
	for _, d := range dirs {
		if filepath.IsAbs(d) {
			out = append(out, d)
		}
	}
	return out
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

// starts reports whether a line of a unit, a desktop entry or a table starts the
// program: its path, or a word that is its name.
func starts(text []byte, program string) bool {
	name := filepath.Base(program)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		if strings.Contains(line, "=") && !strings.HasPrefix(line, "Exec") {
			continue // a name or a description; what a table starts has no such key
		}
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t=\"'@+:!;", r) }) {
			if word == program || word == name || strings.HasSuffix(word, "/"+name) {
				return true
			}
		}
	}
	return false
}
