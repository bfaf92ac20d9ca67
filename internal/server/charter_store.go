// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"

	"assist/internal/trust"
)

// charterStatements make what a charter is drawn up from, and where the signed
// ones are kept. The lists are what an administrator wishes: only what stands in
// the newest charter counts. The first policy is trust.DefaultPolicy; the first sources are
// private, link-local and loopback addresses (RFC 1918, 3927, 4193, 4291): a unit that changed
// nothing is helped from within.
func charterStatements() []string {
	return []string{
		`create table charter (
			epoch     integer primary key,
			text      blob not null, -- as it was signed
			published integer not null
		) strict`,
		`create table rotation (
			epoch     integer primary key,
			text      blob not null,
			published integer not null
		) strict`,
		`create table policy (
			one              integer primary key check (one = 1),
			rights           integer not null,
			idle_minutes     integer not null,
			lease_minutes    integer not null,
			relay            text not null,
			certificate_days integer not null
		) strict`,
		`insert into policy values (1, 7, 15, 30, 'internal', 90)`,
		`create table source (prefix text primary key) strict`,
		`insert into source values ('10.0.0.0/8'), ('127.0.0.0/8'), ('169.254.0.0/16'), ('172.16.0.0/12'),
			('192.168.0.0/16'), ('::1/128'), ('fc00::/7'), ('fe80::/10')`,
		`create table machine_zone (
			machine text not null,
			zone    text not null,
			primary key (machine, zone)
		) strict`,
		`create table revoked (
			device_key  blob primary key,
			login       text not null,
			certificate blob not null,
			until       integer not null -- the certificate's own end, Unix seconds
		) strict`,
		`alter table technician add column external integer not null default 0`,
		`alter table technician add column open_until integer not null default 0`, // of an external one
		`alter table machine add column duplicate integer not null default 0`,     // since when, Unix seconds
	}
}

// newestCharter is the last one that was published, or nothing.
func (st *store) newestCharter(ctx context.Context) (uint64, []byte, error) {
	var epoch int64
	var text []byte
	err := st.reader.QueryRowContext(ctx, `select epoch, text from charter order by epoch desc limit 1`).Scan(&epoch, &text)
	if errors.Is(err, sql.ErrNoRows) { // no fault: a unit whose key is elsewhere begins without one
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, fmt.Errorf("server: database: %w", err)
	}
	return uint64(epoch), text, nil
}

// charterAt is one of the past, or nil.
func (st *store) charterAt(ctx context.Context, epoch uint64) ([]byte, error) {
	var text []byte
	err := st.reader.QueryRowContext(ctx, `select text from charter where epoch = ?`, int64(epoch)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	return text, nil
}

// rotations is the chain from the unit's first key to the one in force.
func (st *store) rotations(ctx context.Context) ([][]byte, error) {
	rows, err := st.reader.QueryContext(ctx, `select text from rotation order by epoch`)
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	defer rows.Close()
	var chain [][]byte
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("server: database: %w", err)
		}
		chain = append(chain, text)
	}
	return chain, rows.Err()
}

// newestEpoch is the highest that a charter or a rotation took; 0 before the first.
func (t *transaction) newestEpoch() (uint64, error) {
	var epoch int64
	err := t.QueryRowContext(t, `select coalesce(max(epoch), 0) from (select epoch from charter union all select epoch from rotation)`).Scan(&epoch)
	if err != nil {
		return 0, fmt.Errorf("server: database: %w", err)
	}
	return uint64(epoch), nil
}

// wish is what the administrator wants the charter to say, but for the technicians.
type wish struct {
	policy  trust.Policy
	sources []netip.Prefix
	zones   []zonedMachine
	revoked []revocation
	epoch   uint64 // the highest taken so far
}

// revocation is a certificate that must not count until it runs out by itself.
type revocation struct {
	login                  string
	deviceKey, certificate []byte
	until                  int64
}

// readWish reads all of it in one transaction, so that no charter says half of a change.
func (t *transaction) readWish() (*wish, error) {
	w := &wish{}
	p, relay := &w.policy, ""
	err := t.QueryRowContext(t, `select rights, idle_minutes, lease_minutes, relay, certificate_days from policy`).
		Scan(&p.Rights, &p.IdleMinutes, &p.LeaseMinutes, &relay, &p.CertificateDays)
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	p.Relay = trust.Relay(relay)
	texts, err := texts(t, t.Tx, `select prefix from source order by prefix`)
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		p, err := trust.ParseSource(text)
		if err != nil {
			return nil, err
		}
		w.sources = append(w.sources, p)
	}
	if w.zones, err = t.machineZones(); err != nil {
		return nil, err
	}
	if w.revoked, err = t.revocations(); err != nil {
		return nil, err
	}
	w.epoch, err = t.newestEpoch()
	return w, err
}

// zonedMachine is a machine in a zone, with its key if it is known.
type zonedMachine struct {
	trust.MachineZone
	hostKey []byte
}

// machineZones leaves out the 16 random bytes that stand for a key from before a change of the
// unit key.
func (t *transaction) machineZones() ([]zonedMachine, error) {
	rows, err := t.QueryContext(t, `select z.machine, z.zone, m.host_key from machine_zone z
		left join machine m on m.id = z.machine and length(m.host_key) > 16 order by z.machine, z.zone`)
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	defer rows.Close()
	var out []zonedMachine
	for rows.Next() {
		var z zonedMachine
		if err := rows.Scan(&z.Machine, &z.Zone, &z.hostKey); err != nil {
			return nil, fmt.Errorf("server: database: %w", err)
		}
		out = append(out, z)
	}
	return out, rows.Err()
}

// revocations come in one order, or each draft would seem to say something new.
func (t *transaction) revocations() ([]revocation, error) {
	rows, err := t.QueryContext(t, `select login, device_key, certificate, until from revoked order by login, device_key`)
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	defer rows.Close()
	var out []revocation
	for rows.Next() {
		var r revocation
		if err := rows.Scan(&r.login, &r.deviceKey, &r.certificate, &r.until); err != nil {
			return nil, fmt.Errorf("server: database: %w", err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
