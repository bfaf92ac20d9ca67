// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"assist/internal/trust"
)

// admits reports whether technicians may come from this address. The newest
// charter's list counts on when the charter ran out. Without a charter there is no
// list yet: nobody may come but from this very machine.
func (s *Server) admits(from netip.Addr) bool {
	c := s.inForce().charter
	if c == nil {
		return from.IsLoopback()
	}
	return c.AllowsSource(from)
}

// authorised is the certificate that the charter in force gives an account, if
// it lets its owner help now. The host asks its own charter the same.
func (s *Server) authorised(a *account) ([]byte, error) {
	now := s.now()
	c := s.inForce().current(now)
	if c == nil {
		return nil, fmt.Errorf("%w: no charter in force", errUnsigned)
	}
	if c.Policy.Rights == 0 {
		return nil, fmt.Errorf("%w: the unit has stopped all help", errUnsigned)
	}
	if _, err := c.Technician(a.deviceKey, now); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsigned, err)
	}
	listed, _ := c.Listed(a.deviceKey)
	return listed.Envelope, nil
}

// authorise is authorised at a log-in: what waits for a signature is signed first
// where the unit key is open.
func (s *Server) authorise(ctx context.Context, a *account) ([]byte, error) {
	if a.shut(s.now()) {
		return nil, fmt.Errorf("%w: %w", errUnsigned, trust.ErrNotOpened)
	}
	env, err := s.authorised(a)
	if err == nil || s.unitKey == nil {
		return env, err
	}
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	return s.authorised(a)
}

// shut reports that an external account is not let in by its own row, which may
// be ahead of the charter.
func (a *account) shut(now time.Time) bool { return a.External && a.openUntil <= now.Unix() }

// charterChanged ends the connection of a technician whom a new charter no longer lets
// in, or no longer from here; one with a new certificate is told of it at the
// next log-in and asks with the one the app knows until then.
func (t *technician) charterChanged(ctx context.Context) error {
	if err := t.notice(ctx); err != nil {
		return err
	}
	if _, err := t.server.authorised(t.account); err != nil || !t.server.admits(t.from.Addr()) {
		return t.revoked(ctx)
	}
	return nil
}

// denied are the accounts that may not help at this moment.
func (s *Server) denied(ctx context.Context) (map[string]bool, error) {
	people, err := s.store.accounts(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, a := range people {
		if _, err := s.authorised(a); err != nil || a.state != dbEnrolled || a.shut(s.now()) {
			out[a.id] = true
		}
	}
	return out, nil
}

// sourcesOf is for people: the list as it stands in a charter.
func sourcesOf(c *trust.Charter) []string {
	out := make([]string, 0, len(c.Sources))
	for _, p := range c.Sources {
		out = append(out, p.String())
	}
	return out
}
