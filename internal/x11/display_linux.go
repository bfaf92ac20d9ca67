// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// errBadDisplay means that a display's name cannot be read.
var errBadDisplay = errors.New("bad display name")

// Families of addresses in an authority file.
const (
	familyLocal = 256
	familyWild  = 65535
)

// address is where a display's server listens.
type address struct {
	network, address string
	host, number     string
	screen           int
}

// parseDisplay reads "[protocol/][host]:number[.screen]" or "/socket:number".
func parseDisplay(display string) (address, error) {
	if display == "" {
		display = os.Getenv("DISPLAY")
	}
	host, rest, ok := cutLast(display, ":")
	if !ok {
		return address{}, fmt.Errorf("%w: %q", errBadDisplay, display)
	}
	a := address{network: "tcp", host: host}
	number, screen, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(number, 10, 15)
	if err != nil {
		return address{}, fmt.Errorf("%w: %q", errBadDisplay, display)
	}
	a.number = number
	if s, err := strconv.ParseUint(screen, 10, 8); err == nil {
		a.screen = int(s)
	}
	switch {
	case strings.HasPrefix(host, "/"):
		a.network, a.address, a.host = "unix", host+":"+number, ""
	case host == "" || host == "unix" || strings.HasPrefix(host, "unix/"):
		a.network, a.address, a.host = "unix", "/tmp/.X11-unix/X"+number, ""
	default:
		a.host = strings.Trim(strings.TrimPrefix(host, "tcp/"), "[]")
		a.address = net.JoinHostPort(a.host, strconv.FormatUint(6000+n, 10))
	}
	return a, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+len(sep):], true
}

// cookie finds the display's MIT-MAGIC-COOKIE-1 as hex text; empty when there is none.
func (a address) cookie() string {
	name := os.Getenv("XAUTHORITY")
	if name == "" {
		name = filepath.Join(os.Getenv("HOME"), ".Xauthority")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	host := a.host
	if host == "" || host == "localhost" {
		host, _ = os.Hostname()
	}
	return findCookie(data, host, a.number)
}

// findCookie walks the entries of an authority file: a family, then address,
// display number, scheme and data, each with its length.
func findCookie(data []byte, host, number string) string {
	for len(data) > 2 {
		family := binary.BigEndian.Uint16(data)
		data = data[2:]
		var field [4]string
		for i := range field {
			if len(data) < 2 {
				return ""
			}
			n := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+n {
				return ""
			}
			field[i], data = string(data[2:2+n]), data[2+n:]
		}
		here := family == familyWild || (family == familyLocal && field[0] == host)
		if here && (field[1] == "" || field[1] == number) && field[2] == "MIT-MAGIC-COOKIE-1" && len(field[3]) == 16 {
			return hex.EncodeToString([]byte(field[3]))
		}
	}
	return ""
}
