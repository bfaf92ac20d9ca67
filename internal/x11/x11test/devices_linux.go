// SPDX-License-Identifier: Apache-2.0

package x11test

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"math"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// The messages of the inputtest driver, from its header file. Each begins with its
// length and its kind.
const (
	kindVersion = 0
	kindSync    = 1
	kindMotion  = 2
	kindButton  = 4
	kindKey     = 5
	kindTouch   = 6

	maxValuators = 64
	axis         = 1 << 16 // how finely the devices with places of their own divide the screen
)

// devices is the part of an Xorg's configuration that makes the devices of a person.
const devices = `Section "ServerLayout"
  Identifier "all"
  Screen "screen"
  InputDevice "mouse" "CorePointer"
  InputDevice "keyboard" "CoreKeyboard"
  InputDevice "tablet" "SendCoreEvents"
  InputDevice "finger" "SendCoreEvents"
EndSection
Section "InputDevice"
  Identifier "mouse"
  Driver "inputtest"
  Option "SocketPath" "%[1]s/mouse"
  Option "DeviceType" "Pointer"
EndSection
Section "InputDevice"
  Identifier "keyboard"
  Driver "inputtest"
  Option "SocketPath" "%[1]s/keyboard"
  Option "DeviceType" "Keyboard"
  Option "XkbRules" "%[2]s"
  Option "XkbModel" "pc105"
  Option "XkbLayout" "us"
EndSection
Section "InputDevice"
  Identifier "tablet"
  Driver "inputtest"
  Option "SocketPath" "%[1]s/tablet"
  Option "DeviceType" "PointerAbsolute"
EndSection
Section "InputDevice"
  Identifier "finger"
  Driver "inputtest"
  Option "SocketPath" "%[1]s/finger"
  Option "DeviceType" "Touch"
EndSection
`

// Rules say how a keyboard numbers its keys.
type Rules string

// The keyboards of Linux number their keys in one way; those before it did, and
// servers without devices still do, in another.
const (
	Evdev Rules = "evdev"
	Old   Rules = "base"
)

// Devices are those of the person at an Xorg: to the server and its clients they are
// devices like any other. What they do is done when a method returns.
type Devices struct {
	t                               testing.TB
	mouse, keyboard, tablet, finger net.Conn
}

// Configuration makes the devices, for an Xorg whose screen is called "screen"; dir
// is where the server and Attach meet.
func Configuration(dir string, keyboard Rules) string { return fmt.Sprintf(devices, dir, keyboard) }

// Attach reaches the devices of a running server.
func Attach(t testing.TB, dir string) *Devices {
	t.Helper()
	reach := func(name string) net.Conn { return open(t, filepath.Join(dir, name)) }
	return &Devices{t: t, mouse: reach("mouse"), keyboard: reach("keyboard"), tablet: reach("tablet"), finger: reach("finger")}
}

// Move moves the mouse by so many pixels, at once.
func (d *Devices) Move(dx, dy int) {
	d.t.Helper()
	d.tell(d.mouse, kindMotion, append(words(0, 0), valuators(float64(dx), float64(dy))...))
}

// Jump puts the pen of the tablet down elsewhere: one motion to a pixel of a screen of
// this size.
func (d *Devices) Jump(at, size image.Point) {
	d.t.Helper()
	d.tell(d.tablet, kindMotion, append(words(1, 0), valuators(place(at, size))...))
}

// Tap touches the screen at a pixel with a finger, for a moment.
func (d *Devices) Tap(at, size image.Point) {
	d.t.Helper()
	const begin, end = 18, 20
	for _, kind := range []uint32{begin, end} {
		d.tell(d.finger, kindTouch, append(words(1, kind), valuators(place(at, size))...))
	}
}

// place is the middle of a pixel on the axes.
func place(at, size image.Point) (x, y float64) {
	return (float64(at.X) + 0.5) * axis / float64(size.X), (float64(at.Y) + 0.5) * axis / float64(size.Y)
}

// Button presses or lets go of a button of the mouse.
func (d *Devices) Button(number int, down bool) {
	d.t.Helper()
	d.tell(d.mouse, kindButton, append(words(0, uint32(number), truth(down), 0), valuators(0, 0)...))
}

// Key presses or lets go of a key, by its key code.
func (d *Devices) Key(code byte, down bool) {
	d.t.Helper()
	d.tell(d.keyboard, kindKey, words(uint32(code), truth(down)))
}

// tell sends a message and waits until the server has done all that was sent.
func (d *Devices) tell(c net.Conn, kind uint32, body []byte) {
	d.t.Helper()
	send(d.t, c, kind, body)
	send(d.t, c, kindSync, nil)
	var answer [8]byte
	receive(d.t, c, answer[:])
}

// open reaches a device, which exists a moment after the server does.
func open(t testing.TB, path string) net.Conn {
	t.Helper()
	deadline := time.Now().Add(startLimit)
	for {
		c, err := net.Dial("unix", path)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			greet(t, c)
			return c
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// greet agrees on the version of the protocol.
func greet(t testing.TB, c net.Conn) {
	t.Helper()
	send(t, c, kindVersion, []byte{1, 0, 0, 0}) // 1.0
	var answer [12]byte
	receive(t, c, answer[:])
}

func send(t testing.TB, c net.Conn, kind uint32, body []byte) {
	t.Helper()
	if _, err := c.Write(append(words(uint32(8+len(body)), kind), body...)); err != nil {
		t.Fatalf("device: %v", err)
	}
}

func receive(t testing.TB, c net.Conn, b []byte) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(startLimit))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatalf("device: %v", err)
	}
}

// valuators are the axes of a device, x and y of them given unless both are zero,
// and room for what they were before acceleration.
func valuators(x, y float64) []byte {
	head := words(0, 0, 0, 0) // no unaccelerated ones, 64 bits of mask, padding
	axes := make([]byte, 0, 2*8*maxValuators)
	if x != 0 || y != 0 {
		head[4] = 3
		axes = binary.LittleEndian.AppendUint64(axes, math.Float64bits(x))
		axes = binary.LittleEndian.AppendUint64(axes, math.Float64bits(y))
	}
	return append(head, axes[:cap(axes)]...)
}

func words(v ...uint32) []byte {
	var b []byte
	for _, w := range v {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func truth(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
