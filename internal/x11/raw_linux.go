// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"errors"
	"fmt"

	"github.com/jezek/xgb"
)

// ErrNoRaw means that the server tells nothing of what devices do.
var ErrNoRaw = errors.New("the display has no XInput 2.1")

// RawKind is what a device did.
type RawKind uint16

// Kinds of raw events. Those of touch screens come from version 2.2 on.
const (
	RawKeyPress      RawKind = 13
	RawKeyRelease    RawKind = 14
	RawButtonPress   RawKind = 15
	RawButtonRelease RawKind = 16
	RawMotion        RawKind = 17
	RawTouchBegin    RawKind = 22
	RawTouchUpdate   RawKind = 23
	RawTouchEnd      RawKind = 24
)

// Raw is one deed of a device, whoever has the focus or holds a grab. What a program
// sends to a window is none, nor is its putting the pointer elsewhere.
type Raw struct {
	Kind     RawKind
	Time     uint32 // of the server, in ms: that of the ordinary event of the same deed
	Detail   uint32 // key code, or number of the button before the pointer's mapping
	Injected bool   // it came through a device of XTEST: some program's deed
	Device   uint16 // that did it
}

// RawEvents reads raw events off one connection.
type RawEvents struct {
	c         *Conn
	opcode    byte
	touches   bool            // the server tells of touch screens
	injecting map[uint16]bool // the devices of XTEST
}

// RawEvents prepares to be told of raw events; Select asks for them. An owner
// whose event callback reads them publishes what it got here before it selects.
func (c *Conn) RawEvents() (*RawEvents, error) {
	opcode, touches, devices, err := c.inputDevices()
	if err != nil {
		return nil, err
	}
	r := &RawEvents{c: c, opcode: opcode, touches: touches, injecting: map[uint16]bool{}}
	for _, d := range devices {
		if d.injects() {
			r.injecting[d.id] = true
		}
	}
	return r, nil
}

// Select asks for raw events of these kinds, and of no others. A server that cannot
// tell of touch screens is not asked to.
func (r *RawEvents) Select(kinds ...RawKind) error {
	var mask uint32
	for _, k := range kinds {
		if k < RawTouchBegin || r.touches {
			mask |= 1 << k
		}
	}
	err := r.c.Tell(r.opcode, xiSelectEvents, le32(uint32(r.c.Root)), le16(1), le16(0), le16(xiAllMasters), le16(1), le32(mask))
	if err != nil {
		return fmt.Errorf("select raw events: %w", err)
	}
	return nil
}

// Read says whether an event is a raw one, and which.
func (r *RawEvents) Read(e Event) (Raw, bool) {
	if e.Code() != genericEvent || e[1] != r.opcode {
		return Raw{}, false
	}
	raw := Raw{
		Kind: RawKind(xgb.Get16(e[8:])), Time: xgb.Get32(e[12:]),
		Detail: xgb.Get32(e[16:]), Device: xgb.Get16(e[20:]),
	}
	raw.Injected = r.injecting[raw.Device]
	return raw, raw.Kind >= RawKeyPress && raw.Kind <= RawTouchEnd
}
