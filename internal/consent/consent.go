// SPDX-License-Identifier: Apache-2.0

// Package consent decides whether a remote person may see or drive this
// desktop, and takes it back at once.
//
// A Lease is born in Gate.Ask and nowhere else: the person at the machine
// answers a question, a banner is lit, then the lease exists. A View, a Pointer
// and a Control come only from a live Lease, and what they permit runs inside
// their Do. There is no question "may I?" that could be asked once and
// remembered: when Revoke, Narrow or Pause has returned, not one more body of Do
// runs under what was taken back, and none is still running.
//
// The package imports the standard library alone, so that all of it can be read
// at one sitting.
package consent

import (
	"context"
	"errors"
	"image"
	"strings"
	"time"
)

// Times of the contract with the person.
const (
	AnswerTime  = 60 * time.Second       // no answer for so long is a refusal
	FreezeAfter = 500 * time.Millisecond // banner not seen: everything is held back
	LoseAfter   = 3 * time.Second        // banner not seen: the lease ends
	LightTime   = 3 * time.Second        // a banner not lit by then is no banner
	LeaseLife   = 30 * time.Minute       // then the person is asked again
	RenewBefore = 60 * time.Second       // how long before the end of life they are asked
)

var (
	// ErrBusy says that a lease lives, or a question is open already.
	ErrBusy = errors.New("consent: busy")
	// ErrRefused says that the person said no.
	ErrRefused = errors.New("consent: refused")
	// ErrReported says that the person said no and does not know who asks.
	ErrReported = errors.New("consent: refused and reported")
	// ErrNoAnswer says that the question ran out.
	ErrNoAnswer = errors.New("consent: no answer")
	// ErrNoLamp says that no banner could be lit, so nothing was leased.
	ErrNoLamp = errors.New("consent: no banner")
	// ErrNotGranted says that the right is not part of the lease, or may never be.
	ErrNotGranted = errors.New("consent: not granted")
	// ErrRevoked says that the right was taken back, or never existed.
	ErrRevoked = errors.New("consent: revoked")
	// ErrPaused says that the right is held back for the moment.
	ErrPaused = errors.New("consent: paused")
	// ErrLampLost is the cause of a lease ended because its banner was not seen.
	ErrLampLost = errors.New("consent: banner lost")
	// ErrExpired is the cause of a lease that reached its end of life.
	ErrExpired = errors.New("consent: expired")
)

// Rights is a set of things that a remote person may do.
type Rights uint16

// The rights, each a step of the ladder.
const (
	RightView    Rights = 1 << iota // see the screens
	RightPoint                      // show a second pointer on them
	RightControl                    // use the mouse and the keyboard
)

// AllRights is every right there is.
const AllRights = RightView | RightPoint | RightControl

// Has reports whether all of x is in r.
func (r Rights) Has(x Rights) bool { return r&x == x }

// String names the rights, for logs.
func (r Rights) String() string {
	var names []string
	for i, name := range [...]string{"view", "point", "control"} {
		if r.Has(1 << i) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "+")
}

// Card says who asks, from the verified certificate.
type Card struct {
	Name, Role, Unit string
	Until            time.Time // end of the certificate
}

// Question is what the person is asked.
type Question struct {
	Who      Card
	Photo    image.Image // of Who, that the unit signed as the card was; nil without one
	Reason   string
	Wanted   Rights        // already cut down to what policy allows
	Life     time.Duration // of each grant; 0 and more than LeaseLife are LeaseLife
	Words    [3]string
	Monitors int
	Widening bool      // more rights for a lease that lives
	Renewing bool      // the same rights for another LeaseLife
	Idle     bool      // whether the person is still there; the rights stay as they are
	Strict   bool      // only a device may say yes, no program that plays one; set by the gate
	Deadline time.Time // when silence becomes a refusal; set by the gate
}

// Asker puts a question to the person at the machine. It returns the rights
// granted, or ErrRefused, ErrReported, ErrNoAnswer or the context's error; when
// the context ends it takes its dialog away.
type Asker interface {
	Ask(ctx context.Context, q Question) (Rights, error)
}

// Pause says what holds a right back for the moment.
type Pause uint8

// Causes of a pause, the strongest first after PauseNone.
const (
	PauseNone     Pause = iota
	PauseUser           // the person pressed Pause
	PauseLamp           // the banner is not seen
	PausePresence       // nobody seems to be there, and the person is asked: input only
	PauseDialog         // a question is open: input only
)

// Status is what the banner shows.
type Status struct {
	Who      Card
	Rights   Rights
	Since    time.Time
	Paused   Pause // of the pictures
	Input    Pause // of mouse and keyboard
	Action   string
	ActionAt time.Time
}

// Lamp is the banner. Light returns once it is visible on every monitor, and
// from then on calls beat at least every 100 ms for as long as all of it is
// fully visible. Light and the methods of Lit are called from goroutines of this
// package's own, one call at a time.
type Lamp interface {
	Light(s Status, beat Beat) (Lit, error)
}

// Beat says which monitors show their banner whole, by their places on the
// desktop: no other place can be read (see View.On). Without any it says that
// banners are about to be moved or taken away, so that none is certain; that is
// no sign of life. It does not block.
type Beat func(shown []image.Rectangle)

// Lit is a banner that is on.
type Lit interface {
	Show(Status)
	Douse()
}
