// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"
)

// stuckLook is how often a screen saver that covers the screen is asked whether it
// still does: one that died says nothing.
const stuckLook = 5 * time.Second

// saver is a service that covers the screen, by the name it has on the session bus,
// which is also its interface.
type saver struct {
	name string
	path dbus.ObjectPath
}

func savers() []saver {
	return []saver{
		{"org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"},
		{"org.freedesktop.ScreenSaver", "/ScreenSaver"},
		{"org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"},
		{"org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver"},
		{"org.mate.ScreenSaver", "/org/mate/ScreenSaver"},
		{"org.xfce.ScreenSaver", "/org/xfce/ScreenSaver"},
	}
}

// runSaver follows the screen savers of the session until the bus is lost.
func runSaver(ctx context.Context, r report) error {
	b, err := connect(ctx, sessionBus())
	if err != nil {
		return err
	}
	defer b.Close()
	for _, s := range savers() {
		active := []dbus.MatchOption{dbus.WithMatchInterface(s.name), dbus.WithMatchMember("ActiveChanged")}
		if err := b.match(ctx, active, ownerChange(s.name)); err != nil {
			return err
		}
	}
	for {
		covered := b.covered(ctx, r)
		r.looked()
		var look <-chan time.Time
		if covered {
			look = time.After(stuckLook)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, ok := <-b.signals:
			if !ok {
				return errBusLost
			}
			// That the screen is covered is believed at once, whoever says so; that it
			// no longer is, when the screen saver itself is asked.
			if on, _ := first(s.Body).(bool); on {
				r.say(Locked)
			}
		case <-look:
		}
	}
}

// covered asks every screen saver that runs.
func (b *bus) covered(ctx context.Context, r report) bool {
	any, on := false, false
	for _, s := range savers() {
		var active bool
		if b.call(ctx, b.Object(s.name, s.path), s.name+".GetActive").Store(&active) == nil {
			any, on = true, on || active
		}
	}
	r.works(any)
	if on {
		r.say(Locked)
	} else {
		r.say(Here)
	}
	return on
}

func first(body []any) any {
	if len(body) == 0 {
		return nil
	}
	return body[0]
}
