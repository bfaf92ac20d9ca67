// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/trust"
	"assist/internal/wire"
)

// Signals carries the steps of connection set-up through the server.
type Signals interface {
	Send(ctx context.Context, body []byte) error
	Receive(ctx context.Context) ([]byte, error)
}

// Line is one request at the server. Done is closed when it, or the session that
// came of it, was ended by the other end or by the server; never because the
// connection to the server dropped under a live session.
type Line interface {
	End(reason wire.EndReason)
	Done() <-chan struct{}
	Reason() wire.EndReason
}

// Call is a request that reached this machine.
type Call interface {
	Signals
	Line
	Recorder
	Alarm
	Ring() wire.Ring
	Pledge(ctx context.Context, env []byte) error
	Answer(ctx context.Context, env []byte) error
}

// Outgoing is a request that this technician made. Pledge and Answer wait for
// the host's.
type Outgoing interface {
	Signals
	Line
	Recorder
	Pledge(ctx context.Context) ([]byte, error)
	Answer(ctx context.Context) ([]byte, error)
}

// Link is the encrypted connection to the other end, of either side.
type Link interface {
	Done() <-chan struct{}
	Err() error
	Close() error
}

// Canvas takes pictures to the technician. Whatever is sent goes out inside
// permit.
type Canvas interface {
	Show(ctx context.Context, f *screen.Frame, permit func(func() error) error) error
	Refine(ctx context.Context, id screen.MonitorID, permit func(func() error) error) (more bool, err error)
	Forget(id screen.MonitorID)
}

// HostLink is the host's end of the connection.
type HostLink interface {
	Link
	Canvas
	Send(ctx context.Context, m wire.ToTechnician) error
	Receive(ctx context.Context) (wire.ToHost, error)
}

// TechnicianLink is the technician's end of the connection. A Picture is the
// newest one, and valid until the next call for the same monitor.
type TechnicianLink interface {
	Link
	Picture(ctx context.Context, id screen.MonitorID) (*screen.Picture, error)
	Send(ctx context.Context, m wire.ToHost) error
	Receive(ctx context.Context) (wire.ToTechnician, error)
}

// HostDialer is a fresh identity of the host, good for one connection. Connect
// returns once the other end has proved to be remote.
type HostDialer interface {
	Fingerprint() [32]byte
	Connect(ctx context.Context, remote [32]byte, s Signals) (HostLink, error)
}

// TechnicianDialer is HostDialer for the technician.
type TechnicianDialer interface {
	Fingerprint() [32]byte
	Connect(ctx context.Context, remote [32]byte, s Signals) (TechnicianLink, error)
}

// Screens reads the local screens, as package capture does. Next and Change
// return consent.ErrPaused while the view is paused, and lose nothing by it.
type Screens interface {
	Next(ctx context.Context, id screen.MonitorID) (*screen.Frame, error)
	Change(ctx context.Context) (screen.Change, error)
	Close() error
}

// Desk drives the local mouse and keyboard, as package input does. Close lets go
// of all that is held; so does Do for wire.ReleaseAll, even while input is paused,
// and before it types a wire.Text.
type Desk interface {
	Do(in wire.Input) error
	Close() error
}

// Charters is the unit's charter as this app has it: the one in force, or why there is
// none. Changed is closed at the next change.
type Charters interface {
	Now() (*trust.Charter, error)
	Changed() <-chan struct{}
}

// Machine is what a session can do on this computer.
type Machine struct {
	// Fit says why nothing may be shared: an administrator's session, no screen,
	// a locked one. It also counts the monitors.
	Fit     func() (screen.Layout, error)
	Capture func(v consent.View) (Screens, error)
	Drive   func(c consent.Control, layout func() screen.Layout) (Desk, error)
	// Point shows the technician's pointer; it is called inside consent.Pointer.Do.
	Point func(p screen.CursorPlace)
	Gone  error // what Next returns for a monitor that is unplugged
	Yield error // what Do returns while the person is at mouse or keyboard
	// Windows says whether the person's own windows answer; the channel is closed at
	// the next change. While they do not, whoever cuts by them is heard too late, so
	// nothing is shown or driven.
	Windows func() (answer bool, changed <-chan struct{})
}
