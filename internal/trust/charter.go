// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"assist/internal/wire"
)

// Why a charter is not believed, or does not name a technician. Each failure of
// a charter as a whole is ErrCharter, with the cause beside it.
var (
	ErrCharter    = errors.New("trust: charter not acceptable")
	ErrRollback   = errors.New("trust: older than what was already seen")
	ErrUnlisted   = errors.New("trust: not in the charter")
	ErrRevoked    = errors.New("trust: revoked")
	ErrNotOpened  = errors.New("trust: external technician not let in at this time")
	ErrTooLong    = errors.New("trust: valid for longer than the charter allows")
	ErrWrongZones = errors.New("trust: technician lacks a zone of this machine")
)

const tagCharter = "assist/charter/1"

// Limits of a charter. They are far beyond a unit's needs and small enough for
// every app to read a whole one.
const (
	MaxCharter      = 512 << 10 // bytes, signature included
	MaxServers      = 8
	MaxSources      = 256
	MaxMachineZones = 4096 // lines: a machine in two zones takes two
	MaxTechnicians  = 512

	MaxEpoch           = 1<<53 - 1            // every database and every reader of JSON holds it
	MaxCharterLife     = 366 * 24 * time.Hour // from Issued to Expires
	MaxExternal        = 24 * time.Hour       // from Issued to an external technician's Until
	MaxIdleMinutes     = 60
	MaxLeaseMinutes    = 120
	MaxCertificateDays = 90
)

// expiryWarning is how long before its end a charter is spoken of.
const expiryWarning = 14 * 24 * time.Hour

// Charter is what a unit's key says: whom to trust, how far, and where. The one
// in force is the newest that was seen. Times are Unix seconds.
type Charter struct {
	Unit        string // the unit's name, for display
	Epoch       uint64 // rises with each charter; never zero
	Issued      int64
	Expires     int64
	Policy      Policy
	Servers     []Server // at least one, the first is preferred
	Sources     []netip.Prefix
	Zones       []MachineZone
	Technicians []Technician

	// cards holds each technician's certificate, by index. Only a charter that
	// VerifyCharter returned has them, so no other names a technician.
	cards []*wire.Certificate
}

// Policy is the ceilings of a unit: a machine or a person may set less, never more.
type Policy struct {
	Rights          uint16 // as in wire.Request; none stops all help at once
	IdleMinutes     int    // without local input until remote input freezes
	LeaseMinutes    int    // until the person is asked again
	Relay           Relay
	CertificateDays int // how long a technician's certificate may live
}

// Relay says whether pictures may pass through the unit's own relay.
type Relay string

// Relays. There is no outside one to name.
const (
	RelayNever    Relay = "never"
	RelayInternal Relay = "internal"
)

// Server is one address of the unit's server, with the pin of its TLS key and
// the announced pin of the next one, or zeros.
type Server struct {
	Address   string // host:port
	Pin, Next [32]byte
}

// MachineZone puts a machine into a restricted zone (ZRR).
type MachineZone struct {
	Machine string // 12 digits
	Zone    string // as in wire.Certificate
}

// TechnicianState is what a unit says of a technician for the time being.
type TechnicianState string

// States. An external technician is let in until a moment, one day at most.
const (
	StateActive   TechnicianState = "active"
	StateExternal TechnicianState = "external-until"
	StateRevoked  TechnicianState = "revoked"
)

// Technician is one technician's certificate and its state.
type Technician struct {
	State    TechnicianState
	Until    int64  // of StateExternal only
	Envelope []byte // of a wire.Certificate, signed by the unit key
}

// DefaultPolicy is what a unit starts from: see, point and drive.
func DefaultPolicy() Policy {
	return Policy{Rights: 1 | 2 | 4, IdleMinutes: 15, LeaseMinutes: 30, Relay: RelayInternal, CertificateDays: MaxCertificateDays}
}

// SignCharter signs a charter that VerifyCharter would take on the day it is issued.
func (k *UnitKey) SignCharter(c Charter) ([]byte, error) {
	text, err := formatCharter(&c)
	if err == nil {
		_, err = c.readCards(k.Public())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	b, err := k.signText(tagCharter, text)
	if err == nil && len(b) > MaxCharter {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrCharter, MaxCharter)
	}
	return b, err
}

// VerifyCharter checks that the unit signed this charter, that it is not older
// than the highest epoch seen, and that it is in force now. A client keeps that
// epoch in a Memory. Nothing is parsed before the signature holds.
func VerifyCharter(b []byte, unit UnitPublic, now time.Time, lastEpoch uint64) (*Charter, error) {
	c, err := openCharter(b, unit)
	if err == nil {
		err = c.checkNow(now, lastEpoch)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	return c, nil
}

// OpenCharter is VerifyCharter but for the moment and the epoch, for whoever keeps
// and shows charters. Nobody may be let in on the strength of it alone.
func OpenCharter(b []byte, unit UnitPublic) (*Charter, error) {
	c, err := openCharter(b, unit)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCharter, err)
	}
	return c, nil
}

// openCharter is VerifyCharter but for the moment and the epoch.
func openCharter(b []byte, unit UnitPublic) (*Charter, error) {
	if len(b) > MaxCharter {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxCharter)
	}
	text, err := openText(b, unit, tagCharter)
	if err != nil {
		return nil, err
	}
	c, err := parseCharter(text)
	if err != nil {
		return nil, err
	}
	c.cards, err = c.readCards(unit)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// checkNow names a rollback before an expiry: an old charter is both, and the
// first is the one to worry about.
func (c *Charter) checkNow(now time.Time, lastEpoch uint64) error {
	switch {
	case c.Epoch < lastEpoch:
		return fmt.Errorf("%w: epoch %d after %d", ErrRollback, c.Epoch, lastEpoch)
	case now.Add(maxClockSkew).Unix() < c.Issued:
		return ErrNotYetValid
	case now.Unix() >= c.Expires:
		return ErrExpired
	}
	return nil
}

// ExpiresSoon reports whether it is time to speak of the charter's end: less than
// 14 days are left.
func (c *Charter) ExpiresSoon(now time.Time) bool { return EndsSoon(c.Expires, now) }

// Technician returns the certificate of a device key, if the charter lets its
// owner help at this moment: a listed key, not revoked, its certificate valid,
// and for an external technician the time they were given. The charter's own
// certificate counts, not one that came from elsewhere.
func (c *Charter) Technician(deviceKey []byte, now time.Time) (*wire.Certificate, error) {
	i := slices.IndexFunc(c.cards, func(card *wire.Certificate) bool { return bytes.Equal(card.DeviceKey, deviceKey) })
	if i < 0 || i >= len(c.Technicians) {
		return nil, ErrUnlisted
	}
	switch t := c.Technicians[i]; {
	case t.State == StateActive:
	case t.State == StateExternal && now.Unix() < t.Until:
	case t.State == StateExternal:
		return nil, ErrNotOpened
	default:
		return nil, ErrRevoked
	}
	if err := checkCertificate(c.cards[i], now); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return c.cards[i], nil
}

// Listed is what the charter says of a device key, whether it lets its owner help
// or not: nil when it says nothing.
func (c *Charter) Listed(deviceKey []byte) (*Technician, *wire.Certificate) {
	for i, card := range c.cards {
		if bytes.Equal(card.DeviceKey, deviceKey) {
			return &c.Technicians[i], card
		}
	}
	return nil, nil
}

// Cards are the technicians' certificates, in the order of Technicians.
func (c *Charter) Cards() []*wire.Certificate { return slices.Clone(c.cards) }

// CheckZones refuses a technician who lacks a zone that the machine is in.
func (c *Charter) CheckZones(machine string, card *wire.Certificate) error {
	for _, z := range c.Zones {
		if z.Machine == machine && !slices.Contains(card.Zones, z.Zone) {
			return ErrWrongZones
		}
	}
	return nil
}
