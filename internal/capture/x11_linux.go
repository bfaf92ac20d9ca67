// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"assist/internal/screen"
	"assist/internal/x11"
)

// answerLimit is how long the X server may take for one read. It is waited for
// inside View.Do, so it also bounds how long a frozen server holds up a Revoke.
const answerLimit = 2 * time.Second

// errPixels means that the server keeps pixels in another way than we read.
var errPixels = errors.New("screen is not 24 bit deep with 32 bit pixels")

// x11Source reads an X server. Its connection is made and closed with it; mu
// serialises the reads of all monitors, for they share one memory segment.
type x11Source struct {
	feed     *feed
	log      *slog.Logger
	c        *x11.Conn
	displays *x11.Displays
	pointer  x11Pointer

	damage      damage.Damage
	parts       xfixes.Region
	damageEvent byte

	dirty atomic.Bool // the server has told of damage not yet fetched
	stale atomic.Bool // the server has told of a change of the monitors
	ready atomic.Bool // event numbers are known

	mu     sync.Mutex
	layout screen.Layout
	shm    *segment // nil: pixels travel through the connection
	closed bool
	ended  chan struct{}
}

func monitorsX11() (screen.Layout, error) {
	c, err := x11.Dial("", nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	d, err := c.Displays()
	if err != nil {
		return nil, err
	}
	return d.Layout(nil)
}

func openX11(f *feed, log *slog.Logger) (*x11Source, error) {
	s := &x11Source{feed: f, log: log, ended: make(chan struct{})}
	var err error
	if s.c, err = x11.Dial("", s.event); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		s.c.Close()
		return nil, err
	}
	go s.mourn()
	return s, nil
}

// prepare asks the server for everything there is to be told of.
func (s *x11Source) prepare() error {
	if !s.c.BGRX() {
		return errPixels
	}
	var err error
	if s.displays, err = s.c.Displays(); err != nil {
		return err
	}
	if err := s.prepareDamage(); err != nil {
		return err
	}
	if err := s.pointer.prepare(s.c); err != nil {
		return err
	}
	s.ready.Store(true)
	if err := s.displays.Watch(); err != nil {
		return fmt.Errorf("watch monitors: %w", err)
	}
	s.shm = newSegment(s.c, s.log)
	s.stale.Store(true)
	return s.collect()
}

func (s *x11Source) prepareDamage() error {
	if _, _, err := s.c.Extension("XFIXES"); err != nil {
		return err
	}
	if _, err := xfixes.QueryVersion(s.c.X, 4, 0).Reply(); err != nil {
		return fmt.Errorf("xfixes version: %w", err)
	}
	_, first, err := s.c.Extension("DAMAGE")
	if err != nil {
		return err
	}
	s.damageEvent = first + damage.Notify
	if _, err := damage.QueryVersion(s.c.X, 1, 1).Reply(); err != nil {
		return fmt.Errorf("damage version: %w", err)
	}
	if s.parts, err = xfixes.NewRegionId(s.c.X); err != nil {
		return err
	}
	if err := xfixes.CreateRegionChecked(s.c.X, s.parts, nil).Check(); err != nil {
		return fmt.Errorf("create region: %w", err)
	}
	if s.damage, err = damage.NewDamageId(s.c.X); err != nil {
		return err
	}
	// One event per "something changed since you last fetched", however much:
	// a storm of drawing costs us one event a frame.
	root := xproto.Drawable(s.c.Root)
	if err := damage.CreateChecked(s.c.X, s.damage, root, damage.ReportLevelNonEmpty).Check(); err != nil {
		return fmt.Errorf("watch damage: %w", err)
	}
	s.dirty.Store(true)
	return nil
}

// event runs on the connection's reader: it sets marks and wakes, no more.
func (s *x11Source) event(e x11.Event) {
	if !s.ready.Load() {
		return // everything is marked as new by prepare anyway
	}
	switch {
	case e.Code() == s.damageEvent:
		s.dirty.Store(true)
		s.feed.wakePixels()
	case s.displays.Changed(e):
		s.stale.Store(true)
		s.feed.wakePixels()
		s.feed.wakeOthers()
	case s.pointer.event(e):
		s.feed.wakeOthers()
	}
}

// mourn passes on the end of the connection.
func (s *x11Source) mourn() {
	defer close(s.ended)
	<-s.c.Done()
	s.feed.fail(ErrLost)
}

// guard cuts the connection if the server does not answer until it is stopped.
func guard(c *x11.Conn) (stop func() bool) {
	return time.AfterFunc(answerLimit, c.Kill).Stop
}

// collect fetches the monitors and the damage that the server told of.
func (s *x11Source) collect() error {
	if !s.stale.Load() && !s.dirty.Load() {
		return nil
	}
	defer guard(s.c)()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.stale.Swap(false) {
		if err := s.readLayout(); err != nil {
			return s.explain(err)
		}
	}
	if !s.dirty.Swap(false) {
		return nil
	}
	damage.Subtract(s.c.X, s.damage, xfixes.RegionNone, s.parts)
	reply, err := xfixes.FetchRegion(s.c.X, s.parts).Reply()
	if err != nil {
		return s.explain(err)
	}
	for _, r := range reply.Rectangles {
		s.feed.damage(rectangle(r))
	}
	// Another monitor's Next may be asleep on what was just fetched for it.
	s.feed.wakePixels()
	return nil
}

func (s *x11Source) readLayout() error {
	layout, err := s.displays.Layout(s.layout)
	if err != nil {
		s.stale.Store(true)
		return err
	}
	s.layout = layout
	s.feed.setLayout(layout)
	return nil
}

func rectangle(r xproto.Rectangle) image.Rectangle {
	return image.Rect(0, 0, int(r.Width), int(r.Height)).Add(image.Pt(int(r.X), int(r.Y)))
}

// explain turns a failed request into the error that callers know.
func (s *x11Source) explain(err error) error {
	if !s.c.Alive() {
		return ErrLost
	}
	return err
}

// close frees the segment and ends the connection; a read in progress ends first.
func (s *x11Source) close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	if s.shm != nil {
		s.shm.free()
		s.shm = nil
	}
	s.mu.Unlock()
	if !closed {
		s.c.Close()
	}
	<-s.ended
	return nil
}
