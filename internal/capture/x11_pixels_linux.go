// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"errors"
	"fmt"
	"image"
	"log/slog"

	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"

	"assist/internal/x11"
)

const allPlanes = 0xffffffff

// read copies the damaged rectangles of one monitor into its picture.
func (s *x11Source) read(p *picture, damage []image.Rectangle) ([]image.Rectangle, error) {
	defer guard(s.c)()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	total := 0
	for _, r := range damage {
		total += area(r)
	}
	if whole := (image.Rectangle{Max: p.frame.Size}); total >= area(whole) {
		damage = []image.Rectangle{whole}
	}
	var err error
	if s.shm != nil && s.shm.fit(4*area(image.Rectangle{Max: p.frame.Size})) {
		err = s.readShared(p, damage)
	} else {
		err = s.readPlain(p, damage)
	}
	if err != nil {
		return nil, s.unread(err)
	}
	return damage, nil
}

// unread tells a monitor that just moved from a real fault.
func (s *x11Source) unread(err error) error {
	var match xproto.MatchError
	var value xproto.ValueError
	if s.c.Alive() && (errors.As(err, &match) || errors.As(err, &value)) {
		s.stale.Store(true)
		return errShifted
	}
	return s.explain(fmt.Errorf("read the screen: %w", err))
}

// readShared has the server write all rectangles, one after the other, into the
// segment: one exchange for the lot.
func (s *x11Source) readShared(p *picture, damage []image.Rectangle) error {
	cookies := make([]shm.GetImageCookie, len(damage))
	offset := 0
	for i, r := range damage {
		at := r.Min.Add(p.bounds.Min)
		cookies[i] = shm.GetImage(s.c.X, xproto.Drawable(s.c.Root), int16(at.X), int16(at.Y),
			uint16(r.Dx()), uint16(r.Dy()), allPlanes, xproto.ImageFormatZPixmap, s.shm.id, uint32(offset))
		offset += 4 * area(r)
	}
	for i := range cookies {
		if _, err := cookies[i].Reply(); err != nil {
			return err
		}
	}
	offset = 0
	for _, r := range damage {
		n := 4 * area(r)
		p.put(r, s.shm.mem[offset:offset+n])
		offset += n
	}
	return nil
}

// readPlain reads through the connection.
func (s *x11Source) readPlain(p *picture, damage []image.Rectangle) error {
	for _, r := range damage {
		at := r.Min.Add(p.bounds.Min)
		reply, err := xproto.GetImage(s.c.X, xproto.ImageFormatZPixmap, xproto.Drawable(s.c.Root),
			int16(at.X), int16(at.Y), uint16(r.Dx()), uint16(r.Dy()), allPlanes).Reply()
		if err != nil {
			return err
		}
		if len(reply.Data) < 4*area(r) {
			return errPixels
		}
		p.put(r, reply.Data)
	}
	return nil
}

// put copies tightly packed rows into the picture.
func (p *picture) put(r image.Rectangle, rows []byte) {
	n := 4 * r.Dx()
	if n == p.frame.Stride {
		copy(p.frame.Pix[r.Min.Y*n:], rows[:n*r.Dy()])
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(p.frame.Pix[y*p.frame.Stride+4*r.Min.X:], rows[:n])
		rows = rows[n:]
	}
}

// segment is memory shared with the X server. It is only used under
// x11Source.mu.
type segment struct {
	c   *x11.Conn
	log *slog.Logger
	id  shm.Seg
	mem []byte
	bad bool // attaching failed: do not try again
}

// newSegment returns nil when the server cannot share memory with us.
func newSegment(c *x11.Conn, log *slog.Logger) *segment {
	if !c.Local {
		return nil
	}
	if _, _, err := c.Extension("MIT-SHM"); err != nil {
		log.Warn("no shared memory with the display server: capture will be slower", "err", err)
		return nil
	}
	return &segment{c: c, log: log}
}

// fit makes the segment at least so many bytes large.
func (g *segment) fit(size int) bool {
	if g.bad || len(g.mem) >= size {
		return !g.bad
	}
	g.free()
	if err := g.attach(size); err != nil {
		g.bad = true
		g.log.Warn("cannot share memory with the display server: capture will be slower", "err", err)
	}
	return !g.bad
}

func (g *segment) attach(size int) error {
	key, err := unix.SysvShmGet(unix.IPC_PRIVATE, size, unix.IPC_CREAT|0o600)
	if err != nil {
		return fmt.Errorf("make segment: %w", err)
	}
	// Marked for removal once both ends hold it, or at once if one cannot: no
	// segment outlives the process, however it ends.
	defer unix.SysvShmCtl(key, unix.IPC_RMID, nil) //nolint:errcheck
	mem, err := unix.SysvShmAttach(key, 0, 0)
	if err != nil {
		return fmt.Errorf("map segment: %w", err)
	}
	id, err := shm.NewSegId(g.c.X)
	if err == nil {
		err = shm.AttachChecked(g.c.X, id, uint32(key), false).Check()
	}
	if err != nil {
		_ = unix.SysvShmDetach(mem)
		return fmt.Errorf("attach segment: %w", err)
	}
	g.id, g.mem = id, mem
	return nil
}

// free gives the memory back.
func (g *segment) free() {
	if g.mem == nil {
		return
	}
	shm.Detach(g.c.X, g.id)
	if err := unix.SysvShmDetach(g.mem); err != nil {
		g.log.Warn("cannot unmap the shared segment", "err", err)
	}
	g.mem = nil
}
