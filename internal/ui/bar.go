// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"time"
)

// Bar is why the unit's charter lets nobody help, or not this technician, or not here;
// or why somebody was turned down before the person was asked anything.
type Bar uint8

// Bars.
const (
	BarNone       Bar = iota
	BarNoCharter      // none has come yet
	BarExpired        // it ran out
	BarEarly          // it is not in force yet: this computer's clock is behind
	BarDamaged        // what was remembered of it cannot be read
	BarHalted         // it stops all help
	BarOlder          // the server offered an older one, or another under the same number
	BarStrange        // the server offered one that is not the unit's
	BarUnlisted       // the technician is not in it
	BarRevoked        // or no longer
	BarNotOpened      // or not at this hour
	BarCard           // the technician's certificate ran out
	BarZone           // the machine is in a zone that the technician is not let into
	BarSource         // the address is not one of the unit's
	BarRights         // more was asked than may be had there
	BarUnproven       // the request did not prove who asks
	BarBusy           // another intervention was under way
	BarUnable         // the computer cannot be shared: see Lack
	BarUnkept         // the newest charter counts, but could not be written down
	BarUnwritten      // no receipt could be written, so nothing began
	BarUnexpected     // anything else
)

// Stops reports whether nothing can be done until it is mended. An offer that was not
// believed leaves in force what was; one that could not be kept is in force itself.
func (b Bar) Stops() bool {
	return b != BarNone && b != BarOlder && b != BarStrange && b != BarUnkept
}

// Barred is a request that the unit's charter does not let begin.
type Barred struct{ Why Bar }

// Error is for logs; the person reads a sentence.
func (b *Barred) Error() string { return fmt.Sprintf("barred by the charter: %d", b.Why) }

// barKey has a sentence for each side: bar.here. for the person helped, bar.there. for
// the technician, bar.tried. for the person about somebody who was turned down.
func barKey(side string, b Bar) string {
	return side + named([]string{
		BarNoCharter:  "noCharter",
		BarExpired:    "expired",
		BarEarly:      "early",
		BarDamaged:    "damaged",
		BarHalted:     "halted",
		BarOlder:      "older",
		BarStrange:    "strange",
		BarUnlisted:   "unlisted",
		BarRevoked:    "revoked",
		BarNotOpened:  "notOpened",
		BarCard:       "card",
		BarZone:       "zone",
		BarSource:     "source",
		BarRights:     "rights",
		BarUnproven:   "unproven",
		BarBusy:       "busy",
		BarUnable:     "unable",
		BarUnkept:     "unkept",
		BarUnwritten:  "unwritten",
		BarUnexpected: "unexpected",
	}, int(b))
}

// showBar says what stands in the way on one side, or what will when it ends; nothing
// hides it. It draws only what changed.
func (n *notice) showBar(side string, b Bar, ends time.Time) {
	said, m := "", moodInfo
	switch {
	case b != BarNone:
		said, m = coded(n.a.say(barKey(side, b)), "C", int(b)), moodAttention
	case !ends.IsZero():
		said = n.a.say(side+"ends", "date", n.a.tongue.date(ends))
	}
	if said != n.said {
		n.show(m, said)
	}
}
