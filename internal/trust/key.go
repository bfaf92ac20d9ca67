// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// HostKey is the key of an assisted machine's user account.
type HostKey struct{ pair keyPair }

// DeviceKey is the key of a technician's app on one device.
type DeviceKey struct{ pair keyPair }

// UnitKey signs the technicians' certificates of a unit.
type UnitKey struct{ pair keyPair }

// UnitPublic is a unit's public key, as SubjectPublicKeyInfo (DER).
type UnitPublic []byte

// keyPair is a P-256 private key and its SubjectPublicKeyInfo.
type keyPair struct {
	private *ecdsa.PrivateKey
	public  []byte
}

// Public returns the SubjectPublicKeyInfo (DER) of the key.
func (k *HostKey) Public() []byte { return bytes.Clone(k.pair.public) }

// Public returns the SubjectPublicKeyInfo (DER) of the key.
func (k *DeviceKey) Public() []byte { return bytes.Clone(k.pair.public) }

// Public returns the public half, which clients pin.
func (k *UnitKey) Public() UnitPublic { return bytes.Clone(k.pair.public) }

// NewUnitKey makes a unit key.
func NewUnitKey() (*UnitKey, error) {
	p, err := newKeyPair()
	if err != nil {
		return nil, err
	}
	return &UnitKey{p}, nil
}

// NewDeviceKey makes a device key that is not kept anywhere.
func NewDeviceKey() (*DeviceKey, error) {
	p, err := newKeyPair()
	if err != nil {
		return nil, err
	}
	return &DeviceKey{p}, nil
}

// NewHostKey makes a host key that is not kept anywhere.
func NewHostKey() (*HostKey, error) {
	p, err := newKeyPair()
	if err != nil {
		return nil, err
	}
	return &HostKey{p}, nil
}

// CheckKey tells whether spki is the one encoding of a P-256 public key.
func CheckKey(spki []byte) error {
	_, err := parsePublic(spki)
	return err
}

// PinOf is the pin of a TLS server key: SHA-256 of its SubjectPublicKeyInfo.
func PinOf(spki []byte) [32]byte { return sha256.Sum256(spki) }

func newKeyPair() (keyPair, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("make a key: %w", err)
	}
	return pairOf(k)
}

func pairOf(k *ecdsa.PrivateKey) (keyPair, error) {
	spki, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		return keyPair{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return keyPair{k, spki}, nil
}

// pairFromScalar rebuilds a key pair from its 32-byte private scalar.
func pairFromScalar(scalar []byte) (keyPair, error) {
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return keyPair{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return pairOf(k)
}

// parsePublic accepts the canonical encoding of a P-256 key and nothing else,
// so that one key has one machine ID.
func parsePublic(spki []byte) (*ecdsa.PublicKey, error) {
	any, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	k, ok := any.(*ecdsa.PublicKey)
	if !ok || k.Curve != elliptic.P256() {
		return nil, ErrKey
	}
	if again, err := x509.MarshalPKIXPublicKey(k); err != nil || !bytes.Equal(again, spki) {
		return nil, ErrKey
	}
	return k, nil
}

// digest is what is signed: the tag, a zero byte that no tag holds, the bytes.
func digest(tag string, b []byte) []byte {
	h := sha256.New()
	h.Write([]byte(tag))
	h.Write([]byte{0})
	h.Write(b)
	return h.Sum(nil)
}

// ecdsaSignature is the ASN.1 form of a signature.
type ecdsaSignature struct{ R, S *big.Int }

// sign returns the signature with the low of the two possible S, the only one
// that verify takes: a signature cannot be changed into another valid one.
func (p keyPair) sign(tag string, b []byte) ([]byte, error) {
	der, err := ecdsa.SignASN1(rand.Reader, p.private, digest(tag, b))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	var sig ecdsaSignature
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if n := elliptic.P256().Params().N; highS(sig.S) {
		sig.S.Sub(n, sig.S)
	}
	return asn1.Marshal(sig)
}

// highS reports whether s is in the upper half of the group order.
func highS(s *big.Int) bool {
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	return s.Cmp(half) > 0
}

// verify checks a signature by the key spki over tag and b.
func verify(spki []byte, tag string, b, sig []byte) error {
	k, err := parsePublic(spki)
	if err != nil {
		return err
	}
	var parts ecdsaSignature
	rest, err := asn1.Unmarshal(sig, &parts)
	if err != nil || len(rest) != 0 || highS(parts.S) {
		return ErrSignature
	}
	if !ecdsa.VerifyASN1(k, digest(tag, b), sig) {
		return ErrSignature
	}
	return nil
}
