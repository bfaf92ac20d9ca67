// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// cheap makes a test of every byte affordable; the real cost is one constant.
func cheap() kdfCost { return kdfCost{8, 1} }

func TestSealedUnitKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "unit.key")
	k := must(NewUnitKey())(t)
	must(0, SealUnitKey(k, path, "trois mots de passe"))(t)
	again := must(OpenUnitKey(path, "trois mots de passe"))(t)
	if !bytes.Equal(k.Public(), again.Public()) {
		t.Error("another key came back")
	}
	if bytes.Contains(must(os.ReadFile(path))(t), must(k.pair.private.Bytes())(t)) {
		t.Error("the key is readable in the file")
	}
	if _, err := OpenUnitKey(path, "trois mots de passé"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if _, err := OpenUnitKey(path+".no", "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := SealUnitKey(k, path, ""); !errors.Is(err, ErrPassphrase) {
		t.Errorf("empty passphrase: %v", err)
	}
}

func TestEveryFlippedByteOfASealedKeyIsRefused(t *testing.T) {
	k := must(NewUnitKey())(t)
	blob := must(sealKey(k.pair, "secret", cheap()))(t)
	if _, err := openKey(blob, "secret", cheap()); err != nil {
		t.Fatal(err)
	}
	flips(blob, func(at int, changed []byte) {
		_, err := openKey(changed, "secret", cheap())
		if !errors.Is(err, ErrPassphrase) && !errors.Is(err, ErrVersion) {
			t.Errorf("byte %d: %v", at, err)
		}
	})
	for n := range blob {
		if _, err := openKey(blob[:n], "secret", cheap()); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%d bytes of it: %v", n, err)
		}
	}
}

// Every byte of the file counts, its frame and line ends too. A flip that still
// decodes is caught by the seal, as the test above shows, so it stops here.
func TestEveryFlippedByteOfTheSealedFileIsRefused(t *testing.T) {
	k := must(NewUnitKey())(t)
	blob := must(sealKey(k.pair, "secret", cheap()))(t)
	text := pem.EncodeToMemory(&pem.Block{Type: blockUnit, Bytes: blob})
	flips(text, func(at int, changed []byte) {
		blk, err := decodeBlock(changed, blockUnit)
		if err == nil {
			_, err = openKey(blk.Bytes, "secret", cheap())
		}
		if err == nil {
			t.Errorf("byte %d changed and opened", at)
		}
	})
}

func TestTwoSealsOfOneKeyDiffer(t *testing.T) {
	k := must(NewUnitKey())(t)
	a, b := must(sealKey(k.pair, "secret", cheap()))(t), must(sealKey(k.pair, "secret", cheap()))(t)
	if bytes.Equal(a, b) {
		t.Error("salt and nonce are not fresh")
	}
}
