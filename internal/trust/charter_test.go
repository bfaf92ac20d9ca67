// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"assist/internal/wire"
)

// charter is a charter with something in every field; tests change one thing.
func (f fixture) charter(t testing.TB, change ...func(*Charter)) Charter {
	t.Helper()
	issued := f.now.Unix()
	c := Charter{
		Unit: "UMR 0000 Zoé", Epoch: 7, Issued: issued, Expires: issued + 90*24*3600,
		Policy: DefaultPolicy(),
		Servers: []Server{
			{Address: "assist.labo.fr:443", Pin: [32]byte{1}, Next: [32]byte{2}},
			{Address: "[2001:db8::1]:8443", Pin: [32]byte{3}},
		},
		Sources: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")},
		Zones:   []MachineZone{{f.machine, "ZRR-1"}, {f.machine, "salle blanche"}},
		Technicians: []Technician{
			{State: StateActive, Envelope: f.certificate(t)},
			{State: StateExternal, Until: issued + 3600, Envelope: f.certificate(t, of(t, "Ivo", 1))},
			{State: StateRevoked, Envelope: f.certificate(t, of(t, "Max", 2))},
		},
	}
	for _, do := range change {
		do(&c)
	}
	return c
}

// of makes a certificate another person's, with a device of their own.
func of(t testing.TB, name string, serial byte) func(*wire.Certificate) {
	key := must(NewDeviceKey())(t).Public()
	return func(c *wire.Certificate) { c.Name, c.Serial, c.DeviceKey = name, [16]byte{serial}, key }
}

func (f fixture) signed(t testing.TB, change ...func(*Charter)) []byte {
	t.Helper()
	return must(f.unit.SignCharter(f.charter(t, change...)))(t)
}

func TestGoodCharterIsBelieved(t *testing.T) {
	f := setUp(t)
	want := f.charter(t)
	b := must(f.unit.SignCharter(want))(t)
	c, err := VerifyCharter(b, f.unit.Public(), f.now, 7)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if len(c.cards) != 3 || c.cards[1].Name != "Ivo" {
		t.Errorf("certificates %+v", c.cards)
	}
	if card, err := c.Technician(f.device.Public(), f.now); err != nil || card.Name != "Anne Petit" {
		t.Errorf("%+v, %v", card, err)
	}
	if text := must(formatCharter(c))(t); !bytes.HasPrefix(b, []byte(text+"\n— "+tagCharter+" ")) {
		t.Errorf("signed\n%s\nread as\n%s", b, text)
	}
}

func TestCharterInTime(t *testing.T) {
	f := setUp(t)
	b := f.signed(t)
	issued, expires := f.now.Unix(), f.now.Unix()+90*24*3600
	skew := int64(maxClockSkew.Seconds())
	for name, c := range map[string]struct {
		at   int64
		last uint64
		want error
	}{
		"clock far behind":  {issued - skew - 1, 0, ErrNotYetValid},
		"clock behind":      {issued - skew, 0, nil},
		"last second":       {expires - 1, 0, nil},
		"expired":           {expires, 0, ErrExpired},
		"first seen":        {issued, 0, nil},
		"after an older":    {issued, 6, nil},
		"seen before":       {issued, 7, nil},
		"after a newer":     {issued, 8, ErrRollback},
		"after the highest": {issued, MaxEpoch, ErrRollback},
		"old and expired":   {expires, 8, ErrRollback},
	} {
		got, err := VerifyCharter(b, f.unit.Public(), time.Unix(c.at, 0), c.last)
		if !errors.Is(err, c.want) || (got == nil) != (c.want != nil) || (c.want != nil && !errors.Is(err, ErrCharter)) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestExpiresSoon(t *testing.T) {
	f := setUp(t)
	c := f.charter(t)
	end := time.Unix(c.Expires, 0)
	for left, want := range map[time.Duration]bool{15 * 24 * time.Hour: false, expiryWarning + time.Second: false, expiryWarning: true, 0: true, -time.Hour: true} {
		if got := c.ExpiresSoon(end.Add(-left)); got != want {
			t.Errorf("%v left: %v", left, got)
		}
	}
}

func TestEveryFlippedByteOfACharterIsRefused(t *testing.T) {
	f := setUp(t)
	b := f.signed(t)
	flips(b, func(at int, changed []byte) {
		if c, err := VerifyCharter(changed, f.unit.Public(), f.now, 0); !errors.Is(err, ErrCharter) || c != nil {
			t.Errorf("byte %d (%q): %v", at, b[at], err)
		}
	})
	for n := range b {
		if _, err := VerifyCharter(b[:n], f.unit.Public(), f.now, 0); !errors.Is(err, ErrCharter) {
			t.Errorf("%d bytes of it: %v", n, err)
		}
	}
}

func TestCharterOfAnotherHandIsRefused(t *testing.T) {
	f := setUp(t)
	other := must(NewUnitKey())(t)
	c := f.charter(t, func(c *Charter) { c.Technicians = nil })
	text := must(formatCharter(&c))(t)
	good := must(f.unit.signText(tagCharter, text))(t)
	foreign := must(other.signText(tagCharter, text))(t)
	_, line, _ := strings.Cut(string(foreign), "\n\n")
	_, own, _ := strings.Cut(string(good), "\n\n")
	for name, c := range map[string]struct {
		b    string
		want error
	}{
		"another unit's":       {string(foreign), ErrSignature},
		"another type's":       {string(must(f.unit.signText(tagRotation, text))(t)), ErrSignature},
		"two signatures":       {string(good) + line, ErrMalformed},
		"one signature twice":  {string(good) + own, ErrMalformed},
		"foreign one first":    {text + "\n" + line + own, ErrMalformed},
		"bytes after":          {string(good) + "\n", ErrMalformed},
		"no signature":         {text, ErrMalformed},
		"signature line empty": {text + "\n", ErrMalformed},
		"a byte before":        {"\n" + string(good), ErrSignature},
		"loose base64":         {loosen(t, string(good)), ErrMalformed},
		"a wrapped signature":  {strings.TrimSuffix(string(good), "\n") + "\r\n", ErrMalformed},
		"too long":             {text + strings.Repeat("x", MaxCharter), ErrMalformed},
		"nothing":              {"", ErrMalformed},
	} {
		if got, err := VerifyCharter([]byte(c.b), f.unit.Public(), f.now, 0); !errors.Is(err, c.want) || !errors.Is(err, ErrCharter) || got != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	long := must(f.unit.signText(tagCharter, strings.Repeat("x", MaxCharter)+"\n"))(t)
	if _, err := VerifyCharter(long, f.unit.Public(), f.now, 0); !errors.Is(err, ErrCharter) || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("too long, and signed: %v", err)
	}
	if _, err := VerifyCharter(good, nil, f.now, 0); !errors.Is(err, ErrKey) {
		t.Errorf("no unit: %v", err)
	}
}

// loosen sets a bit that base64 does not use, in the last character before the
// padding: another text, the same signature.
func loosen(t testing.TB, signed string) string {
	t.Helper()
	body, pad := strings.TrimRight(signed, "=\n"), ""
	if pad = signed[len(body):]; pad == "\n" {
		return signed + "x" // no bit is unused: any other change will do
	}
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	at := strings.IndexByte(digits, body[len(body)-1])
	changed := body[:len(body)-1] + digits[at+1:at+2] + pad
	sig := func(s string) []byte {
		_, line, _ := strings.Cut(strings.TrimSuffix(s, "\n"), "— "+tagCharter+" ")
		return must(base64.StdEncoding.DecodeString(line))(t)
	}
	if !bytes.Equal(sig(changed), sig(signed)) {
		t.Fatal("the bit counts")
	}
	return changed
}

// A note may be verified by whoever has the form and the key, with no code of ours
// but the tag: the file stays readable if this program goes away.
func TestCharterIsAnOrdinaryNote(t *testing.T) {
	f := setUp(t)
	n, err := note.Open(f.signed(t), note.VerifierList(textKey{tagCharter, keyPair{public: f.unit.Public()}}))
	if err != nil || len(n.Sigs) != 1 || n.Sigs[0].Name != tagCharter || !strings.HasPrefix(n.Text, "assist charter 1\nunit UMR 0000 Zoé\nepoch 7\n") {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestTechnicianIsWhoTheCharterSays(t *testing.T) {
	f := setUp(t)
	signed := f.charter(t)
	c := must(VerifyCharter(must(f.unit.SignCharter(signed))(t), f.unit.Public(), f.now, 0))(t)
	key := func(i int) []byte { return c.cards[i].DeviceKey }
	opened, after := f.now.Add(time.Hour-time.Second), f.now.Add(time.Hour)
	for name, try := range map[string]struct {
		key  []byte
		at   time.Time
		want error
	}{
		"active":                  {key(0), f.now, nil},
		"active, certificate out": {key(0), f.now.Add(90 * 24 * time.Hour), ErrExpired},
		"active, not begun":       {key(0), f.now.Add(-2 * time.Hour), ErrNotYetValid},
		"external, in time":       {key(1), opened, nil},
		"external, time is up":    {key(1), after, ErrNotOpened},
		"revoked":                 {key(2), f.now, ErrRevoked},
		"a stranger":              {f.host.Public(), f.now, ErrUnlisted},
		"no key":                  {nil, f.now, ErrUnlisted},
	} {
		card, err := c.Technician(try.key, try.at)
		if !errors.Is(err, try.want) || (card == nil) != (try.want != nil) {
			t.Errorf("%s: %+v, %v", name, card, err)
		}
	}
	if _, err := signed.Technician(f.device.Public(), f.now); !errors.Is(err, ErrUnlisted) {
		t.Errorf("a charter that nobody verified names a technician: %v", err)
	}
}

func TestZonesOfAMachine(t *testing.T) {
	f := setUp(t)
	c := f.charter(t)
	for name, try := range map[string]struct {
		machine string
		zones   []string
		want    error
	}{
		"has both":       {f.machine, []string{"salle blanche", "other", "ZRR-1"}, nil},
		"has one":        {f.machine, []string{"ZRR-1"}, ErrWrongZones},
		"has none":       {f.machine, nil, ErrWrongZones},
		"nearly":         {f.machine, []string{"ZRR-1 ", "Salle blanche"}, ErrWrongZones},
		"machine is out": {numbers()[0], nil, nil},
	} {
		if err := c.CheckZones(try.machine, &wire.Certificate{Zones: try.zones}); !errors.Is(err, try.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// foolish are charters that make no sense. Neither end takes them.
func foolish() map[string]func(*Charter) {
	return map[string]func(*Charter){
		"no unit":              func(c *Charter) { c.Unit = "" },
		"unit of spaces":       func(c *Charter) { c.Unit = " \u00a0" },
		"unit ends with space": func(c *Charter) { c.Unit += " " },
		"unit of two lines":    func(c *Charter) { c.Unit = "UMR\nepoch 9" },
		"unit turned round":    func(c *Charter) { c.Unit = "UMR \u202e0000" },
		"unit not UTF-8":       func(c *Charter) { c.Unit = "UMR \xff" },
		"unit too long":        func(c *Charter) { c.Unit = strings.Repeat("x", wire.MaxName+1) },
		"no epoch":             func(c *Charter) { c.Epoch = 0 },
		"last epoch":           func(c *Charter) { c.Epoch = MaxEpoch + 1 },
		"never valid":          func(c *Charter) { c.Expires = c.Issued },
		"ends before it began": func(c *Charter) { c.Expires = c.Issued - 1 },
		"lives too long":       func(c *Charter) { c.Expires = c.Issued + int64(MaxCharterLife.Seconds()) + 1 },
		"issued in no year":    func(c *Charter) { c.Issued, c.Expires, c.Technicians = minTime-1, 1, nil },
		"expires in no year":   func(c *Charter) { c.Issued, c.Expires, c.Technicians = maxTime, maxTime+1, nil },
		"dates overflow":       func(c *Charter) { c.Issued, c.Expires, c.Technicians = -1<<63, 1<<63-1, nil },
		"unknown right":        func(c *Charter) { c.Policy.Rights |= 1 << 6 },
		"no idle":              func(c *Charter) { c.Policy.IdleMinutes = 0 },
		"long idle":            func(c *Charter) { c.Policy.IdleMinutes = MaxIdleMinutes + 1 },
		"negative lease":       func(c *Charter) { c.Policy.LeaseMinutes = -1 },
		"long lease":           func(c *Charter) { c.Policy.LeaseMinutes = MaxLeaseMinutes + 1 },
		"no relay said":        func(c *Charter) { c.Policy.Relay = "" },
		"outside relay":        func(c *Charter) { c.Policy.Relay = "public" },
		"no certificate days":  func(c *Charter) { c.Policy.CertificateDays = 0 },
		"certificate years":    func(c *Charter) { c.Policy.CertificateDays = MaxCertificateDays + 1 },
		"no server":            func(c *Charter) { c.Servers = nil },
		"server without port":  func(c *Charter) { c.Servers[0].Address = "assist.labo.fr" },
		"server with spaces":   func(c *Charter) { c.Servers[0].Address = "a b:443" },
		"server loud":          func(c *Charter) { c.Servers[0].Address = "Assist.labo.fr:443" },
		"server port 0443":     func(c *Charter) { c.Servers[0].Address = "assist.labo.fr:0443" },
		"server in brackets":   func(c *Charter) { c.Servers[0].Address = "[assist.labo.fr]:443" },
		"server twice":         func(c *Charter) { c.Servers[1].Address = c.Servers[0].Address },
		"no pin":               func(c *Charter) { c.Servers[0].Pin = [32]byte{} },
		"next pin is the pin":  func(c *Charter) { c.Servers[0].Next = c.Servers[0].Pin },
		"no source":            func(c *Charter) { c.Sources[0] = netip.Prefix{} },
		"source with bits":     func(c *Charter) { c.Sources[0] = netip.MustParsePrefix("10.1.2.3/16") },
		"source that is dead":  func(c *Charter) { c.Sources[0] = netip.MustParsePrefix("2002::/16") },
		"source twice":         func(c *Charter) { c.Sources[1] = c.Sources[0] },
		"zone of no machine":   func(c *Charter) { c.Zones[0].Machine = "123456789012" },
		"zone without name":    func(c *Charter) { c.Zones[0].Zone = "" },
		"zone of two lines":    func(c *Charter) { c.Zones[0].Zone = "a\nb" },
		"zone twice":           func(c *Charter) { c.Zones[1] = c.Zones[0] },
		"no state":             func(c *Charter) { c.Technicians[0].State = "" },
		"unknown state":        func(c *Charter) { c.Technicians[0].State = "asleep" },
		"active until":         func(c *Charter) { c.Technicians[0].Until = c.Issued },
		"revoked until":        func(c *Charter) { c.Technicians[2].Until = 1 },
		"external for long":    func(c *Charter) { c.Technicians[1].Until = c.Issued + int64(MaxExternal.Seconds()) + 1 },
		"external in no year":  func(c *Charter) { c.Technicians[1].Until = -1 },
		"no certificate":       func(c *Charter) { c.Technicians[0].Envelope = nil },
		"huge certificate":     func(c *Charter) { c.Technicians[0].Envelope = make([]byte, wire.MaxCertificate+1) },
		"many servers": func(c *Charter) {
			for i := len(c.Servers); i <= MaxServers; i++ {
				c.Servers = append(c.Servers, Server{Address: fmt.Sprintf("s%d:443", i), Pin: [32]byte{9}})
			}
		},
		"many sources": func(c *Charter) {
			for i := len(c.Sources); i <= MaxSources; i++ {
				c.Sources = append(c.Sources, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(i >> 8), byte(i), 0}), 24))
			}
		},
		"many zones": func(c *Charter) {
			for i := len(c.Zones); i <= MaxMachineZones; i++ {
				c.Zones = append(c.Zones, MachineZone{c.Zones[0].Machine, fmt.Sprint("z", i)})
			}
		},
		"many technicians": func(c *Charter) { c.Technicians = slices.Repeat(c.Technicians[:1], MaxTechnicians+1) },
	}
}

func TestFoolishChartersAreNotSigned(t *testing.T) {
	f := setUp(t)
	for name, change := range foolish() {
		c := f.charter(t, change)
		if text, err := formatCharter(&c); err == nil || text != "" {
			t.Errorf("%s: it has a text", name)
		}
		if b, err := f.unit.SignCharter(c); !errors.Is(err, ErrCharter) || !errors.Is(err, ErrMalformed) || b != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Certificates in a charter are held against the unit key and the policy by both
// ends: the key might sign elsewhere what this package would not.
func TestFaultyCertificatesSpoilACharter(t *testing.T) {
	f := setUp(t)
	stranger := must(NewUnitKey())(t)
	card := f.card()
	of(t, "Ivo", 1)(&card) // not the device of another line
	card.Version = wire.Version
	forged := func(change func(*wire.Certificate)) []byte {
		c := card
		change(&c)
		return forge(t, f.unit.pair, tagCertificate, &c)
	}
	for name, c := range map[string]struct {
		env  []byte
		want error
	}{
		"of another unit":     {forge(t, stranger.pair, tagCertificate, &card), ErrSignature},
		"signed as a request": {forge(t, f.unit.pair, tagRequest, &card), ErrSignature},
		"a request":           {f.request(t), ErrMalformed},
		"rubbish":             {[]byte("rubbish"), ErrMalformed},
		"of another version":  {forged(func(c *wire.Certificate) { c.Version-- }), ErrVersion},
		"of a later version":  {forged(func(c *wire.Certificate) { c.Version, c.Photo = wire.VersionPhoto+1, [32]byte{1} }), ErrVersion},
		"without a name":      {forged(func(c *wire.Certificate) { c.Name = "" }), ErrCertificate},
		"for too long":        {forged(func(c *wire.Certificate) { c.NotAfter = c.NotBefore + 90*86400 + 3601 }), ErrTooLong},
		"never valid":         {forged(func(c *wire.Certificate) { c.NotAfter = c.NotBefore }), ErrMalformed},
		"of no year":          {forged(func(c *wire.Certificate) { c.NotBefore, c.NotAfter = -1<<63, 1<<63-1 }), ErrMalformed},
		"begun in no year":    {forged(func(c *wire.Certificate) { c.NotBefore, c.NotAfter = minTime-1, minTime+1 }), ErrMalformed},
		"ended in no year":    {forged(func(c *wire.Certificate) { c.NotBefore, c.NotAfter = maxTime, maxTime+1 }), ErrMalformed},
		"of a device twice":   {forged(func(c *wire.Certificate) { c.DeviceKey = f.device.Public() }), ErrMalformed},
	} {
		charter := f.charter(t)
		charter.Technicians[1].Envelope = c.env
		if _, err := f.unit.SignCharter(charter); !errors.Is(err, c.want) || !errors.Is(err, ErrCharter) {
			t.Errorf("%s, signed: %v, want %v", name, err, c.want)
		}
		b := must(f.unit.signText(tagCharter, must(formatCharter(&charter))(t)))(t)
		if got, err := VerifyCharter(b, f.unit.Public(), f.now, 0); !errors.Is(err, c.want) || !errors.Is(err, ErrCharter) || got != nil {
			t.Errorf("%s, read: %v, want %v", name, err, c.want)
		}
	}
}

// What was long ago is history: a certificate that ran out, or one that is revoked
// and too long for today's policy, must not stop the others.
func TestPastCertificatesDoNotSpoilACharter(t *testing.T) {
	f := setUp(t)
	old := func(c *wire.Certificate) { c.NotBefore, c.NotAfter = 1, 2 }
	long := func(c *wire.Certificate) { c.NotAfter = c.NotBefore + 400*86400 }
	b := f.signed(t, func(c *Charter) {
		c.Technicians[1] = Technician{State: StateActive, Envelope: f.certificate(t, of(t, "Ivo", 1), old)}
		c.Technicians[2].Envelope = f.certificate(t, of(t, "Max", 2), long)
	})
	c := must(VerifyCharter(b, f.unit.Public(), f.now, 0))(t)
	if _, err := c.Technician(c.cards[1].DeviceKey, f.now); !errors.Is(err, ErrExpired) {
		t.Errorf("ran out: %v", err)
	}
	if _, err := c.Technician(c.cards[2].DeviceKey, f.now); !errors.Is(err, ErrRevoked) {
		t.Errorf("revoked: %v", err)
	}
}

func TestLargestCharter(t *testing.T) {
	f := setUp(t)
	b := f.signed(t, func(c *Charter) {
		c.Policy = Policy{Rights: 0, IdleMinutes: MaxIdleMinutes, LeaseMinutes: MaxLeaseMinutes, Relay: RelayNever, CertificateDays: MaxCertificateDays}
		c.Epoch = MaxEpoch
		c.Technicians = c.Technicians[:0]
		for i := range MaxTechnicians {
			c.Technicians = append(c.Technicians, Technician{State: StateActive, Envelope: f.certificate(t, of(t, "Ivo", byte(i)))})
		}
		c.Sources = c.Sources[:0]
		for i := range MaxSources {
			c.Sources = append(c.Sources, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16))
		}
	})
	c, err := VerifyCharter(b, f.unit.Public(), f.now, MaxEpoch)
	if err != nil || len(c.cards) != MaxTechnicians || len(c.Sources) != MaxSources || c.Policy.Rights != 0 {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	c.Zones = c.Zones[:0]
	for i := range MaxMachineZones {
		c.Zones = append(c.Zones, MachineZone{f.machine, fmt.Sprintf("%097d", i)})
	}
	if b, err := f.unit.SignCharter(*c); !errors.Is(err, ErrCharter) || b != nil {
		t.Errorf("each list at its limit, the whole beyond it: %d bytes, %v", len(b), err)
	}
	c.Technicians = nil
	if _, err := f.unit.SignCharter(*c); err != nil {
		t.Errorf("many zones: %v", err)
	}
}

func BenchmarkVerifyCharter(b *testing.B) {
	f := setUp(b)
	signed := f.signed(b)
	for b.Loop() {
		if _, err := VerifyCharter(signed, f.unit.Public(), f.now, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// Whoever keeps charters may open one that ran out; it still has to be signed.
func TestOpenCharterLooksAtTheSignatureAlone(t *testing.T) {
	f := setUp(t)
	c := f.charter(t)
	b := must(f.unit.SignCharter(c))(t)
	got, err := OpenCharter(b, f.unit.Public())
	if err != nil || got.Epoch != c.Epoch || len(got.Cards()) != len(c.Technicians) {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := OpenCharter(b, UnitPublic(f.host.Public())); !errors.Is(err, ErrCharter) || !errors.Is(err, ErrSignature) {
		t.Errorf("another's: %v", err)
	}
	listed, card := got.Listed(f.device.Public())
	if listed == nil || string(card.DeviceKey) != string(f.device.Public()) {
		t.Errorf("listed as %+v", listed)
	}
	if listed, card := got.Listed(f.host.Public()); listed != nil || card != nil {
		t.Errorf("a stranger is listed as %+v", listed)
	}
}

func TestRightsHaveOneSpelling(t *testing.T) {
	for rights := range uint16(64) {
		if got, err := ParseRights(FormatRights(rights)); err != nil || got != rights {
			t.Errorf("%s is %d, %v", FormatRights(rights), got, err)
		}
	}
	for _, bad := range []string{"", "point view", "view view", "view  point", "View", "view\nidle 5", "all"} {
		if _, err := ParseRights(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
