// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"assist/internal/screen"
	"assist/internal/wire"
)

// placeTime is how long sending the pointer may hold up a pause or a cut when the
// link is full.
const placeTime = 250 * time.Millisecond

// changes tells the technician of monitors and of the pointer.
func (l *live) changes() {
	var sequence uint32
	for {
		var c screen.Change
		err := l.patiently(l.ctx, func() (err error) {
			c, err = l.screens.Change(l.ctx)
			return err
		})
		if err != nil {
			l.screenLost(err)
			return
		}
		switch {
		case c.Cursor != nil:
			l.sendScreen(shapeOf(c.Cursor))
		case c.Place != nil:
			sequence++
			l.sendScreen(placeOf(c.Place, sequence))
		default:
			l.arrange(c.Layout)
			l.send(sceneOf(c.Layout))
		}
	}
}

// screenLost ends the session, unless it is ending already. A picture that could not
// leave because the link is gone says nothing of the screens.
func (l *live) screenLost(err error) {
	select {
	case <-l.link.Done():
		l.s.cut(wire.EndNetworkLost)
		return
	default:
	}
	if l.ctx.Err() == nil && l.view.Live() == nil {
		l.s.host.cfg.Log.Error("screens are lost", "error", err)
		l.s.cut(wire.EndScreenLost)
	}
}

// sendScreen sends what was read from the screens: under the view, like a picture.
// On a full link it tries again and again, so that a pause need not wait for it.
func (l *live) sendScreen(m wire.ToTechnician) {
	for {
		err := l.patiently(l.ctx, func() error {
			return l.permit(func() error {
				ctx, cancel := context.WithTimeout(l.ctx, placeTime)
				defer cancel()
				return l.link.Send(ctx, m)
			})
		})
		if l.ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return // sent, or the link has gone
		}
	}
}

// arrange takes in a new layout.
func (l *live) arrange(layout screen.Layout) {
	l.mu.Lock()
	l.layout = layout
	l.review()
	l.mu.Unlock()
	l.spread()
}

func sceneOf(layout screen.Layout) *wire.Scene {
	s, pixels := &wire.Scene{}, 0
	for _, m := range layout {
		size := m.Bounds.Size()
		if m.ID >= screen.MaxMonitors || size.X < 1 || size.Y < 1 || size.X > screen.MaxSide || size.Y > screen.MaxSide {
			continue
		}
		if pixels += size.X * size.Y; pixels > screen.MaxPixels {
			break
		}
		s.Monitors = append(s.Monitors, wire.MonitorInfo{
			ID: uint8(m.ID), Name: plain(m.Name), Primary: m.Primary,
			X: int32(m.Bounds.Min.X), Y: int32(m.Bounds.Min.Y), Width: uint16(size.X), Height: uint16(size.Y),
		})
	}
	return s
}

// plain makes a system's name fit to travel.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	for len(name) > wire.MaxName {
		runes := []rune(name)
		name = string(runes[:len(runes)-1])
	}
	return name
}

func shapeOf(c *screen.Cursor) *wire.Shape {
	return &wire.Shape{
		Serial: c.Serial, Width: uint8(c.Size.X), Height: uint8(c.Size.Y),
		HotX: within(c.Hot.X, c.Size.X), HotY: within(c.Hot.Y, c.Size.Y), Pix: c.Pix,
	}
}

// within is the coordinate of a shape's pixel that is nearest: systems let a pointer point
// just beside its shape.
func within(v, size int) uint8 { return uint8(max(min(v, size-1), 0)) }

func placeOf(p *screen.CursorPlace, sequence uint32) *wire.Place {
	return &wire.Place{
		Sequence: sequence, Monitor: uint8(p.Monitor), X: int16(p.At.X), Y: int16(p.At.Y), Visible: p.Visible,
	}
}
