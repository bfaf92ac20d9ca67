// SPDX-License-Identifier: Apache-2.0

package view

import (
	"time"

	"assist/internal/consent"
)

// diaryLimit bounds what the end page lists.
const diaryLimit = 100

// deed is one thing that was done, as the key of its text.
type deed struct {
	at  time.Time
	key string
}

// diary notes what was done in a session, for its end page. It holds no content:
// not what was typed, nor where was clicked.
type diary struct {
	deeds []deed
}

// add notes a deed, unless the last one is the same.
func (d *diary) add(now time.Time, key string) {
	n := len(d.deeds)
	if n >= diaryLimit || n > 0 && d.deeds[n-1].key == key {
		return
	}
	d.deeds = append(d.deeds, deed{now, key})
}

// note compares two states of the session.
func (d *diary) note(now time.Time, old, s State) {
	gained, lost := s.Rights&^old.Rights, old.Rights&^s.Rights
	for _, r := range []struct {
		right consent.Rights
		name  string
	}{{consent.RightPoint, "point"}, {consent.RightControl, "control"}} {
		if gained.Has(r.right) {
			d.add(now, "view.done."+r.name+".granted")
		}
		if lost.Has(r.right) {
			d.add(now, "view.done."+r.name+".ended")
		}
	}
	if s.Denials > old.Denials {
		d.add(now, "view.done.denied")
	}
	if asked := s.Asked &^ old.Asked; asked.Has(consent.RightControl) {
		d.add(now, "view.done.control.asked")
	}
}
