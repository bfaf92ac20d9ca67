// SPDX-License-Identifier: Apache-2.0

package evil

import (
	"context"
	"errors"
	"image"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/wire"
)

var (
	errGone  = errors.New("monitor unplugged")
	errYield = errors.New("the person is at the mouse")
)

// desktop is the host's computer: two small monitors whose pictures change all the
// time, a mouse and a keyboard. It counts what is done to it.
type desktop struct {
	mu     sync.Mutex
	reads  int // frames read
	events int // done at mouse and keyboard
	last   wire.Input
	held   map[uint16]bool
	points int // places of the technician's pointer shown
	open   int // captures and desks that are open
}

func (d *desktop) get(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// touched is how many frames were read, and events done.
func (d *desktop) touched() (frames, events int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads, d.events
}

func monitors() screen.Layout {
	return screen.Layout{
		{ID: 0, Name: "DP-1", Bounds: image.Rect(0, 0, 128, 96), Primary: true},
		{ID: 1, Name: "HDMI-1", Bounds: image.Rect(128, 0, 192, 48)},
	}
}

func (d *desktop) ports() session.Machine {
	return session.Machine{
		Fit: func() (screen.Layout, error) { return monitors(), nil },
		Capture: func(v consent.View) (session.Screens, error) {
			d.get(func() { d.open++ })
			return &camera{d: d, view: v}, nil
		},
		Drive: func(c consent.Control, _ func() screen.Layout) (session.Desk, error) {
			d.get(func() { d.open++ })
			return &hands{d, c}, nil
		},
		Point: func(screen.CursorPlace) { d.get(func() { d.points++ }) },
		Gone:  errGone, Yield: errYield,
		Windows: func() (bool, <-chan struct{}) { return true, nil },
	}
}

// camera reads a desktop's monitors, thirty times a second.
type camera struct {
	d    *desktop
	view consent.View
	told bool
	n    [screen.MaxMonitors]int
}

// Next reads a frame inside the view.
func (c *camera) Next(ctx context.Context, id screen.MonitorID) (*screen.Frame, error) {
	m, ok := monitors().Find(id)
	if !ok {
		return nil, errGone
	}
	if c.n[id]++; c.n[id] > 1 {
		select {
		case <-time.After(time.Second / 30):
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.view.Done():
			return nil, consent.ErrRevoked
		}
	}
	var f *screen.Frame
	err := c.view.Do(func() error {
		c.d.get(func() { c.d.reads++ })
		f = paint(id, m.Bounds.Size(), c.n[id])
		return nil
	})
	return f, err
}

// paint is a picture that differs with n.
func paint(id screen.MonitorID, size image.Point, n int) *screen.Frame {
	f := &screen.Frame{Monitor: id, Size: size, Stride: 4 * size.X, Pix: make([]byte, 4*size.X*size.Y),
		Damage: []image.Rectangle{{Max: size}}, Taken: time.Now()}
	for i := range f.Pix {
		f.Pix[i] = byte(i/4/16*40 + n*8)
	}
	return f
}

// Change tells of the monitors once.
func (c *camera) Change(ctx context.Context) (screen.Change, error) {
	if !c.told {
		c.told = true
		return screen.Change{Layout: monitors()}, nil
	}
	select {
	case <-ctx.Done():
		return screen.Change{}, ctx.Err()
	case <-c.view.Done():
		return screen.Change{}, consent.ErrRevoked
	}
}

// Close ends the reading.
func (c *camera) Close() error {
	c.d.get(func() { c.d.open-- })
	return nil
}

// hands do what they are told, inside the control.
type hands struct {
	d       *desktop
	control consent.Control
}

// Do does one thing.
func (h *hands) Do(in wire.Input) error {
	return h.control.Do(func() error {
		h.d.mu.Lock()
		defer h.d.mu.Unlock()
		if h.d.held == nil {
			h.d.held = map[uint16]bool{}
		}
		switch m := in.(type) {
		case *wire.Key:
			if h.d.held[m.Usage] = true; !m.Down {
				delete(h.d.held, m.Usage)
			}
		case *wire.ReleaseAll:
			clear(h.d.held)
		}
		h.d.events++
		h.d.last = in
		return nil
	})
}

// Close lets go of everything.
func (h *hands) Close() error {
	h.d.get(func() {
		clear(h.d.held)
		h.d.open--
	})
	return nil
}
