// SPDX-License-Identifier: Apache-2.0

//go:build windows || darwin

package input

import (
	"fmt"
	"image"
	"io"
)

// Guard has nothing to let go of: no Desk opens here yet.
func Guard(io.Reader, io.Writer) error { return ErrUnsupported }

// robot drives systems whose own mechanism is not written yet by package robotgo,
// which knows keys by name and has three buttons.
type robot struct {
	move   func(x, y int)
	toggle func(button, state string) error
	scroll func(x, y int)
	key    func(name, state string) error
	write  func(text string)
	place  func() (x, y int)
	ownAt  func(p image.Point) (bool, error)
	own    func() (bool, error)
}

// Inject does actions in order.
func (r *robot) Inject(as ...action) error {
	for _, a := range as {
		if err := r.one(a); err != nil {
			return err
		}
	}
	return nil
}

// Release lets go of keys and buttons.
func (r *robot) Release(as ...action) error { return r.Inject(as...) }

// Close has nothing to free.
func (r *robot) Close() {}

// Cut has nothing to cut: no call waits.
func (r *robot) Cut() {}

// OwnAt reports whether the pointer at p would be over a window of this process.
func (r *robot) OwnAt(p image.Point, _ bool) (bool, error) { return r.ownAt(p) }

// OwnFocus reports whether a key would go to a window of this process.
func (r *robot) OwnFocus() (bool, error) { return r.own() }

// Pointer is where the pointer is.
func (r *robot) Pointer() (image.Point, error) {
	x, y := r.place()
	return image.Pt(x, y), nil
}

// Type types text by the system's own means.
func (r *robot) Type(text string, permit func(func() error) error, _ <-chan struct{}) error {
	return permit(func() error {
		r.write(text)
		return nil
	})
}

func (r *robot) one(a action) error {
	state := "up"
	if a.down {
		state = "down"
	}
	switch a.deed {
	case deedMove:
		r.move(a.at.X, a.at.Y)
	case deedButton:
		return r.button(a.code, state)
	case deedWheel:
		d := [...]image.Point{wheelUp: {Y: 1}, wheelDown: {Y: -1}, wheelLeft: {X: 1}, wheelRight: {X: -1}}[a.code]
		r.scroll(d.X, d.Y)
	case deedKey:
		return r.press(a.code, state)
	}
	return nil
}

func (r *robot) button(code uint16, state string) error {
	names := [...]string{1: "left", 2: "center", 3: "right"}
	if int(code) >= len(names) || names[code] == "" {
		return ErrUnknownKey
	}
	if err := r.toggle(names[code], state); err != nil {
		return fmt.Errorf("button: %w", err)
	}
	return nil
}

func (r *robot) press(usage uint16, state string) error {
	name := robotKey(usage)
	if name == "" {
		return ErrUnknownKey
	}
	if err := r.key(name, state); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	return nil
}

// robotKey names a HID usage as robotgo does.
func robotKey(usage uint16) string {
	const letters, digits, keypad = "abcdefghijklmnopqrstuvwxyz", "1234567890", "1234567890."
	switch {
	case usage >= 0x04 && usage <= 0x1d:
		return letters[usage-0x04:][:1]
	case usage >= 0x1e && usage <= 0x27:
		return digits[usage-0x1e:][:1]
	case usage >= 0x3a && usage <= 0x45:
		return fmt.Sprintf("f%d", usage-0x39)
	case usage >= 0x68 && usage <= 0x73:
		return fmt.Sprintf("f%d", usage-0x68+13)
	case usage >= 0x59 && usage <= 0x63:
		return "num" + keypad[usage-0x59:][:1]
	case usage >= 0xe0 && usage <= 0xe7:
		return [...]string{"ctrll", "shiftl", "altl", "cmd", "ctrlr", "shiftr", "altr", "cmdr"}[usage-0xe0]
	case usage >= 0x28 && usage <= 0x39:
		return [...]string{"enter", "esc", "backspace", "tab", "space", "-", "=", "[", "]", "\\", "\\",
			";", "'", "`", ",", ".", "/", "capslock"}[usage-0x28]
	case usage >= 0x46 && usage <= 0x58:
		return [...]string{"print", "scroll_lock", "pause", "insert", "home", "pageup", "delete", "end",
			"pagedown", "right", "left", "down", "up", "num_lock", "num/", "num*", "num-", "num+", "num_enter"}[usage-0x46]
	case usage == 0x65:
		return "menu"
	}
	return ""
}
