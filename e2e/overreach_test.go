// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"assist/internal/trust"
)

// TestOverreach has a technician who was given mouse and keyboard use both on the app that
// gave them, on the host's own display: they reach none of its windows, and no question is
// answered but by the person.
func TestOverreach(t *testing.T) {
	w := newWorld(t)
	w.policy(t, "--lease", "1") // the person is asked again after half a minute
	l := w.intervene(t, true)
	l.driving(t)
	w.host.screen.activate(t, "Assist")
	before := l.standing(t)
	l.arrives(t)
	t.Run("banner", func(t *testing.T) { l.handlesBanner(t, before) })
	t.Run("window", func(t *testing.T) { l.handlesWindow(t, before) })
	l.arrives(t)
	t.Run("question", l.answersForThePerson)
	l.over(t, "")
	w.ready(t)
}

// shortLease has the unit let a session last a minute, so that the person is asked again after
// half of it, and waits until the host knows: what it was granted before has its half hour.
func (w *world) shortLease(t *testing.T) {
	t.Helper()
	w.policy(t, "--lease", "1")
	code, err := trust.ParseJoinCode(w.server.join)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, aWhile, "the host has the new charter", func() error {
		memory, err := trust.NewMemory(w.host.dir, code.Unit)
		if err != nil {
			return err
		}
		c, err := memory.Newest()
		return joinErr(err, err == nil && c.Policy.LeaseMinutes == 1)
	})
}

// standing is what a session and the host's window look like.
type standing struct {
	banners []image.Rectangle
	windows []string
	buttons []string // and texts, of the main window
}

func (l *live) standing(t *testing.T) standing {
	t.Helper()
	var s standing
	all, err := l.banners()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		s.banners = append(s.banners, r)
	}
	slices.SortFunc(s.banners, func(a, b image.Rectangle) int { return a.Min.X - b.Min.X })
	if s.windows, err = l.host.screen.titles(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(s.windows)
	widgets, err := l.host.widgets()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range widgets {
		if g.Kind == "button" || g.Kind == "check" {
			s.buttons = append(s.buttons, fmt.Sprint(g.Window, g.ID, g.Text, g.Enabled, g.Checked))
		}
	}
	return s
}

// unmoved checks that all stands as it did, and that the technician still has the mouse.
func (l *live) unmoved(t *testing.T, what string, before standing) {
	t.Helper()
	now := l.standing(t)
	if !slices.Equal(now.banners, before.banners) || !slices.Equal(now.windows, before.windows) || !slices.Equal(now.buttons, before.buttons) {
		t.Fatalf("%s: it was\n%+v\nand is\n%+v", what, before, now)
	}
	if _, err := l.tech.find(want{text: "vous avez la main", window: l.title}); err != nil {
		l.tech.fail(t, fmt.Errorf("%s: %w", what, err))
	}
}

// reach has the technician click where a point of the host's desktop is shown.
func (l *live) reach(t *testing.T, at image.Point) {
	t.Helper()
	l.tech.screen.click(t, l.shown(t, at), 1)
}

// shown is where a point of the host's desktop is in the technician's window.
func (l *live) shown(t *testing.T, at image.Point) image.Point {
	t.Helper()
	mons, err := l.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mons {
		if at.In(m) {
			shown, _ := l.spot(t, i, m, at.Sub(m.Min))
			return shown
		}
	}
	t.Fatalf("%v is on no monitor", at)
	return image.Point{}
}

// probe is a place of the host's desktop, and where it is in the technician's window, for
// what is done there to arrive, or not.
type probe struct {
	at    image.Rectangle
	shown image.Point
}

func (l *live) probe(t *testing.T) probe {
	t.Helper()
	mons, err := l.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	at := image.Rect(40, 120, 140, 200).Add(mons[1].Min)
	return probe{at, l.shown(t, at.Min.Add(image.Pt(50, 40)))}
}

// arrives: what the technician does elsewhere arrives, so that what does not is held back.
func (l *live) arrives(t *testing.T) {
	t.Helper()
	to := l.probe(t)
	p := newPad(t, l.host.screen, to.at, 0x304030)
	defer p.close()
	l.tech.screen.click(t, to.shown, 1)
	l.pair(t, p)
}

// handlesBanner clicks all along each banner, drags it, and presses keys there.
func (l *live) handlesBanner(t *testing.T, before standing) {
	for _, r := range before.banners {
		for x := r.Min.X + 12; x < r.Max.X; x += 36 {
			l.reach(t, image.Pt(x, (r.Min.Y+r.Max.Y)/2))
		}
		l.unmoved(t, "clicks on the banner", before)
	}
	l.keyboard(t)
	l.tech.screen.keys(t, "space", "Return", "Tab", "space")
	l.unmoved(t, "keys on the banner", before)
}

// handlesWindow clicks every button of the app's main window, and gives it keys: it has the
// host's keyboard.
func (l *live) handlesWindow(t *testing.T, before standing) {
	all, err := l.host.widgets()
	if err != nil {
		t.Fatal(err)
	}
	clicked := 0
	for _, g := range all {
		if g.Kind != "button" && g.Kind != "check" || g.Window != "Assist" {
			continue
		}
		at, err := l.host.middle(g)
		if err != nil {
			t.Fatal(err)
		}
		l.reach(t, at)
		clicked++
	}
	if clicked < 4 {
		t.Errorf("only %d buttons: %v", clicked, before.buttons)
	}
	l.unmoved(t, "clicks on the window", before)
	l.host.screen.activate(t, "Assist")
	l.keyboard(t)
	l.tech.screen.keys(t, "space", "Return", "Tab", "space", "Tab", "Return", "Escape", "shift+Tab", "space", "F10", "Down", "Return")
	l.unmoved(t, "keys in the window", before)
}

// answersForThePerson waits for the question whether it may go on, and has the technician
// say yes to it in every way.
func (l *live) answersForThePerson(t *testing.T) {
	var g widget
	if err := wait(40*time.Second, func() (err error) { // asked 30 s after control was given
		g, err = l.host.find(want{id: "accept"})
		return errors.Join(err, yes(g.Enabled))
	}); err != nil {
		l.host.fail(t, err)
	}
	at, err := l.host.settled(want{id: "accept"})
	if err != nil {
		l.host.fail(t, err)
	}
	if top := l.host.screen.at(t, at); top == 0 {
		t.Error("nothing is at the button")
	}
	for range 3 {
		l.reach(t, at)
		l.keyboard(t)
		l.tech.screen.keys(t, "space", "Return", "Tab", "space", "Tab", "Return")
	}
	now, err := l.host.find(want{id: "accept"})
	if err != nil || now.Window != g.Window {
		l.host.fail(t, fmt.Errorf("the question is gone: %w", err))
	}
	if all, err := l.banners(); err != nil || len(all) != 2 {
		t.Errorf("%d banners, %v", len(all), err)
	}
	l.host.press(t, want{id: "refuse"})
	l.host.gone(t, soon, want{id: "accept"})
	l.host.see(t, soon, want{text: "Vous avez coupé"})
}

// at is the window of the root that a point lies in.
func (d *display) at(t *testing.T, p image.Point) xproto.Window {
	t.Helper()
	r, err := xproto.TranslateCoordinates(d.x, d.root, d.root, int16(p.X), int16(p.Y)).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return r.Child
}
