// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/rand"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// sealedVersion is the first byte of a sealed unit key, and fixes its costs.
const sealedVersion = 1

const sealSaltLen = 16

// kdfCost is what Argon2id spends on a passphrase: KiB of memory, passes.
type kdfCost struct{ memory, passes uint32 }

// unitKeyCost slows down whoever found a sealed key file.
func unitKeyCost() kdfCost { return kdfCost{128 << 10, 5} }

// SealUnitKey writes a unit key to path, encrypted under a passphrase
// (Argon2id, XChaCha20-Poly1305), replacing what was there.
func SealUnitKey(k *UnitKey, path, passphrase string) error {
	blob, err := sealKey(k.pair, passphrase, unitKeyCost())
	if err != nil {
		return err
	}
	return writePrivate(path, pem.EncodeToMemory(&pem.Block{Type: blockUnit, Bytes: blob}))
}

// OpenUnitKey reads what SealUnitKey wrote. ErrPassphrase does not tell a wrong
// passphrase from a damaged key.
func OpenUnitKey(path, passphrase string) (*UnitKey, error) {
	b, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	blk, err := decodeBlock(b, blockUnit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p, err := openKey(blk.Bytes, passphrase, unitKeyCost())
	if err != nil {
		return nil, err
	}
	return &UnitKey{p}, nil
}

// sealKey returns version, salt, nonce and encrypted private scalar.
func sealKey(p keyPair, passphrase string, cost kdfCost) ([]byte, error) {
	if passphrase == "" {
		return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
	}
	scalar, err := p.private.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	head := make([]byte, 1+sealSaltLen+chacha20poly1305.NonceSizeX)
	rand.Read(head) // never fails
	head[0] = sealedVersion
	aead, err := chacha20poly1305.NewX(passphraseKey(passphrase, head[1:1+sealSaltLen], cost))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return aead.Seal(head, head[1+sealSaltLen:], scalar, head), nil
}

func openKey(blob []byte, passphrase string, cost kdfCost) (keyPair, error) {
	const headLen = 1 + sealSaltLen + chacha20poly1305.NonceSizeX
	if len(blob) != headLen+32+chacha20poly1305.Overhead {
		return keyPair{}, fmt.Errorf("%w: damaged", ErrKeyFile)
	}
	if blob[0] != sealedVersion {
		return keyPair{}, fmt.Errorf("%w: %w", ErrKeyFile, ErrVersion)
	}
	head := blob[:headLen]
	aead, err := chacha20poly1305.NewX(passphraseKey(passphrase, head[1:1+sealSaltLen], cost))
	if err != nil {
		return keyPair{}, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	scalar, err := aead.Open(nil, head[1+sealSaltLen:], blob[headLen:], head)
	if err != nil {
		return keyPair{}, ErrPassphrase
	}
	return pairFromScalar(scalar)
}

func passphraseKey(passphrase string, salt []byte, cost kdfCost) []byte {
	return argon2.IDKey([]byte(passphrase), salt, cost.passes, cost.memory, 1, chacha20poly1305.KeySize)
}
