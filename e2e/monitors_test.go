// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// third is the output that is plugged in and out while a session runs, and the places
// that it takes: right of both others, then smaller and below them.
const third = "DUMMY2"

// TestMonitors plugs a third monitor in, changes it and unplugs it, all in one session
// with control.
func TestMonitors(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("plugging real outputs takes Xorg, which takes root here")
	}
	w := newWorld(t)
	d := w.host.screen
	for _, m := range [][]string{
		{"c", "40.00", "800", "840", "968", "1056", "600", "601", "605", "628", third},
		{"d", "25.18", "640", "656", "752", "800", "480", "490", "492", "525", third},
	} {
		last := len(m) - 1
		run(t, d.env(), "xrandr", append([]string{"--newmode"}, m[:last]...)...)
		run(t, d.env(), "xrandr", "--addmode", m[last], m[0])
	}
	l := w.intervene(t, true)
	l.driving(t)
	t.Run("banner dragged", l.dragsBanner)
	for _, step := range []struct {
		name  string
		plug  []string
		place image.Rectangle
	}{
		{"plugged in", []string{"--mode", "c", "--pos", "2304x100"}, image.Rect(2304, 100, 3104, 700)},
		{"smaller, elsewhere", []string{"--mode", "d", "--pos", "100x820"}, image.Rect(100, 820, 740, 1300)},
		{"unplugged and plugged in", []string{"--mode", "c", "--pos", "0x800"}, image.Rect(0, 800, 800, 1400)},
	} {
		t.Run(step.name, func(t *testing.T) {
			if strings.HasPrefix(step.name, "unplugged") {
				l.unplug(t)
			}
			l.plug(t, step.plug, step.place)
		})
	}
	l.unplug(t)
	l.end(t)
	if said := w.host.proc.said(); strings.Contains(said, "level=ERROR") {
		t.Errorf("the host's app complains:\n%s", said)
	}
}

// dragsBanner: the technician cannot drag the banner, the person can, to the other edge.
func (l *live) dragsBanner(t *testing.T) {
	d := l.host.screen
	mons, err := d.monitors()
	if err != nil {
		t.Fatal(err)
	}
	home := image.Rect(mons[0].Min.X, 0, mons[0].Max.X, 60)
	l.host.eventually(t, "the banner", func() error { return l.bannersOn(2, home) })
	panes, err := l.panes()
	if err != nil {
		t.Fatal(err)
	}
	grip := mons[0].Min.Add(image.Pt(500, 16)) // on its words, or beside them
	from := panes[0].Min.Add(grip.Sub(mons[0].Min))
	spot := func(p image.Point) []string { return []string{"mousemove", strconv.Itoa(p.X), strconv.Itoa(p.Y)} }
	l.tech.screen.activate(t, l.title)
	l.tech.screen.xdotool(t, append(spot(from), "mousedown", "1")...)
	for _, dy := range []int{200, 500, 700} {
		l.tech.screen.xdotool(t, spot(from.Add(image.Pt(-90, dy)))...)
	}
	l.tech.screen.xdotool(t, "mouseup", "1")
	always(t, 500*time.Millisecond, "the banner stays", func() error { return l.bannersOn(2, home) })
	d.jump(t, grip)
	d.devices.Button(1, true)
	for _, dy := range []int{100, 500, 770} {
		d.jump(t, grip.Add(image.Pt(-90, dy)))
	}
	d.devices.Button(1, false)
	l.host.eventually(t, "the banner at the bottom", func() error {
		return l.bannersOn(2, image.Rect(mons[0].Min.X, mons[0].Max.Y-60, mons[0].Max.X, mons[0].Max.Y))
	})
	passes(yields)
}

// plug brings the third monitor to a place and follows it to the technician's screen
// and back.
func (l *live) plug(t *testing.T, how []string, at image.Rectangle) {
	d := l.host.screen
	run(t, d.env(), "xrandr", append([]string{"--output", third}, how...)...)
	l.host.eventually(t, "its banner", func() error { return l.bannersOn(3, at) })
	p := newPad(t, d, at.Inset(40), 0xc02080)
	defer p.close()
	var shown image.Rectangle
	l.tech.eventually(t, "its picture", func() error {
		panes, err := l.panes()
		if err != nil {
			return err
		}
		r, ok := panes[2]
		if !ok || len(panes) != 3 {
			return fmt.Errorf("pictures %v", panes)
		}
		if off := r.Dx()*at.Dy() - r.Dy()*at.Dx(); off < -2*at.Dx() || off > 2*at.Dx() {
			return fmt.Errorf("a picture of %v for a monitor of %v", r.Size(), at.Size())
		}
		if r != shown { // it may move on
			shown = r
			return errNotYet
		}
		img, err := l.tech.screen.shot(r)
		if err != nil {
			return err
		}
		pink, middle := color.RGBA{0xc0, 0x20, 0x80, 0xff}, img.Rect.Max.Div(2)
		if got := img.RGBAAt(middle.X, middle.Y); !alike(got, pink, 24) {
			return fmt.Errorf("the picture shows %v", got)
		}
		return nil
	})
	l.tech.keepPicture(t, "three")
	l.clicksIn(t, p, at, shown)
	l.likeBoth(t)
}

// unplug takes the third monitor away; the others go on.
func (l *live) unplug(t *testing.T) {
	t.Helper()
	run(t, l.host.screen.env(), "xrandr", "--output", third, "--off")
	l.host.eventually(t, "two banners", func() error { return l.bannersOn(2) })
	l.tech.eventually(t, "two pictures", func() error {
		panes, err := l.panes()
		if err == nil && len(panes) != 2 {
			err = fmt.Errorf("pictures %v", panes)
		}
		return err
	})
	l.likeBoth(t)
}

// bannersOn checks that there are so many banners, one of them in each of these places.
func (l *live) bannersOn(n int, places ...image.Rectangle) error {
	all, err := l.banners()
	if err != nil || len(all) != n {
		return fmt.Errorf("%d banners: %v %w", len(all), all, err)
	}
	for _, place := range places {
		found := false
		for _, b := range all {
			found = found || b.In(place)
		}
		if !found {
			return fmt.Errorf("no banner in %v but in %v", place, all)
		}
	}
	return nil
}

// panes is where on the technician's screen each monitor's picture lies, by its number.
func (l *live) panes() (map[int]image.Rectangle, error) {
	g, err := l.tech.find(want{id: "pane*", window: l.title})
	if err != nil {
		return nil, err
	}
	_, win, err := l.tech.screen.window(l.title)
	if err != nil {
		return nil, err
	}
	all := map[int]image.Rectangle{}
	for _, f := range strings.Fields(g.ID)[1:] {
		var id, x, y, dx, dy int
		if _, err := fmt.Sscanf(f, "%d=%d,%d,%d,%d", &id, &x, &y, &dx, &dy); err != nil {
			return nil, fmt.Errorf("pane %q: %w", g.ID, err)
		}
		all[id] = image.Rect(x, y, x+dx, y+dy).Add(win.Min).Add(image.Pt(g.X, g.Y))
	}
	return all, nil
}

// clicksIn clicks at three places of the picture and wants them within a pixel of what
// the technician meant.
func (l *live) clicksIn(t *testing.T, p *pad, m, shown image.Rectangle) {
	t.Helper()
	for _, at := range []image.Point{{X: 60, Y: 60}, {X: 301, Y: 222}, m.Size().Sub(image.Pt(61, 61))} {
		spot := image.Pt(shown.Min.X+at.X*shown.Dx()/m.Dx(), shown.Min.Y+at.Y*shown.Dy()/m.Dy())
		meant := m.Min.Add(image.Pt((2*(spot.X-shown.Min.X)+1)*m.Dx()/(2*shown.Dx()), (2*(spot.Y-shown.Min.Y)+1)*m.Dy()/(2*shown.Dy())))
		l.gesture(t, p, 2, func() { l.tech.screen.click(t, spot, 1) }, func(got []deed) string {
			if near(got[0].at, meant) && near(got[1].at, meant) {
				return ""
			}
			return fmt.Sprintf("a click meant for %v came as %s", meant, spell(got))
		})
	}
}

// likeBoth wants the first two monitors shown as they are, at whatever size.
func (l *live) likeBoth(t *testing.T) {
	t.Helper()
	d := l.host.screen
	for id, at := range map[int]image.Rectangle{0: image.Rect(1024, 0, 2304, 800), 1: image.Rect(0, 200, 1024, 800)} {
		c := color.RGBA{0x20, 0xc0, byte(0x40 + 0x40*id), 0xff}
		p := newPad(t, d, at.Inset(150), uint32(c.R)<<16|uint32(c.G)<<8|uint32(c.B))
		l.tech.eventually(t, fmt.Sprintf("monitor %d", id), func() error {
			panes, err := l.panes()
			if err != nil {
				return err
			}
			img, err := l.tech.screen.shot(panes[id])
			if err != nil {
				return err
			}
			middle := img.Rect.Max.Div(2)
			if got := img.RGBAAt(middle.X, middle.Y); !alike(got, c, 24) {
				return fmt.Errorf("its picture shows %v", got)
			}
			return nil
		})
		p.close()
	}
}

// eventually is the wait of one app's screen; a failure leaves its picture.
func (a *app) eventually(t *testing.T, what string, cond func() error) {
	t.Helper()
	if err := wait(aWhile, cond); err != nil {
		a.fail(t, fmt.Errorf("%s: %w", what, err))
	}
}
