// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// Technician is a person whom the unit authorises to assist.
type Technician struct {
	Login string
	Name  string // as the host's user will read it
	Role  string
	Zones []string // restricted zones this person may enter
	// External is somebody from outside, let in for hours at a time by
	// OpenTechnician.
	External bool
}

// Account is a technician as the list shows it.
type Account struct {
	Technician
	State            AccountState
	CertificateUntil time.Time // zero without one
	OpenUntil        time.Time // of an external one; zero when never opened
	LastUse          time.Time // zero when never
}

// AccountState is where an account stands.
type AccountState string

// Account states.
const (
	StateInvited  AccountState = "invited"  // the enrolment code was not used yet
	StateUnsigned AccountState = "unsigned" // enrolled, but not in the charter: it awaits a signature
	StateActive   AccountState = "active"
	StateExpired  AccountState = "expired"  // the certificate ran out
	StateExternal AccountState = "external" // not let in at this moment
	StateDisabled AccountState = "disabled"
)

// States in the database.
const (
	dbInvited  = "invited"
	dbEnrolled = "enrolled"
	dbDisabled = "disabled"
)

// account is a row of the technician table.
type account struct {
	Technician
	id               string
	state            string
	password         string
	deviceKey        []byte
	totpSealed       []byte
	certificate      []byte
	certificateUntil int64
	lastUse          int64
	openUntil        int64  // of an external account, Unix seconds
	photo            string // SHA-256, hex; empty without one
}

const accountColumns = `id, login, name, role, zones, state, password, device_key, totp_sealed, certificate, certificate_until, last_use,
	external, open_until, photo_sum`

func scanAccount(scan func(...any) error) (*account, error) {
	var a account
	var zones string
	err := scan(&a.id, &a.Login, &a.Name, &a.Role, &zones, &a.state, &a.password, &a.deviceKey, &a.totpSealed,
		&a.certificate, &a.certificateUntil, &a.lastUse, &a.External, &a.openUntil, &a.photo)
	if err != nil {
		return nil, err
	}
	if zones != "" {
		a.Zones = strings.Split(zones, ",")
	}
	return &a, nil
}

// accountBy returns nil without an error when there is none.
func (st *store) accountBy(ctx context.Context, column string, value any) (*account, error) {
	row := st.reader.QueryRowContext(ctx, `select `+accountColumns+` from technician where `+column+` = ?`, value)
	a, err := scanAccount(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	return a, nil
}

func (st *store) accounts(ctx context.Context) ([]*account, error) { return accounts(ctx, st.reader) }

func accounts(ctx context.Context, q journal.Querier) ([]*account, error) {
	rows, err := q.QueryContext(ctx, `select `+accountColumns+` from technician order by login`)
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	defer rows.Close()
	var out []*account
	for rows.Next() {
		a, err := scanAccount(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("server: database: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// AddTechnician invites a technician and returns the one-time enrolment code.
// A login that was invited before, or disabled, is invited anew: old factors
// and certificate are gone.
func (s *Server) AddTechnician(ctx context.Context, who Technician) (string, error) {
	if err := who.check(); err != nil {
		return "", err
	}
	code := newCode()
	hash := hashCode(code)
	now := s.now()
	until := now.Add(time.Duration(s.cfg.Accounts.CodeHours) * time.Hour).Unix()
	err := s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`insert into technician (id, login, name, role, zones, state, code_hash, code_until, created, external)
			values (?, ?, ?, ?, ?, 'invited', ?, ?, ?, ?) on conflict (login) do update set name = excluded.name,
			role = excluded.role, zones = excluded.zones, state = 'invited', code_hash = excluded.code_hash,
			code_until = excluded.code_until, password = '', device_key = null, totp_sealed = null,
			certificate = null, certificate_until = 0, external = excluded.external, open_until = 0,
			photo = null, photo_sum = '' where state <> 'enrolled'`,
			hex.EncodeToString(randomBytes(16)), who.Login, who.Name, who.Role, strings.Join(who.Zones, ","), hash, until, now.Unix(), who.External)
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("%w: %s is enrolled already: for a new telephone or computer of the same person disable the account first (technician disable), then add it again; "+
				"for somebody else choose another login", ErrTechnician, who.Login)
		}
		return t.record(now, &journal.TechnicianAdded{Login: who.Login, Name: who.Name, Role: who.Role, By: t.by})
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

// Technicians lists all accounts by login.
func (s *Server) Technicians(ctx context.Context) ([]Account, error) {
	rows, err := s.store.accounts(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Account, 0, len(rows))
	for _, a := range rows {
		out = append(out, Account{a.Technician, a.stateAt(s.now()), fromUnix(a.certificateUntil), fromUnix(a.openUntil), fromUnix(a.lastUse)})
	}
	return out, nil
}

// stateAt is what an administrator is told; whether somebody may help, the charter says.
func (a *account) stateAt(now time.Time) AccountState {
	switch {
	case a.state == dbDisabled:
		return StateDisabled
	case a.state == dbInvited:
		return StateInvited
	case len(a.certificate) == 0:
		return StateUnsigned
	case a.certificateUntil <= now.Unix():
		return StateExpired
	case a.shut(now):
		return StateExternal
	}
	return StateActive
}

// DisableTechnician closes an account for good. A running server, this one or
// one in another process, ends its connections and sessions within seconds; hosts
// hear of it by the next charter.
func (s *Server) DisableTechnician(ctx context.Context, login string) error {
	return s.store.write(ctx, func(t *transaction) error { return t.disable(login, s.now()) })
}

// longestCard is how long a certificate can be about that this server has not
// seen: signed elsewhere, not published yet.
const longestCard = (trust.MaxCertificateDays + 1) * 24 * time.Hour

// disable keeps the device and its certificate among the revoked ones, until the
// certificate would have run out.
func (t *transaction) disable(login string, now time.Time) error {
	_, err := t.exec(`insert into revoked (device_key, login, certificate, until)
		select device_key, login, coalesce(certificate, x''), iif(certificate is null, ?, certificate_until)
		from technician where login = ? and device_key is not null and true
		on conflict (device_key) do update set login = excluded.login, certificate = excluded.certificate, until = excluded.until`,
		now.Add(longestCard).Unix(), login)
	if err != nil {
		return err
	}
	n, err := t.exec(`update technician set state = 'disabled', code_hash = null, password = '', device_key = null,
		totp_sealed = null, certificate = null, certificate_until = 0, open_until = 0, photo = null, photo_sum = '' where login = ? and state <> 'disabled'`, login)
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("%w: %s, or disabled already", ErrUnknown, login)
	}
	return t.record(now, &journal.TechnicianDisabled{Login: login, By: t.by})
}

// OpenTechnician lets an external technician in until so many hours from now, a
// day at most; 0 closes the door again. Hosts hear of it by the next charter.
func (s *Server) OpenTechnician(ctx context.Context, login string, hours int) (time.Time, error) {
	if hours < 0 || hours > int(trust.MaxExternal.Hours()) {
		return time.Time{}, fmt.Errorf("%w: hours are 1 to %.0f, or 0 to close at once", ErrTechnician, trust.MaxExternal.Hours())
	}
	now := s.now()
	until := now.Add(time.Duration(hours) * time.Hour).Truncate(time.Second)
	return until, s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`update technician set open_until = ? where login = ? and external = 1 and state = 'enrolled'`, until.Unix(), login)
		if err != nil {
			return err
		}
		if n != 1 {
			return t.whyNotOpened(login)
		}
		return t.record(now, &journal.TechnicianOpened{Login: login, Until: until.Unix(), By: t.by})
	})
}

// whyNotOpened says what an account lacks to be let in for some hours.
func (t *transaction) whyNotOpened(login string) error {
	row := t.QueryRowContext(t, `select `+accountColumns+` from technician where login = ?`, login)
	a, err := scanAccount(row.Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w: %s", ErrUnknown, login)
	case err != nil:
		return fmt.Errorf("server: database: %w", err)
	case a.state == dbDisabled:
		return fmt.Errorf("%w: %s is disabled; invite them anew (technician add --external)", ErrTechnician, login)
	case !a.External:
		return fmt.Errorf("%w: %s is no external technician and needs no opening", ErrTechnician, login)
	}
	return fmt.Errorf("%w: %s is no external technician who has enrolled; they must use their code first (technician add makes a new one)", ErrTechnician, login)
}

// check refuses what a certificate or the dialog could not bear. A comma would be two zones in the
// database.
func (w *Technician) check() error {
	if !isLogin(w.Login) {
		return fmt.Errorf("%w: a login has 1 to %d of a-z 0-9 . _ @ - and begins with a letter or digit", ErrTechnician, wire.MaxLogin)
	}
	if err := checkLabel(w.Name); err != nil {
		return fmt.Errorf("%w: the name %w", ErrTechnician, err)
	}
	if err := checkLabel(w.Role); err != nil {
		return fmt.Errorf("%w: the role %w", ErrTechnician, err)
	}
	if len(w.Zones) > wire.MaxZones {
		return fmt.Errorf("%w: more than %d zones", ErrTechnician, wire.MaxZones)
	}
	for _, z := range w.Zones {
		if err := checkLabel(z); err != nil || strings.Contains(z, ",") {
			return fmt.Errorf("%w: zone %q", ErrTechnician, z)
		}
	}
	return nil
}

// isLogin allows what can be read out over the phone and stands in a log or a command as it is;
// case does not count, so there is only one.
func isLogin(s string) bool {
	if s == "" || len(s) > wire.MaxLogin || strings.ContainsRune("._@-", rune(s[0])) {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._@-", r) {
			return false
		}
	}
	return true
}

// crockford has no I, L, O or U to mistake.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newCode is an enrolment code: 100 bits in four groups of five.
func newCode() string {
	text := base32.NewEncoding(crockford).EncodeToString(randomBytes(15))[:20]
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:]
}

// hashCode forgives case, spaces, hyphens and look-alikes. The code has too many
// bits to be guessed from its hash, so a fast one will do.
func hashCode(code string) []byte {
	bare := strings.NewReplacer(" ", "", "-", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(code))
	sum := sha256.Sum256([]byte("assist/enrolment/1\x00" + bare))
	return sum[:]
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

// fromUnix reads the database's "never".
func fromUnix(t int64) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(t, 0)
}
