// SPDX-License-Identifier: Apache-2.0

package rendezvous

import (
	"crypto/subtle"
	"crypto/tls"
	"fmt"

	"assist/internal/trust"
)

// pinned is the TLS configuration that accepts these server keys and no other.
//
// The unit's server has a self-signed certificate: there is no authority that
// could vouch for it. The pins come from the join code, which the unit hands out,
// and from the charter, which the unit's key signed. Go's own check looks for an authority and a name, so it is set aside, and
// replaced by the pin here and nowhere else. VerifyConnection runs on every
// handshake, and TLS 1.3 proves that the server holds the key it shows.
func pinned(name string, pins [][32]byte) *tls.Config {
	return &tls.Config{
		ServerName:         name,
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if s.Version != tls.VersionTLS13 || len(s.PeerCertificates) == 0 {
				return fmt.Errorf("%w: no certificate", ErrPin)
			}
			got := trust.PinOf(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
			for _, pin := range pins {
				if subtle.ConstantTimeCompare(got[:], pin[:]) == 1 {
					return nil
				}
			}
			return ErrPin
		},
	}
}
