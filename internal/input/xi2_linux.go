// SPDX-License-Identifier: Apache-2.0

package input

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

// XInput 2, spoken by hand: package xgb has no part for it. Numbers are those of
// the protocol text (XI2proto), as are the offsets.
const (
	xiSelectEvents = 46
	xiQueryVersion = 47
	xiQueryDevice  = 48

	xiAllDevices = 0
	xiAllMasters = 1

	xiRawKeyPress      = 13
	xiRawButtonPress   = 15
	xiRawButtonRelease = 16
	xiRawMotion        = 17
)

var errNoXI2 = errors.New("the display has no XInput 2.1")

// rawReader turns the raw events of a display into what a Watcher sees. Raw
// events come from the devices: what a program sends to a window makes none.
type rawReader struct {
	watcher *Watcher
	opcode  byte
	xtest   map[uint16]bool // the devices that programs inject by; set before events are asked for
}

// watchX11 watches a display until stop is called.
func watchX11(display string, w *Watcher, log *slog.Logger) (stop func(), err error) {
	r := &rawReader{watcher: w}
	c, err := x11.Dial(display, r.event)
	if err != nil {
		return nil, fmt.Errorf("watch local input: %w", err)
	}
	if err := r.begin(c); err != nil {
		c.Close()
		return nil, fmt.Errorf("watch local input: %w", err)
	}
	w.sync = func() { _, _ = xproto.GetInputFocus(c.X).Reply() } // its answer comes after the events before it
	w.under = func(window uint32) bool { return topAtPointer(c, xproto.Window(window)) }
	go func() {
		<-c.Done()
		w.lose()
	}()
	log.Debug("watching local input", slog.Int("injecting_devices", len(r.xtest)))
	return c.Close, nil
}

func (r *rawReader) begin(conn *x11.Conn) error {
	c := conn.X
	var err error
	if r.opcode, _, err = conn.Extension("XInputExtension"); err != nil {
		return errors.Join(errNoXI2, err)
	}
	// From 2.1 on raw events come even while another program grabs the device.
	version, err := ask(c, request(r.opcode, xiQueryVersion, le16(2), le16(2)))
	if err != nil {
		return errors.Join(errNoXI2, err)
	}
	major, minor := xgb.Get16(version[8:]), xgb.Get16(version[10:])
	if major < 2 || major == 2 && minor < 1 {
		return errNoXI2
	}
	devices, err := ask(c, request(r.opcode, xiQueryDevice, le16(xiAllDevices), le16(0)))
	if err != nil {
		return fmt.Errorf("list input devices: %w", err)
	}
	r.xtest = xtestDevices(devices)
	mask := uint32(1<<xiRawKeyPress | 1<<xiRawButtonPress | 1<<xiRawButtonRelease | 1<<xiRawMotion)
	err = tell(c, request(r.opcode, xiSelectEvents, le32(uint32(conn.Root)), le16(1), le16(0),
		le16(xiAllMasters), le16(1), le32(mask)))
	if err != nil {
		return fmt.Errorf("select raw events: %w", err)
	}
	return nil
}

// event takes in one event, on the connection's reader.
func (r *rawReader) event(e x11.Event) {
	const kindAt, detailAt, sourceAt = 8, 16, 20
	if e.Code() != xproto.GeGeneric || e[1] != r.opcode {
		return
	}
	seen := raw{detail: xgb.Get32(e[detailAt:])}
	switch xgb.Get16(e[kindAt:]) {
	case xiRawKeyPress:
		seen.kind = rawKey
	case xiRawButtonPress:
		seen.kind = rawButton
	case xiRawButtonRelease:
		seen.kind = rawButtonUp
	case xiRawMotion:
		seen = raw{kind: rawMotion}
	default:
		return
	}
	r.watcher.see(seen, r.xtest[xgb.Get16(e[sourceAt:])])
}

// topAtPointer follows the windows under the pointer from the root inwards, and
// reports whether this one is among them.
func topAtPointer(conn *x11.Conn, window xproto.Window) bool {
	p, err := xproto.QueryPointer(conn.X, conn.Root).Reply()
	if err != nil || p == nil || !p.SameScreen {
		return false
	}
	for w, depth := conn.Root, 0; depth < maxDepth; depth++ {
		r, err := xproto.TranslateCoordinates(conn.X, conn.Root, w, p.RootX, p.RootY).Reply()
		if err != nil || r == nil || r.Child == 0 {
			return false
		}
		if r.Child == window {
			return true
		}
		w = r.Child
	}
	return false
}

// xtestDevices finds in a device list those that belong to the XTEST extension.
// Each entry: id, use, attachment, number of classes, length of the name, two
// bytes, the name padded to four, and the classes, which say their length.
func xtestDevices(reply []byte) map[uint16]bool {
	const head, entry, class = 32, 12, 4
	found := map[uint16]bool{}
	count, b := int(xgb.Get16(reply[8:])), reply[head:]
	for ; count > 0 && len(b) >= entry; count-- {
		id, classes, length := xgb.Get16(b), int(xgb.Get16(b[6:])), int(xgb.Get16(b[8:]))
		b = b[entry:]
		if len(b) < xgb.Pad(length) {
			break
		}
		if strings.Contains(string(b[:length]), "XTEST") {
			found[id] = true
		}
		b = b[xgb.Pad(length):]
		for ; classes > 0 && len(b) >= class; classes-- {
			b = b[min(len(b), max(class, 4*int(xgb.Get16(b[2:])))):]
		}
	}
	return found
}

// request builds a request of an extension from its fields.
func request(opcode, minor byte, fields ...[]byte) []byte {
	b := []byte{opcode, minor, 0, 0}
	for _, f := range fields {
		b = append(b, f...)
	}
	xgb.Put16(b[2:], uint16(len(b)/4))
	return b
}

func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// ask sends a request and returns its reply of at least 32 bytes.
func ask(c *xgb.Conn, b []byte) ([]byte, error) {
	cookie := c.NewCookie(true, true)
	c.NewRequest(b, cookie)
	reply, err := cookie.Reply()
	if err == nil && len(reply) < 32 {
		err = errors.New("the display closed the connection")
	}
	return reply, err
}

// tell sends a request that has no reply and waits until it is done.
func tell(c *xgb.Conn, b []byte) error {
	cookie := c.NewCookie(true, false)
	c.NewRequest(b, cookie)
	return cookie.Check()
}
