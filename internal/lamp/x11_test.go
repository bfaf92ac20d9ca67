// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lamp

import (
	"encoding/binary"
	"errors"
	"image"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

const (
	amber = 0xffb81c
	red   = 0xb3261e
)

// desk is another client of the server: the person, and hostile programs.
type desk struct {
	t testing.TB
	c *x11.Conn
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	c, err := x11.Dial("", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	d := &desk{t: t, c: c}
	for _, name := range []string{"RANDR", "XTEST", "SHAPE"} {
		if _, _, err := c.Extension(name); err != nil {
			t.Fatal(err)
		}
	}
	_, err = randr.QueryVersion(c.X, 1, 5).Reply()
	d.check(err)
	return d
}

func (d *desk) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) monitor(name string, r image.Rectangle) {
	d.t.Helper()
	atom, err := d.c.Atom(name)
	d.check(err)
	info := randr.MonitorInfo{
		Name: atom, X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy()),
		WidthInMillimeters: 100, HeightInMillimeters: 100,
	}
	if name == "A" {
		res, err := randr.GetScreenResourcesCurrent(d.c.X, d.c.Root).Reply()
		d.check(err)
		info.NOutput, info.Outputs = 1, res.Outputs[:1]
	}
	d.check(randr.SetMonitorChecked(d.c.X, d.c.Root, info).Check())
}

func (d *desk) unplug(name string) {
	d.t.Helper()
	atom, err := d.c.Atom(name)
	d.check(err)
	d.check(randr.DeleteMonitorChecked(d.c.X, d.c.Root, atom).Check())
}

// pixel reads one pixel of the desktop.
func (d *desk) pixel(p image.Point) uint32 {
	d.t.Helper()
	r, err := xproto.GetImage(d.c.X, xproto.ImageFormatZPixmap, xproto.Drawable(d.c.Root),
		int16(p.X), int16(p.Y), 1, 1, 0xffffffff).Reply()
	d.check(err)
	return binary.LittleEndian.Uint32(r.Data) & 0xffffff
}

// window puts up a window; managed windows are left to the window manager.
func (d *desk) window(r image.Rectangle, managed bool) xproto.Window {
	d.t.Helper()
	id, err := xproto.NewWindowId(d.c.X)
	d.check(err)
	override := uint32(1)
	if managed {
		override = 0
	}
	d.check(xproto.CreateWindowChecked(d.c.X, 24, id, d.c.Root, int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()),
		0, xproto.WindowClassInputOutput, 0, xproto.CwBackPixel|xproto.CwOverrideRedirect, []uint32{0x123456, override}).Check())
	if managed {
		state, err := d.c.Atom("_NET_WM_STATE")
		d.check(err)
		full, err := d.c.Atom("_NET_WM_STATE_FULLSCREEN")
		d.check(err)
		d.check(xproto.ChangePropertyChecked(d.c.X, xproto.PropModeReplace, id, state, xproto.AtomAtom, 32, 1,
			binary.LittleEndian.AppendUint32(nil, uint32(full))).Check())
	}
	d.check(xproto.MapWindowChecked(d.c.X, id).Check())
	return id
}

// click presses and releases the first button there, as a device would.
func (d *desk) click(p image.Point) {
	d.t.Helper()
	d.fake(xproto.MotionNotify, 0, p)
	d.fake(xproto.ButtonPress, 1, p)
	d.fake(xproto.ButtonRelease, 1, p)
}

func (d *desk) fake(kind, detail byte, p image.Point) {
	d.t.Helper()
	d.check(xtest.FakeInputChecked(d.c.X, kind, detail, 0, d.c.Root, int16(p.X), int16(p.Y), 0).Check())
}

// children is how many windows the root has.
func (d *desk) children() int {
	d.t.Helper()
	tree, err := xproto.QueryTree(d.c.X, d.c.Root).Reply()
	d.check(err)
	return len(tree.Children)
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(4 * time.Second)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("not within 4 s: %s", what)
		case <-time.After(3 * time.Millisecond):
		}
	}
}

// rig is a lit lamp.
type rig struct {
	*desk
	lamp  *Lamp
	lit   *Lit
	beats atomic.Int64
	acts  chan action
}

func french() Texts {
	return Texts{
		Seen:   "{name} ({unit}) voit vos écrans · {time}",
		Driven: "{name} ({unit}) UTILISE votre ordinateur · {time}",
		Paused: "En pause · {time}", SeenShort: "Écrans vus · {time}", DrivenShort: "UTILISÉ · {time}", PausedShort: "En pause",
		Pause: "Pause", TakeBack: "Reprendre la main", Resume: "Reprendre", Cut: "Couper",
	}
}

func seen() consent.Status {
	return consent.Status{
		Who: consent.Card{Name: "Prénom Nom", Unit: "INCI"}, Since: time.Now(), Rights: consent.RightView | consent.RightPoint,
	}
}

func lightUp(t testing.TB) *rig {
	t.Helper()
	r := &rig{desk: newDesk(t), acts: make(chan action, 8)}
	send := func(a action) func() { return func() { r.acts <- a } }
	var err error
	r.lamp, err = New(Options{
		Texts: french(), Log: slog.New(slog.DiscardHandler),
		OnCut: send(actCut), OnPause: send(actPause), OnTakeBack: send(actTakeBack), OnResume: send(actResume),
	})
	r.check(err)
	lit, err := r.lamp.Light(seen(), func() { r.beats.Add(1) })
	r.check(err)
	r.lit = lit.(*Lit)
	t.Cleanup(r.lit.Douse)
	return r
}

// beating waits until the lamp says several times that it is seen.
func (r *rig) beating() {
	r.t.Helper()
	from := r.beats.Load()
	eventually(r.t, "the lamp beats", func() bool { return r.beats.Load() >= from+4 })
}

// banners is the banner windows, without frames.
func (r *rig) banners() []xproto.Window {
	var list []xproto.Window
	for i, w := range r.lit.Windows() {
		if i%2 == 0 && i < 2*(len(r.lit.Windows())/2) {
			list = append(list, xproto.Window(w))
		}
	}
	return list
}

// place is where a button of a banner is.
func (r *rig) button(act action, monitor image.Rectangle) image.Point {
	a, err := newArtist(1)
	r.check(err)
	width := min(bannerWidth, monitor.Dx())
	_, buttons := a.banner(scene{status: r.lit.wished().status, texts: french(), width: width})
	for _, b := range buttons {
		if b.act == act {
			middle := b.rect.Min.Add(b.rect.Max).Div(2)
			return monitor.Min.Add(image.Pt((monitor.Dx()-width)/2, 0)).Add(middle)
		}
	}
	r.t.Fatalf("no button %d", act)
	return image.Point{}
}

func TestBannerAndFrameOnEveryMonitor(t *testing.T) {
	x11test.Start(t, "1600x900")
	d := newDesk(t)
	left, right := image.Rect(0, 0, 960, 900), image.Rect(960, 100, 1600, 800)
	d.monitor("A", left)
	d.monitor("B", right)
	r := lightUp(t)
	for _, m := range []image.Rectangle{left, right} {
		middle := image.Pt((m.Min.X+m.Max.X)/2, m.Min.Y+2)
		corner := image.Pt(m.Max.X-2, m.Max.Y-2)
		if a, b := r.pixel(middle), r.pixel(corner); a != amber || b != amber {
			t.Errorf("monitor %v: banner %06x, frame %06x", m, a, b)
		}
		if in := image.Pt(m.Min.X+100, m.Max.Y-50); r.pixel(in) == amber {
			t.Errorf("monitor %v is covered", m)
		}
	}
	s := seen()
	s.Rights = consent.AllRights
	r.lit.Show(s)
	eventually(t, "all turns red", func() bool {
		return r.pixel(image.Pt(1280, 102)) == red && r.pixel(image.Pt(1598, 798)) == red && r.pixel(image.Pt(400, 2)) == red
	})
}

func TestAboveFullScreenWindow(t *testing.T) {
	x11test.Start(t, "800x600")
	windowManager(t)
	r := lightUp(t)
	r.window(image.Rect(0, 0, 800, 600), true)
	eventually(t, "the window fills the screen", func() bool { return r.pixel(image.Pt(400, 500)) == 0x123456 })
	r.beating()
	if c := r.pixel(image.Pt(400, 2)); c != amber {
		t.Errorf("banner is %06x", c)
	}
	r.click(r.button(actCut, image.Rect(0, 0, 800, 600)))
	if a := <-r.acts; a != actCut {
		t.Errorf("click did %d", a)
	}
}

// windowManager starts openbox for the test.
func windowManager(t testing.TB) {
	t.Helper()
	name, err := exec.LookPath("openbox")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openbox is not installed")
		}
		t.Skip("openbox is not installed: no window manager to try (apt install openbox)")
	}
	cmd := exec.Command(name, "--sm-disable")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() }) //nolint:errcheck // it is killed
	d := newDesk(t)
	atom, err := d.c.Atom("_NET_CLIENT_LIST")
	d.check(err)
	// A window mapped while it starts may be overlooked: map one until it is not.
	probe := d.window(image.Rect(0, 0, 9, 9), true)
	eventually(t, "the window manager runs", func() bool {
		p, err := xproto.GetProperty(d.c.X, false, d.c.Root, atom, xproto.AtomWindow, 0, 1).Reply()
		if err == nil && p.ValueLen == 1 {
			return true
		}
		<-time.After(100 * time.Millisecond)
		xproto.UnmapWindow(d.c.X, probe)
		xproto.MapWindow(d.c.X, probe)
		return false
	})
	d.check(xproto.DestroyWindowChecked(d.c.X, probe).Check())
}

func TestButtons(t *testing.T) {
	x11test.Start(t, "1280x300")
	r := lightUp(t)
	all := image.Rect(0, 0, 1280, 300)
	press := func(want action) {
		t.Helper()
		r.beating()
		r.click(r.button(want, all))
		select {
		case got := <-r.acts:
			if got != want {
				t.Errorf("button %d did %d", want, got)
			}
		case <-time.After(2 * time.Second):
			t.Errorf("button %d did nothing", want)
		}
	}
	press(actPause)
	press(actCut)
	s := seen()
	s.Rights = consent.AllRights
	r.lit.Show(s)
	press(actTakeBack)
	s.Paused = consent.PauseUser
	r.lit.Show(s)
	press(actResume)
}

func TestOnlyRealFirstButtonInside(t *testing.T) {
	x11test.Start(t, "800x300")
	r := lightUp(t)
	at := r.button(actCut, image.Rect(0, 0, 800, 300))
	banner := r.banners()[0]
	for _, code := range []byte{xproto.ButtonPress, xproto.ButtonRelease} {
		e := xproto.ButtonPressEvent{
			Detail: 1, Root: r.c.Root, Event: banner, SameScreen: true,
			RootX: int16(at.X), RootY: int16(at.Y), EventX: int16(at.X), EventY: int16(at.Y),
		}.Bytes()
		e[0] = code
		r.check(xproto.SendEventChecked(r.c.X, false, banner, xproto.EventMaskNoEvent, string(e)).Check())
	}
	r.fake(xproto.MotionNotify, 0, at) // press elsewhere, release on the button
	r.fake(xproto.MotionNotify, 0, image.Pt(60, 16))
	r.fake(xproto.ButtonPress, 1, image.Pt(60, 16))
	r.fake(xproto.MotionNotify, 0, at)
	r.fake(xproto.ButtonRelease, 1, at)
	r.fake(xproto.ButtonPress, 3, at) // another button
	r.fake(xproto.ButtonRelease, 3, at)
	r.beating()
	select {
	case a := <-r.acts:
		t.Errorf("a false click did %d", a)
	default:
	}
}

func TestDragsAlongTheEdges(t *testing.T) {
	x11test.Start(t, "1600x600")
	r := lightUp(t)
	from := image.Pt(320+500, 16) // on the words
	r.fake(xproto.MotionNotify, 0, from)
	r.fake(xproto.ButtonPress, 1, from)
	r.fake(xproto.MotionNotify, 0, image.Pt(10, 590))
	r.fake(xproto.ButtonRelease, 1, image.Pt(10, 590))
	eventually(t, "the banner is at the bottom left", func() bool {
		return r.pixel(image.Pt(200, 570)) == amber && r.pixel(image.Pt(800, 20)) != amber
	})
	r.beating()
}

func TestHostileClient(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	middle := image.Pt(450, 2)
	blows := map[string]func(w xproto.Window){
		"unmap":   func(w xproto.Window) { xproto.UnmapWindow(r.c.X, w) },
		"destroy": func(w xproto.Window) { xproto.DestroyWindow(r.c.X, w) },
		"move":    func(w xproto.Window) { xproto.ConfigureWindow(r.c.X, w, xproto.ConfigWindowY, []uint32{390}) },
		"shrink":  func(w xproto.Window) { xproto.ConfigureWindow(r.c.X, w, xproto.ConfigWindowWidth, []uint32{1}) },
		"lower": func(w xproto.Window) {
			r.window(image.Rect(100, 0, 700, 50), false)
			xproto.ConfigureWindow(r.c.X, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeBelow})
		},
		"cover": func(xproto.Window) { r.window(image.Rect(0, 0, 900, 400), false) },
		"reparent": func(w xproto.Window) {
			xproto.ReparentWindow(r.c.X, w, r.window(image.Rect(0, 300, 90, 400), false), 0, 0)
		},
		"shape": func(w xproto.Window) {
			shape.Rectangles(r.c.X, shape.SoSet, shape.SkBounding, 0, w, 0, 0, nil)
		},
		"kill the connection": func(w xproto.Window) { xproto.KillClient(r.c.X, uint32(w)) },
	}
	for name, blow := range blows {
		t.Run(name, func(t *testing.T) {
			blow(r.banners()[0])
			r.c.X.Sync()
			eventually(t, "the banner is back", func() bool { return r.pixel(middle) == amber && len(r.banners()) == 1 })
			r.beating()
			if c := r.pixel(image.Pt(898, 398)); c != amber {
				t.Errorf("frame is %06x", c)
			}
		})
	}
}

func TestNoBeatWhileCovered(t *testing.T) {
	x11test.Start(t, "900x400")
	r := lightUp(t)
	r.beating()
	cover := r.window(image.Rect(0, 0, 900, 400), false)
	stop := keepOnTop(r.desk, cover)
	<-time.After(200 * time.Millisecond)
	from := r.beats.Load()
	<-time.After(500 * time.Millisecond)
	if n := r.beats.Load() - from; n > 1 {
		t.Errorf("%d beats while covered", n)
	}
	stop()
	r.beating()
}

// keepOnTop is a program that never lets anything else be on top.
func keepOnTop(d *desk, w xproto.Window) (stop func()) {
	halt, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-halt:
				return
			default:
				xproto.ConfigureWindow(d.c.X, w, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove})
				d.c.X.Sync()
			}
		}
	}()
	return func() { close(halt); <-over }
}

func TestNeverVisibleIsNoBanner(t *testing.T) {
	x11test.Start(t, "500x300")
	d := newDesk(t)
	cover := d.window(image.Rect(0, 0, 500, 300), false)
	stop := keepOnTop(d, cover)
	defer stop()
	l, err := New(Options{Texts: french()})
	d.check(err)
	before := d.children()
	if _, err := l.Light(seen(), func() {}); !errors.Is(err, ErrHidden) {
		t.Errorf("light under a cover: %v", err)
	}
	if n := d.children(); n != before {
		t.Errorf("%d windows left", n-before)
	}
}

func TestHungServer(t *testing.T) {
	x11test.Start(t, "500x300")
	r := lightUp(t)
	r.beating()
	r.check(xproto.GrabServerChecked(r.c.X).Check())
	<-time.After(200 * time.Millisecond)
	from := r.beats.Load()
	<-time.After(200 * time.Millisecond)
	if r.beats.Load() != from {
		t.Error("beats while the server answers nothing")
	}
	doused := make(chan struct{})
	go func() { r.lit.Douse(); close(doused) }()
	select {
	case <-doused:
	case <-time.After(3 * time.Second):
		t.Error("dousing hangs with the server")
	}
	r.check(xproto.UngrabServerChecked(r.c.X).Check())
}

func TestFollowsMonitors(t *testing.T) {
	x11test.Start(t, "1600x600")
	d := newDesk(t)
	d.monitor("A", image.Rect(0, 0, 800, 600))
	r := lightUp(t)
	r.monitor("B", image.Rect(800, 0, 1600, 600))
	eventually(t, "the new monitor has a banner", func() bool { return r.pixel(image.Pt(1200, 2)) == amber })
	r.beating()
	r.unplug("B")
	eventually(t, "its banner is gone", func() bool { return r.pixel(image.Pt(1200, 2)) != amber })
	r.beating()
}

func TestTechnicianPointer(t *testing.T) {
	x11test.Start(t, "1600x600")
	d := newDesk(t)
	d.monitor("A", image.Rect(0, 0, 800, 600))
	d.monitor("B", image.Rect(800, 0, 1600, 600))
	r := lightUp(t)
	const ink = 0x3d3dd8
	inside := image.Pt(5, 10) // from the tip, in the arrow
	at := image.Pt(300, 200)
	r.lamp.Point(1, at, true)
	spot := image.Pt(800, 0).Add(at).Add(inside)
	eventually(t, "the pointer shows", func() bool { return r.pixel(spot) == ink })
	r.fake(xproto.MotionNotify, 0, spot)
	under, err := xproto.QueryPointer(r.c.X, r.c.Root).Reply()
	r.check(err)
	if under.Child != 0 {
		t.Errorf("clicks would reach window %d instead of what is below", under.Child)
	}
	r.beating()
	s := seen()
	s.Rights = consent.RightView
	r.lit.Show(s)
	eventually(t, "without its right it hides", func() bool { return r.pixel(spot) != ink })
	r.lit.Show(seen())
	eventually(t, "with its right it shows", func() bool { return r.pixel(spot) == ink })
	r.lamp.Point(1, at, false)
	eventually(t, "it hides", func() bool { return r.pixel(spot) != ink })
}

func TestDouseLeavesNothing(t *testing.T) {
	x11test.Start(t, "800x300")
	d := newDesk(t)
	before := d.children()
	r := lightUp(t)
	r.lit.Point(0, image.Pt(100, 100), true)
	r.beating()
	if d.children() == before {
		t.Fatal("no window")
	}
	r.lit.Douse()
	r.lit.Douse()
	if n := d.children(); n != before {
		t.Errorf("%d windows left", n-before)
	}
	if w := r.lamp.Windows(); len(w) != 0 {
		t.Errorf("windows %v are still named", w)
	}
	eventually(t, "no goroutine is left", func() bool { return !strings.Contains(stacks(), "lamp.(*Lit)") })
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

func TestServerDies(t *testing.T) {
	server := x11test.Start(t, "800x300")
	r := lightUp(t)
	r.beating()
	server.Kill()
	<-time.After(150 * time.Millisecond)
	from := r.beats.Load()
	<-time.After(200 * time.Millisecond)
	if r.beats.Load() != from {
		t.Error("beats without a server")
	}
	r.lit.Douse()
	if _, err := r.lamp.Light(seen(), func() {}); !errors.Is(err, ErrNoDisplay) {
		t.Errorf("light without a server: %v", err)
	}
	if _, err := New(Options{}); !errors.Is(err, ErrNoDisplay) {
		t.Errorf("new without a server: %v", err)
	}
}

func TestStuckCallbackHoldsUpNothing(t *testing.T) {
	x11test.Start(t, "800x300")
	d := newDesk(t)
	stuck, cut := make(chan struct{}), make(chan struct{})
	l, err := New(Options{Texts: french(), OnPause: func() { <-stuck }, OnCut: func() { close(cut) }})
	d.check(err)
	lit, err := l.Light(seen(), func() {})
	d.check(err)
	defer lit.Douse()
	defer close(stuck)
	r := &rig{desk: d, lit: lit.(*Lit)}
	all := image.Rect(0, 0, 800, 300)
	r.click(r.button(actPause, all))
	r.click(r.button(actCut, all))
	select {
	case <-cut:
	case <-time.After(200 * time.Millisecond):
		t.Error("cutting took more than 200 ms")
	}
}

func TestHotkey(t *testing.T) {
	x11test.Start(t, "400x300")
	d := newDesk(t)
	pressed := make(chan struct{}, 8)
	h, err := NewHotkey(slog.New(slog.DiscardHandler), func() { pressed <- struct{}{} })
	d.check(err)
	if _, err := NewHotkey(slog.New(slog.DiscardHandler), func() {}); !errors.Is(err, ErrTaken) {
		t.Errorf("a second one: %v", err)
	}
	focus := d.window(image.Rect(0, 0, 100, 100), false)
	d.check(xproto.SetInputFocusChecked(d.c.X, xproto.InputFocusPointerRoot, focus, 0).Check())
	strike := func(codes ...byte) {
		for _, c := range codes {
			d.fake(xproto.KeyPress, c, image.Point{})
		}
		for _, c := range codes {
			d.fake(xproto.KeyRelease, c, image.Point{})
		}
	}
	const ctrl, alt, escape, numLock, capsLock = 37, 64, 9, 77, 66
	for _, lock := range []byte{0, numLock, capsLock} {
		if lock != 0 {
			strike(lock)
		}
		strike(ctrl, alt, escape)
		select {
		case <-pressed:
		case <-time.After(2 * time.Second):
			t.Errorf("not heard with lock key %d", lock)
		}
	}
	h.Close()
	strike(ctrl, alt, escape)
	if h, err = NewHotkey(slog.New(slog.DiscardHandler), func() {}); err != nil {
		t.Fatalf("the key was not given back: %v", err)
	}
	h.Close()
	if len(pressed) != 0 {
		t.Error("heard after Close")
	}
}

var _ consent.Lamp = (*Lamp)(nil)

// TestUnusedMonitorIsHarmless points where there is no monitor.
func TestPointNowhere(t *testing.T) {
	x11test.Start(t, "400x300")
	r := lightUp(t)
	r.lit.Point(screen.MonitorID(5), image.Pt(1, 1), true)
	r.lit.Point(0, image.Pt(-5, 4000), true)
	r.beating()
}
