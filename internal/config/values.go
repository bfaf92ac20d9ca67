// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"

	"assist/internal/trust"
)

// Values that a key may have, beside join codes.
const (
	languages = "fr en"
	themes    = "system light dark"
	rights    = "view point control"
	lockable  = "unit.join app.language app.theme app.text_size"
)

// Of policy.idle_minutes: the longest, as in the charter, and what holds where nobody
// says anything, which a user's own file can only shorten.
const (
	maxIdle   = trust.MaxIdleMinutes
	usualIdle = 15
)

// Limits of app.text_size, in percent.
const (
	minText = 100
	maxText = 200
)

// check returns the first key whose value is impossible, and why.
func (f File) check() (key, why string) {
	if f.Unit.Join != "" {
		if _, err := trust.ParseJoinCode(f.Unit.Join); err != nil {
			return "unit.join", "is not a whole join code: copy it again from the administrator"
		}
	}
	if n := f.App.TextSize; n != 0 && (n < minText || n > maxText) {
		return "app.text_size", fmt.Sprintf("%d is not between %d and %d", n, minText, maxText)
	}
	if n := f.Policy.IdleMinutes; n < 0 || n > maxIdle {
		return "policy.idle_minutes", fmt.Sprintf("%d is not between 1 and %d", n, maxIdle)
	}
	if z := f.Policy.Zone; z != "" && trust.CheckLabel(z) != nil {
		return "policy.zone", fmt.Sprintf("%q is not the name of a zone", z)
	}
	for _, c := range []struct {
		key, allowed string
		said         []string
	}{
		{"app.language", languages, optional(f.App.Language)},
		{"app.theme", themes, optional(f.App.Theme)},
		{"policy.rights", rights, f.Policy.named()},
		{"policy.lock", lockable, f.Policy.Lock},
	} {
		for _, v := range c.said {
			if !slices.Contains(strings.Fields(c.allowed), v) {
				return c.key, fmt.Sprintf("%q is not one of: %s", v, c.allowed)
			}
		}
	}
	return "", ""
}

// named is the rights that are named, none when nothing is said.
func (p Policy) named() []string {
	if p.Rights == nil {
		return nil
	}
	return *p.Rights
}

func optional(v string) []string {
	if v == "" {
		return nil
	}
	return []string{v}
}
