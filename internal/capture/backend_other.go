// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows && !darwin

package capture

import (
	"log/slog"

	"assist/internal/screen"
)

func open(*feed, *slog.Logger) (source, hand, error) { return nil, nil, ErrUnsupported }

func monitors() (screen.Layout, error) { return nil, ErrUnsupported }
