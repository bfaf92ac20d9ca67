// SPDX-License-Identifier: Apache-2.0

// Package input drives this desktop's mouse and keyboard for as long as a
// consent.Control lives, and gives way to the person who sits at it.
//
// A Desk does what the technician asks; each event runs inside Control.Do. A
// Watcher tells what the person at the machine does from what a Desk does. No
// event reaches a window of this process: neither the banner nor a dialog can
// be clicked from afar.
//
// Keys travel as physical keys, so the layout of this machine decides what they
// type. Text is typed as the characters themselves.
package input

import (
	"errors"
	"image"
	"log/slog"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
)

// Why an event was not done. Errors of consent.Control.Do are passed on as well.
var (
	ErrYield       = errors.New("input yields to the person at the machine")
	ErrOwnWindow   = errors.New("input may not reach a window of assist")
	ErrHeld        = errors.New("input is held while a dialog is open")
	ErrClosed      = errors.New("input is closed")
	ErrNoMonitor   = errors.New("no such monitor")
	ErrUnknownKey  = errors.New("this system has no such key")
	ErrUntypable   = errors.New("a character cannot be typed here")
	ErrNoWatcher   = errors.New("input needs a watcher of local activity")
	ErrOccupied    = errors.New("another assist is open on this display")
	ErrUnsupported = errors.New("this system cannot be driven")
)

// Pauses of a Desk.
const (
	// YieldFor is how long after the person's last activity a Desk does nothing.
	YieldFor = 2 * time.Second
	// heldPoll is how often a Desk that holds a key or a button asks whether it still may.
	heldPoll = 25 * time.Millisecond
	// hangLimit is how long the end of a Desk waits for a system that does not answer.
	hangLimit = 3 * time.Second
)

// Options are what a Desk needs besides the permission. Log may be nil, and so
// may Held.
type Options struct {
	Layout func() screen.Layout // the monitors as they are now
	Held   func() bool          // true while one of our dialogs is open: nothing is done
	Local  *Watcher             // the person at the machine
	Log    *slog.Logger
}

// Open starts driving the desktop. The Desk closes itself when ctl ends.
func Open(ctl consent.Control, o Options) (*Desk, error) {
	if o.Local == nil {
		return nil, ErrNoWatcher
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Held == nil {
		o.Held = func() bool { return false }
	}
	if err := ctl.Live(); err != nil && !errors.Is(err, consent.ErrPaused) {
		return nil, err
	}
	b, err := openBackend(o.Local, o.Log)
	if err != nil {
		return nil, err
	}
	return newDesk(ctl, o, b), nil
}

// Occupy makes this process the only Assist of its display until release is called, or
// returns ErrOccupied; lost is closed when it is that no more. To a second one, with other
// settings, what a technician does through the first would be the person's hand: its questions
// and buttons would be within reach.
func Occupy() (release func(), lost <-chan struct{}, err error) { return occupyDisplay() }

// Watch begins to tell the person's activity from that of the Desks of this
// process. Log may be nil.
func Watch(log *slog.Logger) (*Watcher, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w := newWatcher()
	stop, err := watchBackend(w, log)
	if err != nil {
		return nil, err
	}
	w.stop = stop
	return w, nil
}

// deed is the kind of an action.
type deed uint8

const (
	deedMove   deed = iota // the pointer goes to at
	deedButton             // code is a button of package wire
	deedWheel              // code is a wheel direction; always a whole notch
	deedKey                // code is a HID usage
)

// Wheel directions.
const (
	wheelUp uint16 = iota
	wheelDown
	wheelLeft
	wheelRight
)

// action is one thing done to the desktop. At is in desktop coordinates as the
// layout gives them.
type action struct {
	deed deed
	at   image.Point
	code uint16
	down bool
}

// injector does things to the desktop.
type injector interface {
	// Inject does them in order and returns when the system has taken them all.
	Inject(as ...action) error
	// Release lets go of keys and buttons; it works while Inject is stuck.
	Release(as ...action) error
}

// ender ends a backend.
type ender interface {
	// Close frees everything, and undoes what typing has changed.
	Close()
	// Cut makes everything fail that waits for the system, Close too.
	Cut()
}

// inspector tells whether an event would reach a window of this process.
type inspector interface {
	// OwnAt is for the pointer at p; press also minds the frame round our window.
	OwnAt(p image.Point, press bool) (bool, error)
	// OwnFocus is for keys.
	OwnFocus() (bool, error)
	// Pointer is where the pointer is, in the system's coordinates.
	Pointer() (image.Point, error)
}

// typist types characters whatever the layout. Every change to the desktop runs
// inside permit, every wait outside of it; stop ends the waits.
type typist interface {
	Type(text string, permit func(func() error) error, stop <-chan struct{}) error
}

// backend is one system's mechanism.
type backend struct {
	in   injector
	own  inspector
	text typist
	end  ender
}
