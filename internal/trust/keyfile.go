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

// LoadOrCreateHostKey reads the host key at path, or makes it. A key file that came from
// another computer, with a disk image for example, is put aside as path.old and a new key
// is made: moved tells so.
func LoadOrCreateHostKey(path string, on Computer) (k *HostKey, moved bool, err error) {
	p, moved, err := loadOrCreate(path, on, blockHost)
	if err != nil {
		return nil, false, err
	}
	return &HostKey{p}, moved, nil
}

// LoadOrCreateDeviceKey is LoadOrCreateHostKey for a technician's device key.
func LoadOrCreateDeviceKey(path string, on Computer) (k *DeviceKey, moved bool, err error) {
	p, moved, err := loadOrCreate(path, on, blockDevice)
	if err != nil {
		return nil, false, err
	}
	return &DeviceKey{p}, moved, nil
}

// LoadHostKey reads a host key that exists, and changes nothing.
func LoadHostKey(path string) (*HostKey, error) {
	p, _, err := readKeyFile(path, blockHost)
	if err != nil {
		return nil, err
	}
	return &HostKey{p}, nil
}

func loadOrCreate(path string, on Computer, block string) (p keyPair, moved bool, err error) {
	if on.System == "" {
		return keyPair{}, false, fmt.Errorf("%w: this machine has no identity", ErrKeyFile)
	}
	p, tied, err := readKeyFile(path, block)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p, err = createKeyFile(path, on, block)
		return p, false, err
	case err != nil:
		return keyPair{}, false, err
	case tied.isOn(on):
		if tied, more := tied.renewed(on); more {
			// A key is good without: the next start tries again.
			_ = writeKeyFile(path, block, p, tied)
		}
		return p, false, nil
	}
	if err := os.Rename(path, path+".old"); err != nil {
		return keyPair{}, false, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	p, err = createKeyFile(path, on, block)
	return p, true, err
}

func readKeyFile(path, block string) (keyPair, binding, error) {
	b, err := readPrivate(path)
	if err != nil {
		return keyPair{}, binding{}, err
	}
	p, tied, err := parseKeyFile(b, block)
	if err != nil {
		return keyPair{}, binding{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, tied, nil
}

func parseKeyFile(b []byte, block string) (keyPair, binding, error) {
	blk, err := decodeBlock(b, block)
	if err != nil {
		return keyPair{}, binding{}, err
	}
	p, err := pairFromScalar(blk.Bytes)
	if err != nil {
		return keyPair{}, binding{}, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if blk.Headers[keyHeader] != keyName(p) {
		return keyPair{}, binding{}, fmt.Errorf("%w: damaged", ErrKeyFile)
	}
	tied, err := readBinding(blk.Headers, blk.Bytes)
	return p, tied, err
}

func createKeyFile(path string, on Computer, block string) (keyPair, error) {
	p, err := newKeyPair()
	if err != nil {
		return keyPair{}, err
	}
	return p, writeKeyFile(path, block, p, bind(on))
}

func writeKeyFile(path, block string, p keyPair, tied binding) error {
	scalar, err := p.private.Bytes()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return writePrivate(path, pem.EncodeToMemory(&pem.Block{Type: block, Headers: tied.headers(p, scalar), Bytes: scalar}))
}

func keyName(p keyPair) string {
	sum := sha256.Sum256(p.public)
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
