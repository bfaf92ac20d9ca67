// SPDX-License-Identifier: Apache-2.0

package view

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"
)

// errSurface says that pixels cannot be put into a window this way.
var errSurface = errors.New("view: the window takes no pixels")

// surface puts pixels into a window of an X server on this machine, through memory
// shared with it. It belongs to one goroutine.
type surface struct {
	c     *xgb.Conn
	win   xproto.Drawable
	gc    xproto.Gcontext
	depth byte
	seg   shm.Seg
	mem   []byte
	last  *shm.PutImageCookie // the server may still read mem; nil when it does not
}

// openSurface prepares for the window of another connection. The display is that of
// the environment when its name is empty.
func openSurface(display string, win uint32) (*surface, error) {
	c, err := xgb.NewConnDisplay(display)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSurface, err)
	}
	s := &surface{c: c, win: xproto.Drawable(win)}
	if err := s.prepare(); err != nil {
		c.Close()
		return nil, fmt.Errorf("%w: %w", errSurface, err)
	}
	return s, nil
}

func (s *surface) prepare() error {
	if err := shm.Init(s.c); err != nil {
		return err
	}
	setup := xproto.Setup(s.c)
	g, err := xproto.GetGeometry(s.c, s.win).Reply()
	if err != nil {
		return err
	}
	s.depth = g.Depth
	if !bgrx(setup, g.Depth) {
		return errors.New("pixels of another kind")
	}
	if s.gc, err = xproto.NewGcontextId(s.c); err != nil {
		return err
	}
	if err := xproto.CreateGCChecked(s.c, s.gc, s.win, 0, nil).Check(); err != nil {
		return err
	}
	screen := setup.DefaultScreen(s.c)
	return s.share(4 * int(screen.WidthInPixels) * int(screen.HeightInPixels))
}

// bgrx reports whether pixels of a depth are four bytes in the order that we write.
func bgrx(setup *xproto.SetupInfo, depth byte) bool {
	for _, f := range setup.PixmapFormats {
		if f.Depth == depth {
			return f.BitsPerPixel == 32 && depth >= 24 && setup.ImageByteOrder == xproto.ImageOrderLSBFirst
		}
	}
	return false
}

// share attaches memory for as many bytes as the screen has: no window shows more.
func (s *surface) share(size int) error {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, size, unix.IPC_CREAT|0o600)
	if err != nil {
		return err
	}
	defer unix.SysvShmCtl(id, unix.IPC_RMID, nil) //nolint:errcheck // gone once both have let go of it
	if s.mem, err = unix.SysvShmAttach(id, 0, 0); err != nil {
		return err
	}
	if s.seg, err = shm.NewSegId(s.c); err == nil {
		err = shm.AttachChecked(s.c, s.seg, uint32(id), false).Check()
	}
	if err != nil {
		_ = unix.SysvShmDetach(s.mem)
	}
	return err
}

// put implements presenter.
func (s *surface) put(img *image.RGBA, part image.Rectangle, at image.Point) error {
	part = part.Intersect(img.Rect)
	if 4*part.Dx()*part.Dy() > len(s.mem) {
		return errSurface
	}
	if s.last != nil { // long done, as a rule
		if err := s.last.Check(); err != nil {
			return fmt.Errorf("%w: %w", errSurface, err)
		}
	}
	to := s.mem
	for y := part.Min.Y; y < part.Max.Y; y++ {
		from := img.Pix[img.PixOffset(part.Min.X, y):][:4*part.Dx()]
		swap(to[:len(from)], from)
		to = to[len(from):]
	}
	w, h := uint16(part.Dx()), uint16(part.Dy())
	cookie := shm.PutImageChecked(s.c, s.win, s.gc, w, h, 0, 0, w, h, int16(at.X), int16(at.Y),
		s.depth, xproto.ImageFormatZPixmap, 0, s.seg, 0)
	s.last = &cookie
	return nil
}

// swap turns R, G, B, A into B, G, R, A.
func swap(to, from []byte) {
	for len(from) >= 4 && len(to) >= 4 {
		v := binary.LittleEndian.Uint32(from)
		binary.LittleEndian.PutUint32(to, v&0xff00ff00|v>>16&0xff|v&0xff<<16)
		from, to = from[4:], to[4:]
	}
}

// close implements presenter.
func (s *surface) close() {
	s.c.Close()
	_ = unix.SysvShmDetach(s.mem)
}
