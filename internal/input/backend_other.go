// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows && !darwin

package input

import (
	"io"
	"log/slog"
)

func openBackend(*Watcher, *slog.Logger) (backend, error) { return backend{}, ErrUnsupported }

func watchBackend(*Watcher, *slog.Logger) (stop func(), err error) { return nil, ErrUnsupported }

// Guard has nothing to let go of.
func Guard(io.Reader, io.Writer) error { return ErrUnsupported }

// occupyDisplay has nothing to do: no screen is shared on this system yet.
func occupyDisplay() (release func(), lost <-chan struct{}, err error) { return func() {}, nil, nil }
