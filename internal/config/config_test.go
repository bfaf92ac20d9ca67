// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assist/internal/trust"
)

// dirs makes the two folders with these files in them.
func dirs(t *testing.T, machine, user string) Dirs {
	t.Helper()
	d := Dirs{Machine: t.TempDir(), User: t.TempDir()}
	for dir, text := range map[string]string{d.Machine: machine, d.User: user} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "assist.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestErrorsNameFileLineAndKey(t *testing.T) {
	for name, c := range map[string]struct {
		text, key string
		line      int
	}{
		"unknown key":     {"[app]\nlanguage = \"fr\"\ncolour = \"red\"\n", "app.colour", 3},
		"unknown section": {"[unit]\n[screen]\nx = 1\n", "screen", 2},
		"wrong language":  {"[app]\n\nlanguage = \"de\"\n", "app.language", 3},
		"wrong theme":     {"[app]\ntheme = \"pink\"\n", "app.theme", 2},
		"wrong right":     {"[policy]\nrights = [\"view\",\n \"fly\"]\n", "policy.rights", 2},
		"wrong type":      {"[app]\ntext_size = \"big\"\n", "app.text_size", 2},
		"idle for hours":  {"[policy]\nidle_minutes = 600\n", "policy.idle_minutes", 2},
		"text too large":  {"[app]\n\n\ntext_size = 900\n", "app.text_size", 4},
		"join code":       {"[unit]\njoin = \"ASSIST1-nonsense\"\n", "unit.join", 2},
		"user locks":      {"[app]\n[policy] # mine\nlock = [\"app.theme\"]\n", "policy.lock", 3},
		"inline table":    {"\napp = {language = \"fr\", theme = \"pink\"}\n", "app.theme", 2},
		"dotted key":      {"app.language = \"fr\"\napp.theme = \"pink\"\n", "app.theme", 2},
		"quoted key":      {"[\"app\"] # x\n\"theme\" = \"pink\"\n", "app.theme", 2},
		"syntax":          {"[app]\nlanguage = \n", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			d := dirs(t, "", c.text)
			_, err := Load(d)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want *Error", err)
			}
			if e.File != filepath.Join(d.User, "assist.toml") || e.Line != c.line || !strings.HasPrefix(e.Key, c.key) {
				t.Fatalf("got file %s line %d key %q (%v), want line %d key %q", e.File, e.Line, e.Key, e, c.line, c.key)
			}
		})
	}
}

func TestUserCanOnlyTighten(t *testing.T) {
	for name, c := range map[string]struct {
		machine, user string
		want          []string
	}{
		"nobody says":         {"", "", nil},
		"machine alone":       {"[policy]\nrights = [\"view\"]\n", "", []string{"view"}},
		"user alone tightens": {"", "[policy]\nrights = [\"view\", \"point\"]\n", []string{"view", "point"}},
		"user cannot widen":   {"[policy]\nrights = [\"view\"]\n", "[policy]\nrights = [\"view\", \"control\"]\n", []string{"view"}},
		"user allows nothing": {"[policy]\nrights = [\"view\"]\n", "[policy]\nrights = []\n", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Load(dirs(t, c.machine, c.user))
			if err != nil {
				t.Fatal(err)
			}
			if (f.Policy.Rights == nil) != (c.want == nil) || fmt.Sprintf("%#v", f.Policy.named()) != fmt.Sprintf("%#v", c.want) {
				t.Fatalf("rights %#v, want %#v", f.Policy.named(), c.want)
			}
		})
	}
}

func TestUserCanOnlyShortenTheIdleTime(t *testing.T) {
	for _, c := range []struct{ machine, user, want int }{
		{0, 0, 0}, {30, 0, 30}, {0, 5, 5}, {0, 40, 15}, {30, 40, 30}, {30, 20, 20}, {5, 20, 5},
	} {
		text := func(n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("[policy]\nidle_minutes = %d\n", n)
		}
		f, err := Load(dirs(t, text(c.machine), text(c.user)))
		if err != nil || f.Policy.IdleMinutes != c.want {
			t.Errorf("%d over %d: %d, want %d (%v)", c.user, c.machine, f.Policy.IdleMinutes, c.want, err)
		}
	}
}

// The unit, and with it whose word counts here, is the administrator's when they say so.
func TestLockedUnitStays(t *testing.T) {
	ours, theirs := joinCode(t), joinCode(t)
	d := dirs(t, "[unit]\njoin = \""+ours+"\"\n[policy]\nlock = [\"unit.join\"]\n", "[unit]\njoin = \""+theirs+"\"\n")
	f, err := Load(d)
	if err != nil || f.Unit.Join != ours || !f.Locks("unit.join") || f.Locks("app.theme") {
		t.Errorf("%+v, %v", f, err)
	}
	if err := Save(d, File{Unit: Unit{Join: theirs}}); !errors.Is(err, ErrLocked) {
		t.Errorf("saved: %v", err)
	}
}

// joinCode is that of a unit of its own.
func joinCode(t *testing.T) string {
	t.Helper()
	key, err := trust.NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	return trust.JoinCode{Server: "assist.example:443", Pin: [32]byte{1}, Unit: key.Public()}.String()
}

func TestLockedKeyStays(t *testing.T) {
	d := dirs(t, "[app]\nlanguage = \"fr\"\ntheme = \"dark\"\n[policy]\nlock = [\"app.language\"]\n",
		"[app]\nlanguage = \"en\"\ntheme = \"light\"\n")
	f, err := Load(d)
	if err != nil {
		t.Fatal(err)
	}
	if f.App.Language != "fr" || f.App.Theme != "light" {
		t.Fatalf("got %+v", f.App)
	}
	if err := Save(d, File{App: App{Language: "en"}}); !errors.Is(err, ErrLocked) {
		t.Fatalf("saving a locked key: %v, want ErrLocked", err)
	}
	if err := Save(d, File{App: App{Language: "fr", Theme: "light"}}); err != nil {
		t.Fatal(err)
	}
}

func TestUserCannotLock(t *testing.T) {
	_, err := Load(dirs(t, "", "[policy]\nlock = [\"app.theme\"]\n"))
	var e *Error
	if !errors.As(err, &e) || e.Key != "policy.lock" {
		t.Fatalf("got %v", err)
	}
}

// The zone is where the computer stands: the administrator says so, and nobody's own file
// takes it away or sets another.
func TestZoneIsTheAdministrators(t *testing.T) {
	const zone = "[policy]\nzone = \"ZRR-1\"\n"
	d := dirs(t, zone, "[app]\nlanguage = \"fr\"\n[policy]\nrights = [\"view\"]\n")
	if f, err := Load(d); err != nil || f.Policy.Zone != "ZRR-1" {
		t.Errorf("%+v, %v", f.Policy, err)
	}
	for _, own := range []string{zone, "[policy]\nzone = \"other\"\n"} {
		for _, machine := range []string{"", zone} {
			var e *Error
			if f, err := Load(dirs(t, machine, own)); !errors.As(err, &e) || e.Key != "policy.zone" || e.Line != 2 {
				t.Errorf("a user sets %q: %+v, %v", own, f.Policy, err)
			}
		}
	}
	if err := Save(d, File{Policy: Policy{Zone: "other"}}); err != nil {
		t.Fatal(err)
	}
	if f, err := Load(d); err != nil || f.Policy.Zone != "ZRR-1" {
		t.Errorf("after a save: %+v, %v", f.Policy, err)
	}
	for _, bad := range []string{" ZRR-1", strings.Repeat("x", 200), "a\\u0007"} {
		var e *Error
		if _, err := Load(dirs(t, "[policy]\nzone = \""+bad+"\"\n", "")); !errors.As(err, &e) || e.Key != "policy.zone" {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSaveThenLoad(t *testing.T) {
	unit, err := trust.NewUnitKey()
	if err != nil {
		t.Fatal(err)
	}
	code := trust.JoinCode{Server: "assist.inci.example:443", Unit: unit.Public()}.String()
	d := dirs(t, "", "")
	want := File{Unit: Unit{Join: code}, App: App{Language: "fr", Theme: "dark", TextSize: 150},
		Policy: Policy{Rights: &[]string{"view"}}}
	if err := Save(d, want); err != nil {
		t.Fatal(err)
	}
	got, err := Load(d)
	if err != nil {
		t.Fatal(err)
	}
	if got.Unit != want.Unit || got.App != want.App || fmt.Sprint(got.Policy.named()) != fmt.Sprint(want.Policy.named()) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	st, err := os.Stat(filepath.Join(d.User, "assist.toml"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", st.Mode(), err)
	}
}

func TestFailedReplaceKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub") // a folder stands where the file should go
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("new")); err == nil {
		t.Fatal("replaced a folder")
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".new-*"))
	if len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	d := dirs(t, "", "#"+strings.Repeat("x", MaxFile))
	var e *Error
	if _, err := Load(d); !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
}

// A list of no rights forbids everything; writing another key must not lose it.
func TestEmptyRightsSurviveASave(t *testing.T) {
	d := dirs(t, "", "[policy]\nrights = []\n")
	user, err := ReadUser(d)
	if err != nil {
		t.Fatal(err)
	}
	user.App.Language = "en"
	if err := Save(d, user); err != nil {
		t.Fatal(err)
	}
	f, err := Load(d)
	if err != nil {
		t.Fatal(err)
	}
	if f.Policy.Rights == nil || len(*f.Policy.Rights) != 0 {
		t.Fatalf("rights are %v after a save", f.Policy.Rights)
	}
}
