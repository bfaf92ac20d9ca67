// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/wire"
)

// neighbour is a hostile program on the host's display: it may do all that the display
// lets any program do to the windows of others.
type neighbour struct {
	t    *testing.T
	x    *xgb.Conn
	root xproto.Window

	mu   sync.Mutex // guards made
	made []xproto.Window
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
			n.gone()
			w.host.screen.tap(t)
			passes(200 * time.Millisecond)
			w.host.screen.tap(t)
		}},
		{name: "put under the pointer just before a click", deal: func(t *testing.T, w *world, n *neighbour, d target) {
			at := d.accept.Add(image.Pt(90, 60))
			w.host.screen.jump(t, at)
			top := n.top(d.win)
			to := d.place.Min.Add(image.Pt(90, 60))
			xproto.ConfigureWindow(n.x, top, xproto.ConfigWindowX|xproto.ConfigWindowY, []uint32{uint32(to.X), uint32(to.Y)})
			n.x.Sync()
			w.host.screen.tap(t)
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
		t.Run(b.name, func(t *testing.T) { w.strikesAt(t, b) })
		if i%2 == 1 {
			w.intervene(t, false).end(t)
		}
	}
}

func (w *world) strikesAt(t *testing.T, b blow) {
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
}

// refuseAfter ends the question: by the person where it is still there, else from the
// technician's side, with a new start of the host's app.
func (w *world) refuseAfter(t *testing.T, b blow) {
	t.Helper()
	if !b.dies {
		if _, err := w.host.find(want{id: "refuse"}); err == nil { // anything may refuse
			w.host.press(t, want{id: "refuse"})
		}
		w.tech.see(t, aWhile, want{text: "a refusé"}) // or refused and reported
		w.back(t)
		return
	}
	w.host.proc.kill()
	w.back(t)
	w.host.launch(t)
	w.ready(t)
}

// harm is one attack on a banner, done once or for as long as it takes.
type harm struct {
	name string
	do   func(n *neighbour, banner xproto.Window, place image.Rectangle)
}

func harms() []harm {
	raised := func(colour uint32, r func(image.Rectangle) image.Rectangle) func(*neighbour, xproto.Window, image.Rectangle) {
		var cover xproto.Window
		return func(n *neighbour, _ xproto.Window, place image.Rectangle) {
			n.mu.Lock()
			there := slices.Contains(n.made, cover)
			n.mu.Unlock()
			if !there {
				cover = n.window(r(place), colour)
			}
			xproto.ConfigureWindow(n.x, cover, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
		}
	}
	return []harm{
		{"covered", raised(0x123456, func(r image.Rectangle) image.Rectangle { return r.Inset(-20) })},
		{"hidden by a false banner", raised(0xffb81c, func(r image.Rectangle) image.Rectangle { return r })},
		{"its words covered", raised(0xffb81c, func(r image.Rectangle) image.Rectangle {
			return image.Rect(r.Min.X+30, r.Min.Y, r.Min.X+400, r.Max.Y)
		})},
		{"unmapped", func(n *neighbour, w xproto.Window, _ image.Rectangle) { xproto.UnmapWindow(n.x, w) }},
		{"moved off", func(n *neighbour, w xproto.Window, _ image.Rectangle) {
			xproto.ConfigureWindow(n.x, w, xproto.ConfigWindowY, []uint32{4000})
		}},
		{"lowered", func(n *neighbour, w xproto.Window, place image.Rectangle) {
			if len(n.made) == 0 {
				n.window(place, 0x123456)
			}
			xproto.ConfigureWindow(n.x, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeBelow})
		}},
		{"reparented", func(n *neighbour, w xproto.Window, _ image.Rectangle) {
			if len(n.made) == 0 {
				n.window(image.Rect(500, 600, 510, 610), 0x123456)
			}
			xproto.ReparentWindow(n.x, w, n.made[0], 0, 0)
		}},
		{"destroyed", func(n *neighbour, w xproto.Window, _ image.Rectangle) { xproto.DestroyWindow(n.x, w) }},
		{"killed", func(n *neighbour, w xproto.Window, _ image.Rectangle) { xproto.KillClient(n.x, uint32(w)) }},
		{"made transparent to clicks and eyes", func(n *neighbour, w xproto.Window, _ image.Rectangle) {
			shape.Rectangles(n.x, shape.SoSet, shape.SkBounding, 0, w, 0, 0, nil)
		}},
	}
}

// bannerComesBack does each harm once: the banner is back soon, and the session lives.
func (w *world) bannerComesBack(t *testing.T) {
	l := w.intervene(t, false)
	n := newNeighbour(t, w.host.screen)
	for _, h := range harms() {
		if h.name == "lowered" || strings.Contains(h.name, "cover") || strings.Contains(h.name, "false") {
			n.gone()
		}
		var win xproto.Window
		var place image.Rectangle
		w.host.eventually(t, h.name+": a banner", func() (err error) {
			win, place, err = w.banner()
			return errors.Join(err, yes(place.Min.Y >= 0 && place.Max.Y <= 800))
		})
		h.do(n, win, place)
		n.x.Sync()
		w.host.eventually(t, h.name+": the banner is back", func() error {
			all, err := w.banners()
			if err != nil {
				return err
			}
			n.mu.Lock()
			for _, w := range n.made {
				delete(all, w)
			}
			n.mu.Unlock()
			if len(all) != 2 {
				return fmt.Errorf("%d banners", len(all))
			}
			img, err := w.host.screen.shot(place)
			if err != nil {
				return err
			}
			return yes(dots(img, inkAmber) > place.Dx()*place.Dy()/4)
		})
	}
	n.gone()
	eventually(t, aWhile, "the session goes on", func() error {
		_, err := w.tech.find(want{id: "pane*"})
		return err
	})
	l.end(t)
}

// bannerIsLost keeps each harm up: pictures freeze within half a second, the session
// ends within three, the user's receipt and the server's journal say why.
func (w *world) bannerIsLost(t *testing.T) {
	for _, h := range harms() {
		t.Run(h.name, func(t *testing.T) { w.losesBanner(t, h) })
	}
}

func (w *world) losesBanner(t *testing.T, h harm) {
	l := w.intervene(t, false)
	pad := newPad(t, w.host.screen, image.Rect(1200, 300, 1700, 600), 0)
	defer pad.close()
	defer often(func() { // something to see
		c := uint32(time.Now().UnixMilli()*0x10307) & 0xffffff
		xproto.ChangeWindowAttributes(pad.x, pad.win, xproto.CwBackPixel, []uint32{c})
		xproto.ClearArea(pad.x, false, pad.win, 0, 0, 0, 0)
	})()
	n := newNeighbour(t, w.host.screen)
	_, place, err := w.banner()
	if err != nil {
		w.host.fail(t, err)
	}
	begun := time.Now()
	stop := often(func() {
		all, err := w.banners()
		if err != nil {
			return
		}
		for win, r := range all {
			if r.Overlaps(place) {
				h.do(n, win, place)
			}
		}
		if len(all) == 0 || strings.Contains(h.name, "cover") || strings.Contains(h.name, "false") {
			h.do(n, 0, place)
		}
		n.x.Sync()
	})
	var once sync.Once
	halt := func() { once.Do(stop) }
	defer halt()
	passes(consent.FreezeAfter + 300*time.Millisecond - time.Since(begun)) // what is under way, and looking
	before := w.sentByHost(t)
	passes(time.Second)
	if sent := w.sentByHost(t) - before; sent > aftermath {
		t.Errorf("the host sent %d bytes in a second without its banner", sent)
	}
	eventually(t, consent.LoseAfter+soon-time.Since(begun), "the session ends", func() error {
		g, err := w.tech.find(want{id: "note", window: l.title})
		return errors.Join(err, yes(g.ID == "note"))
	})
	t.Logf("it ended %v after the attack began", time.Since(begun).Round(10*time.Millisecond))
	halt()
	n.gone()
	l.over(t, "La bannière n’était plus visible")
	w.tellsWhy(t, l.reason)
	w.ready(t)
}

// tellsWhy looks for the reason in the newest receipt and in the server's journal.
func (w *world) tellsWhy(t *testing.T, reason string) {
	t.Helper()
	var session string
	eventually(t, soon, "the receipt", func() error {
		r, err := w.receiptOf(reason)
		if err == nil && r.End != uint8(wire.EndLampLost) {
			err = fmt.Errorf("the receipt says end %d", r.End)
		}
		session = r.Session
		return err
	})
	eventually(t, soon, "the journal", func() error {
		out := w.server.command(t, "journal", "list", "--json", "--reason", "e2e", "--session", session)
		if !strings.Contains(out, fmt.Sprintf(`"reason":%d,`, wire.EndLampLost)) {
			return fmt.Errorf("session %s: %s", session, out)
		}
		return nil
	})
}
