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

// Starters lists the files among those of the session and service managers, of cron, of
// the shells and of desktops that would start this program, or one of its name, by
// themselves. env is os.Getenv.
func Starters(program string, env func(string) string) []string {
	found := lookThrough(starterDirs(env), func(text []byte) bool { return starts(text, program) })
	return append(found, lookThrough(scripts(env), func(text []byte) bool { return runs(text, program) })...)
}

// lookThrough lists the files, there or in these folders, whose text is of the kind.
func lookThrough(places []string, is func(text []byte) bool) []string {
	l := look{is: is, seen: map[string]bool{}}
	for _, place := range places {
		if filepath.IsAbs(place) {
			l.at(place)
		}
	}
	return l.found
}

// look is one search.
type look struct {
	is    func(text []byte) bool
	seen  map[string]bool // the folders and the files of places, without links
	found []string
}

// at looks at a place, which may be a link.
func (l *look) at(path string) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || l.seen[real] {
		return // what cannot be looked at starts nothing of this user
	}
	l.seen[real] = true
	entries, err := os.ReadDir(path)
	if err != nil {
		l.file(path)
	}
	for _, e := range entries {
		switch next := filepath.Join(path, e.Name()); {
		case e.IsDir() || isReadByManagers(next):
			l.at(next)
		default:
			l.file(next)
		}
	}
}

func (l *look) file(path string) {
	if b, err := readSome(path); err == nil && l.is(b) {
		l.found = append(l.found, path)
	}
}

// isReadByManagers reports whether a service manager goes into a folder of this name, also
// when it is a link. Nobody goes into other links to folders.
func isReadByManagers(path string) bool {
	if !slices.Contains([]string{".d", ".wants", ".requires", ".upholds"}, filepath.Ext(path)) {
		return false
	}
	i, err := os.Stat(path)
	return err == nil && i.IsDir()
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

// runs is starts for tables, scripts and settings of desktops, where variables may stand
// before a command, or alone.
func runs(text []byte, program string) bool {
	return anyLine(text, func(line string) bool {
		return slices.ContainsFunc(strings.Fields(line), func(word string) bool {
			if key, command, _ := strings.Cut(word, "="); strings.HasPrefix(key, "exec") {
				word = command // no variable: hyprland's exec-once=
			}
			return names(strings.Trim(word, "\"'`;&|(){}[],@$"), program)
		})
	})
}

// names reports whether a word of a command is the program, or one of its name. With "=" in
// it, it is a variable.
func names(word, program string) bool {
	name := filepath.Base(program)
	return word == program || word == name || strings.HasSuffix(word, "/"+name) && !strings.Contains(word, "=")
}

// anyLine reports whether a line that is no comment is of the kind. One that ends in a
// backslash goes on in the next, also behind comments (systemd.syntax(7)).
func anyLine(text []byte, is func(line string) bool) bool {
	begun := ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		part, goesOn := strings.CutSuffix(line, `\`)
		begun += part + " "
		if goesOn {
			continue
		}
		if is(begun) {
			return true
		}
		begun = ""
	}
	return is(begun)
}
