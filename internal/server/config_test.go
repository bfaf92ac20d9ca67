// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assist/internal/wire"
)

// The line is found however the key is written.
func TestImpossibleValueIsFoundOnItsLine(t *testing.T) {
	const whole = "[unit]\nname=\"a\"\n[server]\naddress=\"a:443\"\n"
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"plain":           {whole + "[accounts]\npassword_min = 3\n", 6},
		"comment behind":  {whole + "\n[accounts] # limits\npassword_min = 3 # short\n", 7},
		"quoted":          {whole + "[\"accounts\"]\n'password_min' = 3\n", 6},
		"dotted":          {"unit.name=\"a\"\nserver.address=\"a:443\"\naccounts.password_min = 3\n", 3},
		"inline":          {"unit = {name=\"a\"}\nserver = {address=\"a:443\"}\naccounts = {code_hours=1, password_min = 3}\n", 3},
		"same name above": {"[unit]\nname=\"a\"\n[server]\naddress=\"password_min = 3\"\n", 4},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.toml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := loadConfig(path)
			if want := fmt.Sprintf("%s:%d: ", path, c.line); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// What could never be signed is refused when it is typed, not when it is to be signed.
func TestNamesAreThoseThatCanBeSigned(t *testing.T) {
	for name, good := range map[string]bool{
		"Claire Dubois": true, "Éléonore d’Ys": true, strings.Repeat("x", wire.MaxName): true,
		"": false, " Claire": false, "Claire\n": false, "\u2800": false, "Claire\u202ebis": false, "\xff": false, strings.Repeat("x", wire.MaxName+1): false,
	} {
		if err := checkLabel(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
