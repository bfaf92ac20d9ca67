// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func (f fixture) join(server string) JoinCode {
	return JoinCode{Server: server, Pin: PinOf([]byte("tls key")), Unit: f.unit.Public()}
}

func TestJoinCodeRoundTrip(t *testing.T) {
	f := setUp(t)
	for _, server := range []string{"assist.labo.fr:443", "[2001:db8::1]:8443", "10.0.0.1:1", "h:65535", strings.Repeat("a", 249) + ":65535"} {
		want := f.join(server)
		text := want.String()
		if !strings.HasPrefix(text, "ASSIST1-") {
			t.Errorf("%s: written %q", server, text)
		}
		if got, err := ParseJoinCode(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read %+v, %v", server, got, err)
		}
	}
}

func TestJoinCodeAsPeoplePasteIt(t *testing.T) {
	f := setUp(t)
	want := f.join("assist.labo.fr:443")
	text := want.String()
	body := strings.TrimPrefix(text, "ASSIST1")
	for name, s := range map[string]string{
		"lower case": strings.ToLower(text),
		"no groups":  strings.ReplaceAll(text, "-", ""),
		"wrapped":    " " + text[:30] + "\r\n\t" + text[30:] + "\n",
		"letter O":   "ASSIST1" + strings.ReplaceAll(body, "0", "O"),
		"letter l":   "ASSIST1" + strings.ReplaceAll(body, "1", "l"),
		"spaces":     strings.ReplaceAll(text, "-", "\u00a0"),
		"as printed": strings.ReplaceAll(text, "-", "-\n  "),
		"by a mail":  "\ufeff" + strings.ReplaceAll(text[:60], "-", "\u2011") + "\u200b" + strings.ReplaceAll(text[60:], "-", "\u2013\u00ad"),
	} {
		if got, err := ParseJoinCode(s); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryChangedCharacterOfAJoinCodeIsSeen(t *testing.T) {
	f := setUp(t)
	text := strings.ReplaceAll(f.join("assist.labo.fr:443").String(), "-", "")
	for at := range text {
		for _, c := range []byte(joinAlphabet + "U%") {
			b := []byte(text)
			b[at] = c
			if c == text[at] || (at < len(joinPrefix) && c == text[at]) {
				continue
			}
			if _, err := ParseJoinCode(string(b)); !errors.Is(err, ErrJoinCode) {
				t.Fatalf("character %d as %c: %v", at, c, err)
			}
		}
		if _, err := ParseJoinCode(text[:at]); !errors.Is(err, ErrJoinCode) {
			t.Fatalf("cut at %d: %v", at, err)
		}
		if at > 0 && text[at] != text[at-1] {
			b := []byte(text)
			b[at], b[at-1] = b[at-1], b[at]
			if _, err := ParseJoinCode(string(b)); !errors.Is(err, ErrJoinCode) {
				t.Fatalf("swapped at %d: %v", at, err)
			}
		}
	}
}

func TestJoinCodeOfNothingUseful(t *testing.T) {
	f := setUp(t)
	for _, server := range []string{"", "host", "host:", ":443", "host:0", "host:65536", "ho st:1", "https://h:1", "h/x:1", "hôte:1",
		strings.Repeat("a", 260) + ":1"} {
		j := f.join(server)
		if err := j.Check(); !errors.Is(err, ErrJoinCode) {
			t.Errorf("%q: %v", server, err)
		}
		if s := j.String(); s != "" {
			t.Errorf("%q: written %q", server, s)
		}
	}
	j := f.join("h:1")
	j.Unit = []byte("no key")
	if j.String() != "" || !errors.Is(j.Check(), ErrJoinCode) {
		t.Error("a code without a unit key")
	}
	for _, s := range []string{"", "ASSIST1", "ASSIST2-AAAAA", strings.Repeat("A", maxJoinText+1)} {
		if _, err := ParseJoinCode(s); !errors.Is(err, ErrJoinCode) {
			t.Errorf("%.20q: %v", s, err)
		}
	}
}

// A checksum is no signature: whoever writes a code can make it hold anything,
// so what it holds is checked too.
func TestJoinCodeWithGoodSumAndBadContent(t *testing.T) {
	f := setUp(t)
	write := func(point []byte, server string) string {
		b := append(make([]byte, 32), point...)
		b = append(b, server...)
		return joinPrefix + joinEncoding().EncodeToString(append(b, joinSum(b)...))
	}
	point := must(compress(f.unit.Public()))(t)
	if _, err := ParseJoinCode(write(point, "h:1")); err != nil {
		t.Fatal(err)
	}
	bad := append([]byte{5}, point[1:]...)
	for name, s := range map[string]string{"point": write(bad, "h:1"), "server": write(point, "h"), "short": write(point[:20], "")} {
		if j, err := ParseJoinCode(s); !errors.Is(err, ErrJoinCode) || j.Server != "" {
			t.Errorf("%s: %+v, %v", name, j, err)
		}
	}
}

func FuzzParseJoinCode(f *testing.F) {
	f.Add(readVectors(f).JoinCode)
	f.Add("ASSIST1-")
	f.Add("assist1 00000")
	f.Fuzz(func(t *testing.T, s string) {
		j, err := ParseJoinCode(s)
		if err != nil {
			if !errors.Is(err, ErrJoinCode) || j.Server != "" {
				t.Fatalf("%+v, %v", j, err)
			}
			return
		}
		again, err := ParseJoinCode(j.String())
		if err != nil || !reflect.DeepEqual(again, j) {
			t.Fatalf("%q reads as %+v, then as %+v, %v", s, j, again, err)
		}
	})
}
