// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/godbus/dbus/v5"
)

// callTime is how long a service on a bus may take to answer.
const callTime = 2 * time.Second

// maxSignals is how many signals may wait to be read.
const maxSignals = 64

var errBusLost = errors.New("presence: the bus is lost")

// bus is a connection to a message bus, and the signals that come over it, in
// their order.
type bus struct {
	*dbus.Conn
	signals chan *dbus.Signal
}

// connect never starts a bus: one that is not there has nobody to tell anything.
func connect(ctx context.Context, address string) (*bus, error) {
	if address == "" {
		return nil, errors.New("presence: no bus")
	}
	c, err := dbus.Connect(address, dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, err
	}
	b := &bus{Conn: c, signals: make(chan *dbus.Signal, maxSignals)}
	c.Signal(b.signals)
	return b, nil
}

// call asks a service, without starting it.
func (b *bus) call(ctx context.Context, o dbus.BusObject, method string, args ...any) *dbus.Call {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return o.CallWithContext(limited, method, dbus.FlagNoAutoStart, args...)
}

// match asks for signals; each of the options is one set.
func (b *bus) match(ctx context.Context, all ...[]dbus.MatchOption) error {
	for _, one := range all {
		if err := b.AddMatchSignalContext(ctx, one...); err != nil {
			return err
		}
	}
	return nil
}

// ownerChange are the signals that a name on the bus has another owner.
func ownerChange(name string) []dbus.MatchOption {
	return []dbus.MatchOption{
		dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"),
		dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name),
	}
}

const ownerChanged = "org.freedesktop.DBus.NameOwnerChanged"

// owner is who has a name, "" when nobody does.
func (b *bus) owner(ctx context.Context, name string) string {
	var unique string
	if b.call(ctx, b.BusObject(), "org.freedesktop.DBus.GetNameOwner", name).Store(&unique) != nil {
		return ""
	}
	return unique
}

// systemBus is where the login manager is.
func systemBus() string {
	if a := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); a != "" {
		return a
	}
	return "unix:path=/run/dbus/system_bus_socket"
}

// sessionBus is where the screen savers are.
func sessionBus() string {
	if a := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); a != "" {
		return a
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return "unix:path=" + filepath.Join(dir, "bus")
	}
	return ""
}
