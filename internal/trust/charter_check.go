// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"assist/internal/wire"
)

// check tells whether a charter makes sense by itself. Both who signs and who
// reads ask it.
func (c *Charter) check() error {
	if err := c.checkDates(); err != nil {
		return err
	}
	if err := checkLabel(c.Unit); err != nil {
		return err
	}
	if err := c.Policy.Check(); err != nil {
		return err
	}
	if err := c.checkServers(); err != nil {
		return err
	}
	if err := c.checkSources(); err != nil {
		return err
	}
	if err := c.checkZones(); err != nil {
		return err
	}
	return c.checkTechnicians()
}

// checkDates bounds both dates first, so that their difference means something.
func (c *Charter) checkDates() error {
	if c.Epoch == 0 || c.Epoch > MaxEpoch || c.Issued < minTime || c.Expires > maxTime || c.Expires <= c.Issued ||
		c.Expires-c.Issued > int64(MaxCharterLife.Seconds()) {
		return fmt.Errorf("%w: epoch or dates out of limits", ErrMalformed)
	}
	return nil
}

// Check tells whether a policy is within the limits of a charter.
func (p Policy) Check() error {
	switch {
	case p.Rights >= 1<<len(rightNames()):
		return fmt.Errorf("%w: unknown right", ErrMalformed)
	case p.Relay != RelayNever && p.Relay != RelayInternal:
		return fmt.Errorf("%w: unknown relay", ErrMalformed)
	case p.IdleMinutes < 1 || p.IdleMinutes > MaxIdleMinutes,
		p.LeaseMinutes < 1 || p.LeaseMinutes > MaxLeaseMinutes,
		p.CertificateDays < 1 || p.CertificateDays > MaxCertificateDays:
		return fmt.Errorf("%w: policy out of limits", ErrMalformed)
	}
	return nil
}

// rightNames names the bits of rights, the lowest first: the whole ladder, so
// that a ceiling may speak of rights that an app does not know yet.
func rightNames() []string {
	return []string{"view", "point", "control", "clipboard", "file", "recording"}
}

// checkLabel wants what wire would carry as a name that a person reads, with
// something in it, and nothing that could not be seen at its ends.
func checkLabel(s string) error {
	if _, err := wire.Marshal(&wire.Challenge{Unit: s}); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !wire.Legible(s) || strings.TrimSpace(s) != s {
		return fmt.Errorf("%w: a name shows nothing, or begins or ends with a space", ErrMalformed)
	}
	return nil
}

func (c *Charter) checkServers() error {
	if len(c.Servers) == 0 {
		return fmt.Errorf("%w: no server", ErrMalformed)
	}
	seen, err := newListing[string]("servers", len(c.Servers), MaxServers)
	if err != nil {
		return err
	}
	for _, s := range c.Servers {
		if err := checkAddress(s.Address); err != nil {
			return err
		}
		if s.Pin == [32]byte{} || s.Pin == s.Next {
			return fmt.Errorf("%w: server without a pin, or twice with the same", ErrMalformed)
		}
		if err := seen.add(s.Address); err != nil {
			return err
		}
	}
	return nil
}

// checkAddress wants the plain form of host:port.
func checkAddress(s string) error {
	if err := checkServer(s); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || net.JoinHostPort(host, strconv.FormatUint(n, 10)) != s || strings.ToLower(s) != s {
		return fmt.Errorf("%w: unusual server address", ErrMalformed)
	}
	return nil
}

func (c *Charter) checkSources() error {
	seen, err := newListing[string]("sources", len(c.Sources), MaxSources)
	if err != nil {
		return err
	}
	for _, p := range c.Sources {
		if _, err := ParseSource(p.String()); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if err := seen.add(p.String()); err != nil {
			return err
		}
	}
	return nil
}

func (c *Charter) checkZones() error {
	seen, err := newListing[MachineZone]("machine zones", len(c.Zones), MaxMachineZones)
	if err != nil {
		return err
	}
	for _, z := range c.Zones {
		if err := CheckMachineID(z.Machine); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		if err := checkLabel(z.Zone); err != nil {
			return err
		}
		if err := seen.add(z); err != nil {
			return err
		}
	}
	return nil
}

func (c *Charter) checkTechnicians() error {
	if len(c.Technicians) > MaxTechnicians {
		return fmt.Errorf("%w: more than %d technicians", ErrMalformed, MaxTechnicians)
	}
	for _, t := range c.Technicians {
		switch {
		case t.State == StateExternal && t.Until >= minTime && t.Until <= c.Issued+int64(MaxExternal.Seconds()):
		case (t.State == StateActive || t.State == StateRevoked) && t.Until == 0:
		default:
			return fmt.Errorf("%w: state of a technician", ErrMalformed)
		}
		if len(t.Envelope) == 0 || len(t.Envelope) > wire.MaxCertificate {
			return fmt.Errorf("%w: certificate of %d bytes", ErrMalformed, len(t.Envelope))
		}
	}
	return nil
}

// readCards opens the technicians' certificates. One that ran out stays in the
// list and lets nobody in; one that the unit did not sign, that lives too long,
// or that names a device twice, is a fault of the whole charter.
func (c *Charter) readCards(unit UnitPublic) ([]*wire.Certificate, error) {
	devices, err := newListing[string]("devices", len(c.Technicians), MaxTechnicians)
	if err != nil {
		return nil, err
	}
	cards := make([]*wire.Certificate, 0, len(c.Technicians))
	for _, t := range c.Technicians {
		card, err := readCard(t.Envelope, unit)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
		}
		if t.State != StateRevoked && card.NotAfter-card.NotBefore > c.Policy.longestCard() {
			return nil, fmt.Errorf("%w: %w", ErrCertificate, ErrTooLong)
		}
		if err := devices.add(string(card.DeviceKey)); err != nil {
			return nil, err
		}
		cards = append(cards, card)
	}
	return cards, nil
}

// cardSlack is how far back a certificate may begin for clocks that are behind.
const cardSlack = time.Hour

// longestCard is how many seconds a certificate may live.
func (p Policy) longestCard() int64 {
	return int64(p.CertificateDays)*24*60*60 + int64(cardSlack.Seconds())
}

// readCard is VerifyCertificate without a moment.
func readCard(env []byte, unit UnitPublic) (*wire.Certificate, error) {
	card, e, err := unseal[*wire.Certificate](env)
	if err != nil {
		return nil, err
	}
	if err := verify(unit, tagCertificate, e.Body, e.Signature); err != nil {
		return nil, err
	}
	switch {
	case card.Version != cardVersion(card):
		return nil, ErrVersion
	case card.NotAfter <= card.NotBefore || card.NotBefore < minTime || card.NotAfter > maxTime:
		return nil, fmt.Errorf("%w: dates out of limits", ErrMalformed)
	}
	return card, checkCard(card)
}

// listing finds what stands twice in a list.
type listing[T comparable] struct {
	name string
	seen map[T]bool
}

func newListing[T comparable](name string, have, max int) (listing[T], error) {
	if have > max {
		return listing[T]{}, fmt.Errorf("%w: more than %d %s", ErrMalformed, max, name)
	}
	return listing[T]{name, make(map[T]bool, have)}, nil
}

func (l listing[T]) add(v T) error {
	if l.seen[v] {
		return fmt.Errorf("%w: %s: one stands there twice", ErrMalformed, l.name)
	}
	l.seen[v] = true
	return nil
}
