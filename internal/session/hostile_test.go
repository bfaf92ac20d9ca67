// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"math"
	"testing"
	"time"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/session"
	"assist/internal/wire"
)

// tell makes the host's end say something, whatever its own app would.
func (w *world) tell(b []byte) {
	w.link().helper.in <- b
}

func bytesOf(t *testing.T, m wire.Message) []byte {
	t.Helper()
	b, err := wire.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What no honest host says ends the technician's session, as a breach of protocol.
func TestHostileHostIsLeft(t *testing.T) {
	good := bytesOf(t, &wire.Scene{Monitors: []wire.MonitorInfo{{Name: "DP-1", Width: 640, Height: 480}}})
	wide, far := append([]byte(nil), good...), append([]byte(nil), good...)
	wide[len(wide)-5] = 0xff // width
	far[len(far)-13] = 0x7f  // x
	for name, b := range map[string][]byte{
		"unknown": {0xff}, "empty": {}, "cut": good[:5], "too wide": wide, "too far": far,
		"to the host": bytesOf(t, &wire.Ping{}), "from the server": bytesOf(t, &wire.Bye{Reason: wire.EndUserCut}),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, w *world) {
				tech := w.meet(viewPoint)
				w.tell(b)
				if s := w.over(tech); s.End != wire.EndProtocol || s.Rights != 0 {
					t.Errorf("ended as %+v", s)
				}
			})
		})
	}
}

// A flood leaves the newest state, and claims change nothing but what is shown.
func TestHostileHostFloods(t *testing.T) {
	play(t, func(t *testing.T, w *world) {
		tech := w.meet(viewPoint)
		pix := make([]byte, 4*screen.MaxCursorSide*screen.MaxCursorSide)
		for n := range 2000 {
			w.tell(bytesOf(t, &wire.Scene{Monitors: []wire.MonitorInfo{{ID: uint8(n % 8), Name: "DP-1", X: int32(n), Width: 640, Height: 480}}}))
			w.tell(bytesOf(t, &wire.Shape{Serial: uint32(n), Width: screen.MaxCursorSide, Height: screen.MaxCursorSide, Pix: pix}))
			w.tell(bytesOf(t, &wire.Place{Sequence: uint32(n + 1), Monitor: 7, X: math.MinInt16, Y: math.MaxInt16, Visible: true}))
			w.tell(bytesOf(t, &wire.Denied{Rights: 0xffff}))
			w.tell(bytesOf(t, &wire.Grant{Rights: 0xffff}))
			w.tell(bytesOf(t, &wire.Pong{Stamp: math.MinInt64 + int64(n)}))
		}
		w.tell(bytesOf(t, &wire.Place{Sequence: 1}))
		pass(0)
		s := tech.State()
		if s.Phase != session.TechnicianLive || len(s.Layout) != 1 || s.Layout[0].Bounds.Min.X != 1999 || s.Cursor.Serial != 1999 {
			t.Errorf("state %+v", s)
		}
		if !s.Place.Visible || s.Denials != 0 || s.Rights != consent.AllRights || s.RTT < 0 {
			t.Errorf("place %+v, %d denials, rights %v, round trip %v", s.Place, s.Denials, s.Rights, s.RTT)
		}
		if n := w.machine.typed(); n != 0 {
			t.Errorf("%d inputs", n)
		}
		pass(time.Second)
		tech.End()
		w.over(tech)
	})
}
