// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"image"
	"os"
	"slices"
	"sync/atomic"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/res"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11"
)

const (
	maxDepth   = 16  // windows within windows
	maxKin     = 128 // windows looked at for one event
	lookAgain  = 3   // times, when a window vanishes while it is looked at
	frameDepth = 2   // how deep in a window manager's frame the program's window lies
)

var errTooDeep = errors.New("windows are nested too deep")

// owner tells whose window an event would reach.
type owner struct {
	c      *xgb.Conn
	root   xproto.Window
	pid    uint32      // this process, as the server numbers it; 0: the server does not know
	pidTag xproto.Atom // _NET_WM_PID
	self   uint32      // os.Getpid

	others atomic.Uint32 // a window that had the keyboard, and was another program's
}

// begin learns how the server sees this process: in a container the number
// differs. An error means that only what windows say of themselves is known.
func (o *owner) begin(conn *x11.Conn) error {
	o.self = uint32(os.Getpid())
	var err error
	if o.pidTag, err = conn.Atom("_NET_WM_PID"); err != nil {
		return err
	}
	if _, _, err = conn.Extension("X-Resource"); err != nil {
		return err
	}
	pids, err := o.clientPIDs(xproto.Window(xproto.Setup(o.c).ResourceIdBase))
	if err == nil && len(pids) == 1 {
		o.pid = pids[0]
	}
	return err
}

// at follows the windows under p from the root to the deepest. With press, the
// windows inside the outermost one count too: a press on the frame round our
// window could close it.
func (o *owner) at(p image.Point, press bool) (own bool, err error) {
	for range lookAgain {
		if own, err = o.lookAt(p, press); err == nil {
			return own, nil
		}
	}
	return false, fmt.Errorf("window under the pointer: %w", err)
}

func (o *owner) lookAt(p image.Point, press bool) (bool, error) {
	var chain []xproto.Window
	for w := o.root; ; {
		r, err := xproto.TranslateCoordinates(o.c, o.root, w, int16(p.X), int16(p.Y)).Reply()
		if err != nil {
			return false, err
		}
		if r.Child == 0 {
			break
		}
		if w = r.Child; len(chain) == maxDepth {
			return false, errTooDeep
		}
		chain = append(chain, w)
	}
	if len(chain) == 0 {
		return false, nil
	}
	if press {
		chain = append(chain, o.inside(chain[0], frameDepth)...)
	}
	return o.any(chain)
}

// focused looks at the window with the keyboard focus.
func (o *owner) focused() (own bool, err error) {
	for range lookAgain {
		if own, err = o.lookAtFocus(); err == nil {
			return own, nil
		}
	}
	return false, fmt.Errorf("window with the focus: %w", err)
}

// refocused is focused right before a key, in one question to the display where the
// keyboard is still in the window that was looked at.
func (o *owner) refocused() (bool, error) {
	r, err := xproto.GetInputFocus(o.c).Reply()
	if err == nil && r.Focus > xproto.InputFocusPointerRoot && uint32(r.Focus) == o.others.Load() {
		return false, nil
	}
	return o.focused()
}

func (o *owner) lookAtFocus() (bool, error) {
	r, err := xproto.GetInputFocus(o.c).Reply()
	if err != nil {
		return false, err
	}
	switch r.Focus {
	case xproto.InputFocusNone:
		return false, nil
	case xproto.InputFocusPointerRoot, o.root:
		p, err := o.pointer()
		if err != nil {
			return false, err
		}
		return o.lookAt(p, true)
	}
	own, err := o.any(append(o.inside(r.Focus, 1), r.Focus))
	if err == nil && !own {
		o.others.Store(uint32(r.Focus))
	}
	return own, err
}

func (o *owner) pointer() (image.Point, error) {
	r, err := xproto.QueryPointer(o.c, o.root).Reply()
	if err != nil {
		return image.Point{}, fmt.Errorf("place of the pointer: %w", err)
	}
	return image.Pt(int(r.RootX), int(r.RootY)), nil
}

// inside lists the windows in w, down to a depth. Windows that vanish meanwhile
// are left out.
func (o *owner) inside(w xproto.Window, depth int) []xproto.Window {
	var found []xproto.Window
	level := []xproto.Window{w}
	for ; depth > 0 && len(level) > 0 && len(found) < maxKin; depth-- {
		cookies := make([]xproto.QueryTreeCookie, len(level))
		for i, w := range level {
			cookies[i] = xproto.QueryTree(o.c, w)
		}
		level = nil
		for _, cookie := range cookies {
			if r, err := cookie.Reply(); err == nil {
				level = append(level, r.Children...)
			}
		}
		level = level[:min(len(level), maxKin)]
		found = append(found, level...)
	}
	return found
}

// any reports whether one of the windows belongs to this process.
func (o *owner) any(ws []xproto.Window) (bool, error) {
	if o.pid != 0 {
		pids, err := o.clientPIDs(ws...)
		return slices.Contains(pids, o.pid), err
	}
	cookies := make([]xproto.GetPropertyCookie, len(ws))
	for i, w := range ws {
		cookies[i] = xproto.GetProperty(o.c, false, w, o.pidTag, xproto.AtomCardinal, 0, 1)
	}
	own := false
	for _, cookie := range cookies {
		r, err := cookie.Reply()
		own = own || err == nil && r.Format == 32 && r.ValueLen == 1 && xgb.Get32(r.Value) == o.self
	}
	return own, nil
}

// clientPIDs asks the server which processes made these windows. Programs cannot
// lie about that.
func (o *owner) clientPIDs(ws ...xproto.Window) ([]uint32, error) {
	specs := make([]res.ClientIdSpec, len(ws))
	for i, w := range ws {
		specs[i] = res.ClientIdSpec{Client: uint32(w), Mask: res.ClientIdMaskLocalClientPID}
	}
	r, err := res.QueryClientIds(o.c, uint32(len(specs)), specs).Reply()
	if err != nil {
		return nil, fmt.Errorf("owners of windows: %w", err)
	}
	var pids []uint32
	for _, id := range r.Ids {
		if len(id.Value) == 1 {
			pids = append(pids, id.Value[0])
		}
	}
	return pids, nil
}
