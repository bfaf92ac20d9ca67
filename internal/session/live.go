// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// lostGrace is how long a link that has gone waits for the server to say why.
const lostGrace = 500 * time.Millisecond

// live is the part of an intervention in which pictures and input flow. Its
// goroutines are pumps; all of them end with ctx, and run waits for them.
type live struct {
	s       *intervention
	ctx     context.Context // the intervention's
	link    HostLink
	lease   *consent.Lease
	view    consent.View
	screens Screens
	ear     ear
	pumps   sync.WaitGroup
	local   chan struct{} // one slot: the person is at mouse or keyboard
	driver  driver        // owned by the receive pump
	wishes  wishes
	barred  consent.Rights // asked for although the unit does not allow them here; the receiving goroutine's

	mu      sync.Mutex
	layout  screen.Layout
	watched []screen.MonitorID
	reels   [screen.MaxMonitors]reel
	news    chan struct{} // closed and replaced when layout, watched or a pause changed
	yield   time.Time     // until when the person outranks the technician
}

func newLive(s *intervention, link HostLink) *live {
	return &live{
		s: s, ctx: s.ctx, link: link, lease: s.leased(),
		ear: ear{at: time.Now()}, wishes: wishes{rebuffs: rebuffs{most: maxRebuffs}}, local: make(chan struct{}, 1), news: make(chan struct{}),
	}
}

// run plays until the intervention ends, then takes leave.
func (l *live) run() {
	defer l.leave()
	view, err := l.lease.View()
	if err != nil {
		l.s.stop(&Ended{reasonOf(l.lease.Cause())}) // it ended meanwhile
		return
	}
	l.view = view
	if l.screens, err = l.machine().Capture(view); err != nil {
		l.s.host.cfg.Log.Error("no capture", "error", err)
		l.s.cut(wire.EndScreenLost)
		return
	}
	if !l.s.host.move(HostLive) {
		l.s.cut(wire.EndHostClosed)
		return
	}
	for _, pump := range []func(){l.grants, l.changes, l.receive, l.listen, l.mind, l.feel} {
		l.pumps.Go(pump)
	}
	<-l.ctx.Done()
}

// leave ends everything, the local things first.
func (l *live) leave() {
	why := l.s.why()
	l.lease.Revoke(&Ended{why})
	if l.screens != nil {
		_ = l.screens.Close()
	}
	ctx, cancel := briefly(ByeTime)
	defer cancel()
	if err := l.link.Send(ctx, &wire.SessionBye{Reason: why}); err != nil {
		l.s.host.cfg.Log.Debug("goodbye not sent", "error", err)
	}
	_ = l.link.Close()
	l.pumps.Wait()
}

func (l *live) machine() *Machine { return &l.s.host.cfg.Machine }

// mind ends the session when the link has gone. A technician who leaves closes
// it at once, so the reason may still be on its way: in the link's own queue,
// or from the server.
func (l *live) mind() {
	select {
	case <-l.ctx.Done():
		return
	case <-l.link.Done():
	}
	grace := time.NewTimer(lostGrace)
	defer grace.Stop()
	select {
	case <-l.ctx.Done():
	case <-grace.C:
		l.s.cut(l.s.host.cfg.lossOf(l.link.Err()))
	}
}

// listen ends the session when nothing has been heard for too long.
func (l *live) listen() {
	if l.ear.silent(l.ctx, SilenceTime) {
		l.s.cut(wire.EndNetworkLost)
	}
}

// send sends what is not of the screens: rights, pauses, answers.
func (l *live) send(m wire.ToTechnician) {
	if err := l.link.Send(l.ctx, m); err != nil && l.ctx.Err() == nil {
		l.s.host.cfg.Log.Info("message not sent", "error", err)
	}
}

// grants tells the technician, and the app, of every change of rights.
func (l *live) grants() {
	var told wire.Grant
	for {
		g, left := l.grant()
		l.spread()
		l.s.noteRenewal(l.lease)
		if g != told {
			if had := consent.Rights(told.Rights &^ g.Rights); had.Has(consent.RightPoint) {
				l.machine().Point(screen.CursorPlace{}) // nothing can show it any more
			}
			l.noteHeld(told, g)
			told = g
			l.send(&wire.Grant{Rights: g.Rights, Pictures: g.Pictures, Input: g.Input})
		}
		again := time.NewTimer(left)
		select {
		case <-l.ctx.Done():
			again.Stop()
			return
		case <-l.lease.Changed():
		case <-l.local:
		case <-again.C:
		}
		again.Stop()
	}
}

// noteHeld keeps what held things back, and what let them go on, for the record.
func (l *live) noteHeld(was, is wire.Grant) {
	for _, c := range []struct {
		before, now bool
		begun, over Act
	}{
		{was.Pictures == wire.PauseLamp, is.Pictures == wire.PauseLamp, ActLampLost, ActLampBack},
		{was.Input == wire.PausePresence, is.Input == wire.PausePresence, ActIdle, ActStillHere},
	} {
		switch {
		case c.now && !c.before:
			l.s.note(Deed{Act: c.begun})
		case c.before && !c.now && l.lease.Cause() == nil:
			l.s.note(Deed{Act: c.over})
		}
	}
}

// grant is what holds now, and for how long at most.
func (l *live) grant() (wire.Grant, time.Duration) {
	status := l.lease.Status()
	g := wire.Grant{Rights: uint16(status.Rights), Pictures: pauseOf(status.Paused), Input: pauseOf(status.Input)}
	left := consent.LeaseLife
	l.mu.Lock()
	if d := time.Until(l.yield); d > 0 && g.Input == wire.PauseNone && status.Rights.Has(consent.RightControl) {
		g.Input, left = wire.PauseLocalInput, d
	}
	l.mu.Unlock()
	l.s.host.update(func(st *HostState) {
		st.Rights, st.Pictures, st.Input = status.Rights, g.Pictures, g.Input
	})
	return g, left
}

// yielded says that the person is at mouse or keyboard.
func (l *live) yielded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Until(l.yield) < yieldTime/2 {
		nudge(l.local)
		l.yield = time.Now().Add(yieldTime)
	}
}

// spread wakes every pump that waits for a change.
func (l *live) spread() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.news)
	l.news = make(chan struct{})
}

func (l *live) latest() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.news
}

// patiently runs f, again after each pause that turned it down.
func (l *live) patiently(ctx context.Context, f func() error) error {
	for {
		news := l.latest() // before f, so that no change is missed
		err := f()
		if !errors.Is(err, consent.ErrPaused) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		}
	}
}

// monitors is the layout as it is now.
func (l *live) monitors() screen.Layout {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.layout)
}
