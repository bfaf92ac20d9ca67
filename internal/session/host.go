// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/trust"
	"assist/internal/wire"
)

// HostConfig is all that a host needs. Say, Broke, Barred and Refused may be nil.
type HostConfig struct {
	Key      *trust.HostKey
	Unit     trust.UnitPublic // the key in force
	Charters Charters
	Nonces   *trust.Nonces   // of requests, from before this process too: in a file
	ID       string          // this machine's ID, 12 digits
	Zone     string          // that this computer's administrator put it into, whatever the charter says; may be empty
	WordList func() []string // of the check words, in the person's language
	Gate     *consent.Gate
	Machine  Machine
	Next     func(ctx context.Context) (Call, error) // waits for the next call
	Identity func() (HostDialer, error)
	Say      func(d Deed) string // words a deed for the banner
	// Report keeps the record of an intervention: as it stands before the technician is
	// told yes, as deeds come, at most once a second, and whole after the end. One without
	// an End is not whole. It is called by one goroutine at a time, none of which a cut
	// waits for. When the first cannot be kept, nothing begins.
	Report func(r Record) error
	Broke  func(error) bool // tells an error of a link that is the other end's doing
	Barred func(error) bool // tells one of an address that the charter does not list
	// Refused keeps a line about what this host refused, or was not brought to an end:
	// one of the Abouts, and why. It does not wait.
	Refused func(what string, why error)
	Log     *slog.Logger
}

func (c HostConfig) complete() bool {
	m := c.Machine
	return c.Key != nil && len(c.Unit) > 0 && c.Charters != nil && c.Nonces.Lasting() && c.ID != "" && c.Gate != nil && c.Next != nil &&
		c.Identity != nil && c.WordList != nil && c.Report != nil && c.Log != nil &&
		m.Fit != nil && m.Capture != nil && m.Drive != nil && m.Point != nil && m.Windows != nil
}

// Host is this machine as one that can be helped: it lives as long as the app
// and plays one intervention at a time. Its methods may be called from any
// goroutine.
type Host struct {
	cfg     HostConfig
	changed chan struct{}
	running sync.WaitGroup // interventions

	mu       sync.Mutex
	state    HostState
	refusals tally
	current  *intervention // nil while idle

	rebuffs, withdrawn rebuffs // have locks of their own
}

// NewHost returns a host that answers nobody until Run.
func NewHost(cfg HostConfig) (*Host, error) {
	if !cfg.complete() {
		return nil, ErrConfig
	}
	if cfg.Say == nil {
		cfg.Say = func(Deed) string { return "" }
	}
	if cfg.Barred == nil {
		cfg.Barred = func(error) bool { return false }
	}
	cfg.Broke = orMalformed(cfg.Broke)
	return &Host{cfg: cfg, changed: make(chan struct{}, 1), state: HostState{Machine: cfg.ID},
		rebuffs: rebuffs{most: maxRebuffs}, withdrawn: rebuffs{most: maxWithdrawn}}, nil
}

// Run answers calls until the context ends or Next fails; then it ends the
// intervention under way and returns when it is over.
func (h *Host) Run(ctx context.Context) error {
	defer h.running.Wait()
	defer h.Cut(wire.EndHostClosed)
	for {
		call, err := h.cfg.Next(ctx)
		if err != nil {
			return err
		}
		s, ok := h.begin(call)
		if !ok {
			h.turnAway(call)
			continue
		}
		h.running.Go(s.serve)
	}
}

// begin makes an intervention of a call, unless there is one.
func (h *Host) begin(call Call) (*intervention, bool) {
	h.mu.Lock()
	busy := h.current != nil
	s := newIntervention(h, call)
	if !busy {
		h.current = s
	}
	h.mu.Unlock()
	return s, !busy && h.move(HostChecking)
}

// turnAway answers a call that comes while another is served.
func (h *Host) turnAway(call Call) {
	h.refused(consent.ErrBusy)
	hash, err := trust.RequestHash(call.Ring().Request)
	if err != nil {
		call.End(wire.EndProtocol)
		return
	}
	h.answer(call, &wire.Answer{Session: call.Ring().Session, RequestHash: hash, Verdict: wire.VerdictBusy})
}

// refuse keeps a line.
func (c *HostConfig) refuse(what string, why error) {
	if c.Refused != nil {
		c.Refused(what, why)
	}
}

// lossOf is why a link that failed with err has gone.
func (c *HostConfig) lossOf(err error) wire.EndReason {
	if err != nil && c.Barred(err) {
		return wire.EndRevoked
	}
	return lossOf(c.Broke, err)
}

// answer signs and sends a verdict that ends a request, and returns what it signed.
func (h *Host) answer(call Call, a *wire.Answer) []byte {
	a.Expires = time.Now().Add(sendTime).Unix()
	env, err := h.cfg.Key.SignAnswer(a)
	if err == nil {
		ctx, cancel := briefly(sendTime)
		defer cancel()
		err = call.Answer(ctx, env)
	}
	if err != nil {
		h.cfg.Log.Info("answer not sent", "verdict", a.Verdict, "error", err)
		call.End(wire.EndRefused)
	}
	return env
}

// refused counts an attempt that was turned down, and keeps why the last one was.
func (h *Host) refused(why error) {
	h.cfg.refuse(AboutRequest, why)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusals.add(time.Now(), why)
	nudge(h.changed)
}

func (h *Host) now() *intervention {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current
}

// Cut ends the question or the intervention under way, if any. When it returns,
// not one more picture leaves and not one more key arrives; it waits for no
// network.
func (h *Host) Cut(why wire.EndReason) {
	if s := h.now(); s != nil {
		s.cut(why)
	}
}

// SetPaused holds pictures and input back, or lets them go on.
func (h *Host) SetPaused(paused bool) {
	s := h.now()
	if s == nil {
		return
	}
	l := s.leased()
	if l == nil || l.Cause() != nil {
		return
	}
	if was, _ := l.Paused(); (was == consent.PauseUser) == paused {
		return
	}
	if paused {
		l.Pause()
		s.note(Deed{Act: ActPaused})
		return
	}
	l.Resume()
	s.note(Deed{Act: ActResumed})
}

// TakeBack takes the mouse and the keyboard back. When it returns, no more
// input is done.
func (h *Host) TakeBack() {
	s := h.now()
	if s == nil {
		return
	}
	if l := s.leased(); l != nil && l.Rights().Has(consent.RightControl) {
		l.Narrow(consent.RightControl)
		s.note(Deed{Act: ActTakenBack, Rights: consent.RightControl})
	}
}
