// SPDX-License-Identifier: Apache-2.0

package x11

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jezek/xgb"
)

// XInput 2, spoken by hand: package xgb has no part for it. Numbers are those of
// the protocol text (XI2proto), as are the offsets.
const (
	xiSelectEvents = 46
	xiQueryVersion = 47
	xiQueryDevice  = 48

	xiAllDevices = 0
	xiAllMasters = 1

	xiMasterPointer  = 1
	xiMasterKeyboard = 2
	xiSlavePointer   = 3
	xiSlaveKeyboard  = 4
)

// device is one entry of the server's list of input devices.
type device struct {
	id, use uint16
	enabled bool
	name    string
}

// injects says that what comes through the device is some program's deed: it is one of the
// XTEST extension, or a master, which does nothing of itself.
func (d device) injects() bool {
	return strings.Contains(d.name, "XTEST") || d.use == xiMasterPointer || d.use == xiMasterKeyboard
}

// inputDevices opens the extension and lists the devices; touches says that the
// server tells of touch screens.
func (c *Conn) inputDevices() (opcode byte, touches bool, all []device, err error) {
	if opcode, _, err = c.Extension("XInputExtension"); err != nil {
		return 0, false, nil, errors.Join(ErrNoRaw, err)
	}
	// From 2.1 on raw events come even while another program grabs the device.
	version, err := c.Query(opcode, xiQueryVersion, le16(2), le16(2))
	if err != nil {
		return 0, false, nil, errors.Join(ErrNoRaw, err)
	}
	major, minor := xgb.Get16(version[8:]), xgb.Get16(version[10:])
	if major < 2 || major == 2 && minor < 1 {
		return 0, false, nil, ErrNoRaw
	}
	all, err = c.devices(opcode)
	return opcode, major > 2 || minor >= 2, all, err
}

// devices lists the devices.
func (c *Conn) devices(opcode byte) ([]device, error) {
	list, err := c.Query(opcode, xiQueryDevice, le16(xiAllDevices), le16(0))
	if err != nil {
		return nil, fmt.Errorf("list input devices: %w", err)
	}
	return parseDevices(list), nil
}

// parseDevices reads a device list. Each entry: id, use, attachment, number of
// classes, length of the name, whether it is enabled, a byte, the name padded to four, and the classes,
// which say their length.
func parseDevices(reply []byte) []device {
	const head, entry, class = 32, 12, 4
	var all []device
	count, b := int(xgb.Get16(reply[8:])), reply[head:]
	for ; count > 0 && len(b) >= entry; count-- {
		d := device{id: xgb.Get16(b), use: xgb.Get16(b[2:]), enabled: b[10] != 0}
		classes, length := int(xgb.Get16(b[6:])), int(xgb.Get16(b[8:]))
		b = b[entry:]
		if len(b) < xgb.Pad(length) {
			break
		}
		d.name = string(b[:length])
		all = append(all, d)
		b = b[xgb.Pad(length):]
		for ; classes > 0 && len(b) >= class; classes-- {
			b = b[min(len(b), max(class, 4*int(xgb.Get16(b[2:])))):]
		}
	}
	return all
}

// Query sends a request of an extension that package xgb has no part for, made of its
// fields, and returns the reply, of at least 32 bytes.
func (c *Conn) Query(opcode, minor byte, fields ...[]byte) ([]byte, error) {
	cookie := c.X.NewCookie(true, true)
	c.X.NewRequest(request(opcode, minor, fields), cookie)
	reply, err := cookie.Reply()
	if err == nil && len(reply) < unitSize {
		err = errors.New("the display closed the connection")
	}
	return reply, err
}

// Tell is Query for a request that has no reply: it returns when it is done.
func (c *Conn) Tell(opcode, minor byte, fields ...[]byte) error {
	cookie := c.X.NewCookie(true, false)
	c.X.NewRequest(request(opcode, minor, fields), cookie)
	return cookie.Check()
}

func request(opcode, minor byte, fields [][]byte) []byte {
	b := []byte{opcode, minor, 0, 0}
	for _, f := range fields {
		b = append(b, f...)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)/4))
	return b
}

func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
