// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// Lack is what this computer lacks, so that nobody can help here whatever the unit allows.
type Lack uint8

// Lacks.
const (
	LackNone    Lack = iota
	LackX11          // the person's session is a Wayland one
	LackBanner       // no banner can be shown
	LackDevices      // mouse and keyboard cannot be watched: nobody could accept
	LackMemory       // which requests were heard before is not known: all are refused for a while
	LackOther        // anything else
)

func lackKey(l Lack) string {
	return "lack." + named([]string{
		LackX11:     "x11",
		LackBanner:  "banner",
		LackDevices: "devices",
		LackMemory:  "memory",
		LackOther:   "other",
	}, int(l))
}

// showLack says what this computer lacks, and until when if that passes by itself. It
// draws only what changed.
func (n *notice) showLack(l Lack, until time.Time) {
	said := coded(n.a.say(lackKey(l), "time", until.Local().Format("15:04")), "L", int(l))
	if said != n.said {
		n.show(moodAttention, said)
	}
}
