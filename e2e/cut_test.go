// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
)

// atOnce is how long a cut may take, whatever the network and the interface do.
const atOnce = 200 * time.Millisecond

// aftermath is what may still leave the host's app after a cut: goodbyes, the
// receipt's word to the server, never pictures.
const aftermath = 8000 // bytes

// linger is what may leave while the interface is stuck: word that what the technician
// sends arrives, never pictures.
const linger = 5 * aftermath // bytes, in the four seconds or so

// enough is what a flood sends at least before a cut; less would prove nothing.
const enough = 2000 // bytes

// way is one way in which the person ends an intervention.
type way struct {
	name   string
	before func(l *live, t *testing.T) // what makes it harder
	cut    func(l *live, t *testing.T)
	after  func(l *live, t *testing.T) // what must have come of it
	says   string                      // to the technician
	ends   bool                        // the host's app has to be started again
	later  bool                        // the interface ends it once it is back: until then nothing may pass
}

func ways() []way {
	hotkey := func(l *live, t *testing.T) { l.host.screen.xdotool(t, "key", "ctrl+alt+Escape") }
	list := []way{
		{name: "button", cut: (*live).cutByButton, says: "L’utilisateur a coupé"},
		reporting(),
		{name: "banner", cut: (*live).cutByBanner, says: "L’utilisateur a coupé"},
		{name: "hot-key", cut: hotkey, says: "L’utilisateur a coupé"},
		{name: "tray", cut: (*live).cutByTray, says: "L’utilisateur a coupé"},
		{name: "interface stuck", before: (*live).block, cut: hotkey, says: "L’utilisateur a coupé"},
		stuckButton(),
		{name: "interface stuck, tray", before: (*live).block, cut: (*live).cutByTray, says: "L’utilisateur a coupé", later: true},
		{name: "interface stuck, closing the app", before: (*live).block, cut: (*live).closeHost, says: "L’utilisateur a fermé", ends: true, later: true},
		{name: "interface stuck, told to end", before: (*live).block, cut: func(l *live, _ *testing.T) { l.host.proc.signal(syscall.SIGTERM) },
			says: "L’utilisateur a fermé", ends: true},
		{name: "network frozen", before: (*live).freeze, cut: hotkey, says: "Intervention terminée"},
		{name: "closing the app", cut: (*live).closeHost, says: "L’utilisateur a fermé", ends: true},
		{name: "killing the app", cut: func(l *live, _ *testing.T) { l.host.proc.kill() }, says: "La connexion a été perdue", ends: true},
	}
	return list
}

// stuckButton is the button, pressed while the interface is stuck.
func stuckButton() way {
	var at image.Point
	return way{
		name: "interface stuck, button",
		before: func(l *live, t *testing.T) {
			at = l.aimAtButton(t)
			l.block(t)
		},
		cut:  func(l *live, t *testing.T) { l.strike(t, at) },
		says: "L’utilisateur a coupé", later: true,
	}
}

// reporting is the button that cuts and reports: a cut like the others, and the server then
// has the report with the signature of the person's computer.
func reporting() way {
	reports := ""
	return way{
		name:   "button that reports",
		before: func(l *live, t *testing.T) { reports = l.world.reports(t) },
		cut:    func(l *live, t *testing.T) { l.cutByButtonOf(t, "cut-report") },
		after:  func(l *live, t *testing.T) { l.world.recorded(t, reports) },
		says:   "L’utilisateur a coupé et signalé un problème",
	}
}

// cuts plays every way, while the technician floods the host with moves and the
// screen changes all the time.
func (w *world) cuts(t *testing.T) {
	for _, c := range ways() {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "network frozen" && w.cable.space == "" {
				t.Skip("cutting the network takes root")
			}
			w.cutBy(t, c)
		})
	}
}

func (w *world) cutBy(t *testing.T, c way) {
	l := w.intervene(t, true)
	l.driving(t)
	f := l.flood(t)
	defer f.stop()
	eventually(t, soon, "pictures flow", f.flows)
	if c.before != nil {
		c.before(l, t)
	}
	c.cut(l, t)
	at := time.Now()
	lit := at // when the last look that saw a banner began: how long looking takes does not count
	within(t, aWhile, "banner gone", func() error {
		now := time.Now()
		all, err := w.banners()
		if err == nil && len(all) > 0 {
			lit, err = now, fmt.Errorf("%d banners", len(all))
		}
		return err
	})
	if took := w.took(at, lit); took > atOnce && !c.later {
		t.Errorf("the banner was there %v after the cut", took)
	}
	most := aftermath
	if c.later {
		passes(500 * time.Millisecond) // what would come now that the interface is back
		most = linger
	}
	f.quiet(t, at, most)
	f.stop()
	w.cable.mend(t)
	l.over(t, c.says)
	if c.after != nil {
		c.after(l, t)
	}
	if c.ends {
		eventually(t, aWhile, "the host's app ends", func() error { return yes(w.host.proc.ended()) })
		w.host.launch(t)
	}
	w.ready(t)
}

// cutByButton presses the button in the host's window, as a person does whose mouse
// someone else moves: it is theirs as soon as they touch it.
func (l *live) cutByButton(t *testing.T) { l.cutByButtonOf(t, "cut") }

// cutByButtonOf does so with the button of this name.
func (l *live) cutByButtonOf(t *testing.T, id string) {
	at := l.host.aim(t, want{id: id, window: "Assist"})
	l.grab(t, at)
	l.strike(t, at)
}

// strike presses where the person's mouse was brought before. It goes there once more: were
// it still for two seconds, the technician's would be elsewhere.
func (l *live) strike(t *testing.T, at image.Point) {
	t.Helper()
	l.host.screen.jump(t, at)
	l.host.screen.tap(t)
}

// cutByBanner presses the button at the right end of a banner.
func (l *live) cutByBanner(t *testing.T) {
	l.strike(t, l.aimAtBanner(t))
}

// grab takes the mouse: one single jump amid all that the technician does makes it the
// person's. A move of the technician that was already under way may still come.
func (l *live) grab(t *testing.T, at image.Point) {
	t.Helper()
	d := l.host.screen
	d.jump(t, at)
	begun := time.Now()
	var last image.Point
	looked, still := begun, 0 // when the look before began: what it did not see came later
	eventually(t, soon, "the mouse is still", func() error {
		now := time.Now()
		p, err := d.pointer()
		if err != nil {
			return err
		}
		if p != last {
			if took := l.took(begun, looked); took > atOnce {
				t.Fatalf("the technician moves the mouse, to %v, %v after the person took it", p, took)
			}
			last, still = p, 0
		}
		looked = now
		still++
		return yes(still > 5)
	})
}

// block keeps the host's interface from everything.
func (l *live) block(t *testing.T) {
	var answer map[string]string
	if err := l.host.ask("block", &answer); err != nil {
		t.Fatal(err)
	}
}

func (l *live) freeze(t *testing.T) { l.cable.cut(t) }

// closeHost closes the host's window as its frame does.
func (l *live) closeHost(t *testing.T) {
	d := l.host.screen
	win, _, err := d.window("Assist")
	if err != nil {
		t.Fatal(err)
	}
	protocols, err1 := d.atom("WM_PROTOCOLS")
	bye, err2 := d.atom("WM_DELETE_WINDOW")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	e := xproto.ClientMessageEvent{Format: 32, Window: win, Type: protocols,
		Data: xproto.ClientMessageDataUnionData32New([]uint32{uint32(bye), 0, 0, 0, 0})}
	if err := xproto.SendEventChecked(d.x, false, win, 0, string(e.Bytes())).Check(); err != nil {
		t.Fatal(err)
	}
}

// flood is a technician who never rests, over a screen that never rests, and what
// comes of it at the host.
type flood struct {
	l    *live
	once sync.Once
	end  chan struct{}
	work sync.WaitGroup

	mu    sync.Mutex
	moved time.Time // when the host's mouse last moved, at the earliest
	moves int       // how often it was seen elsewhere
	seen  []sample
}

// sample is how much the host's app had sent at a time.
type sample struct {
	at   time.Time
	sent int
}

// flood starts it and waits until it arrives.
func (l *live) flood(t *testing.T) *flood {
	t.Helper()
	pics := l.both(t)
	mons, err := l.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	l.tech.screen.activate(t, l.title)
	f := &flood{l: l, end: make(chan struct{})}
	pad := newPad(t, l.host.screen, image.Rect(60, 200, 560, 500).Add(mons[1].Min), 0) // clear of the app's window
	f.work.Go(func() { f.repaint(pad) })
	f.work.Go(func() { f.move(pics[1].Inset(150)) }) // clear of the app's window, too: nothing is injected over it
	f.work.Go(f.observe)
	t.Cleanup(f.stop)
	eventually(t, soon, "the flood reaches the host", func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		return yes(f.moves > 5)
	})
	return f
}

func (f *flood) stop() {
	f.once.Do(func() { close(f.end) })
	f.work.Wait()
	f.l.tech.screen.x.Sync() // its last move is done, and takes nobody's mouse elsewhere
}

// every calls do until the flood ends.
func (f *flood) every(d time.Duration, do func(n int)) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-f.end:
			return
		case <-tick.C:
			do(n)
		}
	}
}

// repaint changes the host's screen thirty times a second.
func (f *flood) repaint(p *pad) {
	defer p.close()
	f.every(time.Second/30, func(n int) {
		xproto.ChangeWindowAttributes(p.x, p.win, xproto.CwBackPixel, []uint32{uint32(n*0x10307) & 0xffffff})
		xproto.ClearArea(p.x, false, p.win, int16(n*16%400), 0, 100, 300)
	})
}

// move moves the technician's mouse a hundred times a second.
func (f *flood) move(r image.Rectangle) {
	f.every(10*time.Millisecond, func(n int) {
		f.l.tech.screen.fake(xproto.MotionNotify, 0, r.Min.Add(image.Pt(n*7%r.Dx(), n*3%r.Dy())))
	})
}

// observe looks at the host's mouse and at what its app sends.
func (f *flood) observe() {
	var last image.Point
	looked := time.Now() // when the look before began: what it did not see came later
	f.every(4*time.Millisecond, func(n int) {
		begun := time.Now()
		p, err := f.l.host.screen.pointer()
		now := time.Now()
		f.mu.Lock()
		defer f.mu.Unlock()
		if err == nil && p != last {
			last, f.moved = p, looked
			f.moves++
		}
		if err == nil {
			looked = begun
		}
		if n%5 == 0 && f.l.cable.space != "" {
			if sent, err := f.l.cable.fromHost(); err == nil {
				f.seen = append(f.seen, sample{now, sent})
			}
		}
	})
}

// flows says whether the flood has shown something by now.
func (f *flood) flows() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.l.cable.space == "" { // nothing to count there
		return nil
	}
	if n := len(f.seen); n == 0 || f.seen[n-1].sent-f.seen[0].sent < enough {
		return errors.New("nothing to be seen of the flood")
	}
	return nil
}

// quiet checks that input and pictures stopped at once after a cut and do not come
// back, for longer than the person's own mouse holds the technician's off.
func (f *flood) quiet(t *testing.T, cut time.Time, most int) {
	t.Helper()
	passes(3500*time.Millisecond - time.Since(cut))
	f.mu.Lock()
	defer f.mu.Unlock()
	t.Logf("last move %v after the cut", f.moved.Sub(cut).Round(time.Millisecond))
	if took := f.l.took(cut, f.moved); took > atOnce {
		t.Errorf("the technician moved the mouse %v after the cut", took)
	}
	var before, first, last sample
	for _, s := range f.seen {
		if before.at.IsZero() {
			before = s
		}
		if f.l.took(cut, s.at) > atOnce {
			if first.at.IsZero() {
				first = s
			}
			last = s
		}
	}
	if f.l.cable.space != "" && first.sent-before.sent < enough {
		t.Errorf("only %d bytes before the cut: the flood shows nothing", first.sent-before.sent)
	}
	if sent := last.sent - first.sent; sent > most {
		t.Errorf("the host sent %d bytes after the cut", sent)
	} else {
		t.Logf("%d bytes after the cut", sent)
	}
}
