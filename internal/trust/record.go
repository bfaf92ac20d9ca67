// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
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
// host, where the rights live, says how they changed. A report that is made afterwards
// is not one of the numbered ones, and is the host's too.
func checkRecord(r *wire.Record) error {
	ended, reported := r.Deed == wire.DeedEnded, r.Deed == wire.DeedReported
	if ended != (r.Reason != 0) || ((ended || reported) && r.Rights != 0) || (!ended && r.By != wire.PartyHost) || reported != (r.Number == 0) {
		return ErrRecord
	}
	return nil
}

// VerifyReport checks that the person at a host reported a session, and returns what
// the host signed: the answer that refused and reported, or a record that says that they
// cut and reported, or reported afterwards. c.By does not matter: it is the host.
func VerifyReport(env []byte, c RecordCheck) (wire.Signed, error) {
	body, e, err := unseal[wire.Signed](env)
	if err != nil {
		return nil, err
	}
	a, ok := body.(*wire.Answer)
	if !ok {
		c.By = wire.PartyHost
		r, err := VerifyRecord(env, c)
		if err == nil && r.Deed != wire.DeedReported && r.Reason != wire.EndReported {
			err = ErrRecord
		}
		return r, err
	}
	if err := verify(c.Key, tagAnswer, e.Body, e.Signature); err != nil {
		return nil, err
	}
	switch {
	case a.Session != c.Session:
		return nil, ErrWrongSession
	case a.RequestHash != c.RequestHash:
		return nil, ErrWrongRequest
	case a.Verdict != wire.VerdictReported || !bytes.Equal(a.HostKey, c.Key):
		return nil, ErrRecord
	}
	return a, nil
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
