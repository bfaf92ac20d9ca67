// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"errors"
	"fmt"
	"sync"

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

// devicesChanged is the event of a device that came or went; unlike the others it is
// told of all devices.
const devicesChanged RawKind = 11

// Raw is one deed of a device, whoever has the focus or holds a grab. What a program
// sends to a window is none, nor is its putting the pointer elsewhere.
type Raw struct {
	Kind     RawKind
	Time     uint32 // of the server, in ms: that of the ordinary event of the same deed
	Detail   uint32 // key code, or number of the button before the pointer's mapping
	Injected bool   // it came through a device of XTEST: some program's deed; or of a device too new to be known
	Device   uint16 // that did it
}

// RawEvents reads raw events off one connection.
type RawEvents struct {
	c       *Conn
	opcode  byte
	touches bool          // the server tells of touch screens
	changed chan struct{} // one slot: list the devices again

	mu      sync.Mutex
	changes int             // how often devices came or went
	real    map[uint16]bool // the devices, as of the last list, that are not of XTEST
}

// RawEvents prepares to be told of raw events; Select asks for them. An owner
// whose event callback reads them publishes what it got here before it selects.
func (c *Conn) RawEvents() (*RawEvents, error) {
	opcode, touches, devices, err := c.inputDevices()
	if err != nil {
		return nil, err
	}
	r := &RawEvents{c: c, opcode: opcode, touches: touches, changed: make(chan struct{}, 1)}
	r.learn(devices, 0)
	return r, nil
}

// learn takes in a list that was asked for after so many changes, unless another one
// came since: any program can make devices of XTEST, under a number that was another's.
func (r *RawEvents) learn(devices []device, changes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if changes != r.changes {
		return
	}
	r.real = map[uint16]bool{}
	for _, d := range devices {
		if !d.injects() {
			r.real[d.id] = true
		}
	}
}

// forget says that devices came or went: until they are listed none is known.
func (r *RawEvents) forget() {
	r.mu.Lock()
	r.changes++
	r.real = nil
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// follow lists the devices again after each change, until the connection is over.
func (r *RawEvents) follow() {
	for {
		select {
		case <-r.c.Done():
			return
		case <-r.changed:
			r.list()
		}
	}
}

// list lists the devices again. Without an answer none is known.
func (r *RawEvents) list() {
	r.mu.Lock()
	changes := r.changes
	r.mu.Unlock()
	all, err := r.c.devices(r.opcode)
	if err != nil {
		all = nil
	}
	r.learn(all, changes)
}

// Select asks for raw events of these kinds, and of no others; it is called once. A
// server that cannot tell of touch screens is not asked to.
func (r *RawEvents) Select(kinds ...RawKind) error {
	var mask uint32
	for _, k := range kinds {
		if k < RawTouchBegin || r.touches {
			mask |= 1 << k
		}
	}
	err := r.c.Tell(r.opcode, xiSelectEvents, le32(uint32(r.c.Root)), le16(2), le16(0),
		le16(xiAllMasters), le16(1), le32(mask), le16(xiAllDevices), le16(1), le32(1<<devicesChanged))
	if err != nil {
		return fmt.Errorf("select raw events: %w", err)
	}
	r.list() // of what came or went before nobody told
	go r.follow()
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
	if raw.Kind == devicesChanged {
		r.forget()
	}
	r.mu.Lock()
	raw.Injected = !r.real[raw.Device]
	r.mu.Unlock()
	return raw, raw.Kind >= RawKeyPress && raw.Kind <= RawTouchEnd
}
