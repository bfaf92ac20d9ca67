// SPDX-License-Identifier: Apache-2.0

package wire

import "assist/internal/screen"

// MonitorInfo is one monitor as the technician learns of it. X and Y are on the
// host's virtual desktop and may be negative.
type MonitorInfo struct {
	ID            uint8
	Name          string
	X, Y          int32
	Width, Height uint16
	Primary       bool
}

// Scene lists the monitors that are shared; it is sent first, and again at each
// change.
type Scene struct {
	Monitors []MonitorInfo
}

// Grant tells the technician what is allowed from now on, and what holds
// pictures or input back for the moment.
type Grant struct {
	Rights   uint16
	Pictures PauseCause // PauseNone while pictures flow
	Input    PauseCause // PauseNone while input is taken, if Rights has it
}

// Denied answers a Want that the person turned down.
type Denied struct {
	Rights uint16
}

// Shape is a new pointer shape, premultiplied RGBA.
type Shape struct {
	Serial        uint32
	Width, Height uint8
	HotX, HotY    uint8
	Pix           []byte
}

// Place is where the host's pointer is. A lower Sequence than one already seen
// is stale and dropped.
type Place struct {
	Sequence uint32
	Monitor  uint8
	X, Y     int16
	Visible  bool
}

// Pong returns a Ping's stamp.
type Pong struct {
	Stamp int64
}

// SessionBye ends the session; either end sends it last.
type SessionBye struct {
	Reason EndReason
}

// Want asks the person for more rights.
type Want struct {
	Rights uint16
}

// Release gives rights back.
type Release struct {
	Rights uint16
}

// Watch names the monitors whose pictures the technician wants, by ID.
type Watch struct {
	Monitors []uint8
}

// Point shows the technician's own pointer on a host monitor, or hides it.
type Point struct {
	Monitor uint8
	X, Y    uint16
	Visible bool
}

// Ping measures the round trip; Stamp is the sender's own clock.
type Ping struct {
	Stamp int64
}

func (m *Scene) walk(w *walker) {
	var seen uint16 // a bit for each monitor
	pixels := 0
	list(w, "monitors", &m.Monitors, screen.MaxMonitors, func(i *MonitorInfo) {
		w.u8("id", &i.ID)
		w.label("name", &i.Name, MaxName)
		w.i32("x", &i.X)
		w.i32("y", &i.Y)
		w.u16("width", &i.Width)
		w.u16("height", &i.Height)
		w.flag("primary", &i.Primary)
		if i.ID >= screen.MaxMonitors || i.Width == 0 || i.Height == 0 ||
			i.Width > screen.MaxSide || i.Height > screen.MaxSide {
			w.fail("monitor", "is out of limits")
		}
		if far(i.X) || far(i.Y) {
			w.fail("monitor", "is too far away")
		}
		if seen&(1<<i.ID) != 0 {
			w.fail("id", "comes twice")
		}
		seen |= 1 << i.ID
		if pixels += int(i.Width) * int(i.Height); pixels > screen.MaxPixels {
			w.fail("monitors", "are too large together")
		}
	})
}

func far(v int32) bool { return v < -screen.MaxPlace || v > screen.MaxPlace }

func (m *Grant) walk(w *walker) {
	w.u16("rights", &m.Rights)
	enum(w, "pictures", &m.Pictures, PauseNone, pauseCauseEnd)
	enum(w, "input", &m.Input, PauseNone, pauseCauseEnd)
}

func (m *Denied) walk(w *walker) { w.u16("rights", &m.Rights) }

func (m *Shape) walk(w *walker) {
	w.u32("serial", &m.Serial)
	w.u8("width", &m.Width)
	w.u8("height", &m.Height)
	w.u8("hotX", &m.HotX)
	w.u8("hotY", &m.HotY)
	if m.Width > screen.MaxCursorSide || m.Height > screen.MaxCursorSide {
		w.fail("shape", "is too large")
	}
	if m.HotX >= max(m.Width, 1) || m.HotY >= max(m.Height, 1) {
		w.fail("shape", "points outside of itself") // a display would not take it
	}
	w.bytes("pix", &m.Pix, 4*screen.MaxCursorSide*screen.MaxCursorSide)
	if len(m.Pix) != 4*int(m.Width)*int(m.Height) {
		w.fail("pix", "does not match its size")
	}
}

func (m *Place) walk(w *walker) {
	w.u32("sequence", &m.Sequence)
	w.u8("monitor", &m.Monitor)
	if m.Monitor >= screen.MaxMonitors {
		w.fail("monitor", "is out of limits")
	}
	w.i16("x", &m.X)
	w.i16("y", &m.Y)
	w.flag("visible", &m.Visible)
}

func (m *Pong) walk(w *walker) { w.i64("stamp", &m.Stamp) }

func (m *SessionBye) walk(w *walker) {
	enum(w, "reason", &m.Reason, EndUserCut, endReasonEnd)
}

func (m *Want) walk(w *walker)    { w.u16("rights", &m.Rights) }
func (m *Release) walk(w *walker) { w.u16("rights", &m.Rights) }

func (m *Watch) walk(w *walker) {
	list(w, "monitors", &m.Monitors, screen.MaxMonitors, func(id *uint8) {
		w.u8("id", id)
		if *id >= screen.MaxMonitors {
			w.fail("id", "is out of limits")
		}
	})
}

func (m *Point) walk(w *walker) {
	w.place(&m.Monitor, &m.X, &m.Y)
	w.flag("visible", &m.Visible)
}

// place is a pixel of a monitor.
func (w *walker) place(id *uint8, x, y *uint16) {
	w.u8("monitor", id)
	w.u16("x", x)
	w.u16("y", y)
	if *id >= screen.MaxMonitors || *x >= screen.MaxSide || *y >= screen.MaxSide {
		w.fail("place", "is out of limits")
	}
}

func (m *Ping) walk(w *walker) { w.i64("stamp", &m.Stamp) }

func (*Scene) toTechnician()      {}
func (*Grant) toTechnician()      {}
func (*Denied) toTechnician()     {}
func (*Shape) toTechnician()      {}
func (*Place) toTechnician()      {}
func (*Pong) toTechnician()       {}
func (*SessionBye) toTechnician() {}

func (*Want) toHost()       {}
func (*Release) toHost()    {}
func (*Watch) toHost()      {}
func (*Point) toHost()      {}
func (*Ping) toHost()       {}
func (*SessionBye) toHost() {}
