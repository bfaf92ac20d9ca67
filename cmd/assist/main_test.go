// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"assist/assets"
	"assist/internal/config"
	"assist/internal/consent"
	"assist/internal/input"
	"assist/internal/session"
)

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
	}{
		{[]string{"--version"}, 0},
		{[]string{"--help"}, 0},
		{[]string{"--accept"}, 2},
		{[]string{"join", "now"}, 2},
		{[]string{input.GuardianArgument, "now"}, 2},
	} {
		var out bytes.Buffer
		if got := run(c.args, &out); got != c.status {
			t.Errorf("%q: status %d, want %d (%s)", c.args, got, c.status, out.String())
		}
	}
}

// Who asks in French what can be asked is answered in French, whatever is wrong.
func TestFlagsAreExplainedInTheLanguageOfTheSystem(t *testing.T) {
	for _, v := range []string{"LANGUAGE", "LC_ALL", "LC_MESSAGES"} {
		t.Setenv(v, "")
	}
	for language, want := range map[string]string{
		"fr": "-config-dir dossier|-attest forme|-verify-receipt fichier|puis finir|Utilisation",
		"en": "-config-dir folder|-attest form|-verify-receipt file|and stop|Usage",
	} {
		t.Setenv("LANG", language+"_FR.UTF-8")
		var out bytes.Buffer
		run([]string{"--help"}, &out)
		for _, one := range strings.Split(want, "|") {
			if !strings.Contains(out.String(), one) {
				t.Errorf("%s: no %q in\n%s", language, one, out.String())
			}
		}
		english := regexp.MustCompile(`(?i)\b(usage of|this|stop|folder|keep|print|unexpected)\b`)
		run([]string{"now"}, &out)
		if found := english.FindString(out.String()); (found != "") != (language == "en") || !strings.Contains(out.String(), "now") {
			t.Errorf("%s: %q in\n%s", language, found, out.String())
		}
	}
}

// A guardian without a display ends at once, and needs no person, file or network.
func TestGuardianWithoutADisplay(t *testing.T) {
	t.Setenv("DISPLAY", "")
	var out bytes.Buffer
	if got := run([]string{input.GuardianArgument}, &out); got != 1 || out.Len() == 0 {
		t.Fatalf("status %d: %s", got, out.String())
	}
}

// The app must not start as root; where the tests are not root, bad configuration is
// what stops it.
func TestBadStartsAreSaidPlainly(t *testing.T) {
	t.Setenv("DISPLAY", "") // with one, a window would wait for the person
	dir := t.TempDir()
	path := filepath.Join(dir, "assist.toml")
	if err := os.WriteFile(path, []byte("[app]\ncolour = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if got := run([]string{"--config-dir", dir}, &out); got != 1 {
		t.Fatalf("status %d: %s", got, out.String())
	}
	if os.Geteuid() == 0 {
		if !strings.Contains(out.String(), "root") {
			t.Fatalf("root is told: %s", out.String())
		}
		return
	}
	if !strings.Contains(out.String(), path+":2: app.colour") {
		t.Fatalf("the fault is told as: %s", out.String())
	}
}

func TestTextsExistInBothLanguages(t *testing.T) {
	keys := map[string][]string{}
	for _, language := range []string{"fr", "en"} {
		b, err := assets.I18n.ReadFile("i18n/program." + language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]string
		if err := json.Unmarshal(b, &texts); err != nil {
			t.Fatal(err)
		}
		keys[language] = slices.Sorted(maps.Keys(texts))
	}
	if !slices.Equal(keys["fr"], keys["en"]) {
		t.Fatalf("French has %q, English %q", keys["fr"], keys["en"])
	}
	for act := session.ActBegan; act <= session.ActUnanswered; act++ {
		for _, r := range []consent.Rights{consent.RightPoint, consent.RightControl} {
			key := deedKey(session.Deed{Act: act, Rights: r})
			if !slices.Contains(keys["fr"], key) || (key == "deed.ended") != (act == session.ActEnded) {
				t.Errorf("no words for act %d, %s", act, key)
			}
		}
	}
}

func TestCeilingOnlyHoldsWhatPolicyNames(t *testing.T) {
	for _, c := range []struct {
		rights []string
		want   consent.Rights
	}{
		{nil, consent.AllRights},
		{[]string{}, 0},
		{[]string{"view"}, consent.RightView},
		{[]string{"view", "control"}, consent.RightView | consent.RightControl},
	} {
		f := config.File{}
		if c.rights != nil {
			f.Policy.Rights = &c.rights
		}
		if got := ceiling(f); got != c.want {
			t.Errorf("%q: %v, want %v", c.rights, got, c.want)
		}
		f.Policy.Zone = "ZRR-1"
		if got := ceiling(f); got != c.want&consent.RightView {
			t.Errorf("%q in a zone: %v", c.rights, got)
		}
	}
}

func TestLoginOfAName(t *testing.T) {
	for name, want := range map[string]string{
		"Camille Martin": "camille.martin", "Zoé d'Été-Noël": "zoe.d.ete.noel",
		"李": "technicien", "": "technicien", strings.Repeat("ab", 40): strings.Repeat("ab", 16),
	} {
		if got := loginOf(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestTheWindowNamesFileLineAndKey(t *testing.T) {
	for language, want := range map[string][]string{
		"fr": {"Fichier /a.toml, ligne 2, clé «\u00a0app.x\u00a0».", "Fichier /a.toml, ligne 2.", "Fichier /a.toml, clé «\u00a0app.x\u00a0».", "/a.toml", "denied"},
		"en": {"File /a.toml, line 2, key “app.x”.", "File /a.toml, line 2.", "File /a.toml, key “app.x”.", "/a.toml", "denied"},
	} {
		text, err := assets.Texts("program", language)
		if err != nil {
			t.Fatal(err)
		}
		for i, fault := range []error{
			&config.Error{File: "/a.toml", Line: 2, Key: "app.x"}, &config.Error{File: "/a.toml", Line: 2},
			&config.Error{File: "/a.toml", Key: "app.x"}, &config.Error{File: "/a.toml"}, errors.New("denied"),
		} {
			if got := place(text, fault); got != want[i] {
				t.Errorf("%q, want %q", got, want[i])
			}
		}
	}
}

func TestStartWithoutADisplay(t *testing.T) {
	t.Setenv("DISPLAY", "")
	dir := t.TempDir()
	err := start(config.At(dir), config.File{}, slog.New(slog.DiscardHandler))
	if runtime.GOOS == "linux" && !errors.Is(err, errNoDisplay) {
		t.Errorf("start: %v", err)
	}
}
