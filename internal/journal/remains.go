// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"fmt"
	"maps"
)

// remains holds what is missing of a journal against what the newest purge said it left.
type remains struct {
	left     []remnant       // what the newest purge may have left, oldest first
	seen     map[string]bool // sessions of which something is there, but for holds
	onHold   map[string]bool // sessions, so far
	heldThen map[string]bool // of these, those at the newest purge
	purge    *JournalPurged  // the newest
}

// remnant is an entry, and the session that it is of.
type remnant struct {
	number  int64
	session string
}

func newRemains() remains {
	return remains{seen: map[string]bool{}, onHold: map[string]bool{}}
}

// take looks at the next entry that is there; old ones may be what a purge left.
func (r *remains) take(number int64, e Event, old bool) {
	session := e.keys().Session
	if old {
		r.left = append(r.left, remnant{number, session})
	}
	switch event := e.(type) {
	case *SessionHeld:
		r.onHold[event.Session] = true
	case *SessionReleased:
		delete(r.onHold, event.Session)
	case *JournalPurged:
		r.purge, r.heldThen = event, maps.Clone(r.onHold)
	default:
		r.seen[session] = true
	}
}

// end is nil, or wraps ErrTampered when the newest purge does not account for what is
// missing; last is the greatest number of that, or 0.
func (r *remains) end(last int64) error {
	if r.purge == nil && last == 0 {
		return nil
	}
	if r.purge == nil || r.purge.Through < last {
		return fmt.Errorf("%w: no purge up to entry %d was recorded", ErrTampered, last)
	}
	var left []int64
	for _, e := range r.left {
		if e.number > r.purge.Through {
			continue
		}
		left = append(left, e.number)
		if !r.heldThen[e.session] {
			return fmt.Errorf("%w: the purge up to entry %d left entry %d, of no session on hold", ErrTampered, r.purge.Through, e.number)
		}
	}
	if r.purge.Kept != int64(len(left)) || r.purge.List != listed(left) {
		return fmt.Errorf("%w: of the entries up to %d others are left than the purge left", ErrTampered, r.purge.Through)
	}
	for session := range r.heldThen {
		if !r.seen[session] {
			return fmt.Errorf("%w: session %s was on hold, and nothing of it is left", ErrTampered, session)
		}
	}
	return nil
}
