// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"
	"time"

	"assist/internal/consent"
	"assist/internal/wire"
)

// HostPhase is where this machine stands.
type HostPhase uint8

// Phases of a host.
const (
	HostIdle       HostPhase = iota // nobody asks, nobody is connected
	HostChecking                    // a request is being verified; nobody is asked yet
	HostAsking                      // the person is being asked
	HostConnecting                  // granted; the banner is lit
	HostLive
	HostEnding // rights are gone; goodbyes are being said
)

// hostEdges is every step that a host may take.
func hostEdges(from HostPhase) []HostPhase {
	switch from {
	case HostIdle:
		return []HostPhase{HostChecking}
	case HostChecking:
		return []HostPhase{HostAsking, HostEnding}
	case HostAsking:
		return []HostPhase{HostConnecting, HostEnding}
	case HostConnecting:
		return []HostPhase{HostLive, HostEnding}
	case HostLive:
		return []HostPhase{HostEnding}
	case HostEnding:
		return []HostPhase{HostIdle}
	}
	return nil
}

// HostState is what can be shown of this machine. All but Phase, Machine, what was
// refused and Last is empty when nobody is connected or asks.
type HostState struct {
	Phase        HostPhase
	Machine      string // 12 digits
	Card         consent.Card
	Reason       string // why the technician asks
	Words        [3]string
	Rights       consent.Rights
	Since        time.Time
	Pictures     wire.PauseCause
	Input        wire.PauseCause
	RefusedToday int   // attempts turned down here since midnight
	RefusedWhy   error // why the last of them was; it can be told by errors.Is
	Last         *End  // the last intervention since the app started
}

// End is how an intervention ended.
type End struct {
	Session wire.SessionID
	Why     wire.EndReason
	At      time.Time
}

// move changes the phase, and reports whether that step is legal. It is the only
// place that does.
func (h *Host) move(to HostPhase) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(hostEdges(h.state.Phase), to) {
		h.cfg.Log.Error("illegal step of a host", "from", h.state.Phase, "to", to)
		return false
	}
	h.state.Phase = to
	if to == HostIdle {
		h.current = nil
		h.state = HostState{Machine: h.state.Machine, Last: h.state.Last}
	}
	nudge(h.changed)
	return true
}

// update changes anything but the phase.
func (h *Host) update(f func(*HostState)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	phase := h.state.Phase
	f(&h.state)
	h.state.Phase = phase
	nudge(h.changed)
}

// State is a copy of what can be shown now.
func (h *Host) State() HostState {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.state
	s.RefusedToday = h.refusals.today(time.Now())
	s.RefusedWhy = h.refusals.why
	return s
}

// Changed gets one value, in one slot, after each change of State.
func (h *Host) Changed() <-chan struct{} { return h.changed }

// tally counts since midnight, local time.
type tally struct {
	day   time.Time
	count int
	why   error // of the last one
}

func (t *tally) today(now time.Time) int {
	year, month, day := now.Date()
	if midnight := time.Date(year, month, day, 0, 0, 0, 0, now.Location()); !midnight.Equal(t.day) {
		t.day, t.count, t.why = midnight, 0, nil
	}
	return t.count
}

func (t *tally) add(now time.Time, why error) {
	t.count = t.today(now) + 1
	t.why = why
}
