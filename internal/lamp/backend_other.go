// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package lamp

import (
	"log/slog"

	"assist/internal/consent"
)

func probe(string) error { return ErrUnsupported }

// eye looks at windows: not here yet.
type eye struct{}

func (*eye) clear(string, uint32, []uint32) bool { return false }

func light(Options, consent.Status, consent.Beat) (*Lit, error) { return nil, ErrUnsupported }

// Douse puts the banner out.
func (l *Lit) Douse() {}

// Hotkey is the key that ends everything.
type Hotkey struct{}

// NewHotkey grabs Ctrl+Alt+Escape: not here yet.
func NewHotkey(*slog.Logger, func()) (*Hotkey, error) { return nil, ErrUnsupported }

// Close gives the key back.
func (h *Hotkey) Close() error { return nil }
