// SPDX-License-Identifier: Apache-2.0

// Package wire is every message that crosses the network: its bytes, its limits,
// its version. It moves nothing and decides nothing.
//
// # The dialogue
//
// A host (the person helped), the server, and a technician. Each arrow between
// a client and the server is one binary WebSocket message over TLS 1.3.
//
//	host                       server                     technician
//	 |<------- Challenge -------|------- Challenge -------->|
//	 |-------- HostHello ------>|<--- TechnicianHello ------|   proof of key over the challenge
//	 |<------- HostReady -------|---- TechnicianReady ----->|
//	 |                          |<---------- Ask -----------|   TOTP + signed Request
//	 |<--------- Ring ----------|                           |   (journaled first)
//	 |-------- Pledged -------->|-------- Pledged --------->|   signed Pledge: both show the check words
//	 |   the person accepts     |                           |
//	 |-------- Answered ------->|-------- Answered -------->|   signed Answer
//	 |<-------- Signal -------->|<-------- Signal --------->|   SDP and candidates, opaque to the server
//	 |<============= DTLS-SRTP, fingerprints checked =======>|
//
// Enrolment is TechnicianHello's elder sister: Enrol, EnrolSecret,
// EnrolConfirm, Enrolled, then the connection is closed. A host may Report a
// session, and hears Reported once that is in the journal. A
// CharterNotice comes to each client let in, and again at each new charter.
//
// Inside the encrypted connection the host speaks the ToTechnician family
// (Scene, Grant, Shape, Place, Denied, Pong, Bye) and the technician the ToHost
// family (Want, Release, Watch, Point, the Input messages, Ping, Bye). There is
// no message in ToHost that could carry a person's answer.
//
// # Bytes
//
// One byte of kind, then the fields in their fixed order, big-endian; lists and
// byte strings are counted. There are no optional fields; a Certificate of version 2
// has one more than one of version 1. An unknown kind, a
// byte missing or left over, a value out of limits: the whole message is
// refused with ErrMalformed.
package wire

// Version of the dialogue. Ends of different versions refuse each other.
const Version = 1

// Limits. A message beyond them is refused by both ends.
const (
	MaxMessage     = 60 << 10 // bytes, either family
	MaxReason      = 200      // bytes of UTF-8
	MaxName        = 100      // a person, a role, a unit
	MaxLogin       = 64
	MaxPassword    = 256
	MaxAddress     = 64
	MaxURL         = 512
	MaxKey         = 128 // SubjectPublicKeyInfo of a P-256 key is 91 bytes
	MaxSignature   = 80  // ASN.1 ECDSA P-256 is at most 72 bytes
	MaxCertificate = 2048
	MaxEnvelope    = 8 << 10
	MaxSignal      = 48 << 10 // one SDP
	MaxText        = 256      // bytes typed at once in text mode
	MaxPhoto       = 12 << 10 // JPEG of a face, 128 by 128
	MaxZones       = 8
	MachineDigits  = 12
)

// SessionID names one intervention, from the request to the receipt.
type SessionID [16]byte

// Message is any message. The families below are what the decoders return.
type Message interface {
	kind() uint8
	walk(*walker)
}

// FromClient is what a host or a technician sends to the server.
type FromClient interface {
	Message
	fromClient()
}

// FromServer is what the server sends to a client.
type FromServer interface {
	Message
	fromServer()
}

// ToHost is what a technician sends inside the encrypted connection.
type ToHost interface {
	Message
	toHost()
}

// ToTechnician is what a host sends inside the encrypted connection.
type ToTechnician interface {
	Message
	toTechnician()
}

// Marshal returns the one encoding of a message, or an error that names the
// field which is out of limits.
func Marshal(m Message) ([]byte, error) {
	b, _, err := marshal(m)
	return b, err
}

// Spans returns where each field lies in Marshal's result, the kind first.
func Spans(m Message) ([]Span, error) {
	_, s, err := marshal(m)
	return s, err
}

func marshal(m Message) ([]byte, []Span, error) {
	w := &walker{}
	k := m.kind()
	w.u8("kind", &k)
	m.walk(w)
	if w.err == nil && len(w.buf) > MaxMessage {
		w.fail("message", "is too long")
	}
	if w.err != nil {
		return nil, nil, w.err
	}
	return w.buf, w.spans, nil
}

// UnmarshalFromClient decodes what a client sent to the server.
func UnmarshalFromClient(b []byte) (FromClient, error) { return unmarshal[FromClient](b) }

// UnmarshalFromServer decodes what the server sent to a client.
func UnmarshalFromServer(b []byte) (FromServer, error) { return unmarshal[FromServer](b) }

// UnmarshalToHost decodes what a technician sent to a host.
func UnmarshalToHost(b []byte) (ToHost, error) { return unmarshal[ToHost](b) }

// UnmarshalToTechnician decodes what a host sent to a technician.
func UnmarshalToTechnician(b []byte) (ToTechnician, error) { return unmarshal[ToTechnician](b) }

// unmarshal decodes b as a message of family F and of no other.
func unmarshal[F Message](b []byte) (F, error) {
	var none F
	w := &walker{buf: b, reading: true}
	if len(b) > MaxMessage {
		w.fail("message", "is too long")
		return none, w.err
	}
	var k uint8
	w.u8("kind", &k)
	m, ok := newMessage(k).(F)
	if !ok || w.err != nil {
		w.fail("kind", "is not of this family")
		return none, w.err
	}
	m.walk(w)
	if w.err == nil && w.at != len(b) {
		w.fail("message", "has bytes left over")
	}
	if w.err != nil {
		return none, w.err
	}
	return m, nil
}
