// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"assist/internal/wire"
)

// fixture is one unit, one host, one technician, and one good exchange between
// them. Tests change one thing in it.
type fixture struct {
	unit    *UnitKey
	host    *HostKey
	device  *DeviceKey
	machine string
	now     time.Time
}

// newFixture makes the keys once for all tests: the machine ID is slow.
var newFixture = sync.OnceValues(func() (fixture, error) {
	f := fixture{now: time.Unix(1_800_000_000, 0)}
	var err error
	if f.unit, err = NewUnitKey(); err != nil {
		return f, err
	}
	if f.host, err = NewHostKey(); err != nil {
		return f, err
	}
	if f.device, err = NewDeviceKey(); err != nil {
		return f, err
	}
	f.machine, err = f.host.MachineID(f.unit.Public())
	return f, err
})

func setUp(t testing.TB) fixture {
	t.Helper()
	f, err := newFixture()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f fixture) card() wire.Certificate {
	return wire.Certificate{
		Serial: [16]byte{7}, Name: "Anne Petit", Role: "support", Unit: "UMR 0000",
		Zones: []string{"ZRR-1"}, DeviceKey: f.device.Public(),
		NotBefore: f.now.Add(-time.Hour).Unix(), NotAfter: f.now.Add(90 * 24 * time.Hour).Unix(),
	}
}

func (f fixture) certificate(t testing.TB, change ...func(*wire.Certificate)) []byte {
	t.Helper()
	c := f.card()
	for _, do := range change {
		do(&c)
	}
	return must(f.unit.IssueCertificate(c))(t)
}

func (f fixture) request(t testing.TB, change ...func(*wire.Request)) []byte {
	t.Helper()
	r := wire.Request{
		Session: wire.SessionID{1, 2, 3}, Machine: f.machine, Certificate: f.certificate(t),
		Fingerprint: [32]byte{4}, Rights: 3, Reason: "imprimante muette", Nonce: [32]byte{5},
		Expires: f.now.Add(RequestLife).Unix(),
	}
	for _, do := range change {
		do(&r)
	}
	return must(f.device.SignRequest(&r))(t)
}

func (f fixture) check() RequestCheck {
	return RequestCheck{Unit: f.unit.Public(), Machine: f.machine, Now: f.now,
		SeenNonce: func([32]byte) bool { return false }}
}

func (f fixture) pledge(t testing.TB, request []byte, change ...func(*wire.Pledge)) []byte {
	t.Helper()
	p := wire.Pledge{Session: wire.SessionID{1, 2, 3}, RequestHash: must(RequestHash(request))(t), Fingerprint: [32]byte{6}}
	for _, do := range change {
		do(&p)
	}
	return must(f.host.SignPledge(&p))(t)
}

func (f fixture) pledgeCheck(t testing.TB, request []byte) PledgeCheck {
	t.Helper()
	return PledgeCheck{Unit: f.unit.Public(), Machine: f.machine, RequestHash: must(RequestHash(request))(t),
		Session: wire.SessionID{1, 2, 3}}
}

func (f fixture) answer(t testing.TB, request []byte, change ...func(*wire.Answer)) []byte {
	t.Helper()
	a := wire.Answer{Session: wire.SessionID{1, 2, 3}, RequestHash: must(RequestHash(request))(t), Fingerprint: [32]byte{6},
		Verdict: wire.VerdictGranted, Rights: 1, Expires: f.now.Add(30 * time.Minute).Unix()}
	for _, do := range change {
		do(&a)
	}
	return must(f.host.SignAnswer(&a))(t)
}

// answerCheck holds an answer against the fixture's own pledge.
func (f fixture) answerCheck(t testing.TB, request []byte) AnswerCheck {
	t.Helper()
	p := &wire.Pledge{HostKey: f.host.Public(), Fingerprint: [32]byte{6}}
	return AnswerCheck{PledgeCheck: f.pledgeCheck(t, request), Pledge: p, Now: f.now}
}

// must ends the test when a step that has to work does not.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// flips calls try with b changed at each byte, by its lowest and highest bit.
func flips(b []byte, try func(at int, changed []byte)) {
	for at := range b {
		for _, bit := range []byte{0x01, 0x80} {
			c := append([]byte(nil), b...)
			c[at] ^= bit
			try(at, c)
		}
	}
}

// forge puts a body signed by k under a tag into an envelope, without any of
// the checks that the signing methods make.
func forge(t testing.TB, k keyPair, tag string, m wire.Signed) []byte {
	t.Helper()
	return must(seal(k, tag, m))(t)
}

func sum(b []byte) [32]byte { return sha256.Sum256(b) }
