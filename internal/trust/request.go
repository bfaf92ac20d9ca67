// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"fmt"
	"time"

	"assist/internal/wire"
)

// RequestLife is how far ahead a technician's app sets Expires. With
// maxRequestLife it leaves room for clocks that differ: the host's may be
// RequestLife ahead, or ten minutes behind.
const RequestLife = 5 * time.Minute

// maxRequestLife is how far ahead a host lets Expires be. Nonces are remembered
// for longer than that, so no request is good twice.
const maxRequestLife = 15 * time.Minute

// RequestCheck is what a host holds a request against.
type RequestCheck struct {
	Unit    UnitPublic
	Machine string // the host's own machine ID
	Now     time.Time
	// Admit, if any, says what the unit's charter has against it. It is asked of
	// requests that are proved, before the nonce: who may not help fills no memory.
	Admit func(*wire.Request, *wire.Certificate) error
	// SeenNonce remembers a nonce and reports whether it was seen before. It is
	// asked last, of requests that passed everything else; see Nonces.
	SeenNonce func([32]byte) bool
}

// VerifiedRequest is a request that passed every check.
type VerifiedRequest struct {
	Request     *wire.Request
	Certificate *wire.Certificate
	Hash        [32]byte // names the request in the Pledge and the Answer
}

// SignRequest signs a request; Version is filled in.
func (k *DeviceKey) SignRequest(r *wire.Request) ([]byte, error) {
	signed := *r
	signed.Version = wire.Version
	return seal(k.pair, tagRequest, &signed)
}

// RequestHash is the hash that a Pledge and an Answer must name, of the
// envelope of a Request. It verifies nothing.
func RequestHash(env []byte) ([32]byte, error) {
	_, e, err := unseal[*wire.Request](env)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(e.Body), nil
}

// VerifyRequest is everything a host checks before anybody is asked anything.
func VerifyRequest(env []byte, c RequestCheck) (*VerifiedRequest, error) {
	r, e, err := unseal[*wire.Request](env)
	if err != nil {
		return nil, err
	}
	if r.Version != wire.Version {
		return nil, ErrVersion
	}
	cert, err := VerifyCertificate(r.Certificate, c.Unit, c.Now)
	if err != nil {
		return nil, err
	}
	if err := verify(cert.DeviceKey, tagRequest, e.Body, e.Signature); err != nil {
		return nil, err
	}
	if err := checkRequest(r, c); err != nil {
		return nil, err
	}
	if c.Admit != nil {
		if err := c.Admit(r, cert); err != nil {
			return nil, err
		}
	}
	if c.SeenNonce == nil || c.SeenNonce(r.Nonce) {
		return nil, ErrReplayed
	}
	return &VerifiedRequest{r, cert, sha256.Sum256(e.Body)}, nil
}

func checkRequest(r *wire.Request, c RequestCheck) error {
	expires := time.Unix(r.Expires, 0)
	switch {
	case CheckMachineID(c.Machine) != nil || r.Machine != c.Machine:
		return ErrWrongMachine
	case !c.Now.Before(expires):
		return ErrExpired
	case expires.Sub(c.Now) > maxRequestLife:
		return fmt.Errorf("%w: expires too far ahead", ErrNotYetValid)
	case !wire.Legible(r.Reason):
		return ErrNoReason
	case r.Rights == 0:
		return ErrRights
	}
	return nil
}
