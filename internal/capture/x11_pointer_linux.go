// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"fmt"
	"image"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"assist/internal/screen"
	"assist/internal/x11"
)

const (
	pollToldOf = 500 * time.Millisecond // a pointer that programs warp tells nothing
	pollBlind  = 16 * time.Millisecond

	xiSelectEvents   = 46
	xiQueryVersion   = 47
	xiAllMasters     = 1
	xiRawMotion      = 17
	codeGenericEvent = 35
)

// x11Pointer reads the pointer's shape and place. Only Change uses it, but for
// event.
type x11Pointer struct {
	c           *x11.Conn
	cursorEvent byte
	told        bool // raw motion events tell of moves

	changed atomic.Bool // the server has told of a new shape
	serial  uint32      // the server's number of the last shape
	count   uint32      // ours
}

func (h *x11Pointer) prepare(c *x11.Conn) error {
	h.c = c
	_, first, err := c.Extension("XFIXES")
	if err != nil {
		return err
	}
	h.cursorEvent = first + xfixes.CursorNotify
	err = xfixes.SelectCursorInputChecked(c.X, c.Root, xfixes.CursorNotifyMaskDisplayCursor).Check()
	if err != nil {
		return fmt.Errorf("watch the pointer's shape: %w", err)
	}
	h.changed.Store(true)
	h.told = h.selectMotion() == nil
	return nil
}

// selectMotion asks XInput 2 for raw motion: one event a move, none when still.
// The protocol library has no XInput, so the two requests are built here.
func (h *x11Pointer) selectMotion() error {
	major, _, err := h.c.Extension("XInputExtension")
	if err != nil {
		return err
	}
	version := []byte{major, xiQueryVersion, 2, 0, 2, 0, 2, 0}
	cookie := h.c.X.NewCookie(true, true)
	h.c.X.NewRequest(version, cookie)
	if _, err := cookie.Reply(); err != nil {
		return err
	}
	sel := make([]byte, 20)
	sel[0], sel[1], sel[2] = major, xiSelectEvents, 5
	binary.LittleEndian.PutUint32(sel[4:], uint32(h.c.Root))
	binary.LittleEndian.PutUint16(sel[8:], 1) // masks that follow
	binary.LittleEndian.PutUint16(sel[12:], xiAllMasters)
	binary.LittleEndian.PutUint16(sel[14:], 1) // words of this mask
	binary.LittleEndian.PutUint32(sel[16:], 1<<xiRawMotion)
	cookie = h.c.X.NewCookie(true, false)
	h.c.X.NewRequest(sel, cookie)
	return cookie.Check()
}

// event reports whether an event was about the pointer.
func (h *x11Pointer) event(e x11.Event) bool {
	switch e.Code() {
	case h.cursorEvent:
		h.changed.Store(true)
		return true
	case codeGenericEvent:
		return true
	}
	return false
}

func (h *x11Pointer) every() time.Duration {
	if h.told {
		return pollToldOf
	}
	return pollBlind
}

func (h *x11Pointer) place() (at image.Point, on bool, err error) {
	defer guard(h.c)()
	r, err := xproto.QueryPointer(h.c.X, h.c.Root).Reply()
	if err != nil {
		return image.Point{}, false, h.explain(err)
	}
	return image.Pt(int(r.RootX), int(r.RootY)), r.SameScreen, nil
}

func (h *x11Pointer) shape() (*screen.Cursor, error) {
	if !h.changed.Swap(false) {
		return nil, nil
	}
	defer guard(h.c)()
	r, err := xfixes.GetCursorImage(h.c.X).Reply()
	if err != nil {
		h.changed.Store(true)
		return nil, h.explain(err)
	}
	if h.count > 0 && r.CursorSerial == h.serial {
		return nil, nil
	}
	h.serial = r.CursorSerial
	h.count++
	cursor := shrink(argb{r.CursorImage, image.Pt(int(r.Width), int(r.Height))}, image.Pt(int(r.Xhot), int(r.Yhot)))
	cursor.Serial = h.count
	return cursor, nil
}

func (h *x11Pointer) explain(err error) error {
	if !h.c.Alive() {
		return ErrLost
	}
	return fmt.Errorf("read the pointer: %w", err)
}

// argb is a premultiplied picture as XFIXES gives it.
type argb struct {
	pix  []uint32
	size image.Point
}

// shrink converts a pointer's picture, scaled down to screen.MaxCursorSide.
func shrink(from argb, hot image.Point) *screen.Cursor {
	k := max(1, (max(from.size.X, from.size.Y)+screen.MaxCursorSide-1)/screen.MaxCursorSide)
	size := image.Pt((from.size.X+k-1)/k, (from.size.Y+k-1)/k)
	c := &screen.Cursor{Size: size, Hot: hot.Div(k), Pix: make([]byte, 4*size.X*size.Y)}
	for y := range size.Y {
		for x := range size.X {
			from.box(c.Pix[4*(y*size.X+x):], image.Rect(x*k, y*k, x*k+k, y*k+k))
		}
	}
	return c
}

// box writes the mean of a block as R, G, B, A.
func (p argb) box(dst []byte, r image.Rectangle) {
	r = r.Intersect(image.Rectangle{Max: p.size})
	var sum [4]uint32
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, v := range p.pix[y*p.size.X+r.Min.X : y*p.size.X+r.Max.X] {
			sum[0] += v >> 16 & 255
			sum[1] += v >> 8 & 255
			sum[2] += v & 255
			sum[3] += v >> 24
		}
	}
	for i := range sum {
		dst[i] = byte(sum[i] / uint32(max(1, area(r))))
	}
}
