// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

const (
	xiGetProperty   = 59
	xiFloatingSlave = 5

	// sendEvents is the property by which libinput's driver is told to keep quiet about what
	// a device does: two bytes, always, and while another mouse is plugged in.
	sendEvents = "libinput Send Events Mode Enabled"

	maxAsked = 64 // devices whose property is asked for
)

// InputDevice is a mouse, a keyboard or the like, but for those that programs inject by.
type InputDevice struct {
	ID    uint16
	Works bool // what it does reaches programs: it is enabled, attached and not muted
}

// InputDevices lists what the person can have their hands on.
type InputDevices struct {
	c        *Conn
	opcode   byte
	property xproto.Atom // sendEvents
}

// InputDevices prepares to list them again and again.
func (c *Conn) InputDevices() (*InputDevices, error) {
	opcode, _, _, err := c.inputDevices()
	if err != nil {
		return nil, err
	}
	property, err := c.Atom(sendEvents)
	if err != nil {
		return nil, fmt.Errorf("list input devices: %w", err)
	}
	return &InputDevices{c, opcode, property}, nil
}

// List is how they are now, in two round trips.
func (i *InputDevices) List() ([]InputDevice, error) {
	list, err := i.c.devices(i.opcode)
	if err != nil {
		return nil, err
	}
	var all []InputDevice
	var answers []*xgb.Cookie
	for _, d := range list {
		if d.injects() || d.use < xiSlavePointer || len(all) == maxAsked {
			continue
		}
		all = append(all, InputDevice{d.id, d.enabled && d.use != xiFloatingSlave})
		cookie := i.c.X.NewCookie(true, true)
		i.c.X.NewRequest(request(i.opcode, xiGetProperty, [][]byte{le16(d.id), {0, 0}, le32(uint32(i.property)), le32(0), le32(0), le32(1)}), cookie)
		answers = append(answers, cookie)
	}
	for n, a := range answers {
		// Format and first byte of the value; a device may have gone meanwhile, or have no
		// such property.
		if b, err := a.Reply(); err == nil && len(b) > 32 && b[20] == 8 && b[32] != 0 {
			all[n].Works = false
		}
	}
	return all, nil
}
