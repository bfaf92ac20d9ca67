// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"assist/internal/wire"
)

// ErrHalted says that a charter lets nobody help at all.
var ErrHalted = errors.New("trust: the unit lets nobody help")

// rightView is the right of which the wire knows only the bit.
const rightView = 1

// Admission is what a charter lets one technician do on one machine.
type Admission struct {
	Card   *wire.Certificate // the charter's own: what people are shown
	Signed []byte            // the card as the unit key signed it, an Envelope
	Until  time.Time         // when it runs out: the card's end, or the hours of an external technician
	Rights uint16            // at most these, view always among them
	Lease  time.Duration     // at most so long until the person is asked again
}

// Admit is everything a charter says about one technician and one machine at this
// moment, but for the address that the technician comes from (AllowsSource). A
// machine in a zone may be seen, and no more.
func (c *Charter) Admit(deviceKey []byte, machine string, now time.Time) (*Admission, error) {
	if err := c.InForce(now); err != nil {
		return nil, err
	}
	card, err := c.Technician(deviceKey, now)
	if err != nil {
		return nil, err
	}
	if err := c.CheckZones(machine, card); err != nil {
		return nil, err
	}
	listed, _ := c.Listed(deviceKey) // it is: it has a card
	a := &Admission{Card: card, Signed: listed.Envelope, Until: listed.until(card), Rights: c.Ceiling(machine), Lease: time.Duration(c.Policy.LeaseMinutes) * time.Minute}
	if a.Rights&rightView == 0 {
		return nil, ErrHalted
	}
	return a, nil
}

// until is when a technician who is let in now is let in no more.
func (t *Technician) until(card *wire.Certificate) time.Time {
	end := card.NotAfter
	if t.State == StateExternal {
		end = min(end, t.Until)
	}
	return time.Unix(end, 0)
}

// LetsInUntil is when a technician who may help at this moment may no more; zero for who may not.
func (c *Charter) LetsInUntil(deviceKey []byte, now time.Time) time.Time {
	card, err := c.Technician(deviceKey, now)
	if err != nil {
		return time.Time{}
	}
	listed, _ := c.Listed(deviceKey)
	return listed.until(card)
}

// Ceiling is the rights that anybody may have on a machine at most. One in a zone may be
// seen, and no more.
func (c *Charter) Ceiling(machine string) uint16 {
	if c.inZone(machine) {
		return c.Policy.Rights & rightView
	}
	return c.Policy.Rights
}

// CheckSource is AllowsSource for an address as text.
func (c *Charter) CheckSource(address string) error {
	a, err := ParseSourceAddr(address)
	if err == nil && !c.AllowsSource(a) {
		err = fmt.Errorf("%w of this unit", ErrSource)
	}
	return err
}

// Placing is the charter as if it put a machine into one more zone, which an empty name is
// not: a computer's administrator may say so, whoever uses it, under whichever number.
func (c *Charter) Placing(machine, zone string) *Charter {
	if zone == "" {
		return c
	}
	placed := *c
	placed.Zones = append(slices.Clip(c.Zones), MachineZone{machine, zone})
	return &placed
}

// CheckLabel tells whether a charter or a certificate could name a person, a role, a unit or a
// zone so.
func CheckLabel(name string) error { return checkLabel(name) }

func (c *Charter) inZone(machine string) bool {
	for _, z := range c.Zones {
		if z.Machine == machine {
			return true
		}
	}
	return false
}

// InForce tells whether a charter that was verified before still holds, or does
// yet.
func (c *Charter) InForce(now time.Time) error {
	if err := c.checkNow(now, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrCharter, err)
	}
	return nil
}

// EndsSoon reports whether less than 14 days are left until a moment, in Unix
// seconds: the end of a charter, or of a certificate.
func EndsSoon(end int64, now time.Time) bool { return now.Add(expiryWarning).Unix() >= end }
