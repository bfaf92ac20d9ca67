// SPDX-License-Identifier: Apache-2.0

package view

import (
	"image"
	"testing"

	"assist/internal/screen"
)

func monitor(id screen.MonitorID, x, y, w, h int) screen.Monitor {
	return screen.Monitor{ID: id, Bounds: image.Rect(x, y, x+w, y+h)}
}

func TestSpread(t *testing.T) {
	one := screen.Layout{monitor(0, 0, 0, 1280, 800)}
	pair := screen.Layout{monitor(0, 0, 0, 1280, 800), monitor(1, 1280, 100, 1024, 600)}
	left := screen.Layout{monitor(0, 0, 0, 1000, 1000), monitor(3, -500, -200, 500, 400)}
	cases := []struct {
		name   string
		area   image.Point
		shown  screen.Layout
		actual bool
		want   []image.Rectangle
	}{
		{"as it is", image.Pt(1280, 800), one, false, []image.Rectangle{image.Rect(0, 0, 1280, 800)}},
		{"half", image.Pt(640, 400), one, false, []image.Rectangle{image.Rect(0, 0, 640, 400)}},
		{"bars at the sides", image.Pt(800, 400), one, false, []image.Rectangle{image.Rect(80, 0, 720, 400)}},
		{"bars above and below", image.Pt(640, 500), one, false, []image.Rectangle{image.Rect(0, 50, 640, 450)}},
		{"odd area", image.Pt(333, 777), one, false, []image.Rectangle{image.Rect(0, 284, 333, 492)}},
		{"a little larger stays 1:1", image.Pt(1400, 900), one, false, []image.Rectangle{image.Rect(60, 50, 1340, 850)}},
		{"twice", image.Pt(2560, 1600), one, false, []image.Rectangle{image.Rect(0, 0, 2560, 1600)}},
		{"1:1 in a larger area", image.Pt(1300, 1000), one, true, []image.Rectangle{image.Rect(10, 100, 1290, 900)}},
		{"1:1 in a smaller area", image.Pt(300, 300), one, true, []image.Rectangle{image.Rect(0, 0, 1280, 800)}},
		{"two at 1:1", image.Pt(2304, 800), pair, true,
			[]image.Rectangle{image.Rect(0, 0, 1280, 800), image.Rect(1280, 100, 2304, 700)}},
		{"two at half", image.Pt(1152, 400), pair, false,
			[]image.Rectangle{image.Rect(0, 0, 640, 400), image.Rect(640, 50, 1152, 350)}},
		{"negative places", image.Pt(750, 600), left, false,
			[]image.Rectangle{image.Rect(250, 100, 750, 600), image.Rect(0, 0, 250, 200)}},
		{"no area", image.Pt(0, 10), one, false, nil},
		{"no monitor", image.Pt(10, 10), nil, false, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := spread(c.area, c.shown, c.actual)
			if len(got) != len(c.want) {
				t.Fatalf("%d spots, want %d", len(got), len(c.want))
			}
			for i, s := range got {
				if s.rect != c.want[i] || s.id != c.shown[i].ID || s.host != c.shown[i].Bounds.Size() {
					t.Errorf("spot %d: %+v, want %v", i, s, c.want[i])
				}
			}
		})
	}
}

// Fitted monitors that touch on the desktop touch on the pane, whatever the scale.
func TestSpreadLeavesNoSeam(t *testing.T) {
	l := screen.Layout{monitor(0, 0, 0, 1366, 768), monitor(1, 1366, 0, 1279, 801)}
	for w := 200; w < 2700; w += 7 {
		got := spread(image.Pt(w, 700), l, false)
		if got[0].rect.Max.X != got[1].rect.Min.X {
			t.Fatalf("width %d: seam between %v and %v", w, got[0].rect, got[1].rect)
		}
	}
}

func TestToHost(t *testing.T) {
	cases := []struct {
		name string
		spot spot
		at   image.Point
		want image.Point
	}{
		{"1:1 first", spot{0, image.Pt(1280, 800), image.Rect(10, 20, 1290, 820)}, image.Pt(10, 20), image.Pt(0, 0)},
		{"1:1 last", spot{0, image.Pt(1280, 800), image.Rect(10, 20, 1290, 820)}, image.Pt(1289, 819), image.Pt(1279, 799)},
		{"half: the pixel under the centre", spot{0, image.Pt(1280, 800), image.Rect(0, 0, 640, 400)}, image.Pt(5, 7), image.Pt(11, 15)},
		{"half, last", spot{0, image.Pt(1280, 800), image.Rect(0, 0, 640, 400)}, image.Pt(639, 399), image.Pt(1279, 799)},
		{"twice", spot{0, image.Pt(640, 400), image.Rect(0, 0, 1280, 800)}, image.Pt(7, 8), image.Pt(3, 4)},
		{"odd sizes", spot{0, image.Pt(1279, 801), image.Rect(0, 0, 777, 487)}, image.Pt(388, 243), image.Pt(639, 400)},
		{"left of it", spot{0, image.Pt(100, 100), image.Rect(50, 50, 150, 150)}, image.Pt(3, 70), image.Pt(0, 20)},
		{"below it", spot{0, image.Pt(100, 100), image.Rect(50, 50, 150, 150)}, image.Pt(70, 900), image.Pt(20, 99)},
	}
	for _, c := range cases {
		if got := c.spot.toHost(c.at); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A host pixel that is shown, pointed at and sent back is the same one at 1:1 and
// larger, and within half a displayed pixel when smaller.
func TestRoundTrip(t *testing.T) {
	for _, width := range []int{1279, 1280, 1919, 2560, 800, 641} {
		s := spot{0, image.Pt(1279, 801), image.Rect(3, 4, 3+width, 4+width*801/1279)}
		slack := (1279+width-1)/width - 1
		for x := range 1279 {
			got := s.toHost(s.toPane(image.Pt(x, 0))).X
			if d := got - x; d > slack || d < -slack {
				t.Fatalf("width %d: host pixel %d came back as %d", width, x, got)
			}
		}
	}
}

func TestPainted(t *testing.T) {
	host := image.Pt(100, 50)
	for _, c := range []struct{ rect, want image.Point }{
		{image.Pt(80, 40), image.Pt(80, 40)},
		{image.Pt(100, 50), host},
		{image.Pt(200, 100), host},
	} {
		if got := (spot{0, host, image.Rectangle{Max: c.rect}}).painted(); got != c.want {
			t.Errorf("%v: %v, want %v", c.rect, got, c.want)
		}
	}
}
