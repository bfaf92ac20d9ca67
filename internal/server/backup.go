// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Backup copies the data directory to a new one, which Open can use as it is.
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
