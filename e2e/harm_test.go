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

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/wire"
)

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
		if h.name == "unmapped" || h.name == "lowered" || strings.Contains(h.name, "cover") || strings.Contains(h.name, "false") {
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
	var kept upkeep
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
		kept.round()
	})
	var once sync.Once
	halt := func() { once.Do(stop) }
	defer halt()
	eventually(t, soon, "the attack begins", kept.begun)
	begun := time.Now()
	passes(consent.FreezeAfter + 300*time.Millisecond) // what is under way, and looking
	before := w.sentByHost(t)
	passes(time.Second)
	switch sent, paused := w.sentByHost(t)-before, kept.longest(); {
	case sent > aftermath && paused > shortPause:
		t.Logf("the host sent %d bytes in a second, but the attack paused for %v", sent, paused)
	case sent > aftermath:
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

// shortPause is how long an attack may pause without the banner counting as seen again.
const shortPause = 100 * time.Millisecond

// upkeep notes whether an attack is kept up.
type upkeep struct {
	mu   sync.Mutex // guards the rest
	last time.Time  // when the last round ended
	gap  time.Duration
}

// round is the end of one round of the attack.
func (u *upkeep) round() {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if !u.last.IsZero() {
		u.gap = max(u.gap, now.Sub(u.last))
	}
	u.last = now
}

// begun is nil after the first round.
func (u *upkeep) begun() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return yes(!u.last.IsZero())
}

// longest is the longest pause so far.
func (u *upkeep) longest() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return max(u.gap, time.Since(u.last))
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
