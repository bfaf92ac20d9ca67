// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"context"
	"errors"
	"image"
	"slices"
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
	errDead  = errors.New("display server died")
)

// machine is a computer in memory: two screens, a mouse, a keyboard.
type machine struct {
	mu       sync.Mutex
	layout   screen.Layout
	dirty    map[screen.MonitorID]bool
	changes  []screen.Change
	news     chan struct{}
	fault    error
	blind    error // of reading pixels alone
	unfit    error
	noDesk   error
	active   bool          // the person is at mouse or keyboard
	stuck    chan struct{} // if set, input waits for it to be closed
	reads    int
	done     []wire.Input
	held     int           // keys that are down
	desks    int           // open now
	captures int           // open now
	mute     bool          // the windows do not answer
	spoke    chan struct{} // closed and replaced when mute changes
	points   []screen.CursorPlace
}

func newMachine() *machine {
	m := &machine{dirty: map[screen.MonitorID]bool{0: true, 1: true}, news: make(chan struct{}), spoke: make(chan struct{})}
	m.layout = screen.Layout{
		{ID: 0, Name: "DP-1", Bounds: image.Rect(0, 0, 1920, 1080), Primary: true},
		{ID: 1, Name: "HDMI-1", Bounds: image.Rect(-1280, 0, 0, 1024)},
	}
	m.changes = []screen.Change{
		{Layout: m.layout},
		{Cursor: &screen.Cursor{Serial: 1, Size: image.Pt(2, 2), Hot: image.Pt(1, 1), Pix: make([]byte, 16)}},
		{Place: &screen.CursorPlace{Monitor: 0, At: image.Pt(10, 20), Visible: true}},
	}
	return m
}

// windows says whether the person's windows answer.
func (m *machine) windows() (bool, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.mute, m.spoke
}

// hush makes the windows answer no more, or again.
func (m *machine) hush(mute bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mute = mute
	close(m.spoke)
	m.spoke = make(chan struct{})
}

// set changes the machine and wakes whoever waits for it.
func (m *machine) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	close(m.news)
	m.news = make(chan struct{})
}

// draw changes pixels of a monitor.
func (m *machine) draw(id screen.MonitorID) { m.set(func() { m.dirty[id] = true }) }

// plug changes the monitors.
func (m *machine) plug(l screen.Layout) {
	m.set(func() {
		m.layout = l
		m.changes = append(m.changes, screen.Change{Layout: l})
	})
}

func (m *machine) ports() session.Machine {
	return session.Machine{
		Fit: func() (screen.Layout, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.layout, m.unfit
		},
		Capture: func(v consent.View) (session.Screens, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.fault != nil {
				return nil, m.fault
			}
			m.captures++
			return &capture{m: m, view: v, closed: make(chan struct{})}, nil
		},
		Drive: m.drive,
		Point: func(p screen.CursorPlace) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.points = append(m.points, p)
		},
		Gone: errGone, Yield: errYield, Windows: m.windows,
	}
}

// capture reads the machine's screens, inside its view alone.
type capture struct {
	m      *machine
	view   consent.View
	closed chan struct{}
	frames [screen.MaxMonitors]screen.Frame
	told   int
}

func (c *capture) Next(ctx context.Context, id screen.MonitorID) (*screen.Frame, error) {
	for {
		var fresh bool
		var news chan struct{}
		err := c.view.Do(func() error {
			c.m.mu.Lock()
			defer c.m.mu.Unlock()
			news = c.m.news
			return c.read(id, &fresh)
		})
		if err != nil || fresh {
			return &c.frames[id], err
		}
		if err := c.wait(ctx, news); err != nil {
			return nil, err
		}
	}
}

// read runs inside the view, with the machine's lock.
func (c *capture) read(id screen.MonitorID, fresh *bool) error {
	monitor, exists := c.m.layout.Find(id)
	if c.m.fault != nil {
		return c.m.fault
	}
	if c.m.blind != nil {
		return c.m.blind
	}
	if !exists {
		return errGone
	}
	if *fresh = c.m.dirty[id]; *fresh {
		c.m.reads++
		c.m.dirty[id] = false
		c.frames[id] = screen.Frame{
			Monitor: id, Size: monitor.Bounds.Size(), Taken: time.Now(),
			Damage: []image.Rectangle{image.Rect(0, 0, 10, 10)},
		}
	}
	return nil
}

func (c *capture) wait(ctx context.Context, news <-chan struct{}) error {
	select {
	case <-news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.view.Done():
		return consent.ErrRevoked
	case <-c.closed:
		return errDead
	}
}

func (c *capture) Change(ctx context.Context) (screen.Change, error) {
	for {
		var change screen.Change
		var news chan struct{}
		found := false
		err := c.view.Do(func() error {
			c.m.mu.Lock()
			defer c.m.mu.Unlock()
			news = c.m.news
			if found = c.told < len(c.m.changes); found {
				change = c.m.changes[c.told]
				c.told++
			}
			return c.m.fault
		})
		if err != nil || found {
			return change, err
		}
		if err := c.wait(ctx, news); err != nil {
			return screen.Change{}, err
		}
	}
}

func (c *capture) Close() error {
	close(c.closed)
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.m.captures--
	return nil
}

// desk drives the machine, inside its control alone.
type desk struct {
	m       *machine
	control consent.Control
	layout  func() screen.Layout
}

func (m *machine) drive(c consent.Control, layout func() screen.Layout) (session.Desk, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.noDesk != nil {
		return nil, m.noDesk
	}
	m.desks++
	return &desk{m, c, layout}, nil
}

func (d *desk) Do(in wire.Input) error {
	return d.control.Do(func() error {
		if d.m.stuck != nil {
			<-d.m.stuck
		}
		d.m.mu.Lock()
		defer d.m.mu.Unlock()
		if d.m.active {
			return errYield
		}
		if k, ok := in.(*wire.Key); ok && k.Down {
			d.m.held++
		}
		if _, ok := in.(*wire.ReleaseAll); ok {
			d.m.held = 0
		}
		d.m.done = append(d.m.done, in)
		return nil
	})
}

func (d *desk) Close() error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	d.m.held = 0
	d.m.desks--
	return nil
}

// typed is how many inputs were done.
func (m *machine) typed() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.done)
}

// pointer is the technician's pointer as it was shown last.
func (m *machine) pointer() screen.CursorPlace {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.points) == 0 {
		return screen.CursorPlace{}
	}
	return m.points[len(m.points)-1]
}

func (m *machine) without(id screen.MonitorID) screen.Layout {
	return slices.DeleteFunc(slices.Clone(m.layout), func(s screen.Monitor) bool { return s.ID == id })
}
