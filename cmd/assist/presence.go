// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"assist/internal/consent"
	"assist/internal/presence"
	"assist/internal/wire"
)

// errAway says that the person cannot see the screen: nothing is shared, nothing asked.
var errAway = errors.New("the person cannot see the screen")

// absence knows whether the person can be at their screen.
type absence interface {
	Away() presence.Cause
	Close()
}

// attend watches that the person can be at their screen, and ends everything at once
// when they cannot: before the computer sleeps, since presence lets it wait for that.
func (d *desktop) attend(p *program) {
	d.presence = presence.Watch(presence.Options{
		OnAway: func(c presence.Cause) { p.helped.Cut(endOf(c)) },
		Log:    d.log,
	})
}

// endOf is what both sides are told of an absence.
func endOf(c presence.Cause) wire.EndReason {
	if c == presence.Bound {
		return wire.EndInputOff
	}
	return wire.EndLocked
}

// hands are the person's own, as the gate minds them. Without a watcher nothing can be
// shared at all.
func (p *program) hands() consent.Hands {
	return consent.Hands{
		Last: func(strict bool) time.Time {
			switch w := p.desktop.watcher; {
			case w == nil:
				return time.Time{}
			case strict:
				return w.LastOfDevices()
			default:
				return w.Last()
			}
		},
		Idle: p.unit.idle,
	}
}

// away says why nothing may be asked or shared now, or nil.
func (d *desktop) away() error {
	if d.presence == nil {
		return nil
	}
	if c := d.presence.Away(); c != presence.Here {
		return fmt.Errorf("%w: %v", errAway, c)
	}
	return nil
}
