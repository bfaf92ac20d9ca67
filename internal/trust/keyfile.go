// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Key file block types.
const (
	blockHost   = "ASSIST HOST KEY"
	blockDevice = "ASSIST DEVICE KEY"
	blockUnit   = "ASSIST SEALED UNIT KEY"
)

// Headers of a key file. Identity binds it to the operating system it was made
// on; Key names the public key, so that a damaged file is not another machine.
const (
	identityHeader = "Identity"
	keyHeader      = "Key"
)

// LoadOrCreateHostKey reads the host key at path, or makes it. osIdentity is
// what the operating system says of itself (such as the content of
// /etc/machine-id): a key file copied to another machine, with a disk image for
// example, is put aside as path.old and a new key is made.
func LoadOrCreateHostKey(path, osIdentity string) (*HostKey, error) {
	p, err := loadOrCreate(path, osIdentity, blockHost)
	if err != nil {
		return nil, err
	}
	return &HostKey{p}, nil
}

// LoadOrCreateDeviceKey is LoadOrCreateHostKey for a technician's device key.
func LoadOrCreateDeviceKey(path, osIdentity string) (*DeviceKey, error) {
	p, err := loadOrCreate(path, osIdentity, blockDevice)
	if err != nil {
		return nil, err
	}
	return &DeviceKey{p}, nil
}

// LoadHostKey reads a host key that exists, and changes nothing.
func LoadHostKey(path string) (*HostKey, error) {
	p, _, err := readKeyFile(path, blockHost)
	if err != nil {
		return nil, err
	}
	return &HostKey{p}, nil
}

func loadOrCreate(path, osIdentity, block string) (keyPair, error) {
	if osIdentity == "" {
		return keyPair{}, fmt.Errorf("%w: this machine has no identity", ErrKeyFile)
	}
	p, identity, err := readKeyFile(path, block)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createKeyFile(path, osIdentity, block)
	case err != nil:
		return keyPair{}, err
	case identity == identityOf(osIdentity):
		return p, nil
	}
	if err := os.Rename(path, path+".old"); err != nil {
		return keyPair{}, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return createKeyFile(path, osIdentity, block)
}

func readKeyFile(path, block string) (keyPair, string, error) {
	b, err := readPrivate(path)
	if err != nil {
		return keyPair{}, "", err
	}
	blk, err := decodeBlock(b, block)
	if err != nil {
		return keyPair{}, "", fmt.Errorf("%s: %w", path, err)
	}
	p, err := pairFromScalar(blk.Bytes)
	if err != nil {
		return keyPair{}, "", fmt.Errorf("%w: %s: %w", ErrKeyFile, path, err)
	}
	if blk.Headers[keyHeader] != keyName(p) {
		return keyPair{}, "", fmt.Errorf("%w: %s: damaged", ErrKeyFile, path)
	}
	return p, blk.Headers[identityHeader], nil
}

func createKeyFile(path, osIdentity, block string) (keyPair, error) {
	p, err := newKeyPair()
	if err != nil {
		return keyPair{}, err
	}
	scalar, err := p.private.Bytes()
	if err != nil {
		return keyPair{}, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	text := pem.EncodeToMemory(&pem.Block{
		Type:    block,
		Headers: map[string]string{identityHeader: identityOf(osIdentity), keyHeader: keyName(p)},
		Bytes:   scalar,
	})
	return p, writePrivate(path, text)
}

func keyName(p keyPair) string {
	sum := sha256.Sum256(p.public)
	return hex.EncodeToString(sum[:16])
}

// identityOf hides the system's own identifier, which other programs may use.
func identityOf(osIdentity string) string {
	sum := sha256.Sum256([]byte("assist/os-identity/1\x00" + osIdentity))
	return hex.EncodeToString(sum[:16])
}

// decodeBlock takes the one encoding that this package writes: a changed byte
// anywhere in the file, white space included, makes it unusable.
func decodeBlock(b []byte, block string) (*pem.Block, error) {
	blk, rest := pem.Decode(b)
	if blk == nil || len(rest) != 0 || blk.Type != block {
		return nil, fmt.Errorf("%w: no %s in it", ErrKeyFile, block)
	}
	if !bytes.Equal(pem.EncodeToMemory(blk), b) {
		return nil, fmt.Errorf("%w: damaged", ErrKeyFile)
	}
	return blk, nil
}

// readPrivate reads a file that only its owner may read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s can be read by others", ErrKeyFile, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return b, nil
}

// writePrivate replaces a file atomically; only its owner may read it.
func writePrivate(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	f, err := os.CreateTemp(dir, ".key-*") // made 0600
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
