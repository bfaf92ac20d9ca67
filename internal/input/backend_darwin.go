// SPDX-License-Identifier: Apache-2.0

package input

import (
	"image"
	"log/slog"

	"github.com/go-vgo/robotgo/darwin"
)

func openBackend(_ *Watcher, _ *slog.Logger) (backend, error) {
	// Whose window is where takes AppKit, which is not bound yet: nothing is done.
	unknown := func() (bool, error) { return false, ErrUnsupported }
	r := &robot{
		move:   func(x, y int) { darwin.Move(x, y) },
		toggle: func(button, state string) error { return darwin.Toggle(button, state) },
		scroll: func(x, y int) { darwin.Scroll(x, y, 0) },
		key:    func(name, state string) error { return darwin.KeyToggle(name, state) },
		write:  func(text string) { darwin.Type(text) },
		place:  darwin.Location,
		own:    unknown,
		ownAt:  func(image.Point) (bool, error) { return unknown() },
	}
	return backend{in: r, own: r, text: r, end: r}, nil
}

// watchBackend needs an event tap, which is not written yet; without it a Desk
// cannot be opened.
func watchBackend(*Watcher, *slog.Logger) (stop func(), err error) { return nil, ErrUnsupported }

// occupyDisplay has nothing to do: no screen is shared on this system yet.
func occupyDisplay() (release func(), lost <-chan struct{}, err error) { return func() {}, nil, nil }
