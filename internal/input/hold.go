// SPDX-License-Identifier: Apache-2.0

package input

import (
	"log/slog"
	"slices"
	"time"
)

// Close lets go of everything and ends the Desk. It may be called more than once.
func (d *Desk) Close() error {
	d.once.Do(func() { close(d.stop) })
	<-d.over
	return nil
}

// Release lets go of every key and button that is held. It needs no permission,
// and works while another goroutine is stuck in Do.
func (d *Desk) Release() { d.letGo() }

// guard lets go of what is held when it may no longer be, whatever Do is at.
func (d *Desk) guard() {
	defer close(d.over)
	tick := time.NewTicker(heldPoll)
	defer tick.Stop()
	for {
		select {
		case <-d.ctl.Done():
			d.finish()
			return
		case <-d.stop:
			d.finish()
			return
		case <-d.local:
			d.letGo()
		case <-tick.C:
			d.review()
		}
	}
}

// review lets go when a dialog opened or the lease was paused.
func (d *Desk) review() {
	d.mu.Lock()
	holding := len(d.held) > 0
	d.mu.Unlock()
	if !holding {
		return
	}
	if err := d.permit(func() error { return nil }); err != nil {
		d.o.Log.Info("keys and buttons let go", slog.Any("error", err))
		d.letGo()
	}
}

// mind lets go of what is held when the keyboard comes to a window of ours, where the
// display would repeat the key that was pressed last. It waits for the system, so it is no
// part of guard.
func (d *Desk) mind() {
	defer close(d.minds)
	tick := time.NewTicker(heldPoll)
	defer tick.Stop()
	for {
		select {
		case <-d.ended:
			return
		case <-tick.C:
		}
		if !d.holdsKey() {
			continue
		}
		if own, err := d.back.own.OwnFocus(); err != nil || own {
			d.letGo()
		}
	}
}

func (d *Desk) holdsKey() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.held, func(a action) bool { return a.deed == deedKey })
}

// finish ends the Desk: first everything is let go, then Do is waited for.
func (d *Desk) finish() {
	d.mu.Lock()
	d.shut = true
	d.mu.Unlock()
	close(d.ended)
	limit := time.AfterFunc(hangLimit, func() {
		d.o.Log.Warn("the system does not answer, input is cut off")
		d.back.end.Cut()
	})
	defer limit.Stop()
	d.letGo()
	d.o.Local.unsubscribe(d.local)
	d.turn <- struct{}{} // never given back: no Do runs any more
	d.back.end.Close()
	<-d.minds
}

func (d *Desk) isShut() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.shut
}

// keeps reports whether a press is held.
func (d *Desk) keeps(press action) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.held, press)
}

// take notes a press before it is done; fresh is false when it is held already.
func (d *Desk) take(press action) (fresh bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return false, ErrClosed
	}
	if slices.Contains(d.held, press) {
		return false, nil
	}
	d.held = append(d.held, press)
	return true, nil
}

// drop forgets a press and reports whether it was held.
func (d *Desk) drop(press action) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.Index(d.held, press)
	if i < 0 {
		return false
	}
	d.held = slices.Delete(d.held, i, i+1)
	return true
}

// press presses a key or button unless it is held already. If it was let go
// while it was on its way, it is let go once more behind it. The caller holds the
// permission.
func (d *Desk) press(a action) error {
	fresh, err := d.take(a)
	if !fresh {
		return err
	}
	if err = d.back.in.Inject(a); err != nil {
		d.drop(a)
	}
	if !d.keeps(a) {
		d.letUp(a)
	}
	return err
}

// up lets go of one key or button, if it is held.
func (d *Desk) up(press action) {
	if d.drop(press) {
		d.letUp(press)
	}
}

// letGo lets go of everything, the newest first.
func (d *Desk) letGo() {
	d.mu.Lock()
	held := d.held
	d.held = nil
	d.mu.Unlock()
	slices.Reverse(held)
	if len(held) > 0 {
		d.letUp(held...)
	}
}

func (d *Desk) letUp(presses ...action) {
	ups := slices.Clone(presses)
	for i := range ups {
		ups[i].down = false
	}
	if err := d.back.in.Release(ups...); err != nil {
		d.o.Log.Warn("keys could not be let go", slog.Any("error", err))
	}
}
