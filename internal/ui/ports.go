// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assist/internal/consent"
	"assist/internal/wire"
)

// This file is all that the screens need from the rest of the app. The program
// implements it over sessions, the server dialogue, the configuration and the
// embedded server; tests implement it in memory.
//
// State comes as plain values: State returns a copy, Changed a channel with one
// slot that is filled after each change. Only the window reads Changed. A call
// that may take time has a context and is made off the interface's goroutine.

// What a port may answer, besides Refused, Declined, Ended, Barred and BadFile. Any other
// error is shown as an unexpected one.
var (
	// ErrUnreachable says that the server does not answer.
	ErrUnreachable = errors.New("server unreachable")
	// ErrWrongServer says that the server is not the one that the join code names.
	ErrWrongServer = errors.New("server key is not the pinned one")
	// ErrRewritten says that the server's journal is not the one seen before.
	ErrRewritten = errors.New("server's journal was rewritten or cut")
	// ErrUnwitnessed says that what was seen of the server's journal cannot be read.
	ErrUnwitnessed = errors.New("what was seen of the server's journal cannot be read")
	// ErrBadCode says that a join code is mistyped or cut short.
	ErrBadCode = errors.New("join code is not valid")
	// ErrWrongMachine says that the answer came from another machine than asked.
	ErrWrongMachine = errors.New("the answer is not from this machine")
	// ErrNoServer says that the server for this computer could not be started.
	ErrNoServer = errors.New("the embedded server did not start")
	// ErrDisk says that a file could not be written.
	ErrDisk = errors.New("a file could not be written")
	// ErrNotReported says that the server did not confirm a report.
	ErrNotReported = errors.New("the server did not confirm the report")
	// ErrNotInvited says that the embedded server did not take a technician.
	ErrNotInvited = errors.New("the technician could not be invited")
	// ErrFixed says that the administrator has decided it, so that it cannot be changed.
	ErrFixed = errors.New("fixed by the administrator")
	// ErrNotKnown says that the server knows no such session of this machine.
	ErrNotKnown = errors.New("the server does not know this session")
)

// Refused is the server's refusal.
type Refused struct {
	Why  wire.Refusal
	Wait time.Duration // before the next try is worth while; 0 when unknown
}

// Error is for logs; the person reads a sentence.
func (r *Refused) Error() string { return fmt.Sprintf("refused by the server: reason %d", r.Why) }

// Declined is a request that ended with a verdict of the host.
type Declined struct{ Verdict wire.Verdict }

// Error is for logs; the person reads a sentence.
func (d *Declined) Error() string { return fmt.Sprintf("declined at the host: verdict %d", d.Verdict) }

// Ended is an intervention or a request that ended.
type Ended struct{ Reason wire.EndReason }

// Error is for logs; the person reads a sentence.
func (e *Ended) Error() string { return fmt.Sprintf("ended: reason %d", e.Reason) }

// BadFile is a configuration file that cannot be used.
type BadFile struct {
	File string
	Line int    // 0 when unknown
	Key  string // empty when unknown
}

// Error names file, line and key.
func (b *BadFile) Error() string {
	return fmt.Sprintf("configuration file %s, line %d, key %q is not valid", b.File, b.Line, b.Key)
}

// Unruled is a join by a file whose rules do not count, since only the administrator's
// own file sets them. The app has joined.
type Unruled struct{ File string } // the administrator's

// Error is for logs; the person reads a sentence.
func (u *Unruled) Error() string { return "joined; rules count only in " + u.File }

// Phase is where the connection to the server stands.
type Phase uint8

// Phases.
const (
	PhaseConnecting  Phase = iota // first try, or trying now
	PhaseReady                    // connected
	PhaseWaiting                  // not connected; tries again at RetryAt
	PhaseRefused                  // the server turned this app down
	PhaseRewritten                // this app turned the server down: its journal was rewritten or cut
	PhaseWrongServer              // the server shows another key than the unit's
	PhaseUnwitnessed              // what this computer kept of the server's journal cannot be read
)

// HelpedState is the helped side of the app.
type HelpedState struct {
	Joined       bool   // false: the first-run screen is shown
	Machine      string // 12 digits, empty until known
	Unit, Server string // the unit's name, the server's address
	Trial        bool   // the server runs inside this app
	Phase        Phase
	RetryAt      time.Time
	Refusal      wire.Refusal // with PhaseRefused
	Live         *Live        // nil: nobody is connected
	RefusedToday int          // attempts turned down here since midnight
	RefusedWhy   Bar          // why the last of them was, unless the person said no
	Last         *Ending      // the last intervention since the app started, or the one that ended with the app before
	Report       *Report      // the last report made by refusing or cutting since then
	Lack         Lack         // what keeps this computer from being shared
	LackEnds     time.Time    // with LackMemory
	Moved        bool         // the number is new: the app's files came from another computer
	NumberSince  time.Time    // when the number became another; zero if it has not lately
	Bar          Bar          // what keeps everybody from helping here
	CharterEnds  time.Time    // zero unless that is near
}

// Ending is how an intervention on this machine ended.
type Ending struct {
	Why     wire.EndReason // zero: the app ended before it, and last wrote At
	At      time.Time
	Receipt string // ID in Receipts, empty when none was kept
	Lost    bool   // the receipt could not be written
}

// Report is a refusal or a cut that the person reported, and whether the server has it in
// its journal.
type Report struct {
	Receipt   string // ID in Receipts of what was reported, if that has a receipt
	Made      time.Time
	Confirmed time.Time // zero as long as it has not
	Refused   bool      // it will not take it
}

// Live is the intervention under way on this machine.
type Live struct {
	Who    consent.Card
	Rights consent.Rights
	Since  time.Time
	Paused wire.PauseCause // of the pictures
	Words  [3]string
}

// Helped tells the state of the helped side.
type Helped interface {
	State() HelpedState
	Changed() <-chan struct{}
}

// Reins are the person's hold on the intervention under way. All three act at once,
// from any goroutine, and do nothing when nobody is connected.
type Reins interface {
	Cut(why wire.EndReason)
	SetPaused(paused bool)
	TakeBack() // the mouse and keyboard
}

// Receipt is what is kept of one intervention on this machine.
type Receipt struct {
	ID      string
	Machine string // 12 digits
	Who     consent.Card
	Reason  string
	Began   time.Time
	Length  time.Duration
	Allowed consent.Rights // all that was ever granted
	Done    []Deed
	Omitted int            // deeds beyond those that were kept
	Driven  int            // times that mouse or keyboard were used
	Pointed int            // times that the technician pointed
	End     wire.EndReason // zero: the app ended before it, after Length
	Words   [3]string
}

// Deed is one line of what was done, already worded for the person.
type Deed struct {
	At   time.Time
	What string
}

// Receipts keeps the person's own record, newest first.
type Receipts interface {
	List() ([]Receipt, error)
	// Save writes a page, whole or not at all, and the signed receipt beside it, under a
	// name that is free; it returns where that is.
	Save(id, path string, page []byte) (proof string, err error)
	Report(ctx context.Context, id string) error // tells the administrator of a problem
}

// Refusal is something that this app did not believe, or a request that came to nothing, on
// one day. What and Why are words of closed lists, each with a sentence of its own.
type Refusal struct {
	First, Last time.Time
	Helper      bool // on the technician's side of this app
	What, Why   string
	Who         string // who had proved to ask; empty where nobody had
	Count       int
}

// Refusals keeps them, newest first; older are those of the past that are only counted.
type Refusals interface {
	List() (list []Refusal, older int)
}

// Joiner makes this app part of a unit. Fixed reports whether the administrator has
// decided which, so that nobody can change it here.
type Joiner interface {
	Fixed() bool
	Join(ctx context.Context, code string) error
	JoinFile(ctx context.Context, path string) error
}

// TrialForm is the first technician of a server on this computer.
type TrialForm struct {
	Name, Role, Password string
}

// Invitation is a further technician of a server on this computer.
type Invitation struct {
	Name, Role string
}

// Trial is the embedded server: Start runs it and enrols its first technician, Code is
// its join code while it runs, Invite returns a one-time enrolment code, good for 24
// hours.
type Trial interface {
	Start(ctx context.Context, f TrialForm) (Enrolment, error)
	Code() string
	Invite(ctx context.Context, f Invitation) (code string, err error)
}

// Secret is what the technician's authenticator application needs.
type Secret struct {
	Login string
	URL   string // otpauth://…
}

// Enrolment is one under way: the secret is shown, one code confirms it.
type Enrolment interface {
	Secret() Secret
	Confirm(ctx context.Context, totp string) error // may be tried again after an error
	Cancel()
}

// HelperState is the technician's side of the app.
type HelperState struct {
	SignedIn bool
	Login    string       // the last one used, offered again
	Who      consent.Card // from the certificate, when signed in
	Phase    Phase        // when signed in
	RetryAt  time.Time
	Refusal  wire.Refusal // with PhaseRefused

	Bar         Bar       // what keeps this technician from helping, when signed in
	CharterEnds time.Time // zero unless that is near
	CardEnds    time.Time // the same of the technician's own certificate
}

// Helper tells the state of the technician's side.
type Helper interface {
	State() HelperState
	Changed() <-chan struct{}
}

// Account signs the technician in and out.
type Account interface {
	Enrol(ctx context.Context, code, password string) (Enrolment, error)
	Login(ctx context.Context, login, password string) error
	Logout()
}

// AskForm is what a technician asks of one machine.
type AskForm struct {
	Machine string // 12 digits
	Reason  string
	TOTP    string
	Rights  consent.Rights
}

// Asking starts requests and remembers the machines asked.
type Asking interface {
	Ask(ctx context.Context, f AskForm) (Request, error)
	Recent() []Recent
	Clear() error
}

// Recent is a machine asked before: number and reason only, kept 30 days.
type Recent struct {
	Machine, Reason string
	At              time.Time
}

// RequestState is where a request stands.
type RequestState struct {
	Words      [3]string // empty until the host pledged
	OtherWords [3]string // what a person reads whose app speaks the other language
	Deadline   time.Time // when it counts as not answered
	Granted    bool      // the session is live: the session window takes over
	Err        error     // it ended: Declined, Refused, Ended or a sentinel
}

// Request is one under way. Cancel ends it, whatever its state, and may be called
// again.
type Request interface {
	State() RequestState
	Changed() <-chan struct{}
	Cancel()
}

// Opening is what the session window is given.
type Opening struct {
	Request  Request // as returned by Asking, now granted
	Machine  string  // 12 digits
	Reason   string
	Words    [3]string
	Language string // "fr" or "en"
	// Closed is called once, from any goroutine, when the window has gone.
	Closed func(why wire.EndReason)
}

// Preferences are the person's choices about the screens.
type Preferences struct {
	Language string // "fr", "en", or empty for the system's
	Theme    string // "light", "dark", or empty for the system's
	TextSize int    // percent, 100 to 200; 0 is 100
}

// Store keeps the preferences.
type Store interface {
	Load() Preferences
	Save(Preferences) error
}
