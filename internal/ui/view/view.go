// SPDX-License-Identifier: Apache-2.0

// Package view is the technician's session window: it shows the host's monitors,
// carries mouse and keyboard to them while that is allowed, and says at every
// moment what is allowed and why something is not.
//
// The window decides nothing. All that it shows comes from a Watcher and a
// Pictures; all that the technician does goes to a Hands and a Ladder. It never
// waits for any of them on the toolkit's goroutine: pictures have one goroutine a
// monitor (pump), what the technician does has one queue (outbox).
//
// Units: a "device pixel" is a pixel of the technician's screen, a "host pixel"
// one of the host's. Fields without a lock belong to the toolkit's goroutine.
package view

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"time"

	"fyne.io/fyne/v2"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// ErrConfig says that a Config lacks something.
var ErrConfig = errors.New("view: incomplete configuration")

// State is what the window shows, at one moment.
type State struct {
	Layout   screen.Layout
	Rights   consent.Rights
	Asked    consent.Rights  // wanted, and not yet answered by the person
	Denials  int             // rises each time the person turns a wish down
	Pictures wire.PauseCause // what holds the pictures back
	Input    wire.PauseCause // what holds mouse and keyboard back
	Silent   time.Time       // when the host was last heard, if that is too long ago; else zero
	Cursor   *screen.Cursor  // shape of the host's pointer; nil until known
	Place    screen.CursorPlace
	Words    [3]string
	Since    time.Time      // when the session went live
	Ended    wire.EndReason // 0 while it lives
}

// Stats are the figures of the status line.
type Stats struct {
	FPS     float64
	Delay   time.Duration // round trip
	Bitrate int           // bit/s
	Relayed bool
	Codec   string
}

// Watcher tells how the session stands. Changed is a channel with one slot that is
// filled after each change; nobody else reads it.
type Watcher interface {
	State() State
	Changed() <-chan struct{}
	Stats() Stats
}

// Pictures gives the host's pictures. Picture returns the newest one not returned
// before, blocks until there is one, and its result stays valid until the next call
// for that monitor. Watch says which monitors are looked at.
type Pictures interface {
	Picture(ctx context.Context, id screen.MonitorID) (*screen.Picture, error)
	Watch(ids []screen.MonitorID) error
}

// Hands carries what the technician does to the host.
type Hands interface {
	Input(in wire.Input) error
	Point(p wire.Point) error
}

// Ladder asks for rights, gives them back, and ends the session.
type Ladder interface {
	Want(r consent.Rights) error
	Release(r consent.Rights) error
	End()
}

// Paint converts a picture into all of dst, opaque. When dst is smaller than the
// picture it is scaled down with a box filter, so that small text stays readable.
type Paint func(p *screen.Picture, dst *image.RGBA)

// Config is all that a session window needs. The four ports may be one object.
type Config struct {
	App      fyne.App
	Log      *slog.Logger
	Watcher  Watcher
	Pictures Pictures
	Hands    Hands
	Ladder   Ladder
	Paint    Paint
	Machine  string // as shown, "4829 1730 5566"
	Reason   string // why the session was asked for
	// Text returns a text in the technician's language, as assets.Texts gives it for "view".
	Text Text
	// Note keeps the closing note; called off the toolkit's goroutine.
	Note func(note string) error
	// Closed is called once on the toolkit's goroutine when the window has gone.
	Closed func()
}

func (c Config) check() error {
	if c.App == nil || c.Log == nil || c.Watcher == nil || c.Pictures == nil || c.Hands == nil ||
		c.Ladder == nil || c.Paint == nil || c.Text == nil || c.Note == nil || c.Closed == nil {
		return ErrConfig
	}
	return nil
}

// Open shows the session window and starts its goroutines; they end with the
// window. It is called on the toolkit's goroutine, while the app runs.
func Open(c Config) (*Window, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	w := build(c)
	w.start()
	return w, nil
}
