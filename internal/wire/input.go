// SPDX-License-Identifier: Apache-2.0

package wire

// Input is what drives the host's mouse and keyboard. Coordinates are pixels of
// one monitor, from its top left.
type Input interface {
	ToHost
	input()
}

// Move puts the pointer at a pixel.
type Move struct {
	Monitor uint8
	X, Y    uint16
}

// Button presses or releases a mouse button at a pixel. Buttons: 1 left, 2
// middle, 3 right, 4 back, 5 forward.
type Button struct {
	Monitor uint8
	X, Y    uint16
	Button  uint8
	Down    bool
}

// Scroll turns the wheel at the pointer; 120 is one notch, positive is down
// and right.
type Scroll struct {
	DX, DY int16
}

// Key presses or releases a physical key, named by its USB HID usage (page
// 0x07): the host's own layout decides what it types.
type Key struct {
	Usage uint16
	Down  bool
}

// Text types characters whatever the host's layout.
type Text struct {
	Text string
}

// ReleaseAll lets go of every key and button the technician holds.
type ReleaseAll struct{}

func (m *Move) walk(w *walker) { w.place(&m.Monitor, &m.X, &m.Y) }

func (m *Button) walk(w *walker) {
	w.place(&m.Monitor, &m.X, &m.Y)
	w.u8("button", &m.Button)
	if m.Button < 1 || m.Button > 5 {
		w.fail("button", "is unknown")
	}
	w.flag("down", &m.Down)
}

func (m *Scroll) walk(w *walker) {
	w.i16("dx", &m.DX)
	w.i16("dy", &m.DY)
	if m.DX < -1200 || m.DX > 1200 || m.DY < -1200 || m.DY > 1200 {
		w.fail("scroll", "is more than ten notches")
	}
}

func (m *Key) walk(w *walker) {
	w.u16("usage", &m.Usage)
	if m.Usage < 0x04 || m.Usage > 0xe7 {
		w.fail("usage", "is not a key")
	}
	w.flag("down", &m.Down)
}

func (m *Text) walk(w *walker) { w.text("text", &m.Text, MaxText) }

func (*ReleaseAll) walk(*walker) {}

func (*Move) toHost()       {}
func (*Button) toHost()     {}
func (*Scroll) toHost()     {}
func (*Key) toHost()        {}
func (*Text) toHost()       {}
func (*ReleaseAll) toHost() {}

func (*Move) input()       {}
func (*Button) input()     {}
func (*Scroll) input()     {}
func (*Key) input()        {}
func (*Text) input()       {}
func (*ReleaseAll) input() {}
