// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	"assist/internal/consent"
	"assist/internal/wire"
)

// maxDeeds bounds what one record keeps; what comes after is only counted.
const maxDeeds = 200

// Act is a kind of thing done in an intervention.
type Act uint8

// Acts. Rights say which, where that matters.
const (
	ActBegan     Act = iota + 1
	ActAsked         // the technician asked for more
	ActGranted       // the person granted it
	ActRefused       // the person did not
	ActReleased      // the technician gave rights back
	ActTakenBack     // the person took rights back
	ActPaused
	ActResumed
	ActLimited // a new charter of the unit took rights back
	ActDrove   // the first use of mouse or keyboard since it was granted
	ActEnded
)

// Deed is one thing done.
type Deed struct {
	At     time.Time
	Act    Act
	Rights consent.Rights
}

// Record is what is known of an intervention when it is over. The app keeps it
// for the person.
type Record struct {
	Session wire.SessionID
	Who     consent.Card
	Login   string // who logged in, and from where, as the server vouches
	Address string
	Reason  string // why the technician asked
	Began   time.Time
	Length  time.Duration
	Allowed consent.Rights // all that was ever granted
	Done    []Deed
	Dropped int // deeds beyond what a record keeps
	End     wire.EndReason
	Words   [3]string
}

func (r *Record) add(d Deed) {
	if len(r.Done) >= maxDeeds {
		r.Dropped++
		return
	}
	r.Done = append(r.Done, d)
}
