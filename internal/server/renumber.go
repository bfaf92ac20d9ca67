// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
)

// renumbered are the zones under another unit key: a machine's number comes of both
// keys, and the zone must follow the machine. A machine whose key is not known, or
// does not make the number that the zone names, cannot be followed: then there is no
// change of key, for it would leave its zone without a word.
func renumbered(zones []DraftZone, from, to trust.UnitPublic) ([]DraftZone, error) {
	numbers := map[string]string{} // old to new: the hash is slow, and a machine may be in several zones
	var lost []string
	out := make([]DraftZone, 0, len(zones))
	for _, z := range zones {
		if _, done := numbers[z.Machine]; !done {
			numbers[z.Machine] = renumber(z, from, to)
			if numbers[z.Machine] == "" {
				lost = append(lost, z.Machine)
			}
		}
		z.Machine = numbers[z.Machine]
		out = append(out, z)
	}
	if len(lost) > 0 {
		return nil, fmt.Errorf("%w: machines in a zone get another number with the unit key, and the keys of these are not known here: %s; let each connect once (then make a new draft), or take it out of its zone (charter policy --remove-zone)",
			ErrUnitKey, strings.Join(lost, ", "))
	}
	slices.SortFunc(out, func(a, b DraftZone) int {
		return strings.Compare(a.Machine+a.Zone, b.Machine+b.Zone) // numbers have one length
	})
	return out, nil
}

// renumber is the machine's new number, or nothing when its key is not the one that
// makes the old number: a draft may come from a server that lies.
func renumber(z DraftZone, from, to trust.UnitPublic) string {
	key, err := base64.StdEncoding.DecodeString(z.HostKey)
	if err != nil {
		return ""
	}
	if old, err := trust.MachineIDOf(key, from); err != nil || old != z.Machine {
		return ""
	}
	next, err := trust.MachineIDOf(key, to)
	if err != nil {
		return ""
	}
	return next
}

// renumberZones writes the wishes down under the new numbers, while the keys of
// machines are still known. The new key's first charter must name all of them.
func (t *transaction) renumberZones(c *trust.Charter, from, to trust.UnitPublic, now time.Time) error {
	wished, err := t.machineZones()
	if err != nil {
		return err
	}
	zones, err := renumbered(draftZones(wished), from, to)
	if err != nil {
		return err
	}
	if _, err := t.exec(`delete from machine_zone`); err != nil {
		return err
	}
	for _, z := range zones {
		if !slices.Contains(c.Zones, trust.MachineZone{Machine: z.Machine, Zone: z.Zone}) {
			return fmt.Errorf("%w: a machine was put into zone %s after the draft was made; make a new draft", ErrStale, z.Zone)
		}
		if _, err := t.exec(`insert into machine_zone values (?, ?)`, z.Machine, z.Zone); err != nil {
			return err
		}
		if err := t.record(now, &journal.PolicyChanged{Change: "zone " + z.Machine + " " + z.Zone, By: t.by}); err != nil {
			return err
		}
	}
	return nil
}

func draftZones(list []zonedMachine) []DraftZone {
	var out []DraftZone
	for _, z := range list {
		out = append(out, DraftZone{z.Machine, z.Zone, base64.StdEncoding.EncodeToString(z.hostKey)})
	}
	return out
}
