// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"log/slog"

	"assist/internal/screen"
)

// open chooses the mechanism: X11, which on a Wayland desktop is refused by
// the compositor's own rules (only X programs would be seen).
func open(f *feed, log *slog.Logger) (source, hand, error) {
	x, err := openX11(f, log)
	if err != nil {
		return nil, nil, err
	}
	return x, &x.pointer, nil
}

func monitors() (screen.Layout, error) { return monitorsX11() }
