// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/pelletier/go-toml/v2"

	"assist/internal/journal"
	"assist/internal/tomlline"
	"assist/internal/trust"
	"assist/internal/wire"
)

//go:embed assist-server.toml.tmpl
var configTemplate string

// config is assist-server.toml.
type config struct {
	Unit     unitConfig     `toml:"unit"`
	Server   serverConfig   `toml:"server"`
	Accounts accountsConfig `toml:"accounts"`
	Journal  journalConfig  `toml:"journal"`
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

	Proxies []string       `toml:"proxies"`
	proxies []netip.Prefix // the same, checked

	NewMachinesPerDay     int `toml:"new_machines_per_day"`
	NewMachinesPerAddress int `toml:"new_machines_per_address"` // and day
}

type accountsConfig struct {
	PasswordMin     int `toml:"password_min"`     // characters
	CertificateDays int `toml:"certificate_days"` // at most 90
	CodeHours       int `toml:"code_hours"`
}

func defaultConfig() config {
	return config{
		Server: serverConfig{STUN: ":3478", MaxConnections: 50_000, MaxPerAddress: 256,
			NewMachinesPerDay: 200, NewMachinesPerAddress: 100},
		Accounts: accountsConfig{PasswordMin: 15, CertificateDays: 90, CodeHours: 24},
		Journal:  journalConfig{RetentionMonths: journal.MaxMonths},
	}
}

// CodeLife is how long an enrolment code is good for.
func (s *Server) CodeLife() time.Duration { return time.Duration(s.cfg.Accounts.CodeHours) * time.Hour }

// SignsItself reports whether the configuration opens the unit key for a server
// that runs; one that is given the passphrase in another way signs as well.
func (s *Server) SignsItself() bool { return s.cfg.Unit.PassphraseFile != "" }

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
		return config{}, fmt.Errorf("%w: %s:%d: %s %s", ErrConfig, path, max(1, tomlline.Of(text, bad.key)), bad.key, bad.why)
	}
	if f := c.Unit.PassphraseFile; f != "" && !filepath.IsAbs(f) {
		c.Unit.PassphraseFile = filepath.Join(filepath.Dir(path), f)
	}
	c.Journal.from(filepath.Dir(path))
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
		key := strings.Join(wrong.Key(), ".")
		if kind := kindOf(key); kind != "" && !strings.Contains(wrong.Error(), "already") {
			return fmt.Errorf("%w: %s:%d: %s must be %s", ErrConfig, path, row, key, kind)
		}
		return fmt.Errorf("%w: %s:%d: %s", ErrConfig, path, row, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return fmt.Errorf("%w: %s: %s", ErrConfig, path, strings.TrimPrefix(err.Error(), "toml: "))
}

// kindOf says how the value of a key is written; empty for a key that is not ours.
func kindOf(key string) string {
	switch key {
	case "unit", "server", "accounts", "journal":
		return "a section, such as [" + key + "]"
	case "unit.name":
		return `text in quotes, such as "INCI"`
	case "unit.passphrase_file":
		return `text in quotes, such as "/etc/assist-server/passphrase"`
	case "server.address":
		return `text in quotes, such as "assist.example.org:443"`
	case "server.listen":
		return `text in quotes, such as ":8443"`
	case "server.stun":
		return `text in quotes, such as ":3478" or "off"`
	case "journal.retention_reason", "journal.syslog", "journal.syslog_authority", "journal.syslog_certificate", "journal.syslog_key":
		return "text in quotes"
	case "server.proxies":
		return `a list of texts in quotes, such as ["10.0.0.7/32"]`
	case "journal.retention_months", "server.max_connections", "server.max_per_address", "server.new_machines_per_day", "server.new_machines_per_address", "accounts.password_min", "accounts.certificate_days", "accounts.code_hours":
		return "a whole number without quotes"
	}
	return ""
}

// badKey is a value out of limits.
type badKey struct{ key, why string }

// spoken names the key for somebody who gave it to Init and has seen no file.
func (b *badKey) spoken() string {
	switch b.key {
	case "unit.name":
		return "the name"
	case "server.address":
		return "the address"
	case "server.listen":
		return "the address to listen on"
	case "server.stun":
		return "the STUN address"
	}
	return b.key
}

func (c *config) check() *badKey {
	if err := checkLabel(c.Unit.Name); err != nil {
		return &badKey{"unit.name", err.Error()}
	}
	host, port, err := net.SplitHostPort(c.Server.Address)
	if err != nil || host == "" || !isPort(port) || port == "0" {
		return &badKey{"server.address", "must be host:port, such as assist.example.org:443"}
	}
	if c.Server.Listen == "" {
		c.Server.Listen = ":" + port
	}
	if _, port, err := net.SplitHostPort(c.Server.Listen); err != nil || !isPort(port) {
		return &badKey{"server.listen", "must be host:port or :port, such as :8443"}
	}
	if _, port, err := net.SplitHostPort(c.Server.STUN); c.Server.STUN != stunOff && (err != nil || !isPort(port)) {
		return &badKey{"server.stun", `must be host:port or :port, such as :3478, or "off"`}
	}
	if c.Server.proxies, err = parseProxies(c.Server.Proxies); err != nil {
		return &badKey{"server.proxies", err.Error()}
	}
	if bad := c.checkNumbers(); bad != nil {
		return bad
	}
	return c.Journal.check()
}

// checkNumbers: the lower limits keep a typing error from weakening the accounts, the upper ones
// from promising what no machine holds.
func (c *config) checkNumbers() *badKey {
	for _, n := range []struct {
		key        string
		is, lo, hi int
	}{
		{"server.max_connections", c.Server.MaxConnections, 1, 1_000_000},
		{"server.max_per_address", c.Server.MaxPerAddress, 1, 1_000_000},
		{"server.new_machines_per_day", c.Server.NewMachinesPerDay, 1, 1_000_000},
		{"server.new_machines_per_address", c.Server.NewMachinesPerAddress, 1, 1_000_000},
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

// isPort allows 0: the system then chooses one, for tests.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// checkLabel refuses what no charter, certificate or message could hold, before anybody has it
// signed, by the rule of those who read them.
func checkLabel(s string) error {
	if trust.CheckLabel(s) == nil {
		return nil
	}
	return fmt.Errorf("must have 1 to %d bytes of text that can be seen, without spaces around it, control characters, or any that turns the writing", wire.MaxName)
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
