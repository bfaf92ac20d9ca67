// SPDX-License-Identifier: Apache-2.0

// Package rendezvous is the client's side of the dialogue with the server: a
// host registers and is called, a technician logs in and calls, both exchange
// the steps of connection set-up. It verifies nothing but the server's key; the
// envelopes that it carries are for package trust.
//
// A lost connection is made again by itself, for as long as the owner wants it.
// One goroutine reads each connection and owns what hangs on it.
package rendezvous

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"assist/internal/trust"
	"assist/internal/wire"
)

// Why a call to the server failed.
var (
	ErrPin     = errors.New("rendezvous: server shows another key than the unit's")
	ErrVersion = errors.New("rendezvous: server speaks another version")
	ErrServer  = errors.New("rendezvous: server broke the protocol")
	ErrOffline = errors.New("rendezvous: not connected to the server")
	ErrLost    = errors.New("rendezvous: connection to the server was lost")
	ErrEnded   = errors.New("rendezvous: request or session is over")
	ErrConfig  = errors.New("rendezvous: incomplete configuration")
	ErrGoing   = errors.New("rendezvous: session is still going on, or being reported")

	// What the server says that is passed over.
	ErrStrange   = errors.New("rendezvous: message about a session that is not this app's")
	ErrRepeated  = errors.New("rendezvous: message that came before")
	ErrGap       = errors.New("rendezvous: a step of the set-up is missing")
	ErrBrokenOff = errors.New("rendezvous: server says that this app broke the protocol")
)

// What a client may refuse of the server's, for the line that is kept about it.
const (
	AboutServer    = "server"    // the server as such: its key, its journal, or what it says
	AboutSignIn    = "sign in"   // of this technician, that it turned down
	AboutMessage   = "message"   // one of its messages, which was passed over
	AboutCharter   = "charter"   // what it offers as the unit's
	AboutAsk       = "ask"       // this technician's own request, which it turned down
	AboutEnrolment = "enrolment" // of this technician, or the certificate that came of it
	AboutReport    = "report"    // of this machine's person
)

// RefusedError is the server's no.
type RefusedError struct {
	Why  wire.Refusal
	Wait time.Duration // for RefusedTooMany and RefusedCrowded: when to try again
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("rendezvous: refused by the server (%d)", e.Why)
}

// Config says which server, and by which key to know it: as the join code has it,
// and as the charters that follow do.
type Config struct {
	Server   string    // host:port
	Pin      [32]byte  // SHA-256 of the server's SubjectPublicKeyInfo
	Near     string    // host:port where this computer itself has that server; may be empty
	Charters *Charters // may be nil: there are none
	// Witness keeps what was seen of the server's journal. All connections of an app to
	// one unit share it; there is none without.
	Witness *trust.Witness
	// Refused keeps a line about what was refused, here or by the server: one of the Abouts,
	// and why. It does not wait. It may be nil.
	Refused func(what string, why error)
	Log     *slog.Logger
}

func (c Config) complete() bool { return c.Server != "" && c.Witness != nil && c.Log != nil }

// Phase is where a connection stands.
type Phase uint8

// Phases.
const (
	Offline    Phase = iota // nobody asked for a connection
	Connecting              // being made
	Ready                   // registered, or logged in
	Waiting                 // lost; made again at RetryAt
	Refused                 // the server said no, or is not the unit's; RetryAt is zero when only a person can help
)

// State is what there is to show of a connection.
type State struct {
	Phase   Phase
	RetryAt time.Time
	Err     error  // why it is Waiting or Refused
	Unit    string // the unit's name as the server says it
	Address string // this computer's, as the server sees it
	STUN    string // host:port, or empty
}

// pace is how patient a client is. Tests have their own.
type pace struct {
	dial   time.Duration // to reach the server and be greeted
	write  time.Duration // for one message to leave
	ping   time.Duration // between two signs of life; shorter than what a NAT forgets
	pong   time.Duration // for the answer to one
	first  time.Duration // longest wait before the first retry
	most   time.Duration // longest wait ever
	sulk   time.Duration // shortest wait after a refusal
	stable time.Duration // a connection that lasted this long clears the past
	linger time.Duration // for the last messages to leave when the owner stops
	spread time.Duration // within which a unit's idle machines fetch a new charter
	again  time.Duration // between two looks at a charter that was not believed
}

func standardPace() pace {
	return pace{
		dial: 30 * time.Second, write: 10 * time.Second, ping: 45 * time.Second, pong: 20 * time.Second,
		first: time.Second, most: time.Minute, sulk: 10 * time.Second, stable: 30 * time.Second,
		linger: time.Second, spread: time.Second, again: 10 * time.Minute,
	}
}
