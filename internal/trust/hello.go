// SPDX-License-Identifier: Apache-2.0

package trust

import "fmt"

// Role is what a client says it is when it greets the server.
type Role string

// Roles. A greeting signed for one does not pass for another.
const (
	RoleHost       Role = "host"
	RoleTechnician Role = "technician"
	RoleEnrol      Role = "enrol"
)

// ExporterLabel and ExporterLength name the TLS keying material that a greeting
// is bound to.
const (
	ExporterLabel  = "EXPORTER-assist-hello"
	ExporterLength = 32
)

// Signer is a key that can greet a server: *HostKey or *DeviceKey.
type Signer interface {
	Public() []byte
	signer() keyPair
}

func (k *HostKey) signer() keyPair   { return k.pair }
func (k *DeviceKey) signer() keyPair { return k.pair }

// SignHello proves that a client holds its key, to this server over this TLS
// connection: nonce is the server's challenge, exporter the keying material.
func SignHello(k Signer, role Role, nonce [32]byte, exporter []byte) ([]byte, error) {
	b, err := helloBytes(role, nonce, exporter)
	if err != nil {
		return nil, err
	}
	return k.signer().sign(tagHello, b)
}

// VerifyHello checks what SignHello made, with the key that the client claims.
func VerifyHello(spki []byte, role Role, nonce [32]byte, exporter, sig []byte) error {
	b, err := helloBytes(role, nonce, exporter)
	if err != nil {
		return err
	}
	return verify(spki, tagHello, b, sig)
}

func helloBytes(role Role, nonce [32]byte, exporter []byte) ([]byte, error) {
	switch role {
	case RoleHost, RoleTechnician, RoleEnrol:
	default:
		return nil, fmt.Errorf("%w: no such role", ErrMalformed)
	}
	if len(exporter) != ExporterLength {
		return nil, fmt.Errorf("%w: exporter of %d bytes", ErrMalformed, len(exporter))
	}
	b := append([]byte(role), 0)
	b = append(b, nonce[:]...)
	return append(b, exporter...), nil
}
