// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"image"
	"slices"
	"time"

	"assist/internal/screen"
	"assist/internal/wire"
)

// errQuiet says that a monitor showed nothing new for RefineAfter.
var errQuiet = errors.New("session: no new picture")

// goneTime is how long a monitor that is said to be gone is left alone, unless
// the layout changes before.
const goneTime = 500 * time.Millisecond

// reel is the state of the pump of one monitor, guarded by live.mu.
type reel struct {
	turning bool               // the pump exists
	pause   context.CancelFunc // ends what it does now; nil while it waits
}

// watch takes in what the technician wants to see.
func (l *live) watch(m *wire.Watch) {
	l.mu.Lock()
	l.watched = l.watched[:0]
	for _, id := range m.Monitors {
		l.watched = append(l.watched, screen.MonitorID(id))
	}
	l.review()
	for _, id := range l.watched {
		if r := &l.reels[id]; !r.turning {
			r.turning = true
			l.pumps.Go(func() { l.turn(id) })
		}
	}
	l.mu.Unlock()
	l.spread()
}

// wanted reports whether a monitor is to be shown. The caller holds mu.
func (l *live) wanted(id screen.MonitorID) bool {
	_, exists := l.layout.Find(id)
	return exists && slices.Contains(l.watched, id)
}

// review stops the pumps of monitors no longer wanted. The caller holds mu.
func (l *live) review() {
	for id := range l.reels {
		if r := &l.reels[id]; r.pause != nil && !l.wanted(screen.MonitorID(id)) {
			r.pause()
		}
	}
}

// turn is the pump of one monitor: it shows its pictures while they are wanted.
func (l *live) turn(id screen.MonitorID) {
	var last *screen.Frame // shown again when the technician comes back to it
	for {
		ctx, ok := l.untilWanted(id)
		if !ok {
			return
		}
		var err error
		last, err = l.roll(ctx, id, last)
		unwanted := ctx.Err() != nil
		l.mu.Lock()
		l.reels[id].pause()
		l.reels[id].pause = nil
		l.mu.Unlock()
		l.link.Forget(id)
		switch {
		case unwanted:
		case errors.Is(err, l.machine().Gone):
			last = nil
			l.rest()
		default:
			l.screenLost(err)
			return
		}
	}
}

// untilWanted waits for the monitor to be wanted; the context ends when it is no
// longer.
func (l *live) untilWanted(id screen.MonitorID) (context.Context, bool) {
	for {
		l.mu.Lock()
		if l.wanted(id) && l.ctx.Err() == nil {
			ctx, cancel := context.WithCancel(l.ctx)
			l.reels[id].pause = cancel
			l.mu.Unlock()
			return ctx, true
		}
		news := l.news
		l.mu.Unlock()
		select {
		case <-l.ctx.Done():
			return nil, false
		case <-news:
		}
	}
}

// rest waits for a change, or a moment.
func (l *live) rest() {
	moment := time.NewTimer(goneTime)
	defer moment.Stop()
	select {
	case <-l.ctx.Done():
	case <-l.latest():
	case <-moment.C:
	}
}

// roll shows every new picture, and makes the last one better in quiet moments.
// It returns the last one.
func (l *live) roll(ctx context.Context, id screen.MonitorID, last *screen.Frame) (*screen.Frame, error) {
	refine := false
	if last != nil {
		if err := l.show(ctx, whole(last)); err != nil {
			return last, err
		}
		refine = true
	}
	for {
		f, err := l.next(ctx, id, refine)
		switch {
		case err == nil:
			last, refine = f, true
			err = l.show(ctx, f)
		case errors.Is(err, errQuiet):
			refine, err = l.refine(ctx, id)
		}
		if err != nil {
			return last, err
		}
	}
}

// next waits for a new picture: for ever, or until the moment is quiet.
func (l *live) next(ctx context.Context, id screen.MonitorID, quiet bool) (*screen.Frame, error) {
	var f *screen.Frame
	err := l.patiently(ctx, func() (err error) {
		limited, cancel := ctx, context.CancelFunc(func() {})
		if quiet {
			limited, cancel = context.WithTimeout(ctx, RefineAfter)
		}
		defer cancel()
		f, err = l.screens.Next(limited, id)
		if err != nil && limited.Err() != nil && ctx.Err() == nil {
			return errQuiet
		}
		return err
	})
	return f, err
}

// show sends a picture. One that a pause kept from leaving is sent again, whole.
func (l *live) show(ctx context.Context, f *screen.Frame) error {
	again := false
	return l.patiently(ctx, func() error {
		if again {
			f = whole(f)
		}
		again = true
		return l.link.Show(ctx, f, l.permit)
	})
}

func (l *live) refine(ctx context.Context, id screen.MonitorID) (more bool, err error) {
	err = l.patiently(ctx, func() (err error) {
		more, err = l.link.Refine(ctx, id, l.permit)
		return err
	})
	return more, err
}

// whole is the same picture with all of it marked as changed.
func whole(f *screen.Frame) *screen.Frame {
	all := *f
	all.Damage = []image.Rectangle{{Max: f.Size}}
	return &all
}
