// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"testing"

	"assist/internal/server"
)

// Nobody types a passphrase a second time that is refused anyway.
func TestAShortPassphraseIsRefusedAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		typed []string
		asked int
		want  error
	}{
		"too short": {[]string{"eleven char", "eleven char"}, 1, server.ErrSetting},
		"mistyped":  {[]string{"twelve chars", "twelve charz"}, 2, errPassphrase},
		"good":      {[]string{"douze signes", "douze signes"}, 2, nil},
	} {
		asked := 0
		got, err := twice(func(string) (string, error) {
			asked++
			return c.typed[asked-1], nil
		})
		if asked != c.asked || !errors.Is(err, c.want) || (err == nil) != (got == c.typed[0]) {
			t.Errorf("%s: asked %d times, %q, %v", name, asked, got, err)
		}
	}
}
