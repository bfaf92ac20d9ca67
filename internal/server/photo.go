// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"assist/internal/journal"
	"assist/internal/photo"
	"assist/internal/trust"
)

// SetPhoto makes the middle square of a picture (JPEG or PNG) the photo that people read
// beside a technician's name, and returns its SHA-256 in hexadecimal. It is shown once a
// charter names it. The one before is gone at once.
func (s *Server) SetPhoto(ctx context.Context, login string, picture io.Reader) (string, error) {
	b, err := photo.Make(picture)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrTechnician, err)
	}
	hash := sha256.Sum256(b)
	sum := hex.EncodeToString(hash[:])
	return sum, s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`update technician set photo = ?, photo_sum = ? where login = ? and state <> 'disabled'`, b, sum, login)
		if err == nil && n != 1 {
			err = fmt.Errorf("%w: %s, or disabled", ErrUnknown, login)
		}
		if err != nil {
			return err
		}
		return t.record(s.now(), &journal.PhotoChanged{Login: login, By: t.by})
	})
}

// RemovePhoto erases a technician's photo: from then on nobody is sent it. The next
// charter does not name it any more.
func (s *Server) RemovePhoto(ctx context.Context, login string) error {
	return s.store.write(ctx, func(t *transaction) error {
		n, err := t.exec(`update technician set photo = null, photo_sum = '' where login = ? and photo is not null`, login)
		if err == nil && n != 1 {
			err = fmt.Errorf("%w: %s, or there is no photo", ErrUnknown, login)
		}
		if err != nil {
			return err
		}
		return t.record(s.now(), &journal.PhotoChanged{Login: login, Removed: true, By: t.by})
	})
}

// WritePhoto leaves a technician's photo, as people see it, in a new file: whoever signs
// the charter can look at what its hash stands for.
func (s *Server) WritePhoto(ctx context.Context, login, path string) error {
	b, err := s.store.photo(ctx, photoByLogin, login)
	if err == nil && b == nil {
		err = fmt.Errorf("%w: %s, or there is no photo", ErrUnknown, login)
	}
	if err != nil {
		return err
	}
	return writeFile(path, b)
}

const (
	photoByLogin = `select photo from technician where login = ?`
	photoBySum   = `select photo from technician where id = ? and photo_sum = ?`
)

// photo returns nil without an error when there is none.
func (st *store) photo(ctx context.Context, query string, args ...any) (b []byte, err error) {
	err = st.reader.QueryRowContext(ctx, query, args...).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("server: database: %w", err)
	}
	return b, nil
}

// photo is the one that the certificate of a request names, or nothing: no request waits
// for a photo, and one of another certificate would be refused.
func (t *technician) photo(ctx context.Context, certificate []byte) []byte {
	card, err := trust.VerifyCertificate(certificate, t.server.unit, t.server.now())
	if err != nil || card.Photo == [32]byte{} {
		return nil
	}
	b, err := t.server.store.photo(ctx, photoBySum, t.account.id, formatPin(card.Photo))
	if err == nil {
		err = trust.CheckPhoto(card, b)
	}
	if err != nil {
		t.server.log.Warn("a photo is left out", "error", err)
		return nil
	}
	return b
}
