// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"assist/internal/journal"
	"assist/internal/trust"
)

// machineOf returns the number of a host's key. It is computed once per key:
// the hash is slow on purpose, so strangers get few of them.
func (s *Server) machineOf(ctx context.Context, hostKey []byte, from netip.Addr) (string, error) {
	id, err := s.store.machineByKey(ctx, hostKey)
	if err != nil || id != "" {
		return id, err
	}
	n := newcomer{keySum(hostKey), neighbourhood(from), dayOf(s.now())}
	if err := s.hasRoom(ctx, n); err != nil {
		s.turnedAway(n, err)
		return "", err
	}
	if !s.newcomers.allow(from, s.now()) {
		return "", errBusy
	}
	if err := s.naming.enter(ctx); err != nil {
		return "", err
	}
	id, err = trust.MachineIDOf(hostKey, s.unit)
	s.naming.leave()
	if err != nil {
		return "", err
	}
	return id, s.addMachine(ctx, id, hostKey, from)
}

// machineByKey returns nothing without an error for a key that is new.
func (st *store) machineByKey(ctx context.Context, hostKey []byte) (string, error) {
	var id string
	err := st.reader.QueryRowContext(ctx, `select id from machine where host_key = ?`, hostKey).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("server: database: %w", err)
	}
	return id, nil
}

// machineKnown passes over rows from before a change of the unit key: they have 16 random bytes
// in place of a key (see rekey), and their numbers are nobody's any more.
func (st *store) machineKnown(ctx context.Context, id string) (bool, error) {
	var n int
	err := st.reader.QueryRowContext(ctx, `select count(*) from machine where id = ? and length(host_key) > 16`, id).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("server: database: %w", err)
	}
	return n == 1, nil
}

// addMachine remembers a key. Two keys with one number cannot both be known.
func (s *Server) addMachine(ctx context.Context, id string, hostKey []byte, from netip.Addr) error {
	now := s.now()
	who := newcomer{keySum(hostKey), neighbourhood(from), dayOf(now)}
	return s.store.write(ctx, func(t *transaction) error {
		counts, err := t.room(who, s.cfg.Server)
		if err != nil {
			return err
		}
		n, err := t.exec(`insert into machine (id, host_key, first_seen, last_seen_day, key_sum) values (?, ?, ?, ?, ?) on conflict do nothing`,
			id, hostKey, now.Unix(), dayOf(now), who.sum)
		if err != nil {
			return err
		}
		if n == 0 {
			var known []byte
			if err := t.QueryRowContext(ctx, `select host_key from machine where id = ?`, id).Scan(&known); err != nil {
				return fmt.Errorf("server: database: %w", err)
			}
			if string(known) != string(hostKey) {
				return errDuplicate
			}
			return nil
		}
		if counts {
			err = t.welcome(who)
		}
		if err != nil {
			return err
		}
		return t.record(now, &journal.MachineRegistered{Machine: id, Key: who.sum})
	})
}

// seen notes the day a machine was last connected, so that a million machines
// write once a day each.
func (s *Server) seen(ctx context.Context, id string) error {
	day := dayOf(s.now())
	return s.store.write(ctx, func(t *transaction) error {
		_, err := t.exec(`update machine set last_seen_day = ? where id = ? and last_seen_day < ?`, day, id, day)
		return err
	})
}

// dayOf counts days since 1970, in UTC.
func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// paces bounds how fast one address may do something, each IPv6 /64 being one.
type paces struct {
	every rate.Limit
	burst int

	mu      sync.Mutex // guards buckets
	buckets map[netip.Prefix]*rate.Limiter
}

// Hashing a key takes 0.3 s of one core: a stranger who makes up keys must not keep the
// server busy. One address may bring 60 new keys at once (a class-room), then one every two
// seconds. The table is emptied when it has maxPaces addresses.
const (
	newcomerBurst = 60
	newcomerEvery = 2 * time.Second
	maxPaces      = 10_000
)

func (n *paces) allow(from netip.Addr, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.buckets == nil || len(n.buckets) >= maxPaces {
		n.buckets = make(map[netip.Prefix]*rate.Limiter)
	}
	key := neighbourhood(from)
	b := n.buckets[key]
	if b == nil {
		b = rate.NewLimiter(n.every, n.burst)
		n.buckets[key] = b
	}
	return b.AllowN(now, 1)
}

// neighbourhood is what one party surely holds: an IPv4 address, an IPv6 /64.
func neighbourhood(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
