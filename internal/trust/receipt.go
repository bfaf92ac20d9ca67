// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"fmt"
	"time"

	"assist/internal/wire"
)

// SignReceipt signs the text of a receipt as it will be kept.
func (k *HostKey) SignReceipt(text []byte) ([]byte, error) {
	return k.pair.sign(tagReceipt, text)
}

// VerifyReceipt checks that the key host (SubjectPublicKeyInfo) signed the text.
func VerifyReceipt(host, text, signature []byte) error {
	return verify(host, tagReceipt, text, signature)
}

// Evidence is what both ends signed in one intervention.
type Evidence struct {
	Unit        UnitPublic
	Host        []byte // SubjectPublicKeyInfo
	Machine     string
	Heard       time.Time // when the host verified the request
	Certificate []byte    // that the person was shown
	Request     []byte
	Pledge      []byte
	Answer      []byte
}

// Proven is what evidence proves.
type Proven struct {
	Request     *wire.Request
	Certificate *wire.Certificate // the one that was shown
	Answer      *wire.Answer
}

// Prove checks evidence as the two ends did, at the time when they did: that a
// technician of the unit asked, by a key that the shown certificate names, and that
// this host answered. It takes about 0.3 s: the machine ID is computed again.
func (e Evidence) Prove() (*Proven, error) {
	r, err := VerifyRequest(e.Request, RequestCheck{
		Unit: e.Unit, Machine: e.Machine, Now: e.Heard, SeenNonce: func([32]byte) bool { return false },
	})
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	shown, err := VerifyCertificate(e.Certificate, e.Unit, e.Heard)
	if err != nil {
		return nil, fmt.Errorf("shown certificate: %w", err)
	}
	if !bytes.Equal(shown.DeviceKey, r.Certificate.DeviceKey) {
		return nil, fmt.Errorf("shown certificate: %w", ErrCertificate)
	}
	check := PledgeCheck{Unit: e.Unit, Machine: e.Machine, RequestHash: r.Hash, Session: r.Request.Session}
	p, err := VerifyPledge(e.Pledge, check)
	if err != nil {
		return nil, fmt.Errorf("pledge: %w", err)
	}
	if !bytes.Equal(p.HostKey, e.Host) {
		return nil, fmt.Errorf("pledge: %w", ErrWrongHost)
	}
	a, err := VerifyAnswer(e.Answer, AnswerCheck{PledgeCheck: check, Pledge: p, Now: e.Heard})
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return &Proven{r.Request, shown, a}, nil
}
