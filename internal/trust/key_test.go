// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestOnlyP256KeysAreTaken(t *testing.T) {
	big := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))(t)
	edward, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := must(NewHostKey())(t).Public()
	for name, spki := range map[string][]byte{
		"P-384":    must(x509.MarshalPKIXPublicKey(&big.PublicKey))(t),
		"Ed25519":  must(x509.MarshalPKIXPublicKey(edward))(t),
		"nothing":  nil,
		"trailing": append(bytes.Clone(good), 0),
	} {
		if err := CheckKey(spki); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := CheckKey(good); err != nil {
		t.Error(err)
	}
}

func TestPublicIsACopy(t *testing.T) {
	k := must(NewHostKey())(t)
	k.Public()[0] ^= 1
	if CheckKey(k.Public()) != nil {
		t.Error("a caller changed the key")
	}
}

func loadedHost(t *testing.T, path string, on Computer) *HostKey {
	t.Helper()
	k, _, err := LoadOrCreateHostKey(path, on)
	return must(k, err)(t)
}

func loadedDevice(t *testing.T, path string, on Computer) *DeviceKey {
	t.Helper()
	k, _, err := LoadOrCreateDeviceKey(path, on)
	return must(k, err)(t)
}

func TestKeyFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "host.key")
	first := loadedHost(t, path, Computer{System: "os one"})
	again := loadedHost(t, path, Computer{System: "os one"})
	if !bytes.Equal(first.Public(), again.Public()) {
		t.Error("the key was not kept")
	}
	info := must(os.Stat(path))(t)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if left := must(os.ReadDir(filepath.Dir(path)))(t); len(left) != 1 {
		t.Errorf("%d files, want one", len(left))
	}
}

func TestKeyFileIsTiedToItsMachine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.key")
	first := loadedHost(t, path, Computer{System: "os one"})
	text := must(os.ReadFile(path))(t)
	clone := loadedHost(t, path, Computer{System: "os two"})
	if bytes.Equal(first.Public(), clone.Public()) {
		t.Error("a cloned disk has the first machine's key")
	}
	if old := must(os.ReadFile(path + ".old"))(t); !bytes.Equal(old, text) {
		t.Error("the old key was not put aside")
	}
	if bytes.Contains(text, []byte("os one")) {
		t.Error("the system's identifier is in the file")
	}
	if _, _, err := LoadOrCreateHostKey(path, Computer{System: ""}); !errors.Is(err, ErrKeyFile) {
		t.Errorf("no identity: %v", err)
	}
}

// A damaged file is an error for a person to see: silently making a new key
// would change the machine's number.
func TestDamagedKeyFileIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.key")
	on := Computer{System: "os", Marks: []string{"disk 1", "net 2"}}
	loadedHost(t, path, on)
	text := must(os.ReadFile(path))(t)
	flips(text, func(at int, changed []byte) {
		must(0, os.WriteFile(path, changed, 0o600))(t)
		if _, _, err := LoadOrCreateHostKey(path, on); !errors.Is(err, ErrKeyFile) {
			t.Errorf("byte %d: %v", at, err)
		}
		if now := must(os.ReadFile(path))(t); !bytes.Equal(now, changed) {
			t.Fatalf("byte %d: the file was replaced", at)
		}
	})
}

func TestDeviceAndHostKeyFilesAreNotMixedUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "device.key")
	first := loadedDevice(t, path, Computer{System: "os"})
	if _, _, err := LoadOrCreateHostKey(path, Computer{System: "os"}); !errors.Is(err, ErrKeyFile) {
		t.Errorf("device key as host key: %v", err)
	}
	if again := loadedDevice(t, path, Computer{System: "os"}); !bytes.Equal(first.Public(), again.Public()) {
		t.Error("the key was not kept")
	}
}

func TestKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are not modes there")
	}
	path := filepath.Join(t.TempDir(), "host.key")
	loadedHost(t, path, Computer{System: "os"})
	must(0, os.Chmod(path, 0o640))(t)
	if _, _, err := LoadOrCreateHostKey(path, Computer{System: "os"}); !errors.Is(err, ErrKeyFile) {
		t.Errorf("got %v", err)
	}
}

func TestKeyFileThatCannotBeWritten(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "file")
	must(0, os.WriteFile(plain, nil, 0o600))(t)
	if k, _, err := LoadOrCreateHostKey(filepath.Join(plain, "host.key"), Computer{System: "os"}); !errors.Is(err, ErrKeyFile) || k != nil {
		t.Errorf("%v, %v", k, err)
	}
}
