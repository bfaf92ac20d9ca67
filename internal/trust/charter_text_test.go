// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestCharterTextRoundTrip(t *testing.T) {
	f := setUp(t)
	for name, change := range map[string]func(*Charter){
		"as it is":      func(*Charter) {},
		"nobody":        func(c *Charter) { c.Technicians = nil },
		"nowhere":       func(c *Charter) { c.Sources = nil },
		"no zones":      func(c *Charter) { c.Zones = nil },
		"one server":    func(c *Charter) { c.Servers = c.Servers[1:] },
		"all stopped":   func(c *Charter) { c.Policy.Rights = 0 },
		"every right":   func(c *Charter) { c.Policy.Rights = 63 },
		"view alone":    func(c *Charter) { c.Policy.Rights = 1 },
		"oldest times":  func(c *Charter) { c.Issued, c.Expires = 0, 1; c.Technicians[1].Until = 0 },
		"newest times":  func(c *Charter) { c.Issued, c.Expires = maxTime-1, maxTime; c.Technicians[1].Until = maxTime - 1 },
		"no more relay": func(c *Charter) { c.Policy.Relay = RelayNever },
		"zone of words": func(c *Charter) { c.Zones[0].Zone = "zone 123456789012 of many  words" },
	} {
		want := f.charter(t, change)
		text := must(formatCharter(&want))(t)
		got, err := parseCharter(text)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %v\n%s\nread as %+v", name, err, text, got)
		}
	}
}

// Two charters that differ anywhere differ in their text: nothing is left unsigned.
// The walk over the fields is generated, so that a new one cannot be forgotten.
func TestEveryFieldIsInTheText(t *testing.T) {
	f := setUp(t)
	base := f.charter(t)
	plain := must(formatCharter(&base))(t)
	fields := 0
	eachLeaf(reflect.ValueOf(&base).Elem(), "Charter", func(name string, v reflect.Value) {
		fields++
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		if !vary(v) {
			t.Errorf("%s: no way to vary a %s", name, v.Type())
		}
		if text, err := formatCharter(&base); err == nil && text == plain {
			t.Errorf("%s is not in the text", name)
		}
		v.Set(old)
	})
	if fields < 20 {
		t.Errorf("only %d fields were visited", fields)
	}
}

// eachLeaf visits what is exported in v, down to numbers, strings, byte strings and prefixes.
func eachLeaf(v reflect.Value, name string, visit func(string, reflect.Value)) {
	switch {
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		for i := range v.Len() {
			eachLeaf(v.Index(i), name+"[]", visit)
		}
	case v.Kind() == reflect.Struct && v.Type().PkgPath() != "net/netip":
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachLeaf(v.Field(i), name+"."+v.Type().Field(i).Name, visit)
			}
		}
	default:
		visit(name, v)
	}
}

// vary gives v another value.
func vary(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint16, reflect.Uint64:
		v.SetUint(v.Uint() ^ 8)
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Array:
		e := v.Index(31)
		e.SetUint(e.Uint() ^ 1)
	case reflect.Slice:
		v.SetBytes(append([]byte{1}, v.Bytes()...))
	case reflect.Struct:
		v.SetZero()
	default:
		return false
	}
	return true
}

// edits are texts near a good one that must not be read as anything. Each is what
// another program, or a tired administrator, might write.
func edits() map[string][2]string {
	return map[string][2]string{
		"another version":      {"assist charter 1\n", "assist charter 2\n"},
		"a version like ours":  {"assist charter 1\n", "assist charter 01\n"},
		"no version":           {"assist charter 1\n", ""},
		"two versions":         {"assist charter 1\n", "assist charter 1\nassist charter 1\n"},
		"no unit line":         {"unit UMR 0000 Zoé\n", ""},
		"two units":            {"epoch 7\n", "unit UMR 0000 Zoé\nepoch 7\n"},
		"epoch with zero":      {"epoch 7\n", "epoch 07\n"},
		"epoch with plus":      {"epoch 7\n", "epoch +7\n"},
		"epoch negative":       {"epoch 7\n", "epoch -7\n"},
		"epoch with a space":   {"epoch 7\n", "epoch  7\n"},
		"epoch and a space":    {"epoch 7\n", "epoch 7 \n"},
		"epoch in hex":         {"epoch 7\n", "epoch 0x7\n"},
		"epoch too big":        {"epoch 7\n", "epoch 18446744073709551616\n"},
		"an empty line":        {"epoch 7\n", "epoch 7\n\n"},
		"a comment":            {"epoch 7\n", "epoch 7\n# seven\n"},
		"an unknown line":      {"epoch 7\n", "epoch 7\nmood good\n"},
		"a tab":                {"epoch 7\n", "epoch\t7\n"},
		"lower-case time":      {"issued 2027-01-15T08:00:00Z", "issued 2027-01-15t08:00:00z"},
		"time with an offset":  {"issued 2027-01-15T08:00:00Z", "issued 2027-01-15T09:00:00+01:00"},
		"time with parts":      {"issued 2027-01-15T08:00:00Z", "issued 2027-01-15T08:00:00.0Z"},
		"no such day":          {"issued 2027-01-15T08:00:00Z", "issued 2027-02-30T08:00:00Z"},
		"dates swapped":        {"issued 2027-01-15T08:00:00Z\nexpires 2027-04-15T08:00:00Z\n", "expires 2027-04-15T08:00:00Z\nissued 2027-01-15T08:00:00Z\n"},
		"rights out of order":  {"rights view point control\n", "rights point view control\n"},
		"a right twice":        {"rights view point control\n", "rights view view point control\n"},
		"rights with commas":   {"rights view point control\n", "rights view,point,control\n"},
		"a right unknown":      {"rights view point control\n", "rights view point control shell\n"},
		"none and some":        {"rights view point control\n", "rights none view\n"},
		"no rights at all":     {"rights view point control\n", "rights \n"},
		"idle of an hour more": {"idle 15\n", "idle 75\n"},
		"idle beyond ints":     {"idle 15\n", "idle 18446744073709551615\n"},
		"pin in capitals":      {"02000000", "0200000A"},
		"pin too short":        {"assist.labo.fr:443 01", "assist.labo.fr:443 "},
		"pin missing":          {" none\n", "\n"},
		"pin of zeros":         {" none\n", " " + strings.Repeat("0", 64) + "\n"},
		"server and more":      {" none\n", " none none\n"},
		"source and zone":      {"source 10.1.0.0/16\n", "source 10.1.0.0/16%eth0\n"},
		"source of old":        {"source 10.1.0.0/16\n", "source 10.1/16\n"},
		"source long form":     {"source 2001:db8::/32\n", "source 2001:db8:0::/32\n"},
		"sources before":       {"server assist", "source 10.2.0.0/16\nserver assist"},
		"zone without name":    {" ZRR-1\n", "\n"},
		"state unknown":        {"technician active ", "technician asleep "},
		"state in capitals":    {"technician active ", "technician Active "},
		"until nothing":        {"technician active ", "technician external-until "},
		"active until":         {"technician active ", "technician active 2027-01-15T08:00:00Z "},
		"certificate gone":     {"technician active ", "technician active\ntechnician active "},
	}
}

// nearly is what an edit makes of a good charter's text.
func nearly(t testing.TB, text string, e [2]string) string {
	t.Helper()
	if !strings.Contains(text, e[0]) {
		t.Fatalf("%q is not in the text", e[0])
	}
	return strings.Replace(text, e[0], e[1], 1)
}

func TestOtherWaysToWriteACharterAreRefused(t *testing.T) {
	f := setUp(t)
	c := f.charter(t)
	text := must(formatCharter(&c))(t)
	for name, e := range edits() {
		changed := nearly(t, text, e)
		if got, err := parseCharter(changed); err == nil || got != nil {
			t.Errorf("%s: %v, read as %+v", name, err, got)
		}
		if signed, err := f.unit.signText(tagCharter, changed); err == nil {
			if _, err := VerifyCharter(signed, f.unit.Public(), f.now, 0); !errors.Is(err, ErrCharter) {
				t.Errorf("%s, signed by the unit: %v", name, err)
			}
		}
	}
	for at, changed := range map[string]string{"line feed gone": strings.TrimSuffix(text, "\n"), "line feed more": text + "\n", "carriage returns": strings.ReplaceAll(text, "\n", "\r\n")} {
		if _, err := parseCharter(changed); err == nil {
			t.Errorf("%s: read", at)
		}
	}
}

// A list stops being read at its limit, so a long text costs no more than that.
func TestListsStopBeingReadAtTheirLimit(t *testing.T) {
	f := setUp(t)
	c := f.charter(t)
	text := must(formatCharter(&c))(t)
	for line, max := range map[string]int{
		"server assist.labo.fr:443 " + formatPin([32]byte{1}) + " none\n": MaxServers,
		"source 10.2.0.0/16\n":       MaxSources,
		"zone " + f.machine + " x\n": MaxMachineZones,
		"technician revoked AAAA\n":  MaxTechnicians,
	} {
		word, _, _ := strings.Cut(line, " ")
		head, _, _ := strings.Cut(text, "\n"+word+" ")
		_, err := parseCharter(head + "\n" + strings.Repeat(line, max+1))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), word+" stands there more than") {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestNoLineOfACharterMayMoveOrGoMissing(t *testing.T) {
	f := setUp(t)
	c := f.charter(t)
	text := must(formatCharter(&c))(t)
	all := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	all[len(all)-1] += "\n"
	for i, line := range all {
		word, _, _ := strings.Cut(line, " ")
		inList := word == "server" || word == "source" || word == "zone" || word == "technician"
		gone := strings.Join(all[:i], "") + strings.Join(all[i+1:], "")
		if _, err := parseCharter(gone); (err == nil) != inList {
			t.Errorf("without %q: %v", line, err)
		}
		// A technician twice is caught with the device key, when certificates are read.
		if _, err := parseCharter(strings.Join(all[:i+1], "") + strings.Join(all[i:], "")); err == nil && word != "technician" {
			t.Errorf("twice %q: read", line)
		}
		if i+1 < len(all) && !strings.HasPrefix(all[i+1], word+" ") {
			swapped := strings.Join(all[:i], "") + all[i+1] + line + strings.Join(all[i+2:], "")
			if _, err := parseCharter(swapped); err == nil {
				t.Errorf("%q after its neighbour: read", line)
			}
		}
	}
}

// Whatever the unit key signs has at most one reading. Bytes are changed, taken
// out and put in at random, from a fixed seed.
func TestRandomMutationsHaveOneReading(t *testing.T) {
	f := setUp(t)
	c := f.charter(t)
	text := must(formatCharter(&c))(t)
	r := rand.New(rand.NewPCG(1, 2))
	read := 0
	for range 20_000 {
		changed := mutate(r, text)
		got, err := parseCharter(changed)
		if err != nil {
			continue
		}
		read++
		if again := must(formatCharter(got))(t); again != changed {
			t.Fatalf("%q is read as %+v, written %q", changed, got, again)
		}
	}
	if read == 0 || read == 20_000 {
		t.Errorf("%d of 20000 were read: the test tries nothing", read)
	}
}

// mutate makes one to three small changes, most of them near what matters.
func mutate(r *rand.Rand, text string) string {
	b := []byte(text)
	const pieces = "\n 0123456789abcdefxyz:-/.=+TZ"
	for range 1 + r.IntN(3) {
		at := r.IntN(min(len(b), 600))
		p := pieces[r.IntN(len(pieces))]
		switch r.IntN(4) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b = append(b[:at], b[at+1:]...)
		case 2:
			b = append(b[:at:at], append([]byte{p}, b[at:]...)...)
		case 3:
			b[at] = p
		}
	}
	return string(b)
}

func FuzzParseCharter(f *testing.F) {
	f.Add("assist charter 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCharter(text)
		if err != nil {
			if c != nil || !(errors.Is(err, ErrMalformed) || errors.Is(err, ErrVersion)) {
				t.Fatalf("%+v, %v", c, err)
			}
			return
		}
		if again, err := formatCharter(c); err != nil || again != text {
			t.Fatalf("%q reads as %+v, which writes as %q, %v", text, c, again, err)
		}
	})
}
