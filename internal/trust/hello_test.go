// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"testing"
)

func TestHello(t *testing.T) {
	f := setUp(t)
	nonce, exporter := [32]byte{1}, bytes.Repeat([]byte{2}, ExporterLength)
	sig := must(SignHello(f.host, RoleHost, nonce, exporter))(t)
	if err := VerifyHello(f.host.Public(), RoleHost, nonce, exporter, sig); err != nil {
		t.Fatal(err)
	}
	otherExporter := bytes.Repeat([]byte{3}, ExporterLength)
	for name, err := range map[string]error{
		"another key":        VerifyHello(f.device.Public(), RoleHost, nonce, exporter, sig),
		"another role":       VerifyHello(f.host.Public(), RoleTechnician, nonce, exporter, sig),
		"another nonce":      VerifyHello(f.host.Public(), RoleHost, [32]byte{9}, exporter, sig),
		"another connection": VerifyHello(f.host.Public(), RoleHost, nonce, otherExporter, sig),
		"no signature":       VerifyHello(f.host.Public(), RoleHost, nonce, exporter, nil),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	flips(sig, func(at int, changed []byte) {
		if VerifyHello(f.host.Public(), RoleHost, nonce, exporter, changed) == nil {
			t.Errorf("byte %d changed and believed", at)
		}
	})
}

func TestHelloIsNotSignedLoosely(t *testing.T) {
	f := setUp(t)
	if _, err := SignHello(f.device, "admin", [32]byte{}, make([]byte, ExporterLength)); !errors.Is(err, ErrMalformed) {
		t.Errorf("role: %v", err)
	}
	if _, err := SignHello(f.device, RoleEnrol, [32]byte{}, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("no exporter: %v", err)
	}
	if err := VerifyHello(f.device.Public(), RoleEnrol, [32]byte{}, []byte{1}, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("short exporter: %v", err)
	}
}
