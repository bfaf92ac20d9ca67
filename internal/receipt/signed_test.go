// SPDX-License-Identifier: Apache-2.0

package receipt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"assist/assets"
	"assist/internal/trust"
	"assist/internal/wire"
)

// parties are a unit, a host and a technician; making them takes long.
type parties struct {
	unit    *trust.UnitKey
	host    *trust.HostKey
	device  *trust.DeviceKey
	machine string
}

var people = sync.OnceValues(func() (*parties, error) {
	p := &parties{}
	var err error
	if p.unit, err = trust.NewUnitKey(); err != nil {
		return nil, err
	}
	if p.host, err = trust.NewHostKey(); err != nil {
		return nil, err
	}
	if p.device, err = trust.NewDeviceKey(); err != nil {
		return nil, err
	}
	p.machine, err = p.host.MachineID(p.unit.Public())
	return p, err
})

func who(t testing.TB) *parties {
	t.Helper()
	p, err := people()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func key(t testing.TB) *trust.HostKey { return who(t).host }

// must ends the test when something that cannot fail does.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// proven is a receipt with what both ends signed; change is what the host answered instead.
func proven(t testing.TB, change ...func(*wire.Answer)) Receipt {
	p, now := who(t), time.Unix(1_800_000_000, 0).UTC()
	until := now.Add(30 * 24 * time.Hour)
	cert := must(p.unit.IssueCertificate(wire.Certificate{
		Name: "Prénom Nom", Role: "Assistance", Unit: "INCI", DeviceKey: p.device.Public(),
		NotBefore: now.Add(-time.Hour).Unix(), NotAfter: until.Unix(),
	}))(t)
	session := wire.SessionID{1, 2, 3}
	request := must(p.device.SignRequest(&wire.Request{
		Session: session, Machine: p.machine, Certificate: cert, Rights: 3, Reason: "Imprimante", Nonce: [32]byte{9},
		Fingerprint: [32]byte{4}, Expires: now.Add(trust.RequestLife).Unix(),
	}))(t)
	hash := must(trust.RequestHash(request))(t)
	pledge := must(p.host.SignPledge(&wire.Pledge{Session: session, RequestHash: hash, Fingerprint: [32]byte{6}}))(t)
	said := &wire.Answer{
		Session: session, RequestHash: hash, Fingerprint: [32]byte{6}, Verdict: wire.VerdictGranted, Rights: 3,
		Expires: now.Add(time.Hour).Unix(),
	}
	for _, f := range change {
		f(said)
	}
	answer := must(p.host.SignAnswer(said))(t)
	r := sample(0, now)
	r.Version, r.Session, r.Machine, r.Until, r.First, r.Allowed = version, fmt.Sprintf("%x", session[:]), p.machine, until, 3, 7
	r.Driven, r.Pointed, r.Heard, r.UnitKey = 3, 1, now, p.unit.Public()
	r.Certificate, r.Request, r.Pledge, r.Answer = cert, request, pledge, answer
	r.Words = trust.CheckWords(request, pledge, assets.WordLists("fr")[0])
	return r
}

func TestReceiptProvesItself(t *testing.T) {
	b := book(t)
	r := proven(t)
	if err := b.Add(r, key(t)); err != nil {
		t.Fatal(err)
	}
	text := must(b.File(r.Session))(t)
	got, err := Verify(text, assets.WordLists("fr"))
	if err != nil || got.Name != r.Name || got.Driven != 3 || !bytes.Equal(got.UnitKey, r.UnitKey) {
		t.Fatalf("%+v, %v", got, err)
	}
	r.Words = trust.CheckWords(r.Request, r.Pledge, assets.WordLists("en")[0])
	english := must(sign(r, key(t)))(t)
	if _, err := Verify(english, assets.WordLists("fr")); err != nil {
		t.Errorf("of a person who read English: %v", err)
	}
}

// While it goes on a receipt is written again and again. One that was not completed is
// proved like any other, and says when it was last written.
func TestUncompletedReceiptIsKeptUntilItsEnd(t *testing.T) {
	b, r := book(t), proven(t)
	r.End = 0
	for _, r.Length = range []time.Duration{0, time.Minute} {
		if err := b.Add(r, key(t)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Verify(must(b.File(r.Session))(t), assets.WordLists("fr"))
	if err != nil || got.Completed() || !got.Written().Equal(r.Began.Add(time.Minute)) {
		t.Errorf("%+v, %v", got, err)
	}
	r.End = 1
	if err := b.Add(r, key(t)); err != nil {
		t.Fatal(err)
	}
	if list, err := b.List(); err != nil || len(list) != 1 || !list[0].Completed() {
		t.Errorf("%+v, %v", list, err)
	}
}

// Every byte: always an error.
func TestEveryFlippedByteOfAReceiptIsRefused(t *testing.T) {
	text := must(sign(proven(t), key(t)))(t)
	for i := range text {
		bad := bytes.Clone(text)
		bad[i] ^= 1 << (i % 8)
		if _, _, err := open(bad); err == nil {
			t.Fatalf("byte %d (%q): believed", i, text[i])
		}
	}
	for _, bad := range [][]byte{nil, text[:len(text)-1], append(bytes.Clone(text), ' '), append(bytes.Clone(text), text...),
		bytes.ReplaceAll(text, []byte("  "), []byte(" "))} {
		if _, err := Verify(bad, assets.WordLists("fr")); err == nil {
			t.Errorf("believed with %d bytes", len(bad))
		}
	}
}

// A host that writes something else into a receipt than what was signed before anything
// was shared is found out, although it signs the receipt itself.
func TestReceiptMustAgreeWithWhatWasSigned(t *testing.T) {
	for name, change := range map[string]func(*Receipt){
		"name":     func(r *Receipt) { r.Name = "Autre Nom" },
		"role":     func(r *Receipt) { r.Role = "" },
		"unit":     func(r *Receipt) { r.Unit = "X" },
		"until":    func(r *Receipt) { r.Until = r.Until.Add(time.Second) },
		"reason":   func(r *Receipt) { r.Reason = "rien" },
		"session":  func(r *Receipt) { r.Session = sample(7, r.Began).Session },
		"machine":  func(r *Receipt) { r.Machine = "482917305566" },
		"first":    func(r *Receipt) { r.First = 7 },
		"allowed":  func(r *Receipt) { r.Allowed = 1 },
		"words":    func(r *Receipt) { r.Words[2] += "s" },
		"no words": func(r *Receipt) { r.Words = [3]string{} },
		"early":    func(r *Receipt) { r.Began = r.Heard.Add(-clockStep - time.Second) },
		"late":     func(r *Receipt) { r.Began = r.Heard.Add(maxUntilBegun + time.Second) },
		"heard":    func(r *Receipt) { r.Heard = r.Heard.Add(time.Hour) },
		"request":  func(r *Receipt) { r.Request = nil },
		"answer":   func(r *Receipt) { r.Answer = r.Pledge },
		"unit key": func(r *Receipt) { r.UnitKey = must(trust.NewUnitKey())(t).Public() },
	} {
		r := proven(t)
		change(&r)
		if _, err := Verify(must(sign(r, key(t)))(t), assets.WordLists("fr")); !errors.Is(err, ErrUnproven) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Verify(must(sign(proven(t), must(trust.NewHostKey())(t)))(t), assets.WordLists("fr")); !errors.Is(err, ErrUnproven) {
		t.Errorf("another computer signs: %v", err)
	}
}

// What the host answered has limits too: it cannot have granted first what nobody asked
// for, nor begun when the answer had run out.
func TestReceiptMustAgreeWithTheAnswer(t *testing.T) {
	minutes := func(n int) func(*wire.Answer) {
		return func(a *wire.Answer) {
			a.Expires = time.Unix(1_800_000_000, 0).Add(time.Duration(n) * time.Minute).Unix()
		}
	}
	for name, c := range map[string]struct {
		answer func(*wire.Answer)
		change func(*Receipt)
		want   error
	}{
		"as it was":                {func(*wire.Answer) {}, func(*Receipt) {}, nil},
		"in time":                  {minutes(5), func(r *Receipt) { r.Began = r.Heard.Add(4 * time.Minute) }, nil},
		"the answer had run out":   {minutes(5), func(r *Receipt) { r.Began = r.Heard.Add(5 * time.Minute) }, ErrUnproven},
		"less than was asked":      {func(a *wire.Answer) { a.Rights = 1 }, func(r *Receipt) { r.First = 1 }, nil},
		"more than was asked":      {func(a *wire.Answer) { a.Rights = 7 }, func(r *Receipt) { r.First, r.Allowed = 7, 7 }, ErrUnproven},
		"another than was granted": {func(a *wire.Answer) { a.Rights = 1 }, func(*Receipt) {}, ErrUnproven},
	} {
		r := proven(t, c.answer)
		c.change(&r)
		if _, err := Verify(must(sign(r, key(t)))(t), assets.WordLists("fr")); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A receipt kept by an app of yesterday; UPDATE_GOLDEN=1 writes it anew.
func TestKeptReceiptIsStillBelieved(t *testing.T) {
	path := filepath.Join("testdata", "receipt.json")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, must(sign(proven(t), key(t)))(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := must(os.ReadFile(path))(t)
	if r, err := Verify(text, assets.WordLists("fr")); err != nil || r.Reason != "Imprimante" {
		t.Errorf("%+v, %v", r, err)
	}
}
