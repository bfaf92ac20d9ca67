// SPDX-License-Identifier: Apache-2.0

package input

import (
	"image"
	"log/slog"

	"github.com/go-vgo/robotgo/win"
	"golang.org/x/sys/windows"
)

func openBackend(_ *Watcher, _ *slog.Logger) (backend, error) {
	r := &robot{
		move:   func(x, y int) { win.Move(x, y) },
		toggle: func(button, state string) error { return win.Toggle(button, state) },
		scroll: func(x, y int) { win.Scroll(x, y, 0) },
		key:    func(name, state string) error { return win.KeyToggle(name, state) },
		write:  func(text string) { win.Type(text) },
		place:  win.Location,
		own:    func() (bool, error) { return ownWindow(windows.GetForegroundWindow()) },
	}
	at := windows.NewLazySystemDLL("user32.dll").NewProc("WindowFromPoint")
	r.ownAt = func(p image.Point) (bool, error) {
		// a POINT is two 32-bit numbers in one argument
		h, _, _ := at.Call(uintptr(uint64(uint32(int32(p.X))) | uint64(uint32(int32(p.Y)))<<32))
		return ownWindow(windows.HWND(h))
	}
	return backend{in: r, own: r, text: r, end: r}, nil
}

func ownWindow(h windows.HWND) (bool, error) {
	if h == 0 {
		return false, nil
	}
	var pid uint32
	if _, err := windows.GetWindowThreadProcessId(h, &pid); err != nil {
		return false, err
	}
	return pid == windows.GetCurrentProcessId(), nil
}

// watchBackend needs a low-level hook, which is not written yet; without it a
// Desk cannot be opened.
func watchBackend(*Watcher, *slog.Logger) (stop func(), err error) { return nil, ErrUnsupported }

// occupyDisplay has nothing to do: no screen is shared on this system yet.
func occupyDisplay() (release func(), lost <-chan struct{}, err error) { return func() {}, nil, nil }
