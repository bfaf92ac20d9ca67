// SPDX-License-Identifier: Apache-2.0

// Package ui shows the state of the app and carries the person's wishes to it: the
// main window with its two places, the accept dialog, the receipts, the settings.
//
// It decides nothing by itself but one thing, which no other package may: App is
// the only consent.Asker of the product. An acceptance needs the dialog to have been
// visible for a second, a deliberate act on the accept button, and a real press of
// a device as Config.Genuine sees it.
//
// All fields of the package's types belong to the toolkit's goroutine, except where
// a comment says otherwise.
package ui

import (
	"image"
	"log/slog"
	"time"

	"fyne.io/fyne/v2"

	"assist/internal/screen"
)

// Act is how a press was made.
type Act uint8

// Acts: a click, or the space bar. No other key presses what needs a genuine press.
const (
	ActClick Act = iota
	ActSpace
)

// Press is a press as the toolkit told of it. Any program can send such a word; whether a
// device stands behind it is for Config.Genuine to find out.
type Press struct {
	By     Act
	Window uintptr         // the system's number of the dialog; 0: not known
	Area   image.Rectangle // of the button or box that was pressed, in pixels of the window
	Since  time.Time       // a press begun before is not meant
	Strict bool            // nor one by a program that plays a device
}

// Config is all that the screens are made of. Trial may be nil when this build holds
// no server; everything else is needed.
type Config struct {
	App      fyne.App // made by the program with its ID
	Log      *slog.Logger
	Store    Store
	Helped   Helped
	Reins    Reins
	Receipts Receipts
	Refusals Refusals
	Joiner   Joiner
	Trial    Trial
	Helper   Helper
	Account  Account
	Asking   Asking
	// Check says whether a machine number of 12 digits holds its check digit.
	Check func(id string) error
	// Genuine says whether a device of this computer did this a moment ago, in that very
	// place, so that a click or key sent by another program counts for nothing, not even
	// while the person presses something else. It says so once for each deed.
	Genuine func(Press) bool
	// Clear says whether a window can be seen whole now, so that nobody accepts what
	// another program's window hides.
	Clear func(window uintptr) bool
	// Monitors is where this computer's monitors are; nil or an empty layout: dialogs
	// are centred as the system likes.
	Monitors func() screen.Layout
	// Session opens the session window; called on the toolkit's goroutine.
	Session func(Opening)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Version is shown in the settings.
	Version string
	// Locale is the system's language, such as "fr_FR.UTF-8"; the person's choice comes
	// first.
	Locale string
}
