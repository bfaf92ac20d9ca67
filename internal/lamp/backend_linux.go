// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"errors"
	"fmt"
	"time"

	"assist/internal/consent"
	"assist/internal/x11"
)

const (
	checkEvery = 60 * time.Millisecond // the banners are verified, and the beat given
	lightLimit = 2 * time.Second       // to become visible
	douseLimit = 500 * time.Millisecond
	relight    = 100 * time.Millisecond // between two tries to come back
)

// probe says whether banners can be shown.
func probe(display string) error {
	c, err := x11.Dial(display, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoDisplay, err)
	}
	defer c.Close()
	if !c.BGRX() {
		return fmt.Errorf("%w: its pixels are unknown", ErrNoDisplay)
	}
	if _, _, err := c.Extension("SHAPE"); err != nil {
		return fmt.Errorf("%w: %w", ErrNoDisplay, err)
	}
	return nil
}

// light puts the banners up, waits until they are seen, and leaves them to a
// goroutine of their own.
func light(o Options, s consent.Status, beat consent.Beat) (*Lit, error) {
	l := newLit(s, look{o.Texts, o.TextSize})
	st, err := newStage(o, l, beat)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDisplay, err)
	}
	patience := time.AfterFunc(lightLimit, st.c.Kill) // also when the server hangs
	for !st.check() {
		if !st.c.Alive() {
			st.close()
			return nil, ErrHidden
		}
		<-time.After(checkEvery / 3)
		st.settle()
	}
	if !patience.Stop() {
		st.close()
		return nil, ErrHidden
	}
	beat(st.shown())
	go l.run(o, st)
	return l, nil
}

// Douse puts the banner out and waits until every window of it is gone.
func (l *Lit) Douse() {
	l.once.Do(func() { close(l.stop) })
	select {
	case <-l.over:
		return
	case <-time.After(douseLimit):
	}
	l.mu.Lock()
	kill := l.kill
	l.mu.Unlock()
	kill()
	<-l.over
}

// run keeps a stage until Douse. When another client had the server cut our
// connection, and all our windows with it, it sets up a new one; meanwhile there
// is no beat.
func (l *Lit) run(o Options, st *stage) {
	defer close(l.over)
	defer l.own(nil, func() {})
	for {
		err := st.serve()
		st.beat(nil)
		st.close()
		if err == nil || l.doused() {
			return
		}
		o.Log.Warn("banner lost its display: trying to come back", "err", err)
		if st = l.comeBack(o, st); st == nil {
			return
		}
	}
}

// comeBack tries until it has a new stage in place of the one that was lost, or
// returns nil after Douse.
func (l *Lit) comeBack(o Options, lost *stage) *stage {
	for {
		st, err := newStage(o, l, lost.beat)
		if err == nil {
			return st
		}
		select {
		case <-l.stop:
			return nil
		case <-time.After(relight):
		}
	}
}

func (l *Lit) doused() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// errCut means that the connection to the display server is over.
var errCut = errors.New("connection to the display server is over")

// serve runs the stage until Douse, which is no error.
func (st *stage) serve() error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-st.lit.stop:
			return nil
		case <-st.c.Done():
			return errCut
		case e := <-st.events:
			st.handle(e)
		case <-st.lit.news:
			st.dress()
			st.paint()
			st.point()
		case now := <-tick.C:
			if now.Unix() != st.painted {
				st.paint()
			}
			st.settle()
			if st.check() {
				st.beat(st.shown())
			}
		}
	}
}
