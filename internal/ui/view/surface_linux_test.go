// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"
	"image/color"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"assist/internal/x11/x11test"
)

// newXWindow shows a white window of another connection.
func newXWindow(t *testing.T, display string) (*xgb.Conn, xproto.Window) {
	t.Helper()
	c, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	win, err := xproto.NewWindowId(c)
	if err != nil {
		t.Fatal(err)
	}
	s := xproto.Setup(c).DefaultScreen(c)
	xproto.CreateWindow(c, s.RootDepth, win, s.Root, 5, 6, 300, 200, 0, xproto.WindowClassInputOutput, s.RootVisual,
		xproto.CwBackPixel|xproto.CwOverrideRedirect, []uint32{0xffffff, 1})
	if err := xproto.MapWindowChecked(c, win).Check(); err != nil {
		t.Fatal(err)
	}
	return c, win
}

func TestSurface(t *testing.T) {
	server := x11test.Start(t, "640x480")
	c, win := newXWindow(t, server.Display)
	s, err := openSurface(server.Display, uint32(win))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	img := image.NewRGBA(image.Rect(0, 0, 100, 80))
	img.SetRGBA(40, 30, color.RGBA{R: 1, G: 2, B: 3, A: 255})
	img.SetRGBA(41, 30, color.RGBA{R: 200, G: 100, B: 50, A: 255})
	for range 3 { // the memory is used again
		if err := s.put(img, image.Rect(40, 30, 60, 40), image.Pt(70, 90)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.last.Check(); err != nil {
		t.Fatal(err)
	}
	got, err := xproto.GetImage(c, xproto.ImageFormatZPixmap, xproto.Drawable(win), 69, 90, 3, 1, 0xffffffff).Reply()
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{255, 255, 255, 3, 2, 1, 50, 100, 200}
	for i, v := range want {
		if got.Data[i/3*4+i%3] != v {
			t.Fatalf("pixels %v", got.Data)
		}
	}
}

func TestSurfaceOfAWindowThatHasGone(t *testing.T) {
	server := x11test.Start(t, "640x480")
	c, win := newXWindow(t, server.Display)
	s, err := openSurface(server.Display, uint32(win))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := xproto.DestroyWindowChecked(c, win).Check(); err != nil {
		t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, 10, 10))
	if err := s.put(img, img.Rect, image.Point{}); err != nil {
		t.Fatal("told before the server could tell:", err)
	}
	if err := s.put(img, img.Rect, image.Point{}); err == nil {
		t.Error("put into a window that has gone")
	}
}
