// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// The table of addresses and the form each is compared in, or "refused", is a
// file, for whoever writes another reader.
const sourceFile = "testdata/sources.txt"

// sourceRows reads lines of "kind text result".
func sourceRows(t testing.TB, kind string) [][2]string {
	t.Helper()
	var rows [][2]string
	for line := range strings.Lines(string(must(os.ReadFile(sourceFile))(t))) {
		part := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(part) == 3 && part[0] == kind {
			rows = append(rows, [2]string{part[1], part[2]})
		} else if len(part) != 3 && !strings.HasPrefix(line, "#") {
			t.Fatalf("%q is no row", line)
		}
	}
	if len(rows) < 10 {
		t.Fatalf("only %d rows of %s", len(rows), kind)
	}
	return rows
}

func TestSourceAddresses(t *testing.T) {
	for _, row := range sourceRows(t, "address") {
		got, err := ParseSourceAddr(row[0])
		switch {
		case row[1] == "refused":
			if !errors.Is(err, ErrSource) || got.IsValid() {
				t.Errorf("%s: %v, %v", row[0], got, err)
			}
		case err != nil || got.String() != row[1]:
			t.Errorf("%s: %v, %v, want %s", row[0], got, err, row[1])
		}
	}
}

func TestSourcePrefixes(t *testing.T) {
	for _, row := range sourceRows(t, "prefix") {
		got, err := ParseSource(row[0])
		switch {
		case row[1] == "refused":
			if !errors.Is(err, ErrSource) {
				t.Errorf("%s: %v, %v", row[0], got, err)
			}
		case err != nil || got.String() != row[1] || row[0] != row[1]:
			t.Errorf("%s: %v, %v", row[0], got, err)
		}
	}
}

// Addresses do not always come as text: one taken from a connection has a scope or
// a mapped form without passing the parser.
func TestSourceAddrOfAConnection(t *testing.T) {
	ten := netip.MustParseAddr("10.1.2.3")
	if got, err := SourceAddr(netip.MustParseAddr("::ffff:10.1.2.3")); err != nil || got != ten {
		t.Errorf("mapped: %v, %v", got, err)
	}
	for name, a := range map[string]netip.Addr{
		"none":              {},
		"scoped":            netip.MustParseAddr("fe80::1%eth0"),
		"scoped and mapped": netip.AddrFrom16(netip.MustParseAddr("::ffff:10.1.2.3").As16()).WithZone("eth0"),
		"scoped and NAT64":  netip.MustParseAddr("64:ff9b::a01:203").WithZone("1"),
		"NAT64 of nowhere":  netip.MustParseAddr("64:ff9b::"),
		"NAT64 of many":     netip.MustParseAddr("64:ff9b::e000:1"),
		"mapped nowhere":    netip.MustParseAddr("::ffff:0.0.0.0"),
	} {
		if got, err := SourceAddr(a); !errors.Is(err, ErrSource) || got.IsValid() {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestCharterAllowsSource(t *testing.T) {
	lists := map[string][]string{
		"nobody":    nil,
		"labo":      {"10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32"},
		"all of v4": {"0.0.0.0/0"},
		"all of v6": {"::/0"},
		"everybody": {"0.0.0.0/0", "::/0"},
	}
	for address, allowed := range map[string]string{
		"10.1.2.3":           "labo, all of v4, everybody",
		"::ffff:10.1.2.3":    "labo, all of v4, everybody",
		"64:ff9b::10.1.2.3":  "labo, all of v4, everybody",
		"10.2.0.1":           "all of v4, everybody",
		"192.0.2.7":          "labo, all of v4, everybody",
		"192.0.2.8":          "all of v4, everybody",
		"::ffff:192.0.2.8":   "all of v4, everybody",
		"64:ff9b::192.0.2.8": "all of v4, everybody",
		"2001:db8::1":        "labo, all of v6, everybody",
		"2001:db9::1":        "all of v6, everybody",
		"2001:db8::1%eth0":   "",
		"2002:a01:203::1":    "",
		"2001:0:a01:203::1":  "",
		"64:ff9b:1::a01:203": "",
		"::10.1.2.3":         "",
		"::ffff:0:a01:203":   "",
		"::1":                "all of v6, everybody",
		"127.0.0.1":          "all of v4, everybody",
		"0.0.0.0":            "",
		"::":                 "",
		"255.255.255.255":    "",
		"224.0.0.1":          "",
		"ff02::1":            "",
	} {
		for name, prefixes := range lists {
			c := Charter{}
			for _, p := range prefixes {
				c.Sources = append(c.Sources, must(ParseSource(p))(t))
			}
			want := strings.Contains(", "+allowed+",", ", "+name+",")
			if got := c.AllowsSource(netip.MustParseAddr(address)); got != want {
				t.Errorf("%s from %s: %v", name, address, got)
			}
		}
	}
	if (&Charter{Sources: []netip.Prefix{{}}}).AllowsSource(netip.Addr{}) {
		t.Error("no address is within no prefix")
	}
}

func FuzzSource(f *testing.F) {
	for _, row := range append(sourceRows(f, "address"), sourceRows(f, "prefix")...) {
		f.Add(row[0])
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := ParseSourceAddr(s); err == nil {
			again, err := ParseSourceAddr(a.String())
			if err != nil || again != a || a.Is4In6() || a.Zone() != "" {
				t.Fatalf("%q is compared as %v, which is compared as %v, %v", s, a, again, err)
			}
		} else if !errors.Is(err, ErrSource) || a.IsValid() {
			t.Fatalf("%q: %v, %v", s, a, err)
		}
		p, err := ParseSource(s)
		if err == nil && (p.String() != s || p.Masked() != p) {
			t.Fatalf("%q is read as %v", s, p)
		}
		if err == nil && p.IsSingleIP() {
			if a, err := SourceAddr(p.Addr()); err != nil || !p.Contains(a) {
				t.Fatalf("%v stands in a list and matches nothing: %v, %v", p, a, err)
			}
		}
	})
}
