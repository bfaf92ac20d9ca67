// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// TechnicianPhase is where a technician's request stands.
type TechnicianPhase uint8

// Phases of a request.
const (
	TechnicianNew        TechnicianPhase = iota // not started
	TechnicianAsking                            // on its way to the host
	TechnicianWaiting                           // the host has pledged; the person is being asked
	TechnicianConnecting                        // granted
	TechnicianLive
	TechnicianEnded
)

// technicianEdges is every step that a request may take.
func technicianEdges(from TechnicianPhase) []TechnicianPhase {
	switch from {
	case TechnicianNew:
		return []TechnicianPhase{TechnicianAsking, TechnicianEnded}
	case TechnicianAsking:
		return []TechnicianPhase{TechnicianWaiting, TechnicianEnded}
	case TechnicianWaiting:
		return []TechnicianPhase{TechnicianConnecting, TechnicianEnded}
	case TechnicianConnecting:
		return []TechnicianPhase{TechnicianLive, TechnicianEnded}
	case TechnicianLive:
		return []TechnicianPhase{TechnicianEnded}
	}
	return nil
}

// TechnicianState is what can be shown of a request and of its session.
type TechnicianState struct {
	Phase    TechnicianPhase
	Machine  string
	Reason   string
	Deadline time.Time // while asking or waiting: when it counts as not answered
	Words    [3]string // empty until the host has pledged

	// OtherWords are the check words as a person reads them whose app speaks the other
	// language than the technician's.
	OtherWords [3]string

	Rights   consent.Rights
	Asked    consent.Rights  // wanted, and not yet answered by the person
	Denials  int             // rises each time the person turns a wish down
	Pictures wire.PauseCause // what holds the pictures back
	Input    wire.PauseCause // what holds mouse and keyboard back
	Layout   screen.Layout
	Cursor   *screen.Cursor // shape of the host's pointer; nil until known
	Place    screen.CursorPlace
	Since    time.Time     // when the session went live
	Silent   time.Time     // when the host was last heard, if that is too long ago; else zero
	RTT      time.Duration // of the last Ping

	End     wire.EndReason // why it ended
	Verdict wire.Verdict   // what the host said, if it said no
	Refusal wire.Refusal   // what the server said, if it said no
	Wait    time.Duration  // before the server listens again
	Err     error          // what else stopped it, such as a message not to be believed
}

// move changes the phase, and reports whether that step is legal. It is the only
// place that does.
func (t *Technician) move(to TechnicianPhase, f func(*TechnicianState)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(technicianEdges(t.state.Phase), to) {
		t.cfg.Log.Error("illegal step of a technician", "from", t.state.Phase, "to", to)
		return false
	}
	if f != nil {
		f(&t.state)
	}
	t.state.Phase = to
	nudge(t.changed)
	return true
}

// update changes anything but the phase.
func (t *Technician) update(f func(*TechnicianState)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	phase := t.state.Phase
	f(&t.state)
	t.state.Phase = phase
	nudge(t.changed)
}

// State is a copy of what can be shown now.
func (t *Technician) State() TechnicianState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// Changed gets one value, in one slot, after each change of State.
func (t *Technician) Changed() <-chan struct{} { return t.changed }
