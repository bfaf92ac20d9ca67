// SPDX-License-Identifier: Apache-2.0

package view

import (
	"errors"
	"image"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"assist/internal/screen"
	"assist/internal/wire"
)

// newDirectTester is a window on which a small monitor is shown at 1:1, the short
// way, and its picture.
func newDirectTester(t *testing.T) (*tester, *screenful, *image.RGBA) {
	s := live(0)
	s.Layout = screen.Layout{monitor(0, 0, 0, 600, 400)}
	x := newTester(t, s)
	x.zoom(true)
	direct := &screenful{}
	x.main.direct = direct
	img := image.NewRGBA(image.Rect(0, 0, 600, 400))
	x.draw(0, img, img.Rect) // the first one is the toolkit's
	if len(direct.puts) != 0 {
		t.Fatal("put before the toolkit has painted")
	}
	return x, direct, img
}

func TestChangesGoTheShortWay(t *testing.T) {
	x, direct, img := newDirectTester(t)
	x.draw(0, img, image.Rect(10, 20, 30, 40))
	at := x.main.onWindow(x.main.pane).Min.Add(x.main.pane.spots[0].rect.Min).Add(image.Pt(10, 20))
	if want := image.Rect(10, 20, 30, 40).String() + " at " + at.String(); len(direct.puts) != 1 || direct.puts[0] != want {
		t.Errorf("%v, want %s", direct.puts, want)
	}
	if x.main.pane.images[0].Image != img {
		t.Error("the toolkit does not know the picture")
	}
}

func TestWhatLiesOverThePictureStaysThere(t *testing.T) {
	for name, cover := range map[string]func(*tester){
		"veil":   func(x *tester) { x.becomes(func(s *State) { s.Pictures = wire.PauseUser }) },
		"dialog": func(x *tester) { x.win.Canvas().Overlays().Add(widget.NewLabel("over")) },
		"pointer": func(x *tester) {
			x.main.pane.cursor.Move(fyne.NewPos(300, 200))
			x.main.pane.cursor.Resize(fyne.NewSize(16, 16))
			x.main.pane.cursor.Show()
		},
		"scaled":  func(x *tester) { x.win.Resize(fyne.NewSize(450, 380)); x.zoom(false) },
		"cropped": func(x *tester) { x.win.Resize(fyne.NewSize(450, 380)) },
	} {
		t.Run(name, func(t *testing.T) {
			x, direct, img := newDirectTester(t)
			cover(x)
			x.draw(0, img, img.Rect)
			if len(direct.puts) != 0 {
				t.Errorf("put %v", direct.puts)
			}
		})
	}
}

func TestTheShortWayIsGivenUpOnError(t *testing.T) {
	x, direct, img := newDirectTester(t)
	direct.err = errors.New("gone")
	x.draw(0, img, img.Rect)
	x.draw(0, img, img.Rect)
	if len(direct.puts) != 1 || !direct.closed || x.main.direct != nil {
		t.Errorf("%d puts, closed %v", len(direct.puts), direct.closed)
	}
}

// The ground lies around the pictures and not under them.
func TestGround(t *testing.T) {
	x, _, _ := newDirectTester(t)
	p := x.main.pane
	covered := 0
	for _, g := range p.ground {
		r := x.main.onWindow(g).Sub(x.main.onWindow(p).Min)
		if g.Visible() && r.Overlaps(p.spots[0].rect) {
			t.Errorf("ground %v under the picture %v", r, p.spots[0].rect)
		}
		if g.Visible() {
			covered += r.Dx() * r.Dy()
		}
	}
	all := x.main.onWindow(p).Size()
	if want := all.X*all.Y - 600*400; covered != want {
		t.Errorf("%d pixels of ground, want %d", covered, want)
	}
}
