// SPDX-License-Identifier: Apache-2.0

package wire

// The signed bodies. Each is marshalled once, signed over a domain tag and
// those very bytes (package trust), and travels inside an Envelope; nobody
// re-encodes it.

// VersionPhoto is the version of a Certificate that names a photo: it has one field
// more. One that names none keeps the bytes of Version, which older apps read.
const VersionPhoto = 2

// Certificate says, under the unit key, that a device key belongs to a
// technician. Times are Unix seconds.
type Certificate struct {
	Version   uint16
	Serial    [16]byte
	Name      string // the person, as the host's user will read it
	Role      string
	Unit      string
	Zones     []string // restricted zones (ZRR) this person may enter
	DeviceKey []byte   // SubjectPublicKeyInfo, P-256
	NotBefore int64
	NotAfter  int64
	Photo     [32]byte // SHA-256 of the person's photo; zero without one, never from VersionPhoto on
}

// Request is what a technician asks of one machine, signed by the device key.
type Request struct {
	Version     uint16
	Session     SessionID
	Machine     string // 12 digits
	Certificate []byte // Envelope of a Certificate
	Fingerprint [32]byte
	Rights      uint16
	Reason      string
	Nonce       [32]byte
	Expires     int64 // Unix seconds
}

// Pledge is the host's signed commitment to its key and DTLS fingerprint, sent
// while the person is still being asked, so that both ends can show the same
// check words. It grants nothing.
type Pledge struct {
	Session     SessionID
	RequestHash [32]byte // SHA-256 of the Request's bytes
	HostKey     []byte   // SubjectPublicKeyInfo, P-256
	Fingerprint [32]byte // SHA-256 of the DTLS certificate
}

// Answer is what the host's user decided, signed by the host key. Rights is
// empty unless Verdict is VerdictGranted.
type Answer struct {
	Session     SessionID
	RequestHash [32]byte
	HostKey     []byte
	Fingerprint [32]byte
	Verdict     Verdict
	Rights      uint16
	Expires     int64
}

// Envelope is a signed body as it travels.
type Envelope struct {
	Body      []byte // one marshalled message of this file
	Signature []byte // ASN.1 ECDSA over tag and body
}

func (m *Certificate) walk(w *walker) {
	w.u16("version", &m.Version)
	w.raw("serial", m.Serial[:])
	w.label("name", &m.Name, MaxName)
	w.label("role", &m.Role, MaxName)
	w.label("unit", &m.Unit, MaxName)
	list(w, "zones", &m.Zones, MaxZones, func(z *string) { w.label("zone", z, MaxName) })
	w.bytes("deviceKey", &m.DeviceKey, MaxKey)
	w.i64("notBefore", &m.NotBefore)
	w.i64("notAfter", &m.NotAfter)
	if m.Version >= VersionPhoto {
		w.raw("photo", m.Photo[:])
	}
	if named := m.Photo != [32]byte{}; named != (m.Version >= VersionPhoto) { // or one could be written in two ways
		w.fail("photo", "does not belong to this version")
	}
}

func (m *Request) walk(w *walker) {
	w.u16("version", &m.Version)
	w.raw("session", m.Session[:])
	w.text("machine", &m.Machine, MachineDigits)
	w.bytes("certificate", &m.Certificate, MaxCertificate)
	w.raw("fingerprint", m.Fingerprint[:])
	w.u16("rights", &m.Rights)
	w.label("reason", &m.Reason, MaxReason)
	w.raw("nonce", m.Nonce[:])
	w.i64("expires", &m.Expires)
}

func (m *Pledge) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.raw("requestHash", m.RequestHash[:])
	w.bytes("hostKey", &m.HostKey, MaxKey)
	w.raw("fingerprint", m.Fingerprint[:])
}

func (m *Answer) walk(w *walker) {
	w.raw("session", m.Session[:])
	w.raw("requestHash", m.RequestHash[:])
	w.bytes("hostKey", &m.HostKey, MaxKey)
	w.raw("fingerprint", m.Fingerprint[:])
	enum(w, "verdict", &m.Verdict, VerdictGranted, verdictEnd)
	w.u16("rights", &m.Rights)
	w.i64("expires", &m.Expires)
}

func (m *Envelope) walk(w *walker) {
	w.bytes("body", &m.Body, MaxEnvelope)
	w.bytes("signature", &m.Signature, MaxSignature)
}

// Signed is the family of bodies that are signed.
type Signed interface {
	Message
	signed()
}

func (*Certificate) signed() {}
func (*Request) signed()     {}
func (*Pledge) signed()      {}
func (*Answer) signed()      {}

// UnmarshalSigned decodes the body of an Envelope.
func UnmarshalSigned(b []byte) (Signed, error) { return unmarshal[Signed](b) }

// UnmarshalEnvelope decodes an Envelope; its body is not looked at.
func UnmarshalEnvelope(b []byte) (*Envelope, error) { return unmarshal[*Envelope](b) }
