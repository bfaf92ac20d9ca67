// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"assist/internal/journal"
)

// journalConfig is the journal's part of assist-server.toml.
type journalConfig struct {
	RetentionMonths   int    `toml:"retention_months"`
	RetentionReason   string `toml:"retention_reason"`
	Syslog            string `toml:"syslog"`
	SyslogAuthority   string `toml:"syslog_authority"`
	SyslogCertificate string `toml:"syslog_certificate"`
	SyslogKey         string `toml:"syslog_key"`
}

func (c *journalConfig) check() *badKey {
	top := journal.MaxMonthsEver
	if c.RetentionReason == "" {
		top = journal.MaxMonths
	}
	if c.RetentionMonths < journal.MinMonths || c.RetentionMonths > top {
		return &badKey{"journal.retention_months", fmt.Sprintf("is not between %d and %d; more than %d, up to %d, needs journal.retention_reason",
			journal.MinMonths, top, journal.MaxMonths, journal.MaxMonthsEver)}
	}
	if c.RetentionReason != "" && checkLabel(c.RetentionReason) != nil {
		return &badKey{"journal.retention_reason", checkLabel(c.RetentionReason).Error()}
	}
	if host, port, err := net.SplitHostPort(c.Syslog); c.Syslog != "" && (err != nil || host == "" || !isPort(port)) {
		return &badKey{"journal.syslog", "must be host:port, such as syslog.example.org:6514, or empty"}
	}
	if (c.SyslogCertificate == "") != (c.SyslogKey == "") {
		return &badKey{"journal.syslog_key", "and journal.syslog_certificate go together"}
	}
	return nil
}

// from makes the files' names start where the configuration is.
func (c *journalConfig) from(dir string) {
	for _, f := range []*string{&c.SyslogAuthority, &c.SyslogCertificate, &c.SyslogKey} {
		if *f != "" && !filepath.IsAbs(*f) {
			*f = filepath.Join(dir, *f)
		}
	}
}

// keepRetention records for how long entries are kept, when that has changed.
func (s *Server) keepRetention(ctx context.Context) error {
	now := journal.JournalRetention{Months: s.cfg.Journal.RetentionMonths, Reason: s.cfg.Journal.RetentionReason}
	last, err := journal.Last(ctx, s.store.reader, now.Type())
	if err != nil {
		return err
	}
	if last != nil {
		if before, ok := last.Event.(*journal.JournalRetention); ok && *before == now {
			return nil
		}
	}
	return s.record(ctx, &now)
}

// Purge erases what is older than the retention, but for sessions on hold. It returns
// nil when there was nothing. Unless somebody looked at the clock, ErrClock refuses what
// one that jumped would erase.
func (s *Server) Purge(ctx context.Context, by string, clockIsRight bool) (*journal.JournalPurged, error) {
	now := s.now().UTC() // months are counted as journal.Verify counts them
	before := now.AddDate(0, -s.cfg.Journal.RetentionMonths, 0)
	var done *journal.JournalPurged
	var signed journal.Checkpoint
	err := s.store.write(ctx, func(t *transaction) (err error) {
		if signed, err = s.signIn(t); err != nil {
			return err
		}
		if done, err = journal.Purge(t, t.Tx, journal.Purging{Now: now, Before: before, By: by, Key: s.journal.Public()}); err != nil || done == nil {
			return err
		}
		if !clockIsRight {
			running, err := t.ranLately(now)
			if err == nil {
				err = journal.Steady(t, t.Tx, now, running)
			}
			if err != nil {
				return err
			}
		}
		return t.purgeSessions(before)
	})
	if err == nil {
		err = s.keep(ctx, signed, false)
	}
	if err != nil || done == nil {
		return nil, err
	}
	// What was erased must not linger in the write-ahead log.
	if _, err := s.store.writer.ExecContext(ctx, `pragma wal_checkpoint(truncate)`); err != nil {
		return done, fullStore(s.dir, fmt.Errorf("server: database: %w", err))
	}
	return done, nil
}

// keptDays is how many of the days on which the server ran are remembered.
const keptDays = 40

// noteDay remembers that the server ran today. A server that nobody uses has nothing else
// to tell a year that went by from a clock that jumped by one.
func (s *Server) noteDay(ctx context.Context) error {
	return s.store.write(ctx, func(t *transaction) error {
		if _, err := t.exec(`insert into ran values (?) on conflict do nothing`, dayOf(s.now())); err != nil {
			return err
		}
		_, err := t.exec(`delete from ran where day not in (select day from ran order by day desc limit ?)`, keptDays)
		return err
	})
}

// ranLately reports whether the server ran on a day that ended a day to 30 days ago.
func (t *transaction) ranLately(now time.Time) (bool, error) {
	var days int
	err := t.QueryRowContext(t, `select count(*) from ran where day >= ? and day < ?`,
		dayOf(now.AddDate(0, 0, -30)), dayOf(now.AddDate(0, 0, -1))).Scan(&days)
	if err != nil {
		return false, fmt.Errorf("server: database: %w", err)
	}
	return days > 0, nil
}

// purgeSessions drops the rows of sessions whose entries are gone.
func (t *transaction) purgeSessions(before time.Time) error {
	_, err := t.exec(`delete from session where asked < ? and id not in (select session from journal where session <> '')`, before.Unix())
	return err
}

// Hold keeps a session's entries whatever their age; Release lets them go.
func (s *Server) Hold(ctx context.Context, session string, w Who) error {
	if strings.TrimSpace(w.Reason) == "" {
		return ErrReason
	}
	return s.store.write(ctx, func(t *transaction) error {
		return journal.Hold(t, t.Tx, s.now(), &journal.SessionHeld{Session: session, By: w.By, Reason: w.Reason})
	})
}

// Release ends a hold.
func (s *Server) Release(ctx context.Context, session string, w Who) error {
	if strings.TrimSpace(w.Reason) == "" {
		return ErrReason
	}
	return s.store.write(ctx, func(t *transaction) error {
		return journal.Release(t, t.Tx, s.now(), &journal.SessionReleased{Session: session, By: w.By, Reason: w.Reason})
	})
}

// Held lists the sessions on hold.
func (s *Server) Held(ctx context.Context) ([]string, error) {
	return journal.Held(ctx, s.store.reader)
}
