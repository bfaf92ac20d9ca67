// SPDX-License-Identifier: Apache-2.0

package presence

import "assist/internal/x11"

// hands are the devices that the person can use.
type hands struct {
	works map[uint16]bool // by number: those that did at the last look
	doubt map[uint16]bool // those that did, were still there at the last look, and were off
}

// bound reports whether a device that worked is there and switched off, at two looks one
// after the other: one that is unplugged is off for a moment before it goes. It says so once:
// what is off from then on may be the person's own choice. A list that could not be had says
// nothing.
func (h *hands) bound(all []x11.InputDevice, err error) bool {
	if err != nil {
		return false
	}
	works, doubt, off := map[uint16]bool{}, map[uint16]bool{}, false
	for _, d := range all {
		switch {
		case d.Works:
			works[d.ID] = true
		case h.doubt[d.ID]:
			off = true
		case h.works[d.ID]:
			doubt[d.ID] = true
		}
	}
	h.works, h.doubt = works, doubt
	return off
}
