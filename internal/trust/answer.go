// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"time"

	"assist/internal/wire"
)

// maxClockSkew is how far the technician's clock may be ahead of the host's
// before a grant counts as run out.
const maxClockSkew = 10 * time.Minute

// PledgeCheck is what a technician's app holds a pledge against.
type PledgeCheck struct {
	Unit        UnitPublic
	Machine     string // the machine ID that was typed
	RequestHash [32]byte
	Session     wire.SessionID
	Numbers     *Numbers // nil works each out
}

// AnswerCheck is what a technician's app holds an answer against. Pledge is the
// one already verified; without it (nil) only a negative answer is believed.
type AnswerCheck struct {
	PledgeCheck
	Pledge *wire.Pledge
	Now    time.Time
}

// SignPledge signs a pledge; HostKey is filled in.
func (k *HostKey) SignPledge(p *wire.Pledge) ([]byte, error) {
	signed := *p
	signed.HostKey = k.pair.public
	return seal(k.pair, tagPledge, &signed)
}

// SignAnswer signs an answer; HostKey is filled in. Rights without a grant, or
// a grant without rights, are ErrRights.
func (k *HostKey) SignAnswer(a *wire.Answer) ([]byte, error) {
	signed := *a
	signed.HostKey = k.pair.public
	if err := checkVerdict(&signed); err != nil {
		return nil, err
	}
	return seal(k.pair, tagAnswer, &signed)
}

// VerifyPledge checks that the machine whose number was typed made this pledge
// for this request. It takes about 0.3 s: the machine ID is computed again, unless
// Numbers knows it.
func VerifyPledge(env []byte, c PledgeCheck) (*wire.Pledge, error) {
	p, e, err := unseal[*wire.Pledge](env)
	if err != nil {
		return nil, err
	}
	if err := verify(p.HostKey, tagPledge, e.Body, e.Signature); err != nil {
		return nil, err
	}
	if err := c.checkRequest(p.Session, p.RequestHash); err != nil {
		return nil, err
	}
	if err := c.checkMachine(p.HostKey); err != nil {
		return nil, err
	}
	return p, nil
}

// VerifyAnswer checks that the host which made the pledge decided this.
func VerifyAnswer(env []byte, c AnswerCheck) (*wire.Answer, error) {
	a, e, err := unseal[*wire.Answer](env)
	if err != nil {
		return nil, err
	}
	if err := verify(a.HostKey, tagAnswer, e.Body, e.Signature); err != nil {
		return nil, err
	}
	if err := c.checkRequest(a.Session, a.RequestHash); err != nil {
		return nil, err
	}
	if err := checkVerdict(a); err != nil {
		return nil, err
	}
	if a.Verdict == wire.VerdictGranted && c.Now.Add(-maxClockSkew).Unix() >= a.Expires {
		return nil, ErrExpired
	}
	if err := c.checkHost(a); err != nil {
		return nil, err
	}
	return a, nil
}

// checkHost ties an answer to the pledge, or to the typed number when the host
// turned the request down before it made one.
func (c AnswerCheck) checkHost(a *wire.Answer) error {
	if c.Pledge == nil {
		if a.Verdict == wire.VerdictGranted {
			return ErrWrongHost
		}
		return c.checkMachine(a.HostKey)
	}
	if !bytes.Equal(a.HostKey, c.Pledge.HostKey) || a.Fingerprint != c.Pledge.Fingerprint {
		return ErrWrongHost
	}
	return nil
}

func (c PledgeCheck) checkRequest(s wire.SessionID, hash [32]byte) error {
	if s != c.Session {
		return ErrWrongSession
	}
	if hash != c.RequestHash {
		return ErrWrongRequest
	}
	return nil
}

func (c PledgeCheck) checkMachine(hostSPKI []byte) error {
	id, err := c.Numbers.Of(hostSPKI, c.Unit)
	if err != nil {
		return err
	}
	if id != c.Machine {
		return ErrWrongMachine
	}
	return nil
}

func checkVerdict(a *wire.Answer) error {
	if (a.Verdict == wire.VerdictGranted) != (a.Rights != 0) {
		return ErrRights
	}
	return nil
}
