// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strconv"

	"assist/internal/trust"
)

// Join is a join code: it names the server and pins the unit key.
type Join string

// Language is "fr" or "en".
type Language string

// Theme is "system", "light" or "dark".
type Theme string

// TextSize is the size of texts in percent, 100 to 200.
type TextSize int

// Right is "view", "point" or "control".
type Right string

// Key names a key that can be locked.
type Key string

// UnmarshalText accepts a valid join code only.
func (j *Join) UnmarshalText(b []byte) error {
	if _, err := trust.ParseJoinCode(string(b)); err != nil {
		return fmt.Errorf("is not a join code: %w", err)
	}
	*j = Join(b)
	return nil
}

// UnmarshalText accepts the languages the app speaks.
func (l *Language) UnmarshalText(b []byte) error { return oneOf(l, b, "fr", "en") }

// UnmarshalText accepts the themes there are.
func (t *Theme) UnmarshalText(b []byte) error { return oneOf(t, b, "system", "light", "dark") }

// UnmarshalText accepts the rights there are.
func (r *Right) UnmarshalText(b []byte) error { return oneOf(r, b, "view", "point", "control") }

// UnmarshalText accepts keys that can be locked.
func (k *Key) UnmarshalText(b []byte) error {
	return oneOf(k, b, "unit.join", "app.language", "app.theme", "app.text_size")
}

func oneOf[T ~string](v *T, b []byte, allowed ...string) error {
	if !slices.Contains(allowed, string(b)) {
		return fmt.Errorf("%q is not one of %q", b, allowed)
	}
	*v = T(b)
	return nil
}

// UnmarshalText accepts 100 to 200.
func (s *TextSize) UnmarshalText(b []byte) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 100 || n > 200 {
		return fmt.Errorf("%q is not a number from 100 to 200", b)
	}
	*s = TextSize(n)
	return nil
}
