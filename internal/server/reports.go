// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"assist/internal/journal"
	"assist/internal/trust"
	"assist/internal/wire"
)

// reportsShown is how far back check counts reports.
const reportsShown = 30 * 24 * time.Hour

// reportFunc records, in the transaction under way, that the person at a machine reported
// its session. proof is what their host signed.
type reportFunc func(login, machine string, proof []byte) error

// reporting runs a transaction in which a session may be reported, and says in the log
// that it was: whoever reads it is to look at the journal. One record is enough however
// often it is said, so that nobody can fill the journal.
func (s *Server) reporting(ctx context.Context, id string, f func(t *transaction, report reportFunc) error) error {
	fresh := false
	err := s.store.write(ctx, func(t *transaction) error {
		fresh = false
		return f(t, func(login, machine string, proof []byte) error {
			e := &journal.SessionReported{Session: id, Login: login, Machine: machine, Signed: base64.StdEncoding.EncodeToString(proof)}
			var said int
			row := t.QueryRowContext(t, `select count(*) from journal where session = ? and session <> '' and type = ?`, id, e.Type())
			if err := row.Scan(&said); err != nil {
				return fmt.Errorf("server: database: %w", err)
			}
			if said > 0 {
				return nil
			}
			fresh = true
			return t.record(s.now(), e)
		})
	})
	if err == nil && fresh {
		s.log.Warn("the person at a machine reported a session: journal list --event session.reported", "session", id)
	}
	return err
}

// reportSession records that a machine's user reported one of its sessions, once the
// proof is seen to be this machine's own word of it.
func (s *Server) reportSession(ctx context.Context, m *wire.Report, by signer) error {
	id := hex.EncodeToString(m.Session[:])
	err := s.reporting(ctx, id, func(t *transaction, report reportFunc) error {
		p, err := t.past(id, by)
		if errors.Is(err, errProtocol) {
			return errNoMachine
		}
		if err != nil {
			return err
		}
		check, err := p.check(m.Session, by)
		if err != nil {
			return err
		}
		body, err := trust.VerifyReport(m.Proof, check)
		if err != nil {
			return fmt.Errorf("%w: a report: %w", errProtocol, err)
		}
		if _, refusal := body.(*wire.Answer); !refusal && !p.granted {
			return fmt.Errorf("%w: a report of a session that was not granted", errProtocol)
		}
		return report(p.login, p.machine, m.Proof)
	})
	if err != nil && !errors.Is(err, errNoMachine) && !errors.Is(err, errProtocol) {
		s.log.Error("a report could not be recorded", "error", err)
		return errJournal
	}
	return err
}

// reportsSince is how many sessions were reported since then.
func (st *store) reportsSince(ctx context.Context, since time.Time) (int, error) {
	var n int
	row := st.reader.QueryRowContext(ctx, `select count(*) from journal where type = ? and at >= ?`,
		(&journal.SessionReported{}).Type(), since.UnixMilli())
	if err := row.Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("server: database: %w", err)
	}
	return n, nil
}

// reports says that people reported technicians lately: somebody must look.
func (f *Findings) reports(ctx context.Context, s *Server) {
	n, err := s.store.reportsSince(ctx, s.now().Add(-reportsShown))
	if err != nil {
		f.add(Bad, "reports", "%v", err)
		return
	}
	if n > 0 {
		f.add(Note, "reports", "sessions reported by the person at the machine within %d days: %d (journal list --event session.reported)",
			int(reportsShown.Hours()/24), n)
	}
}
