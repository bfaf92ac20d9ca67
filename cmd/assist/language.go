// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"runtime"
	"strings"

	"fyne.io/fyne/v2/lang"
)

// systemLanguage is "fr" where the system speaks French to the person, else "en". It is
// the only one to look: windows, banner, receipts and terminal speak one language.
func systemLanguage() string {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return languageOf(func(string) string { return "" }, string(lang.SystemLocale()))
	}
	return languageOf(os.Getenv, "")
}

// languageOf reads the environment as gettext does: LANGUAGE lists what the person would
// rather read, unless the locale is the computer's own.
func languageOf(env func(string) string, locale string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale == "" {
			locale = env(name)
		}
	}
	wanted := []string{locale}
	if l := tongueOf(locale); l != "" && l != "c" && l != "posix" {
		wanted = append(strings.Split(env("LANGUAGE"), ":"), locale)
	}
	for _, one := range wanted {
		if l := tongueOf(one); l == "fr" || l == "en" {
			return l
		}
	}
	return "en"
}

// tongueOf is the language of a locale such as fr_FR.UTF-8 or fr-CA.
func tongueOf(locale string) string {
	if i := strings.IndexAny(locale, "_-.@"); i >= 0 {
		locale = locale[:i]
	}
	return strings.ToLower(locale)
}
