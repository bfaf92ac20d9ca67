// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"
	"math"
	"time"

	"assist/internal/screen"
	"assist/internal/wire"
)

// mode is what the technician's mouse and keyboard do.
type mode uint8

const (
	modeWatch mode = iota // nothing: looking only
	modePoint             // the mouse shows a pointer on the host's screen
	modeDrive             // mouse and keyboard drive the host
)

// notch is one step of a wheel as it travels.
const notch = 120

// hands turns gestures into messages, for all windows of a session: it knows the
// mode and what the host holds down. It belongs to the toolkit's goroutine.
type hands struct {
	box     *outbox
	keys    *keyboard
	mode    mode
	buttons map[uint8]bool // held down at the host
	pointed *wire.Point    // last visible pointer sent; nil when hidden
	carry   [2]float64     // parts of a wheel step not yet sent, x and y, in 1/120 notch
	text    *dictation     // being typed; nil: none
	refused func()         // told of a click that does nothing in this mode
}

func newHands(box *outbox, keys *keyboard, refused func()) *hands {
	return &hands{box: box, keys: keys, buttons: map[uint8]bool{}, refused: refused}
}

// setMode changes over; what the old mode left at the host is taken back first.
func (h *hands) setMode(m mode) {
	if m == h.mode {
		return
	}
	h.stopText()
	h.letGo()
	h.hidePointer()
	h.mode = m
}

// letGo releases everything that the host holds down.
func (h *hands) letGo() {
	held := h.keys.letGo()
	if !held && len(h.buttons) == 0 {
		return
	}
	clear(h.buttons)
	h.box.put(item{input: &wire.ReleaseAll{}})
}

// hidePointer takes the technician's pointer off the host's screen.
func (h *hands) hidePointer() {
	if h.pointed == nil {
		return
	}
	p := *h.pointed
	p.Visible = false
	h.pointed = nil
	h.box.put(item{point: &p})
}

// holding reports whether a mouse button is down.
func (h *hands) holding() bool { return len(h.buttons) > 0 }

// move follows the mouse to a host pixel.
func (h *hands) move(id screen.MonitorID, at image.Point) {
	switch h.mode {
	case modeDrive:
		h.box.put(item{input: &wire.Move{Monitor: uint8(id), X: uint16(at.X), Y: uint16(at.Y)}})
	case modePoint:
		h.point(id, at)
	}
}

func (h *hands) point(id screen.MonitorID, at image.Point) {
	p := &wire.Point{Monitor: uint8(id), X: uint16(at.X), Y: uint16(at.Y), Visible: true}
	h.pointed = p
	h.box.put(item{point: p})
}

// button presses or releases a button, numbered as on the wire, at a host pixel.
func (h *hands) button(id screen.MonitorID, at image.Point, n uint8, down bool) {
	switch {
	case h.mode == modePoint && down:
		h.point(id, at)
	case h.mode == modeWatch && down:
		h.refused()
	case h.mode == modeDrive && down != h.buttons[n]:
		if down {
			h.buttons[n] = true
		} else {
			delete(h.buttons, n)
		}
		h.box.put(item{input: &wire.Button{Monitor: uint8(id),
			X: uint16(at.X), Y: uint16(at.Y), Button: n, Down: down}})
	}
}

// wheel turns the wheel by notches, positive down and right, and reports whether
// the host takes it.
func (h *hands) wheel(dx, dy float64) bool {
	if h.mode != modeDrive {
		return false
	}
	s := &wire.Scroll{DX: h.step(0, dx), DY: h.step(1, dy)}
	if s.DX != 0 || s.DY != 0 {
		h.box.put(item{input: s})
	}
	return true
}

// step returns the whole units in a turn of the wheel and keeps the fraction.
func (h *hands) step(axis int, notches float64) int16 {
	v := h.carry[axis] + notches*notch
	whole := math.Trunc(v)
	h.carry[axis] = v - whole
	return int16(min(max(whole, -wheelLimit), wheelLimit))
}

// key presses or releases a key by its scan code, and reports whether that
// completed the release chord. While a text is being typed Esc stops it, and nothing else.
func (h *hands) key(scan int, down bool) (chord bool) {
	if h.mode != modeDrive {
		return false
	}
	if down && h.text != nil && h.keys.table.usage(scan) == usageEscape {
		h.stopText()
		return false
	}
	var usage uint16
	if down {
		usage = h.keys.press(scan)
	} else {
		usage, chord = h.keys.release(scan)
	}
	if usage != 0 {
		h.box.put(item{input: &wire.Key{Usage: usage, Down: down}})
	}
	if chord {
		h.letGo()
	}
	return chord
}

// strikeHold is how long keys struck together stay down: a window manager that
// answers to Alt+Tab has to see Alt still down.
const strikeHold = 80 * time.Millisecond

// strike presses keys together, in order, and lets them go in reverse.
func (h *hands) strike(usages ...uint16) {
	if h.mode != modeDrive {
		h.refused()
		return
	}
	h.letGo()
	for _, u := range usages {
		h.box.put(item{input: &wire.Key{Usage: u, Down: true}})
	}
	if len(usages) > 1 {
		h.box.put(item{pause: strikeHold})
	}
	for i := len(usages) - 1; i >= 0; i-- {
		h.box.put(item{input: &wire.Key{Usage: usages[i]}})
	}
}

// write types a text whatever the host's layout; done is told what could not be typed.
func (h *hands) write(text string, done func(d *dictation, rest string)) {
	if h.mode != modeDrive {
		h.refused()
		return
	}
	h.letGo()
	h.text = newDictation(text, done)
	h.box.put(item{text: h.text})
}

// stopText ends the text that is being typed, if there is one.
func (h *hands) stopText() {
	if h.text != nil {
		h.text.stop()
	}
}
