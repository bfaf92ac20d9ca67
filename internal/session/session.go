// SPDX-License-Identifier: Apache-2.0

// Package session runs one intervention from the request to the goodbye, as the
// host (Host) or as the technician (Technician).
//
// It is pure logic: it opens no connection, reads no screen and presses no key
// itself. All that acts comes in through the small interfaces of ports.go, and
// all that may touch the person's desktop is handed the consent it needs.
//
// Each intervention is owned by one goroutine, which every ending reaches by the
// same way: the first cause wins, rights are revoked before anything is sent,
// and nothing that the network does can hold that up.
package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assist/internal/consent"
	"assist/internal/wire"
)

// Time limits of an intervention.
const (
	ConnectTime  = 15 * time.Second       // from the answer to the first message
	SilenceTime  = 12 * time.Second       // nothing heard for so long: the other end is lost
	StaleTime    = 3 * time.Second        // nothing heard for so long: said to the technician
	RefineAfter  = 250 * time.Millisecond // without a new picture, the last one is made better
	ByeTime      = 500 * time.Millisecond // for a goodbye to leave
	AnswerMargin = 15 * time.Second       // for an answer to travel
	darkTime     = 3 * time.Second        // for the banner to go out
	sendTime     = 5 * time.Second        // for a message through the server
	pingEvery    = time.Second
	holdEvery    = 100 * time.Millisecond // between two pings while the technician holds a key or a button
	holdTime     = 500 * time.Millisecond // nothing heard for so long: what is held is let go
	replyTime    = 100 * time.Millisecond // for a reply to leave; a late pong says nothing
	wantAgain    = 10 * time.Second       // between a refusal and the next wish
	yieldTime    = 2 * time.Second        // as long as the person at the machine outranks the technician
)

// What an end may refuse, for the line that it keeps about it.
const (
	AboutRequest  = "request"  // as it reached the host
	AboutQuestion = "question" // that went before the person had answered
	AboutPledge   = "pledge"   // of a host
	AboutAnswer   = "answer"   // likewise
	AboutLink     = "link"     // the connection of the two ends

	AboutCertificate = "certificate" // this technician's own, as the server has it
)

// Attempt is a request that had proved who asks, and came to nothing here: the name on the
// charter's card, and why.
type Attempt struct {
	Who string
	Err error
}

// Error leaves the name out: it is in no log.
func (a *Attempt) Error() string { return a.Err.Error() }

// Unwrap is why.
func (a *Attempt) Unwrap() error { return a.Err }

var (
	// ErrNotLive says that there is no live session to do this with.
	ErrNotLive = errors.New("session: not live")
	// ErrUnable says that this computer cannot be shared; what it wraps says why.
	ErrUnable = errors.New("session: this computer cannot be shared")
	// ErrUnwritten says that nothing was begun because no record of it could be kept.
	ErrUnwritten = errors.New("session: no record can be kept")
	// ErrConfig says that something needed was not given.
	ErrConfig = errors.New("session: incomplete configuration")
)

// Ended is the cause of everything that stops because the intervention did.
type Ended struct{ Reason wire.EndReason }

// Error says that the session ended; the sentence for people is written in ui.
func (e *Ended) Error() string { return fmt.Sprintf("session: ended, reason %d", e.Reason) }

// reasonOf says why an intervention ended, from the cause that ended it.
func reasonOf(cause error) wire.EndReason {
	var ended *Ended
	switch {
	case errors.As(cause, &ended):
		return ended.Reason
	case errors.Is(cause, consent.ErrLampLost):
		return wire.EndLampLost
	case errors.Is(cause, consent.ErrExpired):
		return wire.EndExpired
	case errors.Is(cause, consent.ErrAbsent):
		return wire.EndPresence
	case errors.Is(cause, consent.ErrReported):
		return wire.EndReported
	case errors.Is(cause, consent.ErrRefused), errors.Is(cause, consent.ErrRevoked):
		return wire.EndUserCut
	}
	return wire.EndNetworkLost
}

// fromTechnician is the reason to believe when a technician says goodbye: they
// cannot speak for the person at the machine.
func fromTechnician(r wire.EndReason) wire.EndReason {
	switch r {
	case wire.EndCancelled, wire.EndNetworkLost, wire.EndProtocol, wire.EndTechnicianLost:
		return r
	}
	return wire.EndTechnician
}

// over says whether something has ended.
func over(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// fromServer is the reason to believe at the host when the server ends a call.
func fromServer(r wire.EndReason) wire.EndReason {
	switch r {
	case wire.EndCancelled, wire.EndTechnician, wire.EndTechnicianLost, wire.EndNetworkLost,
		wire.EndProtocol, wire.EndExpired:
		return r
	case 0:
		return wire.EndNetworkLost
	}
	return wire.EndServerStopped
}

// ofHost reports whether a reason is the host's to give: of the person, or of their computer.
func ofHost(r wire.EndReason) bool {
	switch r {
	case wire.EndUserCut, wire.EndReported, wire.EndHostClosed, wire.EndRefused, wire.EndLocked, wire.EndPresence,
		wire.EndLampLost, wire.EndScreenLost, wire.EndInputOff:
		return true
	}
	return false
}

// orMalformed adds to what the app knows of broken protocols what package wire
// says of them.
func orMalformed(broke func(error) bool) func(error) bool {
	return func(err error) bool {
		return errors.Is(err, wire.ErrMalformed) || (broke != nil && broke(err))
	}
}

// lossOf is why a link that failed with err has gone.
func lossOf(broke func(error) bool, err error) wire.EndReason {
	if err != nil && broke(err) {
		return wire.EndProtocol
	}
	return wire.EndNetworkLost
}

// nudge fills a one-slot channel.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// briefly gives a goodbye its time, whatever else has ended.
func briefly(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// pauseOf says to the technician what package consent says here.
func pauseOf(p consent.Pause) wire.PauseCause {
	switch p {
	case consent.PauseUser:
		return wire.PauseUser
	case consent.PauseLamp:
		return wire.PauseLamp
	case consent.PausePresence:
		return wire.PausePresence
	case consent.PauseDialog:
		return wire.PauseDialog
	}
	return wire.PauseNone
}
