// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"image"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// converse is the live session at the technician's end. It returns when
// everything it started has ended, with the technician's context ended too.
func (t *Technician) converse() {
	now := time.Now()
	t.ear.heard()
	close(t.live)
	t.move(TechnicianLive, func(s *TechnicianState) { s.Since, s.Deadline = now, time.Time{} })
	var pumps sync.WaitGroup
	for _, pump := range []func(){t.receive, t.ping, t.listen, t.mind} {
		pumps.Go(pump)
	}
	<-t.ctx.Done()
	pumps.Wait()
}

// mind ends the session when the link has gone, unless the reason is on its way.
func (t *Technician) mind() {
	select {
	case <-t.ctx.Done():
		return
	case <-t.link.Done():
	}
	grace := time.NewTimer(lostGrace)
	defer grace.Stop()
	select {
	case <-t.ctx.Done():
	case <-grace.C:
		t.stop(&Ended{lossOf(t.cfg.Broke, t.link.Err())})
	}
}

// listen ends the session when nothing has been heard for too long.
func (t *Technician) listen() {
	if t.ear.silent(t.ctx, SilenceTime) {
		t.stop(&Ended{wire.EndNetworkLost})
	}
}

// ping measures the round trip, lets the host know that somebody is there, more
// often while something is held, and says when the host is not heard.
func (t *Technician) ping() {
	tick := time.NewTimer(pingEvery)
	defer tick.Stop()
	began := time.Now()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-tick.C:
		case <-t.grip.closed:
		}
		tick.Reset(t.grip.patience())
		t.noteSilence()
		ctx, cancel := context.WithTimeout(t.ctx, pingEvery)
		if err := t.link.Send(ctx, &wire.Ping{Stamp: int64(time.Since(began))}); err != nil {
			t.cfg.Log.Debug("ping not sent", "error", err)
		}
		cancel()
		if t.ctx.Err() == nil {
			t.noteSilence()
		}
	}
}

// noteSilence shows whether the host is being heard.
func (t *Technician) noteSilence() {
	last := t.ear.last()
	silent := time.Since(last) >= StaleTime
	if silent == !t.State().Silent.IsZero() {
		return
	}
	t.update(func(s *TechnicianState) {
		s.Silent = time.Time{}
		if silent {
			s.Silent = last
		}
	})
}

// receive takes in all that the host sends, in its order.
func (t *Technician) receive() {
	began := t.State().Since
	var place uint32 // sequence of the last one
	for {
		m, err := t.link.Receive(t.ctx)
		if err != nil {
			if t.cfg.Broke(err) {
				t.stop(&Ended{wire.EndProtocol})
			}
			return // mind says why the link has gone
		}
		t.ear.heard()
		switch m := m.(type) {
		case *wire.Place:
			if m.Sequence > place {
				place = m.Sequence
				t.update(func(s *TechnicianState) { s.Place = cursorPlace(m) })
			}
		case *wire.Pong:
			rtt := time.Since(began) - time.Duration(m.Stamp)
			t.update(func(s *TechnicianState) { s.RTT = max(rtt, 0) })
		case *wire.SessionBye:
			t.bye = m.Reason
			t.stop(&Ended{m.Reason})
		default:
			t.update(func(s *TechnicianState) { apply(s, m) })
		}
	}
}

// apply changes the state by one message of the host.
func apply(s *TechnicianState, m wire.ToTechnician) {
	switch m := m.(type) {
	case *wire.Scene:
		s.Layout = layoutOf(m)
	case *wire.Grant:
		s.Rights = consent.Rights(m.Rights) & consent.AllRights
		s.Pictures, s.Input = m.Pictures, m.Input
		s.Asked &^= s.Rights
	case *wire.Denied:
		if denied := consent.Rights(m.Rights) & s.Asked; denied != 0 {
			s.Asked &^= denied
			s.Denials++
		}
	case *wire.Shape:
		s.Cursor = &screen.Cursor{
			Serial: m.Serial, Pix: m.Pix,
			Size: image.Pt(int(m.Width), int(m.Height)), Hot: image.Pt(int(m.HotX), int(m.HotY)),
		}
	}
}

func layoutOf(m *wire.Scene) screen.Layout {
	layout := make(screen.Layout, 0, len(m.Monitors))
	for _, i := range m.Monitors {
		at := image.Pt(int(i.X), int(i.Y))
		layout = append(layout, screen.Monitor{
			ID: screen.MonitorID(i.ID), Name: i.Name, Primary: i.Primary,
			Bounds: image.Rectangle{Min: at, Max: at.Add(image.Pt(int(i.Width), int(i.Height)))},
		})
	}
	return layout
}

func cursorPlace(m *wire.Place) screen.CursorPlace {
	return screen.CursorPlace{
		Monitor: screen.MonitorID(m.Monitor), At: image.Pt(int(m.X), int(m.Y)), Visible: m.Visible,
	}
}
