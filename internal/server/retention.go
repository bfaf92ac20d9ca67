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
	err := s.store.write(ctx, func(t *transaction) (err error) {
		if _, err := journal.Sign(t, t.Tx, s.journal, now); err != nil {
			return err
		}
		if done, err = journal.Purge(t, t.Tx, now, before, by); err != nil || done == nil {
			return err
		}
		if !clockIsRight {
			if err := journal.Steady(t, t.Tx, now); err != nil {
				return err
			}
		}
		return t.purgeSessions(before)
	})
	if err != nil || done == nil {
		return nil, err
	}
	// What was erased must not linger in the write-ahead log.
	if _, err := s.store.writer.ExecContext(ctx, `pragma wal_checkpoint(truncate)`); err != nil {
		return done, fmt.Errorf("server: database: %w", err)
	}
	return done, nil
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
