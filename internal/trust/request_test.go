// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"math/big"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/wire"
)

func TestGoodRequestIsBelieved(t *testing.T) {
	f := setUp(t)
	env := f.request(t)
	v, err := VerifyRequest(env, f.check())
	if err != nil {
		t.Fatal(err)
	}
	if v.Request.Reason != "imprimante muette" || v.Certificate.Name != "Anne Petit" {
		t.Errorf("read %+v, %+v", v.Request, v.Certificate)
	}
	if v.Hash != must(RequestHash(env))(t) {
		t.Error("the two ends would name the request differently")
	}
	if e := must(wire.UnmarshalEnvelope(env))(t); v.Hash != sum(e.Body) {
		t.Error("the hash is not of the signed bytes")
	}
}

func TestRequestIsRefused(t *testing.T) {
	f := setUp(t)
	stranger := must(NewDeviceKey())(t)
	otherUnit := must(NewUnitKey())(t)
	cases := map[string]struct {
		change func(*wire.Request)
		check  func(*RequestCheck)
		want   error
	}{
		"expired now":              {change: func(r *wire.Request) { r.Expires = f.now.Unix() }, want: ErrExpired},
		"expired long ago":         {change: func(r *wire.Request) { r.Expires = -1 << 62 }, want: ErrExpired},
		"too far ahead":            {change: func(r *wire.Request) { r.Expires = f.now.Add(maxRequestLife + time.Second).Unix() }, want: ErrNotYetValid},
		"far future":               {change: func(r *wire.Request) { r.Expires = 1 << 62 }, want: ErrNotYetValid},
		"other machine":            {change: func(r *wire.Request) { r.Machine = "000000000000" }, want: ErrWrongMachine},
		"no machine":               {change: func(r *wire.Request) { r.Machine = "" }, want: ErrWrongMachine},
		"host without ID":          {change: func(r *wire.Request) { r.Machine = "" }, check: func(c *RequestCheck) { c.Machine = "" }, want: ErrWrongMachine},
		"nothing to be seen":       {change: func(r *wire.Request) { r.Reason = "\u3164" }, want: ErrNoReason},
		"no reason":                {change: func(r *wire.Request) { r.Reason = " \u00a0" }, want: ErrNoReason},
		"no rights":                {change: func(r *wire.Request) { r.Rights = 0 }, want: ErrRights},
		"replayed":                 {check: func(c *RequestCheck) { c.SeenNonce = func([32]byte) bool { return true } }, want: ErrReplayed},
		"nothing remembers nonces": {check: func(c *RequestCheck) { c.SeenNonce = nil }, want: ErrReplayed},
		"unit not known":           {check: func(c *RequestCheck) { c.Unit = otherUnit.Public() }, want: ErrCertificate},
		"no unit at all":           {check: func(c *RequestCheck) { c.Unit = nil }, want: ErrCertificate},
		"certificate ran out":      {check: func(c *RequestCheck) { c.Now = f.now.Add(91 * 24 * time.Hour) }, want: ErrCertificate},
		"certificate of another device": {change: func(r *wire.Request) {
			r.Certificate = f.certificate(t, func(c *wire.Certificate) { c.DeviceKey = stranger.Public() })
		}, want: ErrSignature},
		"certificate is no certificate": {change: func(r *wire.Request) { r.Certificate = []byte{1} }, want: ErrCertificate},
		"certificate missing":           {change: func(r *wire.Request) { r.Certificate = nil }, want: ErrCertificate},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			env := f.request(t)
			if c.change != nil {
				env = f.request(t, c.change)
			}
			check := f.check()
			if c.check != nil {
				c.check(&check)
			}
			v, err := VerifyRequest(env, check)
			if !errors.Is(err, c.want) || v != nil {
				t.Errorf("got %v, %v; want %v", v, err, c.want)
			}
		})
	}
}

func TestRequestOfAnotherVersionIsRefused(t *testing.T) {
	f := setUp(t)
	r := wire.Request{Version: wire.Version + 1, Machine: f.machine, Certificate: f.certificate(t), Rights: 1,
		Reason: "x", Expires: f.now.Add(time.Minute).Unix()}
	env := forge(t, f.device.pair, tagRequest, &r)
	if _, err := VerifyRequest(env, f.check()); !errors.Is(err, ErrVersion) {
		t.Errorf("got %v", err)
	}
}

func TestEveryFlippedByteOfARequestIsRefused(t *testing.T) {
	f := setUp(t)
	asked := 0
	check := f.check()
	check.SeenNonce = func([32]byte) bool { asked++; return false }
	flips(f.request(t), func(at int, env []byte) {
		if v, err := VerifyRequest(env, check); err == nil || v != nil {
			t.Errorf("byte %d changed and believed", at)
		}
	})
	if asked != 0 {
		t.Errorf("%d nonces of unbelievable requests were remembered", asked)
	}
}

func TestEveryTruncationOfARequestIsRefused(t *testing.T) {
	f := setUp(t)
	env := f.request(t)
	for n := range env {
		if _, err := VerifyRequest(env[:n], f.check()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes of it: %v", n, err)
		}
	}
	if _, err := VerifyRequest(append(bytes.Clone(env), 0), f.check()); !errors.Is(err, ErrMalformed) {
		t.Errorf("one byte more: %v", err)
	}
}

// The other valid S of an ECDSA signature would be a second envelope of the
// same request, with other check words.
func TestSecondFormOfASignatureIsRefused(t *testing.T) {
	f := setUp(t)
	e := must(wire.UnmarshalEnvelope(f.request(t)))(t)
	var sig ecdsaSignature
	if _, err := asn1.Unmarshal(e.Signature, &sig); err != nil {
		t.Fatal(err)
	}
	sig.S = new(big.Int).Sub(elliptic.P256().Params().N, sig.S)
	e.Signature = must(asn1.Marshal(sig))(t)
	if _, err := VerifyRequest(must(wire.Marshal(e))(t), f.check()); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v", err)
	}
}

// A body signed under one tag never passes under another.
func TestTypesDoNotPassForEachOther(t *testing.T) {
	f := setUp(t)
	r := must(wire.UnmarshalEnvelope(f.request(t)))(t)
	body := must(wire.UnmarshalSigned(r.Body))(t)
	for _, tag := range []string{tagCertificate, tagPledge, tagAnswer, tagHello, ""} {
		if _, err := VerifyRequest(forge(t, f.device.pair, tag, body), f.check()); !errors.Is(err, ErrSignature) {
			t.Errorf("tag %q: %v", tag, err)
		}
	}
	if _, err := VerifyRequest(f.certificate(t), f.check()); !errors.Is(err, ErrMalformed) {
		t.Errorf("certificate as request: %v", err)
	}
	if _, err := VerifyCertificate(f.request(t), f.unit.Public(), f.now); !errors.Is(err, ErrMalformed) {
		t.Errorf("request as certificate: %v", err)
	}
}

func TestNoncesAreGoodOnce(t *testing.T) {
	f, nonces := setUp(t), reopen(t, filepath.Join(t.TempDir(), "nonces"))
	check := f.check()
	check.SeenNonce = nonces.Seen
	env := f.request(t)
	if _, err := VerifyRequest(env, check); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyRequest(env, check); !errors.Is(err, ErrReplayed) {
		t.Errorf("second time: %v", err)
	}
	next := f.request(t, func(r *wire.Request) { r.Nonce[0]++ })
	if _, err := VerifyRequest(next, check); err != nil {
		t.Errorf("another nonce: %v", err)
	}
}

func TestNoncesAreForgottenOnlyWhenUseless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nonces := reopen(t, filepath.Join(t.TempDir(), "nonces"))
		first := [32]byte{1}
		nonces.Seen(first)
		time.Sleep(2 * maxRequestLife)
		if !nonces.Seen(first) {
			t.Error("forgotten while a request could still be accepted")
		}
		time.Sleep(time.Second)
		if nonces.Seen(first) {
			t.Error("never forgotten")
		}
	})
}

func TestTooManyNoncesCountAsSeen(t *testing.T) {
	nonces := reopen(t, filepath.Join(t.TempDir(), "nonces"))
	var n [32]byte
	for i := range maxNonces - 1 {
		binary.BigEndian.PutUint32(n[:], uint32(i))
		nonces.seen[n] = time.Now()
	}
	if nonces.Seen([32]byte{0xfe}) {
		t.Fatal("the last one is refused")
	}
	if !nonces.Seen([32]byte{0xff}) {
		t.Error("more than the limit is remembered")
	}
}

func FuzzVerifyRequest(f *testing.F) {
	v := readVectors(f)
	check := v.requestCheck(f)
	f.Add([]byte(v.Request))
	f.Add([]byte(v.Certificate))
	f.Add([]byte(v.Pledge))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, env []byte) {
		got, err := VerifyRequest(env, check)
		if (err == nil) != bytes.Equal(env, v.Request) {
			t.Fatalf("%v for %x", err, env)
		}
		if (got == nil) != (err != nil) {
			t.Fatal("a result together with an error")
		}
	})
}
