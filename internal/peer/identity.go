// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/pion/webrtc/v4"
)

// Identity is the DTLS key and certificate of one end in one session. The key
// never leaves the process and is not written anywhere.
type Identity struct {
	certificate webrtc.Certificate
	fingerprint [32]byte
}

// NewIdentity makes a fresh one. The certificate says nothing about its owner.
func NewIdentity() (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("peer: key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("peer: serial: %w", err)
	}
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "session"},
		NotBefore:    now.Add(-24 * time.Hour), // clocks differ; freshness comes from the signed messages
		NotAfter:     now.Add(48 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("peer: certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("peer: certificate: %w", err)
	}
	return &Identity{webrtc.CertificateFromX509(key, cert), sha256.Sum256(der)}, nil
}

// Fingerprint is the SHA-256 of the DTLS certificate.
func (i *Identity) Fingerprint() [32]byte { return i.fingerprint }
