// SPDX-License-Identifier: Apache-2.0

// Package config reads and replaces the app's own files: the machine-wide policy
// an administrator deploys, the user's settings, and where both are.
//
// Both files are TOML and have the same keys. The machine's file comes first and
// can lock keys; the user's comes second and can only tighten. An unknown key or
// an impossible value is an *Error naming file, line and key. Nothing secret is
// in either; a file is replaced atomically.
package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"assist/internal/tomlline"
)

// MaxFile is the largest configuration file that is read, in bytes.
const MaxFile = 64 << 10

// ErrLocked says that the administrator's file fixes this key.
var ErrLocked = errors.New("config: the key is locked by the administrator")

// Error is a fault in a configuration file.
type Error struct {
	File string
	Line int    // from 1; 0 when the file as a whole is at fault
	Key  string // dotted, may be empty
	Why  string
}

func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s += fmt.Sprintf(":%d", e.Line)
	}
	if e.Key != "" {
		s += ": " + e.Key
	}
	return s + ": " + e.Why
}

// File is what one assist.toml can say. Zero values mean "not said".
type File struct {
	Unit   Unit   `toml:"unit,omitempty"`
	App    App    `toml:"app,omitempty"`
	Policy Policy `toml:"policy,omitempty"`
}

// Unit is the laboratory this app belongs to.
type Unit struct {
	Join string `toml:"join,omitempty"` // the join code
}

// App is how the app looks.
type App struct {
	Language string `toml:"language,omitempty"`  // "fr" or "en"
	Theme    string `toml:"theme,omitempty"`     // "system", "light" or "dark"
	TextSize int    `toml:"text_size,omitempty"` // percent, 100 to 200
}

// Policy is what may happen on this machine at most.
type Policy struct {
	// Rights is the ceiling: "view", "point", "control". Absent means all, and an
	// empty list means none: the two must not be confused when the file is written.
	Rights *[]string `toml:"rights,omitempty"`
	// IdleMinutes is how long the person may rest their hands before they are asked
	// whether they are still there; 0 says nothing.
	IdleMinutes int `toml:"idle_minutes,omitempty"`
	// Zone is the restricted zone (ZRR) that this computer stands in, whoever uses it;
	// machine file only.
	Zone string   `toml:"zone,omitempty"`
	Lock []string `toml:"lock,omitempty"` // keys the user's file may not set; machine file only
}

// Dirs says where things are.
type Dirs struct {
	Machine string // folder of the machine-wide assist.toml
	User    string // folder of the user's assist.toml
	Data    string // keys, receipts, the trial's server
}

// At returns the folders of an app that keeps everything below dir and obeys the
// machine-wide policy all the same.
func At(dir string) Dirs {
	return Dirs{Machine: machineDir(), User: dir, Data: dir}
}

// Default returns the folders of the logged-in user.
func Default() (Dirs, error) {
	c, err := os.UserConfigDir()
	if err != nil {
		return Dirs{}, fmt.Errorf("config: find the user's folder: %w", err)
	}
	return Dirs{Machine: machineDir(), User: filepath.Join(c, "assist"), Data: dataDir(c)}, nil
}

// Load reads the machine's file, then the user's, and returns what is in force.
// A file that does not exist says nothing.
func Load(d Dirs) (File, error) {
	machine, err := Read(filepath.Join(d.Machine, "assist.toml"))
	if err != nil {
		return File{}, err
	}
	path := filepath.Join(d.User, "assist.toml")
	user, text, err := read(path)
	if err != nil {
		return File{}, err
	}
	for key, own := range map[string]bool{"policy.lock": len(user.Policy.Lock) > 0, "policy.zone": user.Policy.Zone != ""} {
		if own {
			return File{}, &Error{File: path, Line: tomlline.Of(text, key), Key: key, Why: "can be set in the machine-wide file alone"}
		}
	}
	return merge(machine, user), nil
}

// ReadUser reads the user's own file alone.
func ReadUser(d Dirs) (File, error) { return Read(filepath.Join(d.User, "assist.toml")) }

// Read reads one file strictly; a missing file is an empty one.
func Read(path string) (File, error) {
	f, _, err := read(path)
	return f, err
}

// read returns the text, too: what is found out later is also on one of its lines.
func read(path string) (File, []byte, error) {
	var f File
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil, nil
	}
	if err != nil {
		return f, nil, fmt.Errorf("config: %w", err)
	}
	if len(b) > MaxFile {
		return f, nil, &Error{File: path, Why: fmt.Sprintf("is larger than %d bytes", MaxFile)}
	}
	dec := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return File{}, nil, locate(path, err)
	}
	if key, why := f.check(); key != "" {
		return File{}, nil, &Error{File: path, Line: tomlline.Of(b, key), Key: key, Why: why}
	}
	return f, b, nil
}

// Save replaces the user's file atomically. Keys that the machine's file locks
// cannot differ from it: ErrLocked.
func Save(d Dirs, f File) error {
	machine, err := Read(filepath.Join(d.Machine, "assist.toml"))
	if err != nil {
		return err
	}
	for _, k := range machine.Policy.Lock {
		if said(f, k) && value(f, k) != value(machine, k) {
			return fmt.Errorf("%w: %s", ErrLocked, k)
		}
	}
	f.Policy.Lock, f.Policy.Zone = nil, ""
	if key, why := f.check(); key != "" {
		return &Error{File: filepath.Join(d.User, "assist.toml"), Key: key, Why: why}
	}
	b, err := toml.Marshal(f)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return WriteFile(filepath.Join(d.User, "assist.toml"), b)
}

// ReadKept gives a file that the app keeps to parse, if there is one. A file that cannot be
// read or parsed is put aside under path.damaged, not lost, and the log says so.
func ReadKept(path string, log *slog.Logger, parse func([]byte) error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = parse(b)
	}
	if err == nil {
		return
	}
	log.Warn("file not readable, put aside", "file", filepath.Base(path), "error", err)
	if err := os.Rename(path, path+".damaged"); err != nil {
		log.Warn("file not put aside", "file", filepath.Base(path), "error", err)
	}
}

// WriteFile replaces path by b atomically, readable by this user alone: the old
// or the new content is there at any moment, also after a power cut.
func WriteFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	defer os.Remove(tmp.Name()) // nothing is left to remove once renamed
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("config: replace %s: %w", path, err)
	}
	return nil
}

// Locks reports whether the machine's file keeps the user from setting a key.
func (f File) Locks(key string) bool { return slices.Contains(f.Policy.Lock, key) }

// merge puts the user's file over the machine's: locked keys stay, rights are
// intersected.
func merge(machine, user File) File {
	out := machine
	pick := func(k string, set func()) {
		if said(user, k) && !(slices.Contains(machine.Policy.Lock, k) && said(machine, k)) {
			set()
		}
	}
	pick("unit.join", func() { out.Unit.Join = user.Unit.Join })
	pick("app.language", func() { out.App.Language = user.App.Language })
	pick("app.theme", func() { out.App.Theme = user.App.Theme })
	pick("app.text_size", func() { out.App.TextSize = user.App.TextSize })
	if user.Policy.IdleMinutes > 0 {
		out.Policy.IdleMinutes = min(user.Policy.IdleMinutes, cmp.Or(machine.Policy.IdleMinutes, usualIdle))
	}
	if user.Policy.Rights != nil {
		both := intersect(machine.Policy.Rights, *user.Policy.Rights)
		out.Policy.Rights = &both
	}
	return out
}

// intersect keeps the rights of user that machine has too; nil is all rights.
func intersect(machine *[]string, user []string) []string {
	out := []string{}
	for _, r := range user {
		if machine == nil || slices.Contains(*machine, r) {
			out = append(out, r)
		}
	}
	return out
}

func said(f File, k string) bool { return value(f, k) != "" }

// value is a key's value as text, empty when not said.
func value(f File, k string) string {
	switch k {
	case "unit.join":
		return f.Unit.Join
	case "app.language":
		return f.App.Language
	case "app.theme":
		return f.App.Theme
	case "app.text_size":
		if f.App.TextSize != 0 {
			return fmt.Sprint(f.App.TextSize)
		}
	}
	return ""
}

// locate turns the decoder's error into one that names file, line and key.
func locate(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		e := strict.Errors[0]
		line, _ := e.Position()
		return &Error{File: path, Line: line, Key: dotted(e.Key()), Why: "there is no such key"}
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, _ := decode.Position()
		return &Error{File: path, Line: line, Key: dotted(decode.Key()), Why: decode.Error()}
	}
	return &Error{File: path, Why: err.Error()}
}

func dotted(k toml.Key) string {
	s := ""
	for i, p := range k {
		if i > 0 {
			s += "."
		}
		s += p
	}
	return s
}
