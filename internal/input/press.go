// SPDX-License-Identifier: Apache-2.0

package input

import (
	"image"
	"slices"
	"time"
)

const (
	// maxClicks and maxStrokes bound what is remembered of clicks, and of one key; the
	// oldest goes.
	maxClicks  = 8
	maxStrokes = 4
	// steadyFocus is for how long the keyboard must have been a window's own.
	steadyFocus = time.Second
)

// spot is where the pointer was, as the system says it, and the windows it was in, the
// outermost first.
type spot struct {
	at    image.Point // on the desktop
	under []uint32
}

// touch is a moment of a device, by our clock and by the system's.
type touch struct {
	at    time.Time
	stamp stamp
}

// click is a button that a device pressed.
type click struct {
	button   uint32
	from, to spot  // to: where it was let go
	down, up touch // up is zero while it is held
	played   bool  // down or up was a program's
}

// strokes is when a key was last pressed, the newest first.
type strokes [maxStrokes]touch

func (s *strokes) add(t touch) {
	copy(s[1:], s[:])
	s[0] = t
}

// use forgets the press of that time, and those before it.
func (s *strokes) use(at time.Time) {
	for i := range s {
		if !s[i].at.After(at) {
			s[i] = touch{}
		}
	}
}

// Claim is what a window of ours says of a press that came to it.
type Claim struct {
	Window uint32          // the system's number
	Area   image.Rectangle // of what was clicked, in pixels of the window; of no interest for a key
	Since  time.Time       // a press begun before is not meant
	Within time.Duration   // nor is one that ended longer ago than this
	Strict bool            // nor one that a program played, for all that the system tells
}

// in reports whether the pointer was in the claimed area, origin being the place of its
// window, and no other window over it there.
func (c Claim) in(s spot, origin image.Point) bool {
	return slices.Contains(s.under, c.Window) && s.at.In(c.Area.Add(origin))
}

// GenuineClick reports whether a device (or, unless the claim is strict, a program that
// plays one) pressed and let go a button, the wheel left
// aside, in the claimed place: the system's own word on where the pointer was counts, not
// what a window was sent. A click that was found is used up. What cannot be found out is no.
func (w *Watcher) GenuineClick(c Claim) bool {
	origin, ok := w.origin(c.Window)
	if !ok {
		return false
	}
	if !w.caughtUp(c.Strict) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, k := range w.clicks {
		if c.Strict && (k.played || w.feigned(k.down.stamp) || w.feigned(k.up.stamp)) {
			continue
		}
		fresh := !k.up.at.IsZero() && !k.down.at.Before(c.Since) && time.Since(k.up.at) <= c.Within
		if fresh && c.in(k.from, origin) && c.in(k.to, origin) {
			w.clicks = slices.Delete(w.clicks, 0, i+1) // windows get clicks in their order
			return true
		}
	}
	return false
}

// GenuineKey reports whether a device, as for GenuineClick, pressed this key, a HID usage, while the keyboard
// was the claimed window's: it is now and was all the last second, else what was typed
// may have been meant for another window. A press that was found is used up. What cannot
// be found out is no; so is every key of a window that Mind was not told of.
func (w *Watcher) GenuineKey(usage uint16, c Claim) bool {
	code := w.number(usage)
	if code == 0 || code >= keyNumbers || c.Window == 0 || !w.focused(c.Window) {
		return false
	}
	if !w.caughtUp(c.Strict) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.minded != c.Window || w.steady.IsZero() || time.Since(w.steady) < steadyFocus {
		return false
	}
	all := &w.keys[code]
	if c.Strict {
		all = &w.struck[code]
	}
	for i := len(all) - 1; i >= 0; i-- { // windows get keys in their order
		at := all[i].at
		if c.Strict && w.feigned(all[i].stamp) {
			continue
		}
		if !at.IsZero() && !at.Before(c.Since) && time.Since(at) <= c.Within {
			w.keys[code].use(at)
			w.struck[code].use(at)
			return true
		}
	}
	return false
}

// caughtUp returns once all was seen that happened before, and, strictly, once it is known
// what of it a program made a device do; false when that cannot be known.
func (w *Watcher) caughtUp(strict bool) bool {
	w.sync()
	return !strict || w.vetted()
}

// Mind watches from now on whether the keyboard comes to a window or leaves it, and no
// other window's any more.
func (w *Watcher) Mind(window uint32) {
	w.mu.Lock()
	known := w.minded == window
	if !known {
		w.minded, w.steady = window, time.Time{}
	}
	w.mu.Unlock()
	if known || window == 0 || !w.mind(window) {
		return
	}
	w.focusMoved(window)
}

// focusMoved says that the keyboard came to a window, or left it, just now.
func (w *Watcher) focusMoved(window uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.minded == window {
		w.steady = time.Now()
	}
}

// place notes where a button was pressed or let go, right after it was.
func (w *Watcher) place(r raw, played bool, when stamp) {
	now, at := touch{time.Now(), when}, w.spot()
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.kind == rawButton {
		if len(w.clicks) >= maxClicks {
			w.clicks = slices.Delete(w.clicks, 0, 1)
		}
		w.clicks = append(w.clicks, click{button: r.detail, from: at, down: now, played: played})
		return
	}
	for i := len(w.clicks) - 1; i >= 0; i-- {
		if k := &w.clicks[i]; k.button == r.detail {
			if k.up.at.IsZero() {
				k.to, k.up, k.played = at, now, k.played || played
			}
			return
		}
	}
}
