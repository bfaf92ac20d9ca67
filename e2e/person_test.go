// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// person sits before the app as it is shipped: eyes on the screen, keyboard, mouse,
// clipboard, and nothing else.
type person struct {
	*app
	win string // title of the window looked at
}

// header is how high the row of places, languages and settings is at most, in pixels.
const header = 56

// Colours that people recognize things by: of the light theme, and of the banner.
var (
	inkPrimary = color.RGBA{0x1c, 0x5d, 0x99, 0xff} // the main button of a screen
	inkGood    = color.RGBA{0x1b, 0x6e, 0x42, 0xff} // nobody is connected, all is well
	inkAmber   = color.RGBA{0xff, 0xb8, 0x1c, 0xff} // seen
	inkRed     = color.RGBA{0xb3, 0x26, 0x1e, 0xff} // driven
	inkRing    = color.RGBA{0x2f, 0x70, 0xd6, 0xff} // round what has the keyboard, as it is smoothed
	inkPointer = color.RGBA{0x3d, 0x3d, 0xd8, 0xff} // the technician's pointer
)

// opens waits for a window and looks at it.
func (p *person) opens(t *testing.T, title string) {
	t.Helper()
	p.eventually(t, "the window "+title, func() error {
		_, _, err := p.screen.window(title)
		return err
	})
	p.win = title
	p.screen.activate(t, title)
}

// look is what the person sees of the window.
func (p *person) look() (*image.RGBA, image.Rectangle, error) {
	_, r, err := p.screen.window(p.win)
	if err != nil {
		return nil, r, err
	}
	all, err := p.screen.place(p.screen.root)
	if err != nil {
		return nil, r, err
	}
	r = r.Intersect(all)
	img, err := p.screen.shot(r)
	return img, r, err
}

// strike presses keys, one after another, in the window looked at.
func (p *person) strike(t *testing.T, names ...string) {
	t.Helper()
	p.screen.activate(t, p.win)
	p.screen.keys(t, names...)
}

// tab goes n fields on, or back when n is negative.
func (p *person) tab(t *testing.T, n int) {
	t.Helper()
	key := "Tab"
	if n < 0 {
		key, n = "shift+Tab", -n
	}
	for range n {
		p.strike(t, key)
	}
}

// types fills the field that has the keyboard and reads it back by copying it. Numbers
// are grouped by the field, so blanks do not count.
func (p *person) types(t *testing.T, text string) {
	t.Helper()
	p.strike(t, "ctrl+a", "BackSpace")
	p.screen.write(t, text)
	p.strike(t, "ctrl+a", "ctrl+c")
	var got string
	if err := wait(aWhile, func() (err error) { // the app may be busy: then it copies late
		if got, err = p.clipboard(); err == nil && bare(got) != bare(text) {
			err = errNotYet
		}
		return err
	}); err != nil {
		p.keepPicture(t, "field")
		t.Fatalf("%s: the field in %q holds %q, not %q: %v", p.name, p.win, got, text, err)
	}
	p.strike(t, "End")
}

func bare(s string) string { return strings.ReplaceAll(s, " ", "") }

// home brings the keyboard to the first thing of the page, wherever it was: back into
// the header, then on until the ring round it leaves the header.
func (p *person) home(t *testing.T) {
	t.Helper()
	for _, step := range []struct {
		key  string
		done func(image.Rectangle) bool
	}{
		{"shift+Tab", func(r image.Rectangle) bool { return r.Max.Y < header }},
		{"Tab", func(r image.Rectangle) bool { return r.Min.Y >= header }},
	} {
		for n := 0; ; n++ {
			seen := p.steps(t, step.key)
			if step.done(seen) {
				break
			}
			if n > 20 {
				p.keepPicture(t, "stuck")
				t.Fatalf("%s: %s never leads there, but to %v", p.name, step.key, seen)
			}
		}
	}
}

// steps presses a key that moves the keyboard on, and says where the ring is then. A busy
// app shows the old place for a while: who does not wait for it to change goes too far.
func (p *person) steps(t *testing.T, key string) image.Rectangle {
	t.Helper()
	before := p.ring(t, func(image.Rectangle) bool { return true }) // of the keys so far
	p.strike(t, key)
	return p.ring(t, func(r image.Rectangle) bool { return !r.Empty() && r != before })
}

// looks is in how many looks in a row a thing must be the same to count as still.
const looks = 4

// ring waits until the ring round what has the keyboard is where it may be, and stays there.
func (p *person) ring(t *testing.T, may func(image.Rectangle) bool) (at image.Rectangle) {
	t.Helper()
	same := 0
	p.eventually(t, "the ring goes on", func() error {
		img, _, err := p.look()
		if err != nil {
			return err
		}
		if now := block(img, inkRing, 24, 16); now != at || !may(now) {
			at, same = now, 0
			return yes(false)
		}
		same++
		return yes(same >= looks)
	})
	return at
}

// rests waits a moment until the window does not change any more, but for a caret: what the
// keys so far do has been done. It returns the last look.
func (p *person) rests(t *testing.T) *image.RGBA {
	t.Helper()
	const caret = 200
	var before *image.RGBA
	same := 0
	_ = wait(soon, func() error { // what never rests is looked at as it is
		now, _, err := p.look()
		if err != nil {
			return err
		}
		if before == nil || differ(before, now) > caret {
			before, same = now, 0
			return errNotYet
		}
		same++
		return yes(same >= looks)
	})
	if before == nil {
		t.Fatalf("%s: nothing to be seen of %q", p.name, p.win)
	}
	return before
}

// mute types a password, which nothing can read back.
func (p *person) mute(t *testing.T, text string) {
	t.Helper()
	p.strike(t, "ctrl+a", "BackSpace")
	p.screen.xdotool(t, "type", "--delay", "40", text)
}

// clipboard asks whoever owns the display's clipboard for its text.
func (p *person) clipboard() (string, error) {
	x, err := xgb.NewConnDisplay(p.screen.name())
	if err != nil {
		return "", err
	}
	defer x.Close()
	win, err := xproto.NewWindowId(x)
	if err != nil {
		return "", err
	}
	xproto.CreateWindow(x, 0, win, p.screen.root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil)
	clip, err := p.screen.atom("CLIPBOARD")
	if err != nil {
		return "", err
	}
	text, err := p.screen.atom("UTF8_STRING")
	if err != nil {
		return "", err
	}
	xproto.ConvertSelection(x, win, clip, text, clip, xproto.TimeCurrentTime)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); <-time.After(poll) {
		e, _ := x.PollForEvent()
		if n, ok := e.(xproto.SelectionNotifyEvent); ok {
			if n.Property == 0 {
				return "", errors.New("the clipboard holds no text")
			}
			r, err := xproto.GetProperty(x, true, win, clip, xproto.GetPropertyTypeAny, 0, 1<<16).Reply()
			if err != nil {
				return "", err
			}
			return string(r.Value), nil
		}
	}
	return "", errors.New("nobody answers for the clipboard")
}

// alike reports whether two colours are alike, as they are after a film codec.
func alike(a, b color.RGBA, by int) bool {
	for _, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B)} {
		if d > by || d < -by {
			return false
		}
	}
	return true
}

// block is the smallest rectangle around the runs of a colour that are at least
// this wide; empty when there is none.
func block(img *image.RGBA, c color.RGBA, run, by int) image.Rectangle {
	var found image.Rectangle
	for y := range img.Rect.Dy() {
		start := -1
		for x := range img.Rect.Dx() + 1 {
			in := x < img.Rect.Dx() && alike(img.RGBAAt(x, y), c, by)
			if in && start < 0 {
				start = x
			}
			if !in && start >= 0 {
				if x-start >= run {
					found = found.Union(image.Rect(start, y, x, y+1))
				}
				start = -1
			}
		}
	}
	return found
}

// dots counts the pixels of a colour.
func dots(img *image.RGBA, c color.RGBA) int {
	n := 0
	for i := 0; i < len(img.Pix); i += 4 {
		if img.Pix[i] == c.R && img.Pix[i+1] == c.G && img.Pix[i+2] == c.B {
			n++
		}
	}
	return n
}

// button finds the main button of a dialog by its colour, which nothing else there has
// in such a width. A button that takes no click yet is grey.
func (p *person) button(t *testing.T) image.Point {
	t.Helper()
	var at image.Point
	same := 0
	p.eventually(t, "the main button", func() error {
		img, r, err := p.look()
		if err != nil {
			return err
		}
		b := block(img, inkPrimary, 24, 0)
		if b.Dx() < 60 || b.Dy() < 20 || b.Dy() > 80 {
			return fmt.Errorf("a main button of %v", b)
		}
		now := r.Min.Add(b.Min.Add(b.Max).Div(2))
		if now != at { // the system may still move a new window
			at, same = now, 0
		}
		same++
		return yes(same >= looks)
	})
	return at
}

// insists presses what takes a question away, and once more if the question is still there
// when its word is over that a press which a busy computer brought late did not count.
func (p *person) insists(t *testing.T, title string, press func()) {
	t.Helper()
	press()
	there := func() error {
		_, _, err := p.screen.window(title)
		return err
	}
	if wait(4*time.Second, func() error { return yes(there() != nil) }) != nil && there() == nil {
		t.Logf("%s: %q is still there: the press came late, and did not count", p.name, title)
		p.keepPicture(t, "late")
		press()
	}
	p.closes(t, title)
}

// shows waits until the window holds at least n pixels of a colour.
func (p *person) shows(t *testing.T, what string, c color.RGBA, n int) {
	t.Helper()
	p.eventually(t, what, func() error {
		img, _, err := p.look()
		if err != nil {
			return err
		}
		if got := dots(img, c); got < n {
			return fmt.Errorf("%d pixels of %v, not %d", got, c, n)
		}
		return nil
	})
}

// painted is nil once there is something in the window, whatever its theme.
func (p *person) painted() error {
	img, _, err := p.look()
	if err != nil {
		return err
	}
	b := img.Bounds()
	return yes(dots(img, img.RGBAAt(b.Max.X-1, b.Max.Y/2)) < b.Dx()*b.Dy()*19/20)
}

// fits is nil when the page leaves its margin free at the window's right edge, below the
// header: one that is still laid out for another width does not.
func (p *person) fits() error {
	const margin, header = 8, 80
	img, _, err := p.look()
	if err != nil {
		return err
	}
	b := img.Bounds()
	x, ground := b.Max.X-margin, img.RGBAAt(b.Max.X-margin, b.Max.Y-margin)
	for y := b.Min.Y + header; y < b.Max.Y-margin; y++ {
		if c := img.RGBAAt(x, y); c != ground {
			return fmt.Errorf("%v at %d, %d, not %v", c, x, y, ground)
		}
	}
	return nil
}

// eventually waits a while for what the person looks for; a failure leaves a picture.
func (p *person) eventually(t *testing.T, what string, cond func() error) {
	t.Helper()
	if err := wait(2*aWhile, cond); err != nil {
		p.keepPicture(t, "stuck")
		if p.peer != nil {
			p.peer.keepPicture(t, "stuck")
		}
		t.Fatalf("%s, %q: %s: %v", p.name, p.win, what, err)
	}
}

// closes waits until a window is no longer there.
func (p *person) closes(t *testing.T, title string) {
	t.Helper()
	p.eventually(t, "the window closes", func() error {
		_, _, err := p.screen.window(title)
		return yes(err != nil)
	})
}

// titled waits for a managed window whose title has this part, and returns the title.
func (p *person) titled(t *testing.T, part string) string {
	t.Helper()
	var title string
	p.eventually(t, "a window about "+part, func() error {
		all, err := p.screen.titles()
		if err != nil {
			return err
		}
		for _, one := range all {
			if strings.Contains(one, part) {
				title = one
				return nil
			}
		}
		return fmt.Errorf("the windows are %q", all)
	})
	return title
}

// titles lists the titles of the managed windows.
func (d *display) titles() ([]string, error) {
	all, err := d.clients()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, w := range all {
		name, err := d.property(w, "_NET_WM_NAME")
		if err != nil {
			name, err = d.property(w, "WM_NAME")
		}
		if err == nil {
			out = append(out, string(name))
		}
	}
	return out, nil
}

// arrange puts a window where it is wanted, in this size.
func (d *display) arrange(t *testing.T, title string, to image.Rectangle) {
	t.Helper()
	eventually(t, soon, title+" at "+to.String(), func() error {
		w, r, err := d.window(title)
		if err != nil {
			return err
		}
		if r.Size() == to.Size() && close2(r.Min, to.Min, 60) {
			return nil
		}
		n := strconv.Itoa(int(w))
		d.xdotool(t, "windowsize", n, strconv.Itoa(to.Dx()), strconv.Itoa(to.Dy()),
			"windowmove", n, strconv.Itoa(to.Min.X), strconv.Itoa(to.Min.Y))
		return fmt.Errorf("it is at %v", r)
	})
}

func close2(a, b image.Point, by int) bool {
	d := a.Sub(b)
	return max(d.X, -d.X, d.Y, -d.Y) <= by
}

// turns presses a key and waits until much of the window has changed.
func (p *person) turns(t *testing.T, key string) {
	t.Helper()
	before := p.rests(t)
	p.strike(t, key)
	err := wait(aWhile, func() error {
		after, _, err := p.look()
		if err != nil {
			return err
		}
		if n := differ(before, after); n < 4000 {
			return fmt.Errorf("%d pixels of %q changed", n, p.win)
		}
		return nil
	})
	if err != nil {
		p.keepPicture(t, "stuck")
		t.Fatalf("%s presses %s: %v", p.name, key, err)
	}
}

// differ counts the pixels that changed.
func differ(a, b *image.RGBA) int {
	if a.Rect != b.Rect {
		return a.Rect.Dx() * a.Rect.Dy()
	}
	n := 0
	for i := 0; i < len(a.Pix); i += 4 {
		if a.Pix[i] != b.Pix[i] || a.Pix[i+1] != b.Pix[i+1] || a.Pix[i+2] != b.Pix[i+2] {
			n++
		}
	}
	return n
}
