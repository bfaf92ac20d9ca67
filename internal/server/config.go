// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"assist/internal/wire"
)

//go:embed assist-server.toml.tmpl
var configTemplate string

// config is assist-server.toml.
type config struct {
	Unit     unitConfig     `toml:"unit"`
	Server   serverConfig   `toml:"server"`
	Accounts accountsConfig `toml:"accounts"`
}

type unitConfig struct {
	Name           string `toml:"name"`
	PassphraseFile string `toml:"passphrase_file"`
}

type serverConfig struct {
	Address        string `toml:"address"`
	Listen         string `toml:"listen"`
	STUN           string `toml:"stun"`
	MaxConnections int    `toml:"max_connections"`
	MaxPerAddress  int    `toml:"max_per_address"`
}

type accountsConfig struct {
	PasswordMin     int `toml:"password_min"`     // characters
	CertificateDays int `toml:"certificate_days"` // at most 90
	CodeHours       int `toml:"code_hours"`
}

func defaultConfig() config {
	return config{
		Server:   serverConfig{STUN: ":3478", MaxConnections: 50_000, MaxPerAddress: 256},
		Accounts: accountsConfig{PasswordMin: 15, CertificateDays: 90, CodeHours: 24},
	}
}

// stunOff is the value of server.stun that opens no UDP port.
const stunOff = "off"

// loadConfig reads and checks a file. Errors name file, line and key.
func loadConfig(path string) (config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c := defaultConfig()
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return config{}, explain(path, err)
	}
	if bad := c.check(); bad != nil {
		return config{}, fmt.Errorf("%w: %s:%d: %s %s", ErrConfig, path, lineOf(text, bad.key), bad.key, bad.why)
	}
	if f := c.Unit.PassphraseFile; f != "" && !filepath.IsAbs(f) {
		c.Unit.PassphraseFile = filepath.Join(filepath.Dir(path), f)
	}
	return c, nil
}

// explain turns the decoder's error into one line per problem.
func explain(path string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		var lines []string
		for _, e := range unknown.Errors {
			row, _ := e.Position()
			lines = append(lines, fmt.Sprintf("%s:%d: unknown key %s", path, row, strings.Join(e.Key(), ".")))
		}
		return fmt.Errorf("%w: %s", ErrConfig, strings.Join(lines, "; "))
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		row, _ := wrong.Position()
		return fmt.Errorf("%w: %s:%d: %s: %s", ErrConfig, path, row, strings.Join(wrong.Key(), "."), wrong.Error())
	}
	return fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
}

// badKey is a value out of limits.
type badKey struct{ key, why string }

func (c *config) check() *badKey {
	if err := checkLabel(c.Unit.Name); err != nil {
		return &badKey{"unit.name", err.Error()}
	}
	host, port, err := net.SplitHostPort(c.Server.Address)
	if err != nil || host == "" || !isPort(port) || port == "0" {
		return &badKey{"server.address", "is not host:port"}
	}
	if c.Server.Listen == "" {
		c.Server.Listen = ":" + port
	}
	if _, port, err := net.SplitHostPort(c.Server.Listen); err != nil || !isPort(port) {
		return &badKey{"server.listen", "is not host:port"}
	}
	if _, port, err := net.SplitHostPort(c.Server.STUN); c.Server.STUN != stunOff && (err != nil || !isPort(port)) {
		return &badKey{"server.stun", `is neither host:port nor "off"`}
	}
	return c.checkNumbers()
}

func (c *config) checkNumbers() *badKey {
	for _, n := range []struct {
		key        string
		is, lo, hi int
	}{
		{"server.max_connections", c.Server.MaxConnections, 1, 1_000_000},
		{"server.max_per_address", c.Server.MaxPerAddress, 1, 1_000_000},
		{"accounts.password_min", c.Accounts.PasswordMin, 12, 64},
		{"accounts.certificate_days", c.Accounts.CertificateDays, 1, 90},
		{"accounts.code_hours", c.Accounts.CodeHours, 1, 24 * 7},
	} {
		if n.is < n.lo || n.is > n.hi {
			return &badKey{n.key, fmt.Sprintf("is not between %d and %d", n.lo, n.hi)}
		}
	}
	return nil
}

// isPort allows 0: the system then chooses one.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// checkLabel refuses a name that could not travel or be shown.
func checkLabel(s string) error {
	if s == "" || len(s) > wire.MaxName || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return fmt.Errorf("must have 1 to %d bytes of text, without spaces around", wire.MaxName)
	}
	for _, r := range s {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return errors.New("holds a control character")
		}
	}
	return nil
}

// lineOf finds the line of "table.key"; 1 when the key is not written.
func lineOf(text []byte, key string) int {
	table, name, _ := strings.Cut(key, ".")
	in := ""
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			in = strings.Trim(line, "[] \t")
			continue
		}
		left, _, found := strings.Cut(line, "=")
		if found && in == table && strings.TrimSpace(left) == name {
			return i + 1
		}
	}
	return 1
}

// render writes the file that Init leaves, with a comment for each key.
func (c config) render() ([]byte, error) {
	quote := template.FuncMap{"quote": func(s string) (string, error) {
		b, err := toml.Marshal(map[string]string{"k": s})
		return strings.TrimSpace(strings.TrimPrefix(string(b), "k = ")), err
	}}
	t, err := template.New(fileConfig).Funcs(quote).Parse(configTemplate)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return b.Bytes(), nil
}
