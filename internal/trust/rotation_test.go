// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// succession is a row of unit keys, each handing over to the next, at epochs 10, 20, …
type succession struct {
	keys  []*UnitKey
	links [][]byte
	now   time.Time
}

func succeed(t testing.TB, n int) succession {
	t.Helper()
	s := succession{keys: []*UnitKey{setUp(t).unit}, now: setUp(t).now}
	for i := range n {
		s.keys = append(s.keys, must(NewUnitKey())(t))
		s.links = append(s.links, s.link(t, i, i+1, uint64(10*(i+1))))
	}
	return s
}

// link is a rotation between two of the keys.
func (s succession) link(t testing.TB, from, to int, epoch uint64) []byte {
	t.Helper()
	return must(s.keys[from].SignRotation(Rotation{Epoch: epoch, Issued: s.now.Unix(), To: s.keys[to].Public()}))(t)
}

func TestRotationIsBelieved(t *testing.T) {
	s := succeed(t, 1)
	old, next := s.keys[0].Public(), s.keys[1].Public()
	r, err := VerifyRotation(s.links[0], old, s.now, 9)
	if err != nil || !bytes.Equal(r.From, old) || !bytes.Equal(r.To, next) || r.Epoch != 10 || r.Issued != s.now.Unix() {
		t.Fatalf("%+v, %v\n%s", r, err, s.links[0])
	}
	for name, c := range map[string]struct {
		b     []byte
		from  UnitPublic
		after time.Duration
		last  uint64
		want  error
	}{
		"years later":        {s.links[0], old, 20 * 365 * 24 * time.Hour, 9, nil},
		"clock behind":       {s.links[0], old, -maxClockSkew, 9, nil},
		"clock far behind":   {s.links[0], old, -maxClockSkew - time.Second, 9, ErrNotYetValid},
		"epoch seen":         {s.links[0], old, 0, 10, ErrRollback},
		"epoch passed":       {s.links[0], old, 0, 11, ErrRollback},
		"from another key":   {s.links[0], next, 0, 9, ErrSignature},
		"from no key":        {s.links[0], nil, 0, 9, ErrKey},
		"signed as charter":  {must(s.keys[0].signText(tagCharter, textOf(s.links[0])))(t), old, 0, 9, ErrSignature},
		"signed by the next": {must(s.keys[1].signText(tagRotation, textOf(s.links[0])))(t), next, 0, 9, ErrMalformed},
		"a charter":          {setUp(t).signed(t), old, 0, 9, ErrRotation},
		"too long":           {append(s.links[0], make([]byte, MaxRotation)...), old, 0, 9, ErrMalformed},
		"nothing":            {nil, old, 0, 9, ErrMalformed},
	} {
		got, err := VerifyRotation(c.b, c.from, s.now.Add(c.after), c.last)
		if !errors.Is(err, c.want) || (got == nil) != (c.want != nil) || (c.want != nil && !errors.Is(err, ErrRotation)) {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, c.want)
		}
	}
}

// textOf is the text above the signature.
func textOf(signed []byte) string {
	text, _, _ := strings.Cut(string(signed), "\n\n")
	return text + "\n"
}

func TestEveryFlippedByteOfARotationIsRefused(t *testing.T) {
	s := succeed(t, 1)
	flips(s.links[0], func(at int, changed []byte) {
		if r, err := VerifyRotation(changed, s.keys[0].Public(), s.now, 0); !errors.Is(err, ErrRotation) || r != nil {
			t.Errorf("byte %d: %v", at, err)
		}
		if r, err := openClaimed(changed); err == nil {
			t.Errorf("byte %d, by the key it names: %+v", at, r)
		}
	})
}

func TestFoolishRotationsAreNotSigned(t *testing.T) {
	s := succeed(t, 1)
	to := s.keys[1].Public()
	for name, r := range map[string]Rotation{
		"no epoch":       {Issued: 1, To: to},
		"last epoch":     {Epoch: MaxEpoch + 1, Issued: 1, To: to},
		"no year":        {Epoch: 1, Issued: -1, To: to},
		"year 10000":     {Epoch: 1, Issued: maxTime + 1, To: to},
		"to nobody":      {Epoch: 1, Issued: 1},
		"to itself":      {Epoch: 1, Issued: 1, To: s.keys[0].Public()},
		"to a wrong key": {Epoch: 1, Issued: 1, To: append(UnitPublic{1}, to[1:]...)},
	} {
		if b, err := s.keys[0].SignRotation(r); !errors.Is(err, ErrRotation) || b != nil {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}

func TestOtherWaysToWriteARotationAreRefused(t *testing.T) {
	s := succeed(t, 1)
	text := textOf(s.links[0])
	from, to := formatBytes(s.keys[0].Public()), formatBytes(s.keys[1].Public())
	for name, e := range map[string][2]string{
		"another version": {"rotation 1", "rotation 2"},
		"epoch with zero": {"epoch 10", "epoch 010"},
		"time offset":     {"Z\n", "+00:00\n"},
		"keys swapped":    {"from " + from + "\nto " + to, "to " + to + "\nfrom " + from},
		"one key":         {"to " + to, "to " + from},
		"no key":          {"to " + to + "\n", ""},
		"two new keys":    {"to " + to, "to " + to + "\nto " + to},
		"not a key":       {"to " + to, "to AAAA"},
		"not base64":      {"to " + to, "to *" + to[1:]},
		"line left over":  {"to " + to, "to " + to + "\nend"},
	} {
		changed := nearly(t, text, e)
		if r, err := parseRotation(changed); err == nil || r != nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		b := must(s.keys[0].signText(tagRotation, changed))(t)
		if _, err := VerifyRotation(b, s.keys[0].Public(), s.now, 0); !errors.Is(err, ErrRotation) {
			t.Errorf("%s, signed: %v", name, err)
		}
	}
}

func TestChainOfRotations(t *testing.T) {
	s := succeed(t, 4)
	pinned := s.keys[0].Public()
	for n := range 5 {
		key, epoch, err := FollowRotations(s.links[:n], pinned, s.now, 3)
		want := uint64(10 * n)
		if n == 0 {
			want = 3
		}
		if err != nil || !bytes.Equal(key, s.keys[n].Public()) || epoch != want {
			t.Errorf("%d links: epoch %d, %v", n, epoch, err)
		}
	}
	long := succeed(t, MaxRotations+1)
	if key, _, err := FollowRotations(long.links[:MaxRotations], pinned, s.now, 0); err != nil || !bytes.Equal(key, long.keys[MaxRotations].Public()) {
		t.Errorf("longest: %v", err)
	}
	l := s.links
	for name, c := range map[string]struct {
		chain [][]byte
		last  uint64
		want  error
	}{
		"too long":        {long.links, 0, ErrRotation},
		"begins later":    {l[1:], 0, ErrSignature},
		"one left out":    {[][]byte{l[0], l[2]}, 0, ErrSignature},
		"out of order":    {[][]byte{l[1], l[0]}, 0, ErrSignature},
		"one twice":       {[][]byte{l[0], l[0]}, 0, ErrSignature},
		"first too old":   {l, 10, ErrRollback},
		"epoch stands":    {[][]byte{l[0], s.link(t, 1, 2, 10)}, 0, ErrRollback},
		"epoch falls":     {[][]byte{l[0], s.link(t, 1, 2, 9)}, 0, ErrRollback},
		"in a circle":     {[][]byte{l[0], s.link(t, 1, 0, 20)}, 0, ErrReplayed},
		"circle of three": {[][]byte{l[0], l[1], s.link(t, 2, 1, 30)}, 0, ErrReplayed},
		"a bad last":      {[][]byte{l[0], l[1], []byte("x")}, 0, ErrMalformed},
	} {
		key, epoch, err := FollowRotations(c.chain, pinned, s.now, c.last)
		if !errors.Is(err, c.want) || !errors.Is(err, ErrRotation) || key != nil || epoch != 0 {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// After a change of key the old one may go on signing what it likes.
func TestOldKeySignsNothingAfterARotation(t *testing.T) {
	f := setUp(t)
	s := succeed(t, 1)
	key, epoch, err := FollowRotations(s.links, f.unit.Public(), s.now, 0)
	if err != nil {
		t.Fatal(err)
	}
	late := f.signed(t, func(c *Charter) { c.Epoch = 99 })
	if _, err := VerifyCharter(late, key, s.now, epoch); !errors.Is(err, ErrSignature) {
		t.Errorf("charter: %v", err)
	}
	if _, err := VerifyCertificate(f.certificate(t), key, s.now); !errors.Is(err, ErrSignature) {
		t.Errorf("certificate: %v", err)
	}
	fresh := f.charter(t, func(c *Charter) { c.Technicians = nil; c.Epoch = epoch })
	if _, err := VerifyCharter(must(s.keys[1].SignCharter(fresh))(t), key, s.now, epoch); err != nil {
		t.Errorf("charter of the new key: %v", err)
	}
	if _, err := s.keys[1].SignCharter(f.charter(t)); !errors.Is(err, ErrSignature) {
		t.Errorf("the new key vouches for certificates of the old one: %v", err)
	}
}

func FuzzParseRotation(f *testing.F) {
	f.Add(rotationVersion)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRotation(text)
		if err == nil {
			if again, err := formatRotation(r); err != nil || again != text {
				t.Fatalf("%q reads as %+v, which writes as %q, %v", text, r, again, err)
			}
		} else if r != nil || !slices.ContainsFunc([]error{ErrMalformed, ErrVersion, ErrKey}, func(e error) bool { return errors.Is(err, e) }) {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, err := openClaimed([]byte(text)); err == nil {
			t.Fatalf("%q bears no signature and is believed", text)
		}
	})
}
