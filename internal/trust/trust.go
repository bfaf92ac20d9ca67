// SPDX-License-Identifier: Apache-2.0

// Package trust holds the keys of the two ends and of the unit, and every check
// that makes a message believable: certificates, signed requests and answers,
// the machine ID that is the proof of a host's key, check words, join codes.
//
// It opens no connection and shows nothing. A signature is always checked over
// the very bytes received, behind a tag that names the type, so that a message
// of one type never passes for another. There is one algorithm (ECDSA P-256
// with SHA-256) and no way to ask for a different one.
package trust

import (
	"errors"
	"fmt"

	"assist/internal/wire"
)

// Why a message, a key or a code is not believed. Several may be wrapped
// together: an expired certificate is both ErrCertificate and ErrExpired.
var (
	ErrMalformed    = errors.New("trust: not a signed message of this type")
	ErrVersion      = errors.New("trust: another version")
	ErrKey          = errors.New("trust: not a P-256 public key")
	ErrSignature    = errors.New("trust: signature does not match")
	ErrCertificate  = errors.New("trust: certificate not acceptable")
	ErrExpired      = errors.New("trust: expired")
	ErrNotYetValid  = errors.New("trust: not valid yet")
	ErrReplayed     = errors.New("trust: seen before")
	ErrWrongMachine = errors.New("trust: meant for, or sent by, another machine")
	ErrWrongSession = errors.New("trust: belongs to another session")
	ErrWrongRequest = errors.New("trust: answers another request")
	ErrWrongHost    = errors.New("trust: key or fingerprint differs from the pledge")
	ErrNoReason     = errors.New("trust: no reason given")
	ErrRights       = errors.New("trust: rights do not fit the message")
	ErrMachineID    = errors.New("trust: not a machine number")
	ErrJoinCode     = errors.New("trust: not a join code")
	ErrPassphrase   = errors.New("trust: wrong passphrase, or damaged key file")
	ErrKeyFile      = errors.New("trust: key file not usable")
)

// Domain tags, one per signed type.
const (
	tagCertificate = "assist/certificate/1"
	tagRequest     = "assist/request/1"
	tagPledge      = "assist/pledge/1"
	tagAnswer      = "assist/answer/1"
	tagHello       = "assist/hello/1"
	tagReceipt     = "assist/receipt/1"
)

// seal marshals a body once, signs those bytes, and wraps both.
func seal(k keyPair, tag string, body wire.Signed) ([]byte, error) {
	b, err := wire.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	sig, err := k.sign(tag, b)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(&wire.Envelope{Body: b, Signature: sig})
}

// unseal opens an envelope that must hold a T. Nothing in it is believed yet:
// the caller checks the signature with the key it expects.
func unseal[T wire.Signed](env []byte) (T, *wire.Envelope, error) {
	var none T
	e, err := wire.UnmarshalEnvelope(env)
	if err != nil {
		return none, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	m, err := wire.UnmarshalSigned(e.Body)
	if err != nil {
		return none, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	body, ok := m.(T)
	if !ok {
		return none, nil, ErrMalformed
	}
	return body, e, nil
}
