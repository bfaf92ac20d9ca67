// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/trust"
	"assist/internal/wire"
)

// inputTime is how long an event may wait to leave.
const inputTime = 2 * time.Second

// TechnicianConfig is all that a technician's request needs. Refusal tells a
// refusal of the server from other errors of Ask, Pledge and Answer, Broke an error
// of a link that is the other end's doing. Refused keeps a line about what this
// technician's app refused, as HostConfig.Refused does. All three may be nil.
type TechnicianConfig struct {
	Key         *trust.DeviceKey
	Certificate []byte           // envelope, from the server
	Unit        trust.UnitPublic // the key in force
	Charters    Charters
	WordLists   [2][]string    // of the check words: in the technician's language, then in the other
	Numbers     *trust.Numbers // of machines that were asked for before; may be nil
	Ask         func(ctx context.Context, totp string, request []byte) (Outgoing, error)
	Identity    func() (TechnicianDialer, error)
	Refusal     func(error) (why wire.Refusal, wait time.Duration, ok bool)
	Broke       func(error) bool
	Refused     func(what string, why error)
	Log         *slog.Logger
}

func (c TechnicianConfig) complete() bool {
	return c.Key != nil && len(c.Certificate) > 0 && len(c.Unit) > 0 && c.Charters != nil && c.Ask != nil && c.Identity != nil && c.Log != nil
}

// refuse keeps a line.
func (c *TechnicianConfig) refuse(what string, why error) {
	if c.Refused != nil {
		c.Refused(what, why)
	}
}

// Wish is what a technician asks.
type Wish struct {
	Machine string // 12 digits
	Reason  string
	TOTP    string
	Rights  consent.Rights
}

// Technician is one request and the session that comes of it. Its methods may be
// called from any goroutine.
type Technician struct {
	cfg     TechnicianConfig
	wish    Wish
	changed chan struct{}
	ctx     context.Context // ends with it; its cause says why
	stop    context.CancelCauseFunc
	started sync.Once
	done    chan struct{}
	live    chan struct{} // closed when link can be used
	ear     ear
	grip    grip

	link TechnicianLink // set before live is closed
	bye  wire.EndReason // what the host said on it; receive owns it, then finish

	mu    sync.Mutex
	state TechnicianState
}

// NewTechnician prepares a request; Start makes it. What the unit's charter does not
// allow is not begun: the error says why, as trust does, or is ErrBeyond.
func NewTechnician(cfg TechnicianConfig, w Wish) (*Technician, error) {
	if !cfg.complete() {
		return nil, ErrConfig
	}
	if err := trust.CheckMachineID(w.Machine); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	if err := cfg.admits(w); err != nil {
		return nil, err
	}
	if err := trust.VerifyOwn(cfg.Certificate, cfg.Unit, cfg.Key.Public(), time.Now()); err != nil {
		cfg.refuse(AboutCertificate, err) // the host says no to it
	}
	if cfg.Refusal == nil {
		cfg.Refusal = func(error) (wire.Refusal, time.Duration, bool) { return 0, 0, false }
	}
	cfg.Broke = orMalformed(cfg.Broke)
	t := &Technician{
		cfg: cfg, wish: w,
		changed: make(chan struct{}, 1), done: make(chan struct{}), live: make(chan struct{}),
		grip:  grip{closed: make(chan struct{}, 1)},
		state: TechnicianState{Machine: w.Machine, Reason: w.Reason},
	}
	t.ctx, t.stop = context.WithCancelCause(context.Background())
	return t, nil
}

// Start makes the request and returns at once; what becomes of it is in State.
// When ctx ends, so does everything: the app is being closed.
func (t *Technician) Start(ctx context.Context) {
	t.started.Do(func() {
		unhook := context.AfterFunc(ctx, func() { t.stop(&Ended{wire.EndTechnicianLost}) })
		go func() {
			defer close(t.done)
			defer unhook()
			t.play()
		}()
	})
}

// Done is closed when it is over and nothing of it is left.
func (t *Technician) Done() <-chan struct{} { return t.done }

// End ends it, whatever its phase. It does not wait.
func (t *Technician) End() {
	why := wire.EndTechnician
	if t.State().Phase < TechnicianConnecting {
		why = wire.EndCancelled
	}
	t.stop(&Ended{why})
}

// linked returns the connection while the session is live.
func (t *Technician) linked() (TechnicianLink, error) {
	select {
	case <-t.ctx.Done():
		return nil, context.Cause(t.ctx)
	default:
	}
	select {
	case <-t.live:
		return t.link, nil
	default:
		return nil, ErrNotLive
	}
}

// Picture returns the newest picture of a monitor not returned before; it waits
// for one. It is valid until the next call for that monitor.
func (t *Technician) Picture(ctx context.Context, id screen.MonitorID) (*screen.Picture, error) {
	link, err := t.linked()
	if err != nil {
		return nil, err
	}
	return link.Picture(ctx, id)
}

// send sends one message, or gives up on it.
func (t *Technician) send(m wire.ToHost) error {
	link, err := t.linked()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.ctx, inputTime)
	defer cancel()
	return link.Send(ctx, m)
}

// Input drives the host's mouse and keyboard, if the person has allowed it.
// Letting go of keys is sent even when it is no longer allowed.
func (t *Technician) Input(in wire.Input) error {
	t.grip.note(in) // what goes up counts even when it is no longer allowed
	_, letGo := in.(*wire.ReleaseAll)
	if !letGo && !t.State().Rights.Has(consent.RightControl) {
		return consent.ErrNotGranted
	}
	return t.send(in)
}

// Point shows the technician's pointer on a host monitor, or hides it.
func (t *Technician) Point(p wire.Point) error {
	if !t.State().Rights.Has(consent.RightPoint) {
		return consent.ErrNotGranted
	}
	return t.send(&p)
}

// Watch says which monitors are looked at.
func (t *Technician) Watch(ids []screen.MonitorID) error {
	w := &wire.Watch{}
	for _, id := range ids {
		w.Monitors = append(w.Monitors, uint8(id))
	}
	return t.send(w)
}

// Want asks the person for more rights. The answer shows in State.
func (t *Technician) Want(r consent.Rights) error {
	r &= consent.AllRights &^ t.State().Rights
	if r == 0 {
		return nil
	}
	t.update(func(s *TechnicianState) { s.Asked |= r })
	err := t.send(&wire.Want{Rights: uint16(r)})
	if err != nil {
		t.update(func(s *TechnicianState) { s.Asked &^= r })
	}
	return err
}

// Release gives rights back.
func (t *Technician) Release(r consent.Rights) error {
	return t.send(&wire.Release{Rights: uint16(r)})
}
