// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// Event is one of the records of this file and nothing else. Each type is a
// schema: fixed fields, bounded, of plain text and numbers.
type Event interface {
	Type() string
	keys() Keys
	fields() []string
}

// Keys are what entries are searched by; empty when an event has none.
type Keys struct {
	Session, Login, Machine string
}

// maxField bounds one text field, in bytes. A reason may have 200 bytes.
const maxField = 512

// maxSigned bounds an envelope in base64: a request with its certificate.
const maxSigned = 4096

// ServerStarted says that the server began to serve.
type ServerStarted struct {
	Version string `json:"version"`
}

// ServerStopped says that the server stopped in good order.
type ServerStopped struct{}

// TechnicianAdded says that an administrator invited a technician. In this event and in
// those below, By is the account of the operating system that did it, "server" where the
// running server did it by itself; entries of before it was recorded lack it.
type TechnicianAdded struct {
	Login string `json:"login"`
	Name  string `json:"name"`
	Role  string `json:"role"`
	By    string `json:"by,omitempty"`
}

// TechnicianEnrolled says that a technician chose the factors of an account.
type TechnicianEnrolled struct {
	Login   string `json:"login"`
	Address string `json:"address"`
	Device  string `json:"device"` // SHA-256 of the device's public key, hex
}

// TechnicianCertified says that the unit key signed a certificate.
type TechnicianCertified struct {
	Login  string `json:"login"`
	Serial string `json:"serial"`
	Until  int64  `json:"until"` // Unix seconds
	By     string `json:"by,omitempty"`
}

// TechnicianDisabled says that an administrator closed an account.
type TechnicianDisabled struct {
	Login string `json:"login"`
	By    string `json:"by,omitempty"`
}

// TechnicianOpened says that an administrator lets an external technician in for
// a while; with a moment that has passed, no longer.
type TechnicianOpened struct {
	Login string `json:"login"`
	Until int64  `json:"until"` // Unix seconds
	By    string `json:"by,omitempty"`
}

// PhotoChanged says that an administrator gave an account a photo, or took it
// away. The photo itself, and its hash, stand in no entry.
type PhotoChanged struct {
	Login   string `json:"login"`
	Removed bool   `json:"removed"`
	By      string `json:"by"`
}

// PolicyChanged says what an administrator wants the next charter to say.
type PolicyChanged struct {
	Change string `json:"change"` // in the words of a charter
	By     string `json:"by,omitempty"`
}

// CharterPublished says that a charter which the unit key signed is the one in
// force. The server keeps its text.
type CharterPublished struct {
	Epoch   uint64 `json:"epoch"`
	Charter string `json:"charter"` // SHA-256 of the signed text, hex
	Expires int64  `json:"expires"` // Unix seconds
	By      string `json:"by,omitempty"`
}

// UnitKeyChanged says that the unit has another key from this epoch on.
type UnitKeyChanged struct {
	Epoch uint64 `json:"epoch"`
	Key   string `json:"key"` // SHA-256 of the new public key, hex
	By    string `json:"by,omitempty"`
}

// ServerKeyAnnounced says that a next TLS key was made.
type ServerKeyAnnounced struct {
	Pin string `json:"pin"` // SHA-256 of the public key, hex
	By  string `json:"by,omitempty"`
}

// ServerKeyChanged says that the announced TLS key is in use.
type ServerKeyChanged struct {
	Pin string `json:"pin"`
	By  string `json:"by,omitempty"`
}

// LoginSucceeded says that a technician logged in.
type LoginSucceeded struct {
	Login   string `json:"login"`
	Address string `json:"address"`
}

// LoginRefused says that a log-in or a code was turned down. Login is empty
// when no such account exists: what was typed there may be a password.
type LoginRefused struct {
	Login   string `json:"login"`
	Address string `json:"address"`
	At      string `json:"at"` // "login", "enrolment", "totp"; "source" for an address that is not listed; or AtMany
}

// AtMany stands in the last LoginRefused of a day that had too many strangers: no more of
// them are recorded that day.
const AtMany = "many"

// MachineRegistered says that a machine was seen for the first time.
type MachineRegistered struct {
	Machine string `json:"machine"`
	Key     string `json:"key"` // SHA-256 of the host's public key, hex
}

// MachineDuplicate says that two live hosts have one key. Both are refused until
// an administrator releases the machine.
type MachineDuplicate struct {
	Machine string `json:"machine"`
	First   string `json:"first"`  // address of the one that was there
	Second  string `json:"second"` // address of the one that came
}

// MachineReleased says that an administrator lets a machine in again.
type MachineReleased struct {
	Machine string `json:"machine"`
	By      string `json:"by,omitempty"`
}

// SessionRequested is durable before the machine hears of the request.
type SessionRequested struct {
	Session string `json:"session"`
	Login   string `json:"login"`
	Address string `json:"address"`
	Machine string `json:"machine"`
	Rights  uint16 `json:"rights"`
	Reason  string `json:"reason"`
	Request string `json:"request"`          // SHA-256 of the request's body, hex
	Signed  string `json:"signed,omitempty"` // the technician's envelope, base64
}

// SessionUndelivered says that the machine could not be rung.
type SessionUndelivered struct {
	Session string `json:"session"`
	Login   string `json:"login"`
	Machine string `json:"machine"`
	Why     string `json:"why"` // "offline", "busy"
}

// SessionAnswered says what the host's user decided.
type SessionAnswered struct {
	Session string `json:"session"`
	Login   string `json:"login"`
	Machine string `json:"machine"`
	Verdict uint8  `json:"verdict"`
	Rights  uint16 `json:"rights"`
	Answer  string `json:"answer"`           // SHA-256 of the answer's body, hex
	Signed  string `json:"signed,omitempty"` // the host's envelope, base64
}

// SessionChanged says what the host's user changed while a session went on, in
// the host's own signed words.
type SessionChanged struct {
	Session string `json:"session"`
	Login   string `json:"login"`
	Machine string `json:"machine"`
	Number  uint32 `json:"number"` // of the host's records of this session, from 1
	Deed    uint8  `json:"deed"`
	Rights  uint16 `json:"rights"` // in force from then on
	At      int64  `json:"at"`     // Unix seconds, by the host's clock
	Signed  string `json:"signed"` // the host's envelope, base64
}

// SessionEnded says that a session, or a request not yet answered, is over. There
// is one from each end that signed its goodbye, and one from the server when it was
// the server that ended it, or when an end said it without a signature.
type SessionEnded struct {
	Session string `json:"session"`
	Login   string `json:"login"`
	Machine string `json:"machine"`
	Reason  uint8  `json:"reason"`
	By      string `json:"by"`               // "host", "technician", "server"
	Signed  string `json:"signed,omitempty"` // that end's envelope, base64
}

// SessionReported says that the host's user reported a session: refused and reported,
// cut and reported, or reported it afterwards.
type SessionReported struct {
	Session string `json:"session"`
	Login   string `json:"login"`
	Machine string `json:"machine"`
	Signed  string `json:"signed,omitempty"` // the host's envelope, base64
}

// newEvent returns an empty event of a type, or nil.
func newEvent(name string) Event {
	for _, e := range newEvents() {
		if e.Type() == name {
			return e
		}
	}
	return nil
}

// newEvents is an empty event of each type: the closed list.
func newEvents() []Event {
	return []Event{
		&ServerStarted{}, &ServerStopped{},
		&TechnicianAdded{}, &TechnicianEnrolled{}, &TechnicianCertified{}, &TechnicianDisabled{},
		&TechnicianOpened{}, &PhotoChanged{}, &PolicyChanged{}, &CharterPublished{}, &UnitKeyChanged{}, &ServerKeyAnnounced{}, &ServerKeyChanged{},
		&LoginSucceeded{}, &LoginRefused{}, &MachineRegistered{}, &MachineDuplicate{}, &MachineReleased{},
		&SessionRequested{}, &SessionUndelivered{}, &SessionAnswered{}, &SessionChanged{}, &SessionEnded{},
		&SessionReported{}, &SessionHeld{}, &SessionReleased{},
		&JournalMigrated{}, &JournalRead{}, &JournalExported{}, &JournalPurged{}, &JournalRetention{}, &JournalRestarted{},
	}
}

// check refuses an event that is not in the list or has a field out of limits.
func check(e Event) error {
	if e == nil || newEvent(e.Type()) == nil {
		return fmt.Errorf("%w: unknown type", ErrInvalid)
	}
	signed := envelope(e)
	for _, f := range e.fields() {
		if len(f) > maxField && (f != signed || len(f) > maxSigned) {
			return fmt.Errorf("%w: %s: a field is longer than %d bytes", ErrInvalid, e.Type(), maxField)
		}
		if !plain(f) {
			return fmt.Errorf("%w: %s: a field is not plain text", ErrInvalid, e.Type())
		}
	}
	return nil
}

// envelope is the signed message that an event holds, or empty.
func envelope(e Event) string {
	switch e := e.(type) {
	case *SessionRequested:
		return e.Signed
	case *SessionAnswered:
		return e.Signed
	case *SessionChanged:
		return e.Signed
	case *SessionEnded:
		return e.Signed
	case *SessionReported:
		return e.Signed
	}
	return ""
}

// plain says that s is UTF-8 without control characters, so that a listing
// cannot be made to lie.
func plain(s string) bool {
	for _, r := range s {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// decode reads stored bytes back; a field it does not know is an error.
func decode(body []byte) (stored, Event, error) {
	var s stored
	if err := strictly(body, &s); err != nil {
		return s, nil, err
	}
	if s.Version != version {
		return s, nil, fmt.Errorf("%w: version %d", ErrTampered, s.Version)
	}
	e := newEvent(s.Type)
	if e == nil {
		return s, nil, fmt.Errorf("%w: unknown type", ErrTampered)
	}
	if err := strictly(s.Data, e); err != nil {
		return s, nil, err
	}
	return s, e, nil
}

func strictly(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%w: bytes left over", ErrTampered)
	}
	return nil
}
