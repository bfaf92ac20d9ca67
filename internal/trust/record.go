// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"

	"assist/internal/wire"
)

// ErrRecord says that a record contradicts itself, or is another end's.
var ErrRecord = errors.New("trust: record not acceptable")

const tagRecord = "assist/record/1"

// RecordCheck is what the server holds a record against.
type RecordCheck struct {
	Key         []byte // of the end that must have signed it
	By          wire.Party
	Session     wire.SessionID
	RequestHash [32]byte
}

// SignRecord says what happened at the host.
func (k *HostKey) SignRecord(r wire.Record) ([]byte, error) {
	r.By = wire.PartyHost
	return signRecord(k.pair, &r)
}

// SignRecord says what happened at the technician's end: how it was over.
func (k *DeviceKey) SignRecord(r wire.Record) ([]byte, error) {
	r.By = wire.PartyTechnician
	return signRecord(k.pair, &r)
}

func signRecord(p keyPair, r *wire.Record) ([]byte, error) {
	if err := checkRecord(r); err != nil {
		return nil, err
	}
	return seal(p, tagRecord, r)
}

// VerifyRecord checks that an end of a session said this of it.
func VerifyRecord(env []byte, c RecordCheck) (*wire.Record, error) {
	r, e, err := unseal[*wire.Record](env)
	if err != nil {
		return nil, err
	}
	if err := verify(c.Key, tagRecord, e.Body, e.Signature); err != nil {
		return nil, err
	}
	switch {
	case r.Session != c.Session:
		return nil, ErrWrongSession
	case r.RequestHash != c.RequestHash:
		return nil, ErrWrongRequest
	case r.By != c.By:
		return nil, ErrRecord
	}
	return r, checkRecord(r)
}

// checkRecord: an end has a reason and no rights, all else has no reason; only the
// host, where the rights live, says how they changed.
func checkRecord(r *wire.Record) error {
	ended := r.Deed == wire.DeedEnded
	if ended != (r.Reason != 0) || (ended && r.Rights != 0) || (!ended && r.By != wire.PartyHost) || r.Number == 0 {
		return ErrRecord
	}
	return nil
}

// RequestSigned checks that the device key of a request's own certificate signed it,
// and the unit the certificate, at whatever time. It is for records of the past: it
// says who asked, not that they may ask now.
func RequestSigned(env []byte, unit UnitPublic) (*wire.Request, error) {
	r, e, err := unseal[*wire.Request](env)
	if err != nil {
		return nil, err
	}
	c, ce, err := unseal[*wire.Certificate](r.Certificate)
	if err != nil {
		return nil, err
	}
	if err := verify(unit, tagCertificate, ce.Body, ce.Signature); err != nil {
		return nil, err
	}
	return r, verify(c.DeviceKey, tagRequest, e.Body, e.Signature)
}

// AnswerSigned checks that the host key in an answer signed it.
func AnswerSigned(env []byte) (*wire.Answer, error) {
	a, e, err := unseal[*wire.Answer](env)
	if err != nil {
		return nil, err
	}
	return a, verify(a.HostKey, tagAnswer, e.Body, e.Signature)
}

// DeviceOf is the device key that a certificate names. It verifies nothing.
func DeviceOf(certificate []byte) ([]byte, error) {
	c, _, err := unseal[*wire.Certificate](certificate)
	if err != nil {
		return nil, err
	}
	return c.DeviceKey, nil
}
