// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"
)

// neighbour is a hostile program on the host's display: it may do all that the display
// lets any program do to the windows of others.
type neighbour struct {
	t    *testing.T
	x    *xgb.Conn
	root xproto.Window

	freed time.Time     // when what kept a click from counting was taken away
	lag   time.Duration // from then to the last click

	mu   sync.Mutex // guards made
	made []xproto.Window
}

// lateBlow is how long after that a click is no surprise any more: all that time the person
// could see the question, and after a second the click is theirs.
const lateBlow = 500 * time.Millisecond

// clickAfter clicks where the pointer is, and notes how long after freed.
func (n *neighbour) clickAfter(t *testing.T, d *display) {
	d.tap(t)
	n.lag = time.Since(n.freed)
}

func newNeighbour(t *testing.T, d *display) *neighbour {
	t.Helper()
	x, err := xgb.NewConnDisplay(d.name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	if err := shape.Init(x); err != nil {
		t.Fatal(err)
	}
	return &neighbour{t: t, x: x, root: d.root}
}

// window puts a window of a colour over everything.
func (n *neighbour) window(r image.Rectangle, colour uint32) xproto.Window {
	id, err := xproto.NewWindowId(n.x)
	if err != nil {
		n.t.Error(err)
		return 0
	}
	xproto.CreateWindow(n.x, xproto.Setup(n.x).DefaultScreen(n.x).RootDepth, id, n.root, int16(r.Min.X), int16(r.Min.Y),
		uint16(r.Dx()), uint16(r.Dy()), 0, xproto.WindowClassInputOutput, xproto.Setup(n.x).DefaultScreen(n.x).RootVisual,
		xproto.CwBackPixel|xproto.CwOverrideRedirect, []uint32{colour, 1})
	xproto.MapWindow(n.x, id)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made = append(n.made, id)
	return id
}

// gone takes all its windows away.
func (n *neighbour) gone() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range n.made {
		xproto.DestroyWindow(n.x, w)
	}
	n.made = nil
	n.x.Sync()
}

// often does something again and again until it is told to stop.
func often(do func()) (stop func()) {
	end := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(8 * time.Millisecond)
		defer tick.Stop()
		for {
			do()
			select {
			case <-end:
				return
			case <-tick.C:
			}
		}
	})
	return func() { close(end); work.Wait() }
}

// TestNeighbour plays a hostile program against the real one: whatever it does to the
// question, nobody has accepted; whatever it does to the banner, either the banner comes
// back or the session ends.
func TestNeighbour(t *testing.T) {
	w := newWorld(t)
	t.Run("question", w.attacksOnTheQuestion)
	t.Run("banner mended", w.bannerComesBack)
	t.Run("banner lost", w.bannerIsLost)
}

// target is a dialog under attack.
type target struct {
	win    xproto.Window
	place  image.Rectangle
	accept image.Point // on the desktop
}

// blow is one attack on the question; its end is that nobody accepted.
type blow struct {
	name string
	deal func(t *testing.T, w *world, n *neighbour, d target)
	dies bool // the attack may end the host's app
}

func blows() []blow { return slices.Concat(forgedPresses(), hiddenQuestions(), brokenWindows()) }

// clickAt is a real click of the person.
func (w *world) clickAt(t *testing.T, at image.Point) {
	w.host.screen.jump(t, at)
	w.host.screen.tap(t)
}

// hiddenQuestions let the person click without seeing what is asked.
func hiddenQuestions() []blow {
	return []blow{
		{name: "covered but for its button", deal: func(t *testing.T, w *world, n *neighbour, d target) {
			cover := n.window(d.place, 0xffffff)
			hole := image.Rect(-70, -24, 70, 24).Add(d.accept.Sub(d.place.Min))
			shape.Rectangles(n.x, shape.SoSubtract, shape.SkBounding, 0, cover, 0, 0, []xproto.Rectangle{
				{X: int16(hole.Min.X), Y: int16(hole.Min.Y), Width: uint16(hole.Dx()), Height: uint16(hole.Dy())}})
			defer often(func() {
				xproto.ConfigureWindow(n.x, cover, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
			})()
			passes(1500 * time.Millisecond)
			for range 3 {
				w.clickAt(t, d.accept)
				passes(300 * time.Millisecond)
			}
		}},
		{name: "uncovered just before a click", deal: func(t *testing.T, w *world, n *neighbour, d target) {
			cover := n.window(d.place, 0xffffff)
			stop := often(func() {
				xproto.ConfigureWindow(n.x, cover, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
			})
			w.host.screen.jump(t, d.accept)
			passes(1500 * time.Millisecond)
			stop()
			n.freed = time.Now()
			n.gone()
			n.clickAfter(t, w.host.screen)
			passes(200 * time.Millisecond)
			n.clickAfter(t, w.host.screen)
		}},
		{name: "put under the pointer just before a click", deal: func(t *testing.T, w *world, n *neighbour, d target) {
			at := d.accept.Add(image.Pt(90, 60))
			w.host.screen.jump(t, at)
			top := n.top(d.win)
			to := d.place.Min.Add(image.Pt(90, 60))
			n.freed = time.Now()
			xproto.ConfigureWindow(n.x, top, xproto.ConfigWindowX|xproto.ConfigWindowY, []uint32{uint32(to.X), uint32(to.Y)})
			n.x.Sync()
			n.clickAfter(t, w.host.screen)
			passes(200 * time.Millisecond)
		}},
	}
}

// brokenWindows do to the dialog what may end its program.
func brokenWindows() []blow {
	return []blow{
		{name: "in a window that shows its button alone", deal: func(t *testing.T, w *world, n *neighbour, d target) {
			hole := image.Rect(-70, -24, 70, 24).Add(d.accept)
			in := n.window(hole, 0xffffff)
			at := d.place.Min.Sub(hole.Min)
			xproto.ReparentWindow(n.x, d.win, in, int16(at.X), int16(at.Y))
			n.x.Sync()
			passes(1500 * time.Millisecond)
			w.clickAt(t, d.accept)
			xproto.ReparentWindow(n.x, d.win, n.root, int16(d.place.Min.X), int16(d.place.Min.Y))
			n.x.Sync()
		}, dies: true},
		{name: "unmapped", dies: true, deal: func(t *testing.T, w *world, n *neighbour, d target) {
			xproto.UnmapWindow(n.x, d.win)
			n.x.Sync()
			w.clickAt(t, d.accept)
		}},
		{name: "destroyed", dies: true, deal: func(t *testing.T, w *world, n *neighbour, d target) {
			xproto.DestroyWindow(n.x, d.win)
			n.x.Sync()
			w.clickAt(t, d.accept)
		}},
		{name: "its program cut off the display", dies: true, deal: func(t *testing.T, w *world, n *neighbour, d target) {
			xproto.KillClient(n.x, uint32(d.win))
			n.x.Sync()
			w.clickAt(t, d.accept)
		}},
	}
}

// top is the window of the root that a window lies in.
func (n *neighbour) top(w xproto.Window) xproto.Window {
	for {
		r, err := xproto.QueryTree(n.x, w).Reply()
		if err != nil || r.Parent == r.Root || r.Parent == 0 {
			return w
		}
		w = r.Parent
	}
}

// attacksOnTheQuestion plays each blow against a question of its own. Now and then the
// person says yes, or the technician would not be let ask so often.
func (w *world) attacksOnTheQuestion(t *testing.T) {
	for i, b := range blows() {
		t.Run(b.name, func(t *testing.T) {
			for n := 0; !w.strikesAt(t, b); n++ {
				if n > 3 {
					t.Fatal("the machine stands still whenever this is played")
				}
				w.intervene(t, false).end(t)
			}
		})
		if i%2 == 1 {
			w.intervene(t, false).end(t)
		}
	}
}

// strikesAt plays a blow, and reports whether it was one: a click that comes late, since the
// machine stood still, may well count.
func (w *world) strikesAt(t *testing.T, b blow) bool {
	t.Helper()
	w.tidy(t)
	w.server.forgetFailures(t)
	n := newNeighbour(t, w.host.screen)
	w.ask(t, request{control: true})
	g := w.host.see(t, aWhile, want{id: "accept"})
	w.host.eventually(t, "accept is open", func() error {
		now, err := w.host.find(want{id: "accept"})
		return errors.Join(err, yes(now.Enabled))
	})
	at, err := w.host.settled(want{id: "accept"})
	if err != nil {
		w.host.fail(t, err)
	}
	win, place, err := w.host.screen.window(g.Window)
	if err != nil {
		w.host.fail(t, err)
	}
	b.deal(t, w, n, target{win, place, at})
	if n.lag > lateBlow {
		t.Logf("the click came %v late", n.lag)
		n.gone()
		w.refuses(t, want{id: "pane*"})
		return false
	}
	always(t, time.Second, "nobody accepted", func() error {
		all, err := w.banners()
		if err == nil && len(all) > 0 {
			err = fmt.Errorf("%d banners", len(all))
		}
		return err
	})
	if _, err := w.tech.find(want{id: "pane*"}); err == nil {
		t.Error("the technician sees something")
	}
	n.gone()
	w.refuseAfter(t, b)
	return true
}

// refuseAfter ends the question: by the person where it is still there, else from the
// technician's side, with a new start of the host's app.
func (w *world) refuseAfter(t *testing.T, b blow) {
	t.Helper()
	if !b.dies {
		w.refuses(t)
		w.back(t)
		return
	}
	w.host.proc.kill()
	w.back(t)
	w.host.launch(t)
	w.ready(t)
}

// refuses presses Refuse, where nothing else has refused, at any moment, and waits until the
// technician reads so, or sees what may come instead.
func (w *world) refuses(t *testing.T, instead ...want) {
	t.Helper()
	outcomes := append(instead, want{text: "a refusé"}) // or refused and reported
	var pressed time.Time
	w.tech.eventually(t, "it is refused", func() error {
		for _, o := range outcomes {
			if _, err := w.tech.find(o); err == nil {
				return nil
			}
		}
		g, err := w.host.find(want{id: "refuse"})
		if err != nil || time.Since(pressed) < 2*time.Second {
			return errNotYet
		}
		at, err := w.host.middle(g)
		if err == nil {
			w.host.screen.click(t, at, 1)
			pressed = time.Now()
		}
		return errors.Join(err, errNotYet)
	})
}
