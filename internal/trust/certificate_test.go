// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"testing"
	"time"

	"assist/internal/wire"
)

func TestCertificateIsValidBetweenItsDates(t *testing.T) {
	f := setUp(t)
	env := f.certificate(t)
	card := f.card()
	for name, c := range map[string]struct {
		at   int64
		want error
	}{
		"a second early":  {card.NotBefore - 1, ErrNotYetValid},
		"its first":       {card.NotBefore, nil},
		"its last second": {card.NotAfter - 1, nil},
		"a second late":   {card.NotAfter, ErrExpired},
	} {
		got, err := VerifyCertificate(env, f.unit.Public(), time.Unix(c.at, 0))
		if !errors.Is(err, c.want) || (got == nil) != (c.want != nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.want != nil && !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v is not ErrCertificate", name, err)
		}
	}
}

func TestCertificateOfAnotherUnitIsRefused(t *testing.T) {
	f := setUp(t)
	other := must(NewUnitKey())(t)
	_, err := VerifyCertificate(f.certificate(t), other.Public(), f.now)
	if !errors.Is(err, ErrCertificate) || !errors.Is(err, ErrSignature) {
		t.Errorf("got %v", err)
	}
	_, err = VerifyCertificate(f.certificate(t), UnitPublic("rubbish"), f.now)
	if !errors.Is(err, ErrCertificate) || !errors.Is(err, ErrKey) {
		t.Errorf("got %v", err)
	}
}

// A certificate of somebody else's is none of one's own.
func TestOwnCertificateIsForTheOwnKey(t *testing.T) {
	f := setUp(t)
	env := f.certificate(t)
	if err := VerifyOwn(env, f.unit.Public(), f.card().DeviceKey, f.now); err != nil {
		t.Error(err)
	}
	other := must(NewDeviceKey())(t)
	if err := VerifyOwn(env, f.unit.Public(), other.Public(), f.now); !errors.Is(err, ErrCertificate) {
		t.Errorf("another key: %v", err)
	}
	if err := VerifyOwn(env[1:], f.unit.Public(), f.card().DeviceKey, f.now); !errors.Is(err, ErrCertificate) {
		t.Errorf("cut short: %v", err)
	}
}

func TestEveryFlippedByteOfACertificateIsRefused(t *testing.T) {
	f := setUp(t)
	flips(f.certificate(t), func(at int, env []byte) {
		if _, err := VerifyCertificate(env, f.unit.Public(), f.now); !errors.Is(err, ErrCertificate) {
			t.Errorf("byte %d: %v", at, err)
		}
	})
}

func TestUselessCertificatesAreNotIssued(t *testing.T) {
	f := setUp(t)
	for name, change := range map[string]func(*wire.Certificate){
		"no name":      func(c *wire.Certificate) { c.Name = "  " },
		"unseen name":  func(c *wire.Certificate) { c.Name = "\u3164" },
		"unseen role":  func(c *wire.Certificate) { c.Role = "\u2800" },
		"no role":      func(c *wire.Certificate) { c.Role = "" },
		"no unit":      func(c *wire.Certificate) { c.Unit = "" },
		"no key":       func(c *wire.Certificate) { c.DeviceKey = nil },
		"never valid":  func(c *wire.Certificate) { c.NotAfter = c.NotBefore },
		"broken key":   func(c *wire.Certificate) { c.DeviceKey[0] ^= 1 },
		"long name":    func(c *wire.Certificate) { c.Name = string(make([]byte, wire.MaxName+1)) + "x" },
		"control name": func(c *wire.Certificate) { c.Name = "Anne\nPetit" },
	} {
		c := f.card()
		change(&c)
		if env, err := f.unit.IssueCertificate(c); err == nil {
			t.Errorf("%s: issued %x", name, env)
		}
	}
}

// The unit key might sign, by mistake of another program, what this package
// would not: the reader checks for itself.
func TestUnreadableCardIsRefusedByTheReader(t *testing.T) {
	f := setUp(t)
	for name, change := range map[string]func(*wire.Certificate){
		"no name":                     func(c *wire.Certificate) { c.Name = "" },
		"version":                     func(c *wire.Certificate) { c.Version-- },
		"version of one with a photo": func(c *wire.Certificate) { c.Version, c.Photo = wire.VersionPhoto+1, [32]byte{1} },
	} {
		c := f.card()
		c.Version = wire.Version
		change(&c)
		env := forge(t, f.unit.pair, tagCertificate, &c)
		if _, err := VerifyCertificate(env, f.unit.Public(), f.now); !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
