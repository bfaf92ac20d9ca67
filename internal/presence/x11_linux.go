// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"context"
	"errors"
	"time"

	"github.com/jezek/xgb/dpms"
	"github.com/jezek/xgb/screensaver"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// x11Look is how often the X server is asked.
const x11Look = 400 * time.Millisecond

// saverOn is the state of a screen saver that covers the screen.
const saverOn = 1

// x11Source asks the X server itself whether its screens are dark: nobody watches then,
// whoever else can tell. It also asks for the person's mouse and keyboard, which any program
// may switch off, a technician's too: the person could then see everything and end nothing. A login manager without a locker does not tell. It counts as a
// source only where there is no other: a desktop that has a locker says more.
type x11Source struct{ display string }

func (x x11Source) run(ctx context.Context, r report) error {
	c, err := x11.Dial(x.display, func(x11.Event) {})
	if err != nil {
		return err
	}
	defer c.Close()
	_, _, noSaver := c.Extension("MIT-SCREEN-SAVER")
	_, _, noPower := c.Extension("DPMS")
	if noSaver != nil && noPower != nil {
		return errors.Join(noSaver, noPower)
	}
	tick := time.NewTicker(x11Look)
	defer tick.Stop()
	devices, noDevices := c.InputDevices()
	var h hands
	for {
		r.works(!r.others())
		bound := noDevices == nil && h.bound(devices.List())
		switch {
		case noSaver == nil && saverCovers(c) || noPower == nil && monitorsOff(c):
			r.say(Blank)
		case bound:
			r.say(Bound)
		default:
			r.say(Here)
		}
		r.looked()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.Done():
			return x11.ErrNoDisplay
		case <-tick.C:
		}
	}
}

func saverCovers(c *x11.Conn) bool {
	i, err := screensaver.QueryInfo(c.X, xproto.Drawable(c.Root)).Reply()
	return err == nil && i.State == saverOn
}

func monitorsOff(c *x11.Conn) bool {
	i, err := dpms.Info(c.X).Reply()
	return err == nil && i.State && i.PowerLevel != dpms.DPMSModeOn
}
