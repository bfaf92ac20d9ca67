// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lamp

import (
	"encoding/binary"
	"image"
	"log/slog"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/consent"
	"assist/internal/x11"
)

// patience is how long a test waits for what must come, on a busy machine too.
const patience = 30 * time.Second

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
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("never came: %s", what)
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
	shown atomic.Pointer[[]image.Rectangle] // at the last beat
	acts  chan action
}

// beat is the lease's side of the lamp.
func (r *rig) beat(shown []image.Rectangle) {
	r.shown.Store(&shown)
	if len(shown) > 0 {
		r.beats.Add(1)
	}
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
	lit, err := r.lamp.Light(seen(), r.beat)
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
	a, err := newArtist(100)
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
