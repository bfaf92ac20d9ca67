// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"errors"

	"assist/internal/wire"
)

// ErrPhoto says that a photo is not the one that the unit signed for this person.
var ErrPhoto = errors.New("trust: photo is not the certificate's")

// CheckPhoto takes the very bytes whose hash the certificate names, or none: whoever
// brings a photo can leave it out, and nothing else. It verifies no certificate.
func CheckPhoto(card *wire.Certificate, photo []byte) error {
	if len(photo) > 0 && sha256.Sum256(photo) != card.Photo {
		return ErrPhoto
	}
	return nil
}

// cardVersion is the version of a certificate: that of the others, unless it names a photo.
func cardVersion(c *wire.Certificate) uint16 {
	if c.Photo != [32]byte{} {
		return wire.VersionPhoto
	}
	return wire.Version
}
