// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// XInput 2, spoken by hand: package xgb has no part for it. Numbers are those of
// the protocol text (XI2proto), as are the offsets.
const (
	xiSelectEvents = 46
	xiQueryVersion = 47
	xiAllMasters   = 1
)

// ErrNoRaw means that the server tells nothing of what devices do.
var ErrNoRaw = errors.New("the display has no XInput 2.1")

// RawKind is what a device did.
type RawKind uint16

// Kinds of raw events.
const (
	RawKeyPress      RawKind = 13
	RawKeyRelease    RawKind = 14
	RawButtonPress   RawKind = 15
	RawButtonRelease RawKind = 16
	RawMotion        RawKind = 17
)

// Raw is one deed of a device, whoever has the focus or holds a grab. What a
// program sends to a window is none.
type Raw struct {
	Kind   RawKind
	Time   uint32 // of the server, in ms: that of the ordinary event of the same deed
	Detail uint32 // key code, or number of the button before the pointer's mapping
	Source uint16 // the device
}

// RawEvents reads raw events off one connection.
type RawEvents struct {
	c      *xgb.Conn
	root   xproto.Window
	opcode byte
}

// RawEvents prepares to be told of raw events; Select asks for them. An owner
// whose event callback reads them publishes what it got here before it selects.
func (c *Conn) RawEvents() (*RawEvents, error) {
	opcode, _, err := c.Extension("XInputExtension")
	if err != nil {
		return nil, errors.Join(ErrNoRaw, err)
	}
	// From 2.1 on raw events come even while another program grabs the device.
	version := c.X.NewCookie(true, true)
	c.X.NewRequest(xiRequest(opcode, xiQueryVersion, []uint16{2, 1}), version)
	reply, err := version.Reply()
	if err != nil || len(reply) < 12 {
		return nil, errors.Join(ErrNoRaw, err)
	}
	if major, minor := xgb.Get16(reply[8:]), xgb.Get16(reply[10:]); major < 2 || major == 2 && minor < 1 {
		return nil, ErrNoRaw
	}
	return &RawEvents{c: c.X, root: c.Root, opcode: opcode}, nil
}

// Select asks for raw events of these kinds, and of no others.
func (r *RawEvents) Select(kinds ...RawKind) error {
	var mask uint32
	for _, k := range kinds {
		mask |= 1 << k
	}
	root := uint32(r.root)
	cookie := r.c.NewCookie(true, false)
	r.c.NewRequest(xiRequest(r.opcode, xiSelectEvents, []uint16{
		uint16(root), uint16(root >> 16), 1, 0, xiAllMasters, 1, uint16(mask), uint16(mask >> 16),
	}), cookie)
	if err := cookie.Check(); err != nil {
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
		Detail: xgb.Get32(e[16:]), Source: xgb.Get16(e[20:]),
	}
	return raw, raw.Kind >= RawKeyPress && raw.Kind <= RawMotion
}

// xiRequest builds a request of the extension from its fields.
func xiRequest(opcode, minor byte, fields []uint16) []byte {
	b := []byte{opcode, minor, 0, 0}
	for _, f := range fields {
		b = binary.LittleEndian.AppendUint16(b, f)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)/4))
	return b
}
