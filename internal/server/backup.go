// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Backup copies the data directory to a new one, which Open can use as it is,
// with the files in it that the configuration names.
// It may be made beside a running server. One that fails leaves nothing.
func (s *Server) Backup(ctx context.Context, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return fmt.Errorf("server: backup: %w", err)
	}
	if err := s.copyTo(ctx, to); err != nil {
		return fullFile(to, errors.Join(err, os.RemoveAll(to)))
	}
	return nil
}

// named are the files of others that the configuration names, each as a path in the data directory
// where it lies there; away are those that lie elsewhere, and the passphrase, which beside the
// sealed key would open it.
func (s *Server) named() (here, away []string) {
	c := s.cfg.Journal
	for _, f := range []string{c.SyslogAuthority, c.SyslogCertificate, c.SyslogKey} {
		rel, err := filepath.Rel(s.dir, f)
		switch {
		case f == "":
		case err == nil && filepath.IsLocal(rel):
			here = append(here, rel)
		default:
			away = append(away, f)
		}
	}
	if f := s.cfg.Unit.PassphraseFile; f != "" {
		away = append(away, f)
	}
	return here, away
}

// NotCopied are the files that the configuration names and Backup leaves out.
func (s *Server) NotCopied() []string {
	_, away := s.named()
	return away
}

// copyNamed copies what a restored server would miss, such as the authority of its syslog server. One
// that is not there is missed already, and check says so: it must not keep a night's copy from being.
func (s *Server) copyNamed(to string) error {
	here, _ := s.named()
	for _, f := range here {
		b, err := os.ReadFile(s.path(f))
		if errors.Is(err, os.ErrNotExist) || slices.Contains(ourFiles(), f) {
			continue
		}
		if err == nil {
			err = os.MkdirAll(filepath.Join(to, filepath.Dir(f)), 0o700)
		}
		if err != nil {
			return fmt.Errorf("server: backup: %w", err)
		}
		if err := writeFile(filepath.Join(to, f), b); err != nil && !errors.Is(err, os.ErrExist) {
			return err // two keys may name one file
		}
	}
	return nil
}

func (s *Server) copyTo(ctx context.Context, to string) error {
	for _, f := range append(ourFiles(), fileRestart) {
		if strings.HasPrefix(f, fileDatabase) {
			continue
		}
		b, err := os.ReadFile(s.path(f))
		if errors.Is(err, os.ErrNotExist) && (f == fileUnitKey || f == fileUnitNext || f == fileTLSNext || f == fileRestart || f == fileCheckpoint) {
			continue // kept elsewhere, or none
		}
		if err != nil {
			return fmt.Errorf("server: backup: %w", err)
		}
		if err := writeFile(filepath.Join(to, f), b); err != nil {
			return err
		}
	}
	if err := s.copyNamed(to); err != nil {
		return err
	}
	database := filepath.Join(to, fileDatabase)
	if err := writeFile(database, nil); err != nil {
		return err
	}
	// One transaction: what another process writes meanwhile is in or out as a
	// whole. An empty file may be the target.
	if _, err := s.store.writer.ExecContext(ctx, `vacuum into ?`, database); err != nil {
		return fmt.Errorf("server: backup: %w", err)
	}
	return nil
}
