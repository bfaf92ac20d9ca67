// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
	"golang.org/x/sys/unix"
)

const zPixmap = 2 // X11's image format of whole pixels

// display is one X display, with memory that it shares with us.
type display struct {
	name string
	c    *xgb.Conn
	root xproto.Window
	size image.Point
	seg  shm.Seg
	mem  []byte // owned by whoever reads or draws; one at a time
}

func openDisplay(name string) (*display, error) {
	c, err := xgb.NewConnDisplay(name)
	if err != nil {
		return nil, fmt.Errorf("display %s: %w", name, err)
	}
	screen := xproto.Setup(c).DefaultScreen(c)
	d := &display{name: name, c: c, root: screen.Root,
		size: image.Pt(int(screen.WidthInPixels), int(screen.HeightInPixels))}
	if err := d.share(); err != nil {
		c.Close()
		return nil, fmt.Errorf("display %s: %w", name, err)
	}
	return d, nil
}

// share attaches memory for one whole screen.
func (d *display) share() error {
	if err := shm.Init(d.c); err != nil {
		return err
	}
	if err := xtest.Init(d.c); err != nil {
		return err
	}
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4*d.size.X*d.size.Y, unix.IPC_CREAT|0o600)
	if err != nil {
		return fmt.Errorf("shared memory: %w", err)
	}
	defer unix.SysvShmCtl(id, unix.IPC_RMID, nil) // once both have it
	if d.mem, err = unix.SysvShmAttach(id, 0, 0); err != nil {
		return fmt.Errorf("shared memory: %w", err)
	}
	if d.seg, err = shm.NewSegId(d.c); err != nil {
		return err
	}
	return shm.AttachChecked(d.c, d.seg, uint32(id), false).Check()
}

func (d *display) close() {
	d.c.Close()
	_ = unix.SysvShmDetach(d.mem)
}

// read returns the pixels of a rectangle, valid until the next read.
func (d *display) read(r image.Rectangle) ([]byte, error) {
	_, err := shm.GetImage(d.c, xproto.Drawable(d.root), int16(r.Min.X), int16(r.Min.Y),
		uint16(r.Dx()), uint16(r.Dy()), 0xffffffff, zPixmap, d.seg, 0).Reply()
	if err != nil {
		return nil, fmt.Errorf("read the screen: %w", err)
	}
	return d.mem[:4*r.Dx()*r.Dy()], nil
}

// press presses and releases a key or a button by XTEST.
func (d *display) press(down, up, detail byte) error {
	xtest.FakeInput(d.c, down, detail, 0, d.root, 0, 0, 0)
	return xtest.FakeInputChecked(d.c, up, detail, 0, d.root, 0, 0, 0).Check()
}

func (d *display) movePointer(to image.Point) error {
	return xtest.FakeInputChecked(d.c, xproto.MotionNotify, 0, 0, d.root, int16(to.X), int16(to.Y), 0).Check()
}

// canvas is our window on the host's display.
type canvas struct {
	d    *display
	win  xproto.Window
	gc   xproto.Gcontext
	size image.Point
	keys chan struct{} // one slot a key press or a button press
}

// newCanvas shows a window above all others, that no window manager touches.
func newCanvas(d *display, at image.Rectangle) (*canvas, error) {
	k := &canvas{d: d, size: at.Size(), keys: make(chan struct{}, 64)}
	var err error
	if k.win, err = xproto.NewWindowId(d.c); err != nil {
		return nil, err
	}
	if k.gc, err = xproto.NewGcontextId(d.c); err != nil {
		return nil, err
	}
	screen := xproto.Setup(d.c).DefaultScreen(d.c)
	err = xproto.CreateWindowChecked(d.c, screen.RootDepth, k.win, d.root, int16(at.Min.X), int16(at.Min.Y),
		uint16(at.Dx()), uint16(at.Dy()), 0, xproto.WindowClassInputOutput, screen.RootVisual,
		xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, xproto.EventMaskKeyPress}).Check()
	if err != nil {
		return nil, fmt.Errorf("show a window: %w", err)
	}
	xproto.CreateGC(d.c, k.gc, xproto.Drawable(k.win), 0, nil)
	if err := xproto.MapWindowChecked(d.c, k.win).Check(); err != nil {
		return nil, fmt.Errorf("show a window: %w", err)
	}
	go k.listen()
	return k, k.focus()
}

// focus makes keys come to the canvas.
func (k *canvas) focus() error {
	return xproto.SetInputFocusChecked(k.d.c, xproto.InputFocusPointerRoot, k.win, xproto.TimeCurrentTime).Check()
}

func (k *canvas) listen() {
	for {
		e, err := k.d.c.WaitForEvent()
		if e == nil && err == nil {
			return
		}
		if _, ok := e.(xproto.KeyPressEvent); ok {
			select {
			case k.keys <- struct{}{}:
			default:
			}
		}
	}
}

func (k *canvas) close() { xproto.DestroyWindow(k.d.c, k.win) }

// pix is the picture that show puts on the screen.
func (k *canvas) pix() []byte { return k.d.mem[:4*k.size.X*k.size.Y] }

// show puts the picture on the screen and returns when it is there.
func (k *canvas) show() error {
	w, h := uint16(k.size.X), uint16(k.size.Y)
	screen := xproto.Setup(k.d.c).DefaultScreen(k.d.c)
	err := shm.PutImageChecked(k.d.c, xproto.Drawable(k.win), k.gc, w, h, 0, 0, w, h, 0, 0,
		screen.RootDepth, zPixmap, 0, k.d.seg, 0).Check()
	if err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	return nil
}

// fill paints a rectangle in one grey and returns when it is there.
func (k *canvas) fill(r image.Rectangle, grey byte) error {
	v := uint32(grey)
	xproto.ChangeGC(k.d.c, k.gc, xproto.GcForeground, []uint32{v<<16 | v<<8 | v})
	return xproto.PolyFillRectangleChecked(k.d.c, xproto.Drawable(k.win), k.gc, []xproto.Rectangle{{
		X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy())}}).Check()
}
