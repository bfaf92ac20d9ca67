// SPDX-License-Identifier: Apache-2.0

// Package capture reads the local screens for as long as a consent.View lives.
//
// It is a pull model: the system tells what changed, the changes of a monitor
// add up while nobody asks, and Next copies just those rectangles when it is
// called. So there is no queue, the newest picture always wins, and a still
// screen costs nothing. Every byte of a pointer is read inside View.Do, every byte
// of a screen inside View.On: once a Revoke has returned, nothing is read any more,
// and nothing ever of a monitor that does not show its banner.
//
// On Linux this is X11 (MIT-SHM, DAMAGE, XFIXES, RandR). On Windows and macOS a
// portable fallback polls and compares; elsewhere Open fails.
package capture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
)

var (
	// ErrGone means that no monitor has this ID (any more).
	ErrGone = errors.New("monitor is gone")
	// ErrLost means that the display server no longer answers.
	ErrLost = errors.New("display server is lost")
	// ErrClosed means that Close was called.
	ErrClosed = errors.New("capture is closed")
	// ErrUnsupported means that the screens of this system cannot be read.
	ErrUnsupported = errors.New("capture is not supported here")
)

// errShifted means that the monitors moved while they were read: read again.
var errShifted = errors.New("monitors moved during a read")

const (
	frameGap  = 12 * time.Millisecond // between two frames of a monitor, at least
	changeGap = 15 * time.Millisecond // between two looks at the pointer, at least
	maxShifts = 50                    // errShifted in a row before giving up
)

// Screens reads the monitors.
type Screens struct {
	view consent.View
	log  *slog.Logger
	feed *feed
	src  source
	hand hand

	closing   chan struct{}
	closeOnce sync.Once
	pictures  [screen.MaxMonitors]picture
	watch     watcher
}

// source is the mechanism that reads pixels.
type source interface {
	collect() error // moves what the system reports as changed into the feed
	read(p *picture, damage []image.Rectangle) ([]image.Rectangle, error)
	close() error
}

// hand is the mechanism that reads the pointer.
type hand interface {
	shape() (*screen.Cursor, error) // nil unless it is a new one
	place() (at image.Point, on bool, err error)
	every() time.Duration // how often to look without being told of a move
}

// picture is what is known of one monitor's pixels.
type picture struct {
	reading sync.Mutex // held by Next; guards all that follows
	bounds  image.Rectangle
	frame   screen.Frame
	taken   time.Time // of the last attempt
	shifts  int
}

// watcher is the memory of Change.
type watcher struct {
	mu     sync.Mutex
	layout int // version of the layout told last
	place  *screen.CursorPlace
	looked time.Time
}

// Monitors lists the monitors; it reads no pixels and needs no lease.
func Monitors() (screen.Layout, error) { return monitors() }

// Open prepares reading the screens under a view.
func Open(view consent.View, log *slog.Logger) (*Screens, error) {
	if err := view.Live(); err != nil && !errors.Is(err, consent.ErrPaused) {
		return nil, err
	}
	s := &Screens{view: view, log: log, feed: newFeed(), closing: make(chan struct{})}
	var err error
	if s.src, s.hand, err = open(s.feed, log); err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	return s, nil
}

// Layout is the monitors as they are known now.
func (s *Screens) Layout() screen.Layout { return s.feed.monitors() }

// Next waits until something changed on the monitor and returns its picture;
// the first call returns the whole monitor at once. The frame is valid until
// the next call for the same monitor, and its size may differ from the last
// one's. It fails with ErrGone when the monitor is unplugged, with the view's own
// error when the view is paused or has ended, or holds this monitor back since its
// banner is not up (what changed meanwhile is kept),
// and with ErrLost. Each monitor may be read by a goroutine of its own.
func (s *Screens) Next(ctx context.Context, id screen.MonitorID) (*screen.Frame, error) {
	if int(id) >= len(s.pictures) {
		return nil, ErrGone
	}
	p := &s.pictures[id]
	p.reading.Lock()
	defer p.reading.Unlock()
	for {
		if err := s.pause(ctx, time.Until(p.taken.Add(frameGap))); err != nil {
			return nil, err
		}
		news := s.feed.pixelNews()
		var fresh bool
		err := s.view.Do(func() (err error) { fresh, err = s.read(id, p); return err })
		switch {
		case errors.Is(err, errShifted):
			continue
		case err != nil:
			return nil, err
		case fresh:
			return &p.frame, nil
		}
		if err := s.wait(ctx, news, nil); err != nil {
			return nil, err
		}
	}
}

// read brings the picture up to date and reports whether it changed. It runs
// inside View.Do.
func (s *Screens) read(id screen.MonitorID, p *picture) (bool, error) {
	if err := s.src.collect(); err != nil {
		return false, err
	}
	bounds, damage, err := s.feed.take(id)
	if err != nil || len(damage) == 0 {
		return false, err
	}
	p.taken = time.Now()
	if p.resize(bounds) {
		damage = []image.Rectangle{{Max: bounds.Size()}}
	}
	var changed []image.Rectangle
	err = s.view.On(bounds, func() (err error) { changed, err = s.src.read(p, damage); return err })
	if err != nil {
		s.feed.damage(bounds)
		if errors.Is(err, errShifted) {
			p.shifts++
		}
		if p.shifts > maxShifts {
			return false, fmt.Errorf("read the screen: %d tries failed", p.shifts)
		}
		return false, err
	}
	p.shifts = 0
	p.frame.Monitor, p.frame.Damage, p.frame.Taken = id, changed, p.taken
	return len(changed) > 0, nil
}

// resize fits the picture to the monitor and reports whether it had to be made anew.
func (p *picture) resize(bounds image.Rectangle) bool {
	size := bounds.Size()
	p.bounds = bounds
	if p.frame.Size == size {
		return false
	}
	p.frame = screen.Frame{Size: size, Stride: size.X * 4, Pix: make([]byte, size.X*size.Y*4)}
	return true
}

// Change waits until the layout, the shape of the pointer or its place changed,
// and returns that one; the first calls return the current ones. It is for one
// goroutine.
func (s *Screens) Change(ctx context.Context) (screen.Change, error) {
	w := &s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if err := s.pause(ctx, time.Until(w.looked.Add(changeGap))); err != nil {
			return screen.Change{}, err
		}
		news := s.feed.otherNews()
		var c screen.Change
		err := s.view.Do(func() (err error) { c, err = s.look(w); return err })
		if err != nil || c.Layout != nil || c.Cursor != nil || c.Place != nil {
			return c, err
		}
		if err := s.wait(ctx, news, s.every()); err != nil {
			return screen.Change{}, err
		}
	}
}

// look finds one thing that Change has not told yet. It runs inside View.Do.
func (s *Screens) look(w *watcher) (screen.Change, error) {
	if err := s.src.collect(); err != nil {
		return screen.Change{}, err
	}
	if layout, version := s.feed.newest(); version != w.layout {
		w.layout = version
		return screen.Change{Layout: layout}, nil
	}
	if s.hand == nil {
		return screen.Change{}, nil
	}
	cursor, err := s.hand.shape()
	if err != nil || cursor != nil {
		return screen.Change{Cursor: cursor}, err
	}
	w.looked = time.Now()
	at, on, err := s.hand.place()
	if err != nil {
		return screen.Change{}, err
	}
	place := locate(s.feed.monitors(), at, on)
	if w.place != nil && *w.place == place {
		return screen.Change{}, nil
	}
	w.place = &place
	told := place
	return screen.Change{Place: &told}, nil
}

// locate says on which monitor a point of the desktop is.
func locate(l screen.Layout, at image.Point, on bool) screen.CursorPlace {
	for _, m := range l {
		if on && at.In(m.Bounds) {
			return screen.CursorPlace{Monitor: m.ID, At: at.Sub(m.Bounds.Min), Visible: true}
		}
	}
	return screen.CursorPlace{}
}

// every is a timer for the next unasked look at the pointer.
func (s *Screens) every() <-chan time.Time {
	if s.hand == nil {
		return nil
	}
	return time.After(s.hand.every())
}

// pause waits, if d is positive.
func (s *Screens) pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return s.state()
	}
	return s.wait(ctx, nil, time.After(d))
}

// wait waits for news or the time, and for everything that ends a wait.
func (s *Screens) wait(ctx context.Context, news <-chan struct{}, at <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.view.Done():
		return s.ended()
	case <-s.closing:
		return ErrClosed
	case <-news:
	case <-at:
	}
	return s.state()
}

func (s *Screens) state() error {
	select {
	case <-s.closing:
		return ErrClosed
	default:
		return s.feed.fault()
	}
}

func (s *Screens) ended() error {
	if err := s.view.Live(); err != nil {
		return err
	}
	return consent.ErrRevoked
}

// Close ends every call that waits and frees everything.
func (s *Screens) Close() error {
	var err error
	s.closeOnce.Do(func() {
		close(s.closing)
		err = s.src.close()
	})
	return err
}
