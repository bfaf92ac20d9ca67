// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// yields is how long the person's own mouse and keyboard hold the technician off.
const yields = 2200 * time.Millisecond

// hardText has what keyboards lack or hide.
const hardText = "Bonjour àéîçù ñ ß € @_&1;"

// notepad is a terminal of the host that keeps what is typed into it.
type notepad struct {
	file, title string
	screen      *display
	proc        *process
}

// newNotepad opens one and gives it the keyboard.
func (w *world) newNotepad(t *testing.T, name string) *notepad {
	t.Helper()
	d := w.host.screen
	n := &notepad{file: filepath.Join(w.host.dir, name+".txt"), title: name, screen: d}
	n.proc = start(t, program{path: "xterm", as: w.as, env: append(d.env(), "HOME="+w.host.dir, "LC_ALL=C.UTF-8"),
		log: filepath.Join(w.dir, "xterm.log"), args: []string{"-u8", "-geometry", "80x10+1200+500", "-T", name, "-e", "sh", "-c", "exec cat > " + n.file}})
	w.toFront(t, name)
	return n
}

// close ends it, and returns once the window manager has given the keyboard to another window.
func (n *notepad) close(t *testing.T) {
	t.Helper()
	n.proc.stop()
	eventually(t, soon, n.title+" is gone", func() error {
		_, _, err := n.screen.window(n.title)
		return yes(err != nil)
	})
	n.screen.managed(t)
}

// toFront gives a window of the host the keyboard, without touching its devices.
func (w *world) toFront(t *testing.T, title string) {
	t.Helper()
	eventually(t, soon, title, func() error {
		_, _, err := w.host.screen.window(title)
		return err
	})
	w.host.screen.activate(t, title)
}

// holds waits until the notepad has this text and nothing else.
func (n *notepad) holds(want string) error {
	return wait(aWhile, func() error {
		b, err := os.ReadFile(n.file)
		if err == nil && string(b) != want {
			err = fmt.Errorf("%s holds %q, not %q", n.title, b, want)
		}
		return err
	})
}

// noted is a trial in a notepad, each in one of its own.
func (l *live) noted(t *testing.T, name, want string, play, after func()) {
	t.Helper()
	n := 0
	l.trial(t, nil, func() error {
		n++
		pad := l.newNotepad(t, fmt.Sprint(name, "-", n))
		defer pad.close(t)
		play()
		defer after()
		return pad.holds(want)
	})
}

// layout changes the host's keyboard layout.
func (w *world) layout(t *testing.T, name string) {
	t.Helper()
	w.host.screen.layout(t, name)
}

// drive plays text, keys and mouse in one intervention with control.
func (w *world) drive(t *testing.T) {
	l := w.intervene(t, true)
	l.driving(t)
	t.Cleanup(func() { w.layout(t, "us") })
	for _, name := range []string{"us", "fr"} {
		w.layout(t, name)
		t.Run("text on "+name, func(t *testing.T) { l.typesText(t, "text-"+name) })
	}
	w.layout(t, "fr")
	t.Run("physical keys on fr", func(t *testing.T) { l.strikesKeys(t, "azerty", "azmqw\n") })
	w.layout(t, "us")
	t.Run("physical keys on us", func(t *testing.T) { l.strikesKeys(t, "qwerty", "qw;az\n") })
	t.Run("special keys", l.specialKeys)
	t.Run("alt tab", l.altTab)
	t.Run("mouse", l.mouse)
	t.Run("mouse, fitted", func(t *testing.T) {
		l.resize(t, "1337", "777")
		l.mouse(t)
		l.resize(t, "2400", "1000")
	})
	l.end(t)
}

// driving waits until the session window says that the technician drives.
func (l *live) driving(t *testing.T) {
	t.Helper()
	l.tech.see(t, aWhile, want{text: "vous avez la main", window: l.title})
	passes(yields) // the click that accepted holds the technician off
	l.tech.gone(t, aWhile, want{text: "sans effet", window: l.title})
}

func (l *live) resize(t *testing.T, width, height string) {
	t.Helper()
	win, _, err := l.tech.screen.window(l.title)
	if err != nil {
		t.Fatal(err)
	}
	l.tech.screen.xdotool(t, "windowsize", strconv.Itoa(int(win)), width, height)
	l.tech.eventually(t, "the pictures in the new size", func() error {
		g, err := l.tech.find(want{id: "pane*", window: l.title})
		if err != nil {
			return err
		}
		_, r, err := l.tech.screen.window(l.title)
		if err != nil {
			return err
		}
		if fmt.Sprint(r.Dx(), r.Dy()) != width+" "+height || !close2(image.Pt(g.X+g.W, 0), image.Pt(r.Dx(), 0), 2) {
			return fmt.Errorf("a window of %v, with pictures up to %d", r.Size(), g.X+g.W)
		}
		return nil
	})
}

// keyboard gives the session window's picture the keyboard, by its own means: a
// click on the grey beside the pictures, which does nothing at the host.
func (l *live) keyboard(t *testing.T) {
	t.Helper()
	l.tech.screen.activate(t, l.title)
	g := l.tech.see(t, soon, want{id: "pane*", window: l.title})
	if g.Focused {
		return
	}
	_, win, err := l.tech.screen.window(l.title)
	if err != nil {
		t.Fatal(err)
	}
	l.tech.screen.click(t, win.Min.Add(image.Pt(g.X+4, g.Y+4)), 1)
	eventually(t, soon, "the picture has the keyboard", func() error {
		g, err := l.tech.find(want{id: "pane*", window: l.title})
		if err != nil {
			return err
		}
		return yes(g.Focused)
	})
}

// choose opens a menu of the toolbar and takes the entry that the keys lead to.
func (l *live) choose(t *testing.T, menu string, keys ...string) {
	t.Helper()
	a := l.tech
	a.press(t, want{text: menu, kind: "button", window: l.title})
	a.see(t, soon, want{id: "overlay", window: l.title})
	a.screen.keys(t, append(keys, "Return")...)
}

// typesText uses the text mode of the toolbar.
func (l *live) typesText(t *testing.T, name string) {
	clip := newClipboard(t, l.tech.screen, hardText+"\n")
	defer clip.close()
	a := l.tech
	l.noted(t, name, hardText+"\n", func() {
		l.choose(t, "Touches", "Up")
		a.see(t, soon, want{id: "note", focused: true, window: l.title})
		a.screen.keys(t, "ctrl+v", "Tab", "space")
	}, func() { a.press(t, want{text: "Fermer", kind: "button", window: l.title}) })
}

// strikesKeys strikes keys by their place: those of q, w, ;, a and z on an American
// keyboard.
func (l *live) strikesKeys(t *testing.T, name, want string) {
	l.noted(t, name, want, func() {
		l.keyboard(t)
		l.tech.screen.keys(t, "24", "25", "47", "38", "52", "36")
	}, func() {})
}

// specialKeys strikes keys that the technician's own windows would use.
func (l *live) specialKeys(t *testing.T) {
	mons, err := l.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	p := newPad(t, l.host.screen, image.Rect(100, 100, 400, 300).Add(mons[0].Min), 0x303080)
	defer p.close()
	p.focus(t)
	l.keyboard(t)
	for _, c := range []struct {
		keys  string
		codes []byte // as the host sees them pressed, in order
	}{
		{"Tab", []byte{23}}, {"shift+Tab", []byte{50, 23}},
		{"Left", []byte{113}}, {"Up", []byte{111}}, {"Right", []byte{114}}, {"Down", []byte{116}},
		{"F1", []byte{67}}, {"F5", []byte{71}}, {"F12", []byte{96}}, {"Escape", []byte{9}}, {"space", []byte{65}},
		{"ctrl+c", []byte{37, 54}}, {"ctrl+alt+t", []byte{37, 64, 28}}, {"Delete", []byte{119}},
		{"alt+x", []byte{64, 53}}, {"Super_L", []byte{133}},
	} {
		l.gesture(t, p, 2*len(c.codes), func() {
			p.focus(t) // a window manager gives the focus away when windows close
			l.tech.screen.keys(t, c.keys)
		}, func(got []deed) string {
			for i, code := range c.codes {
				if got[i].what != "press" || got[i].detail != code {
					return fmt.Sprintf("%s: the host saw %s", c.keys, spell(got))
				}
			}
			if err := matched(got); err != nil {
				return fmt.Sprintf("%s: %v", c.keys, err)
			}
			return ""
		})
	}
}

// matched checks that each key pressed is released.
func matched(all []deed) error {
	down := map[byte]int{}
	for _, d := range all {
		switch d.what {
		case "press":
			down[d.detail]++
		case "release":
			down[d.detail]--
		}
	}
	for code, n := range down {
		if n != 0 {
			return fmt.Errorf("key %d is left %+d in %s", code, n, spell(all))
		}
	}
	return nil
}

// altTab changes the host's window from the toolbar.
func (l *live) altTab(t *testing.T) {
	one, two := l.newNotepad(t, "one"), l.newNotepad(t, "two")
	defer one.close(t)
	defer two.close(t)
	before := l.host.screen.active()
	l.trial(t, nil, func() error {
		l.choose(t, "Touches", "Down", "Down")
		if err := wait(soon, func() error {
			now := l.host.screen.active()
			return yes(now != 0 && now != before)
		}); err != nil {
			return fmt.Errorf("no other window of the host has the keyboard: %w", err)
		}
		return nil
	})
}

// mouse clicks, drags and scrolls on both monitors.
func (l *live) mouse(t *testing.T) {
	mons, err := l.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mons {
		area := image.Rect(120, 120, m.Dx()-120, m.Dy()-60).Add(m.Min)
		p := newPad(t, l.host.screen, area, 0x406040)
		l.clicks(t, p, i, m)
		l.drags(t, p, i, m)
		l.scrolls(t, p, i, m)
		p.close()
	}
}

// both are the places of the pictures of two monitors.
func (l *live) both(t *testing.T) (pics []image.Rectangle) {
	t.Helper()
	l.tech.eventually(t, "two pictures", func() (err error) {
		if pics, err = l.pictures(); err == nil && len(pics) != 2 {
			err = fmt.Errorf("pictures %v", pics)
		}
		return err
	})
	return pics
}

// spot is where on the technician's screen a pixel of a host monitor is shown, and
// which pixel of the root window a click there means.
func (l *live) spot(t *testing.T, i int, m image.Rectangle, at image.Point) (shown, root image.Point) {
	t.Helper()
	pics := l.both(t)
	// pictures are listed by their size at 1:1; fitted, by their place: the primary monitor lies right
	r := pics[i]
	if r.Dx() != m.Dx() {
		left, right := pics[0], pics[1]
		if left.Min.X > right.Min.X {
			left, right = right, left
		}
		r = []image.Rectangle{right, left}[i]
	}
	shown = image.Pt(r.Min.X+at.X*r.Dx()/m.Dx(), r.Min.Y+at.Y*r.Dy()/m.Dy())
	back := image.Pt((2*(shown.X-r.Min.X)+1)*m.Dx()/(2*r.Dx()), (2*(shown.Y-r.Min.Y)+1)*m.Dy()/(2*r.Dy()))
	return shown, m.Min.Add(back)
}

// pair waits for a press and its release.
func (l *live) pair(t *testing.T, p *pad) []deed {
	t.Helper()
	got, err := p.collect(2)
	if err != nil {
		l.tech.fail(t, err)
	}
	return got
}

func near(a, b image.Point) bool {
	d := a.Sub(b)
	return d.X >= -1 && d.X <= 1 && d.Y >= -1 && d.Y <= 1
}

func (l *live) clicks(t *testing.T, p *pad, i int, m image.Rectangle) {
	t.Helper()
	for n, at := range []image.Point{{X: 130, Y: 130}, {X: 333, Y: 222}, {X: m.Dx() - 131, Y: m.Dy() - 71}} {
		button := []int{1, 3, 2}[n]
		shown, root := l.spot(t, i, m, at)
		l.gesture(t, p, 2, func() { l.tech.screen.click(t, shown, button) }, func(got []deed) string {
			if got[0].what == "down" && int(got[0].detail) == button && near(got[0].at, root) && got[1].what == "up" && near(got[1].at, root) {
				return ""
			}
			return fmt.Sprintf("monitor %d: a click %d meant for %v came as %s", i, button, root, spell(got))
		})
	}
}

func (l *live) drags(t *testing.T, p *pad, i int, m image.Rectangle) {
	t.Helper()
	from, fromRoot := l.spot(t, i, m, image.Pt(200, 200))
	to, toRoot := l.spot(t, i, m, image.Pt(500, 390))
	l.gesture(t, p, 2, func() {
		l.tech.screen.xdotool(t, "mousemove", strconv.Itoa(from.X), strconv.Itoa(from.Y), "mousedown", "1",
			"mousemove", strconv.Itoa((from.X+to.X)/2), strconv.Itoa((from.Y+to.Y)/2))
		l.tech.screen.xdotool(t, "mousemove", strconv.Itoa(to.X), strconv.Itoa(to.Y), "mouseup", "1")
	}, func(got []deed) string {
		if near(got[0].at, fromRoot) && near(got[1].at, toRoot) && got[0].what == "down" && got[1].what == "up" {
			return ""
		}
		return fmt.Sprintf("monitor %d: a drag from %v to %v came as %s", i, fromRoot, toRoot, spell(got))
	})
}

func (l *live) scrolls(t *testing.T, p *pad, i int, m image.Rectangle) {
	t.Helper()
	shown, root := l.spot(t, i, m, image.Pt(300, 300))
	for _, button := range []int{4, 5, 6, 7, 8, 9} {
		l.gesture(t, p, 2, func() {
			l.tech.screen.click(t, shown, button)
		}, func(got []deed) string {
			if int(got[0].detail) == button && near(got[0].at, root) {
				return ""
			}
			return fmt.Sprintf("monitor %d: wheel or button %d at %v came as %s", i, button, root, spell(got))
		})
	}
}

// nothingReaches: without control a gesture does nothing at the host, and says so.
func (l *live) nothingReaches(t *testing.T) {
	t.Helper()
	mons, err := l.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	p := newPad(t, l.host.screen, image.Rect(120, 120, 700, 500).Add(mons[0].Min), 0x604040)
	defer p.close()
	p.focus(t)
	shown, _ := l.spot(t, 0, mons[0], image.Pt(300, 300))
	l.tech.screen.activate(t, l.title)
	l.tech.screen.click(t, shown, 1)
	l.tech.screen.keys(t, "a", "F5")
	l.tech.see(t, soon, want{text: "demandez la main", window: l.title})
	if got := p.take(true); len(got) > 0 {
		t.Errorf("without control the host saw %s", spell(got))
	}
}

// ladder plays the steps: view first, control asked for and granted later, taken
// back by the person.
func (w *world) ladder(t *testing.T) {
	l := w.intervene(t, false)
	l.nothingReaches(t)
	l.tech.press(t, want{text: "Demander la main", kind: "button", window: l.title})
	w.accept(t, false)
	l.driving(t)
	w.host.press(t, want{text: "Reprendre la main", kind: "button", window: "Assist"})
	l.tech.see(t, soon, want{text: "vue seule", window: l.title})
	l.tech.press(t, want{text: "Demander la main", kind: "button", window: l.title})
	w.host.press(t, want{id: "refuse"})
	l.tech.see(t, soon, want{text: "Pas accordé", window: l.title})
	l.nothingReaches(t)
	l.end(t)
}
