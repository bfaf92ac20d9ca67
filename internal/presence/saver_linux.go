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
	w := saverWatch{bus: b, report: r}
	w.ask(ctx)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, ok := <-b.signals:
			if !ok {
				return errBusLost
			}
			w.hear(ctx, s)
		case a := <-w.asking:
			w.answered(ctx, a)
		case <-w.look:
			w.ask(ctx)
		}
	}
}

// saverWatch is what the screen savers said. Its fields belong to the goroutine of run.
type saverWatch struct {
	bus    *bus
	report report

	asking <-chan saverAnswer // nil while nobody is asked
	again  bool               // something was said since
	told   bool               // and it was that the screen is covered
	look   <-chan time.Time
}

// saverAnswer sums up what was answered.
type saverAnswer struct {
	any bool // somebody answered
	on  bool // somebody covers the screen
}

// hear takes a signal. That the screen is covered is believed at once, whoever says so; that
// it no longer is, when the screen savers themselves are asked, after that was said.
func (w *saverWatch) hear(ctx context.Context, s *dbus.Signal) {
	if on, _ := first(s.Body).(bool); on {
		w.told = true
		w.report.say(Locked)
	}
	if w.again = true; w.asking == nil {
		w.ask(ctx)
	}
}

// answered takes what the screen savers said when they were asked.
func (w *saverWatch) answered(ctx context.Context, a saverAnswer) {
	w.asking, w.look = nil, nil
	w.report.works(a.any)
	switch {
	case a.on:
		w.report.say(Locked)
		w.look = time.After(stuckLook)
	case !w.told:
		w.report.say(Here)
	}
	w.report.looked()
	if w.again {
		w.ask(ctx)
	}
}

// ask asks all screen savers that run, at the same time: one that does not answer, and any
// program of the account can be that, holds up no word of the others. The answer is there as
// soon as one says yes.
func (w *saverWatch) ask(ctx context.Context) {
	all := make(chan saverAnswer, len(savers()))
	for _, s := range savers() {
		go func() {
			var on bool
			err := w.bus.call(ctx, w.bus.Object(s.name, s.path), s.name+".GetActive").Store(&on)
			all <- saverAnswer{err == nil, err == nil && on}
		}()
	}
	out := make(chan saverAnswer, 1)
	go func() {
		var sum saverAnswer
		for range savers() {
			one := <-all
			if sum = (saverAnswer{sum.any || one.any, one.on}); sum.on {
				break
			}
		}
		out <- sum
	}()
	w.asking, w.again, w.told = out, false, false
}

func first(body []any) any {
	if len(body) == 0 {
		return nil
	}
	return body[0]
}
