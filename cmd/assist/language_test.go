// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"runtime"
	"testing"

	"assist/assets"
	"assist/internal/config"
)

func TestSystemLanguage(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the environment does not say it there")
	}
	for _, c := range []struct{ all, messages, lang, language, want string }{
		{"", "", "", "", "en"},
		{"", "", "fr_FR.UTF-8", "", "fr"},
		{"", "", "fr_FR.UTF-8", "en", "en"},
		{"", "", "fr_FR.UTF-8", "en_GB:en", "en"},
		{"", "", "en_US.UTF-8", "fr", "fr"},
		{"", "", "de_DE.UTF-8", "de:fr:en", "fr"},
		{"", "", "de_DE.UTF-8", "", "en"},
		{"", "", "C.UTF-8", "fr", "en"},
		{"", "", "C", "", "en"},
		{"", "", "POSIX", "fr", "en"},
		{"", "", "", "fr", "en"},
		{"", "fr_FR", "en_US", "", "fr"},
		{"en_US", "fr_FR", "fr_FR", "", "en"},
		{"fr@euro", "", "en_US", "", "fr"},
		{"frp_FR", "", "", "", "en"},
	} {
		t.Setenv("LC_ALL", c.all)
		t.Setenv("LC_MESSAGES", c.messages)
		t.Setenv("LANG", c.lang)
		t.Setenv("LANGUAGE", c.language)
		checkOneLanguage(t, c.want)
	}
	if got := languageOf(func(string) string { return "" }, "fr-CA"); got != "fr" {
		t.Errorf("a system that says fr-CA speaks %q", got)
	}
}

// checkOneLanguage wants the same of all that speaks.
func checkOneLanguage(t *testing.T, want string) {
	t.Helper()
	dir := t.TempDir()
	p := newProgram(config.Dirs{Machine: dir, User: dir, Data: dir}, config.File{}, slog.New(slog.DiscardHandler))
	p.speak()
	text, err := assets.Texts("program", want)
	if err != nil {
		t.Fatal(err)
	}
	if p.texts()("banner.cut") != text("banner.cut") || p.screens(nil).Locale != want || systemLanguage() != want {
		t.Errorf("not all of %q, %q and %q is %q", p.texts()("banner.cut"), p.screens(nil).Locale, systemLanguage(), want)
	}
}
