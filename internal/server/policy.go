// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
)

// renewBefore its end a certificate is made anew, whenever a charter is signed.
const renewBefore = 14 * 24 * time.Hour

// cardSlack is how much longer than the policy says a certificate may live: it
// begins a little in the past.
const cardSlack = time.Hour

// PolicyChange is what an administrator wants the next charter to say otherwise.
// Nil and empty fields change nothing.
type PolicyChange struct {
	Rights          *string // as in a charter: "view point control", or "none"
	IdleMinutes     *int
	LeaseMinutes    *int
	Relay           *string
	CertificateDays *int

	AddSources, RemoveSources []string // prefixes, or single addresses
	AddZones, RemoveZones     []trust.MachineZone
}

// ChangePolicy writes wishes down. They count once a charter with them is signed
// and published.
func (s *Server) ChangePolicy(ctx context.Context, c PolicyChange) error {
	add, err := parseSources(c.AddSources)
	if err != nil {
		return err
	}
	remove, err := parseSources(c.RemoveSources)
	if err != nil {
		return err
	}
	for _, z := range append(c.AddZones, c.RemoveZones...) {
		if err := trust.CheckMachineID(z.Machine); err != nil {
			return fmt.Errorf("%w: %q: %w", ErrSetting, z.Machine, err)
		}
		if err := checkLabel(z.Zone); err != nil {
			return fmt.Errorf("%w: the zone %w", ErrSetting, err)
		}
	}
	return s.store.write(ctx, func(t *transaction) error {
		said, err := t.changePolicy(c)
		if err != nil {
			return err
		}
		more, err := t.changeSources(add, remove)
		if err != nil {
			return err
		}
		zones, err := t.changeZones(c.AddZones, c.RemoveZones)
		if err != nil {
			return err
		}
		for _, one := range append(append(said, more...), zones...) {
			if err := t.record(s.now(), &journal.PolicyChanged{Change: one, By: t.by}); err != nil {
				return err
			}
		}
		return nil
	})
}

// changePolicy returns what it changed, in the words of a charter.
func (t *transaction) changePolicy(c PolicyChange) ([]string, error) {
	w, err := t.readWish() // in the transaction that writes: two administrators at once change one after the other
	if err != nil {
		return nil, err
	}
	p := w.policy
	if c.Rights != nil {
		if p.Rights, err = trust.ParseRights(*c.Rights); err != nil {
			return nil, fmt.Errorf("%w: rights are \"none\", or some of \"view point control\" in this order", ErrSetting)
		}
	}
	for _, one := range []struct {
		want *int
		is   *int
	}{{c.IdleMinutes, &p.IdleMinutes}, {c.LeaseMinutes, &p.LeaseMinutes}, {c.CertificateDays, &p.CertificateDays}} {
		if one.want != nil {
			*one.is = *one.want
		}
	}
	if c.Relay != nil {
		p.Relay = trust.Relay(*c.Relay)
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("%w: idle is 1 to %d minutes, lease 1 to %d, certificate-days 1 to %d, relay \"never\" or \"internal\"",
			ErrSetting, trust.MaxIdleMinutes, trust.MaxLeaseMinutes, trust.MaxCertificateDays)
	}
	if p == w.policy {
		return nil, nil // no entry in the journal of a change that is none
	}
	_, err = t.exec(`update policy set rights = ?, idle_minutes = ?, lease_minutes = ?, relay = ?, certificate_days = ?`,
		p.Rights, p.IdleMinutes, p.LeaseMinutes, string(p.Relay), p.CertificateDays)
	return []string{fmt.Sprintf("rights %s, idle %d, lease %d, relay %s, certificate-days %d",
		trust.FormatRights(p.Rights), p.IdleMinutes, p.LeaseMinutes, p.Relay, p.CertificateDays)}, err
}

// changeSources fails as a whole for a prefix that is not there: a mistyped one would stay let
// in, and the administrator would believe that it is out.
func (t *transaction) changeSources(add, remove []netip.Prefix) ([]string, error) {
	var said []string
	for _, p := range remove {
		n, err := t.exec(`delete from source where prefix = ?`, p.String())
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("%w: the source %s is not in the list", ErrSetting, p)
		}
		said = append(said, "no source "+p.String())
	}
	for _, p := range add {
		n, err := t.exec(`insert into source values (?) on conflict do nothing`, p.String())
		if err != nil {
			return nil, err
		}
		if n == 1 {
			said = append(said, "source "+p.String())
		}
	}
	return said, t.atMost("source", trust.MaxSources)
}

// replaceSources forgets the list there was: only a set-up, of which nobody has signed anything yet, does.
func (t *transaction) replaceSources(list []netip.Prefix) error {
	if _, err := t.exec(`delete from source`); err != nil {
		return err
	}
	_, err := t.changeSources(list, nil)
	return err
}

// changeZones fails likewise.
func (t *transaction) changeZones(add, remove []trust.MachineZone) ([]string, error) {
	var said []string
	for _, z := range remove {
		n, err := t.exec(`delete from machine_zone where machine = ? and zone = ?`, z.Machine, z.Zone)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, fmt.Errorf("%w: the machine %s is not in zone %s", ErrSetting, z.Machine, z.Zone)
		}
		said = append(said, "no zone "+z.Machine+" "+z.Zone)
	}
	for _, z := range add {
		n, err := t.exec(`insert into machine_zone values (?, ?) on conflict do nothing`, z.Machine, z.Zone)
		if err != nil {
			return nil, err
		}
		if n == 1 {
			said = append(said, "zone "+z.Machine+" "+z.Zone)
		}
	}
	return said, t.atMost("machine_zone", trust.MaxMachineZones)
}

// atMost keeps a list within what a charter may hold: found out here, and not when it is signed.
func (t *transaction) atMost(table string, most int) error {
	var n int
	if err := t.QueryRowContext(t, `select count(*) from `+table).Scan(&n); err != nil {
		return fmt.Errorf("server: database: %w", err)
	}
	if n > most {
		return fmt.Errorf("%w: more than %d lines of %s", ErrSetting, most, strings.ReplaceAll(table, "_", " "))
	}
	return nil
}
