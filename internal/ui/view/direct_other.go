// SPDX-License-Identifier: Apache-2.0

//go:build !cgo || ci || !linux

package view

import (
	"log/slog"

	"fyne.io/fyne/v2"
)

// newDirect returns nil: pictures go the toolkit's way.
func newDirect(fyne.Window, *slog.Logger) presenter { return nil }
