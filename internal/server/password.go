// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"assist/internal/wire"
)

//go:embed common-passwords.txt
var commonPasswords string

// passwordCost is written into each hash, so that it can be raised later.
type passwordCost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

func currentCost() passwordCost { return passwordCost{64 << 10, 3, 1} }

const (
	passwordSalt   = 16
	passwordHash   = 32
	minDistinct    = 5 // different characters
	passwordFormat = "$argon2id$v=19$m=%d,t=%d,p=%d$"
)

// checkPassword refuses what is short, common, monotonous or says the login. It asks for no
// digits or signs: length is what counts, and people answer such rules with "1!" at the end.
func (s *Server) checkPassword(password, login string) error {
	if utf8.RuneCountInString(password) < s.cfg.Accounts.PasswordMin || len(password) > wire.MaxPassword {
		return errPassword
	}
	distinct := map[rune]bool{}
	for _, r := range strings.ToLower(password) {
		distinct[r] = true
	}
	if len(distinct) < minDistinct {
		return errPassword
	}
	bare := letters(password)
	if l := letters(login); l != "" && strings.ReplaceAll(bare, l, "") == "" && bare != "" {
		return errPassword
	}
	for _, common := range strings.Fields(commonPasswords) {
		if strings.EqualFold(password, common) || bare == common {
			return errPassword
		}
	}
	return nil
}

// letters is s in lower case without what people put around a common password
// to satisfy a rule.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// hashPassword waits for its turn, then takes about 0.2 s.
func (s *Server) hashPassword(ctx context.Context, password string) (string, error) {
	if err := s.hashing.enter(ctx); err != nil {
		return "", err
	}
	defer s.hashing.leave()
	salt := make([]byte, passwordSalt)
	rand.Read(salt) // never fails
	c := currentCost()
	return c.format(salt, c.key(password, salt, passwordHash)), nil
}

// passwordIs compares with a stored hash; with none it takes as long and says no.
func (s *Server) passwordIs(ctx context.Context, stored, password string) (bool, error) {
	if err := s.hashing.enter(ctx); err != nil {
		return false, err
	}
	defer s.hashing.leave()
	cost, salt, want := weigh(stored)
	got := cost.key(password, salt, passwordHash)
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// weigh is what a comparison with a stored hash takes. Without one it takes what a
// new hash would, and the result matches nothing.
func weigh(stored string) (c passwordCost, salt, want []byte) {
	c, salt, want, err := parseHash(stored)
	if err != nil {
		return currentCost(), make([]byte, passwordSalt), nil
	}
	return c, salt, want
}

// key takes the cost of the stored hash, so that old ones stay good when new ones cost more.
func (c passwordCost) key(password string, salt []byte, n uint32) []byte {
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, n)
}

func (c passwordCost) format(salt, hash []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf(passwordFormat, c.memory, c.passes, c.lanes) + b.EncodeToString(salt) + "$" + b.EncodeToString(hash)
}

func parseHash(stored string) (c passwordCost, salt, hash []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 {
		return c, nil, nil, fmt.Errorf("server: not a password hash")
	}
	_, err = fmt.Sscanf(strings.Join(parts[:4], "$")+"$", passwordFormat, &c.memory, &c.passes, &c.lanes)
	if err != nil {
		return c, nil, nil, fmt.Errorf("server: not a password hash: %w", err)
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, fmt.Errorf("server: not a password hash: %w", err)
	}
	if hash, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(hash) != passwordHash {
		return c, nil, nil, fmt.Errorf("server: not a password hash")
	}
	return c, salt, hash, nil
}
