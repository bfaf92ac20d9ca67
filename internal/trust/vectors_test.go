// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"assist/internal/wire"
)

// Vectors fix the bytes: an app of today must believe what an app of yesterday
// signed. They are written anew, with fresh keys, by
// go test ./internal/trust -run TestVectors -update
// and only when wire.Version rises.

const vectorFile = "testdata/vectors.json"

// hexBytes are bytes written in hexadecimal.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }
func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

type vectors struct {
	Now                                               int64
	Unit, Host, Device                                hexBytes
	Machine                                           string
	Certificate, Request, RequestHash, Pledge, Answer hexBytes
	Words                                             [3]string // of mot0000 … mot2047
	HelloNonce, HelloExporter, HelloSignature         hexBytes
	SealedUnit                                        hexBytes // passphrase "vecteur"
	JoinCode                                          string
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	var v vectors
	if err := json.Unmarshal(must(os.ReadFile(vectorFile))(t), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v vectors) requestCheck(t testing.TB) RequestCheck {
	return RequestCheck{Unit: UnitPublic(v.Unit), Machine: v.Machine, Now: time.Unix(v.Now, 0),
		SeenNonce: func([32]byte) bool { return false }}
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	v := readVectors(t)
	if id := must(MachineIDOf(v.Host, v.Unit))(t); id != v.Machine {
		t.Errorf("machine ID %s, want %s", id, v.Machine)
	}
	r, err := VerifyRequest(v.Request, v.requestCheck(t))
	if err != nil || !bytes.Equal(r.Hash[:], v.RequestHash) {
		t.Fatalf("request: %v", err)
	}
	check := PledgeCheck{Unit: UnitPublic(v.Unit), Machine: v.Machine, RequestHash: r.Hash, Session: r.Request.Session}
	p, err := VerifyPledge(v.Pledge, check)
	if err != nil {
		t.Fatalf("pledge: %v", err)
	}
	if _, err := VerifyAnswer(v.Answer, AnswerCheck{check, p, time.Unix(v.Now, 0)}); err != nil {
		t.Errorf("answer: %v", err)
	}
	if words := CheckWords(v.Request, v.Pledge, numbered(2048)); words != v.Words {
		t.Errorf("words %v, want %v", words, v.Words)
	}
	if err := VerifyHello(v.Host, RoleHost, [32]byte(v.HelloNonce), v.HelloExporter, v.HelloSignature); err != nil {
		t.Errorf("hello: %v", err)
	}
	if k, err := openKey(v.SealedUnit, "vecteur", unitKeyCost()); err != nil || !bytes.Equal(k.public, v.Unit) {
		t.Errorf("sealed unit key: %v", err)
	}
	if j, err := ParseJoinCode(v.JoinCode); err != nil || !bytes.Equal(j.Unit, v.Unit) || j.Server != "assist.example:443" {
		t.Errorf("join code: %+v, %v", j, err)
	}
}

var update = flag.Bool("update", false, "write the vectors anew")

func writeVectors(t *testing.T) {
	f := setUp(t)
	req := f.request(t)
	hash := must(RequestHash(req))(t)
	nonce, exporter := [32]byte{1}, bytes.Repeat([]byte{2}, ExporterLength)
	v := vectors{
		Now: f.now.Unix(), Unit: hexBytes(f.unit.Public()), Host: f.host.Public(), Device: f.device.Public(), Machine: f.machine,
		Certificate: f.certificate(t), Request: req, RequestHash: hash[:], Pledge: f.pledge(t, req), Answer: f.answer(t, req),
		HelloNonce: nonce[:], HelloExporter: exporter, HelloSignature: must(SignHello(f.host, RoleHost, nonce, exporter))(t),
		SealedUnit: must(sealKey(f.unit.pair, "vecteur", unitKeyCost()))(t), JoinCode: f.join("assist.example:443").String(),
	}
	v.Words = CheckWords(v.Request, v.Pledge, numbered(2048))
	must(0, os.MkdirAll("testdata", 0o755))(t)
	must(0, os.WriteFile(vectorFile, append(must(json.MarshalIndent(v, "", "  "))(t), '\n'), 0o644))(t)
}

// Keys of the vectors are thrown away after writing; this only says that a
// request of another version would not read as one of this.
func TestVectorsAreOfThisVersion(t *testing.T) {
	e := must(wire.UnmarshalEnvelope(readVectors(t).Request))(t)
	m := must(wire.UnmarshalSigned(e.Body))(t)
	if r, ok := m.(*wire.Request); !ok || r.Version != wire.Version {
		t.Errorf("%+v", m)
	}
}
