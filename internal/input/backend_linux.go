// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"log/slog"
	"os"
)

var errNoDisplay = errors.New("DISPLAY is not set")

func openBackend(w *Watcher, log *slog.Logger) (backend, error) {
	display := os.Getenv("DISPLAY")
	if display == "" {
		return backend{}, errNoDisplay
	}
	x, err := openX11(display, w, log)
	if err != nil {
		return backend{}, err
	}
	return backend{in: x, own: x, text: x, end: x}, nil
}

func watchBackend(w *Watcher, log *slog.Logger) (stop func(), err error) {
	display := os.Getenv("DISPLAY")
	if display == "" {
		return nil, errNoDisplay
	}
	return watchX11(display, w, log)
}
