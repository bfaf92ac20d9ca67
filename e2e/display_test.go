// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"assist/internal/x11/x11test"
)

// display is an X server of our own, with a window manager.
type display struct {
	number int
	server *process
	x      *xgb.Conn
	root   xproto.Window
	dir    string

	devices *x11test.Devices // of the person; nil where a server can have none
}

// firstDisplay is where free display numbers are looked for.
const firstDisplay = 51

// name is the display as $DISPLAY holds it.
func (d *display) name() string { return ":" + strconv.Itoa(d.number) }

func (d *display) env() []string { return []string{"DISPLAY=" + d.name()} }

// freeDisplay finds a number that no X server uses.
func freeDisplay() int {
	for n := firstDisplay; ; n++ {
		_, lock := os.Stat(fmt.Sprintf("/tmp/.X%d-lock", n))
		_, sock := os.Stat(fmt.Sprintf("/tmp/.X11-unix/X%d", n))
		if errors.Is(lock, os.ErrNotExist) && errors.Is(sock, os.ErrNotExist) {
			return n
		}
	}
}

// newDisplay starts an X server of one large screen.
func newDisplay(t *testing.T, dir string, size image.Point) *display {
	d := &display{number: freeDisplay(), dir: dir}
	d.server = start(t, program{path: "Xvfb", log: filepath.Join(dir, fmt.Sprintf("x%d.log", d.number)),
		args: []string{d.name(), "-screen", "0", fmt.Sprintf("%dx%dx24", size.X, size.Y), "-nolisten", "tcp", "-ac", "-noreset"}})
	d.open(t)
	return d
}

// xorgConf is a server without hardware whose screen can hold all monitors. Its devices
// are a person's, not a program's: what they do comes from the server like from any
// mouse and keyboard.
const xorgConf = `Section "ServerFlags"
  Option "AutoAddDevices" "false"
  Option "AutoEnableDevices" "false"
  Option "DontVTSwitch" "true"
EndSection
Section "Device"
  Identifier "dummy"
  Driver "dummy"
  VideoRam 256000
EndSection
Section "Monitor"
  Identifier "any"
  HorizSync 5-1000
  VertRefresh 5-200
EndSection
Section "Screen"
  Identifier "screen"
  Device "dummy"
  Monitor "any"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Virtual 3840 2160
  EndSubSection
EndSection
`

// twoMonitors starts an X server with two monitors of different sizes: the primary
// one, of 1280x800, lies to the right of and above one of 1024x600.
func twoMonitors(t *testing.T, dir string) *display {
	if os.Getuid() != 0 {
		d := newDisplay(t, dir, image.Pt(2304, 800))
		run(t, d.env(), "xrandr", "--setmonitor", "*E2E-0", "1280/320x800/200+1024+0", "screen")
		run(t, d.env(), "xrandr", "--setmonitor", "E2E-1", "1024/256x600/150+0+200", "none")
		return d
	}
	d := &display{number: freeDisplay(), dir: dir}
	conf := filepath.Join(dir, "xorg.conf")
	if err := os.WriteFile(conf, []byte(xorgConf+x11test.Configuration(dir, x11test.Evdev)), 0o644); err != nil {
		t.Fatal(err)
	}
	d.server = start(t, program{path: "Xorg", log: filepath.Join(dir, fmt.Sprintf("x%d.log", d.number)),
		args: []string{d.name(), "-config", conf, "-logfile", filepath.Join(dir, "xorg.log"),
			"-noreset", "-novtswitch", "-sharevts", "-nolisten", "tcp", "-ac"}})
	d.open(t)
	d.devices = x11test.Attach(t, dir)
	for _, m := range [][]string{
		{"a", "83.46", "1280", "1344", "1480", "1680", "800", "801", "804", "828", "DUMMY0"},
		{"b", "48.96", "1024", "1064", "1168", "1312", "600", "601", "604", "622", "DUMMY1"},
	} {
		last := len(m) - 1
		run(t, d.env(), "xrandr", append([]string{"--newmode"}, m[:last]...)...)
		run(t, d.env(), "xrandr", "--addmode", m[last], m[0])
	}
	run(t, d.env(), "xrandr", "--output", "DUMMY0", "--mode", "a", "--pos", "1024x0", "--primary",
		"--output", "DUMMY1", "--mode", "b", "--pos", "0x200")
	return d
}

// open waits for the server, connects to it and starts a window manager.
func (d *display) open(t *testing.T) {
	t.Helper()
	eventually(t, soon, "X server "+d.name(), func() error {
		c, err := net.Dial("unix", fmt.Sprintf("/tmp/.X11-unix/X%d", d.number))
		if err != nil {
			return err
		}
		return c.Close()
	})
	xgb.Logger.SetOutput(io.Discard) // it tells of the cookies that are not needed here
	var err error
	if d.x, err = xgb.NewConnDisplay(d.name()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.x.Close)
	for _, init := range []func(*xgb.Conn) error{randr.Init, xtest.Init} {
		if err := init(d.x); err != nil {
			t.Fatal(err)
		}
	}
	d.root = xproto.Setup(d.x).DefaultScreen(d.x).Root
	d.layout(t, "us")
	start(t, program{path: "openbox", env: append(d.env(), "HOME="+d.dir), log: filepath.Join(d.dir, "openbox.log")})
	eventually(t, soon, "window manager", func() error {
		_, err := d.property(d.root, "_NET_SUPPORTING_WM_CHECK")
		return err
	})
}

// layout sets the keyboard's layout. A server without devices would number its keys
// in a way that no real one has for ten years.
func (d *display) layout(t *testing.T, name string) {
	t.Helper()
	run(t, d.env(), "setxkbmap", "-rules", "evdev", "-model", "pc105", "-layout", name)
	run(t, d.env(), "xset", "r", "off") // a busy machine must not make one stroke two
}

// monitors lists the places of the monitors, the primary one first.
func (d *display) monitors() ([]image.Rectangle, error) {
	r, err := randr.GetMonitors(d.x, d.root, true).Reply()
	if err != nil {
		return nil, err
	}
	var all []image.Rectangle
	for _, m := range r.Monitors {
		b := image.Rect(int(m.X), int(m.Y), int(m.X)+int(m.Width), int(m.Y)+int(m.Height))
		if m.Primary {
			all = append([]image.Rectangle{b}, all...)
		} else {
			all = append(all, b)
		}
	}
	return all, nil
}

// atom and property read what clients tell about windows.
func (d *display) atom(name string) (xproto.Atom, error) {
	r, err := xproto.InternAtom(d.x, false, uint16(len(name)), name).Reply()
	if err != nil {
		return 0, err
	}
	return r.Atom, nil
}

func (d *display) property(w xproto.Window, name string) ([]byte, error) {
	a, err := d.atom(name)
	if err != nil {
		return nil, err
	}
	r, err := xproto.GetProperty(d.x, false, w, a, xproto.GetPropertyTypeAny, 0, 1<<16).Reply()
	if err != nil {
		return nil, err
	}
	if len(r.Value) == 0 {
		return nil, fmt.Errorf("no %s", name)
	}
	return r.Value, nil
}

// clients lists the managed windows, the oldest first.
func (d *display) clients() ([]xproto.Window, error) {
	b, err := d.property(d.root, "_NET_CLIENT_LIST")
	if err != nil {
		return nil, nil // none yet
	}
	var all []xproto.Window
	for ; len(b) >= 4; b = b[4:] {
		all = append(all, xproto.Window(binary.LittleEndian.Uint32(b)))
	}
	return all, nil
}

// active is the window that has the keyboard.
func (d *display) active() xproto.Window {
	b, err := d.property(d.root, "_NET_ACTIVE_WINDOW")
	if err != nil || len(b) < 4 {
		return 0
	}
	return xproto.Window(binary.LittleEndian.Uint32(b))
}

// window finds a managed window by its title, the newest of several, and its
// content's place.
func (d *display) window(title string) (xproto.Window, image.Rectangle, error) {
	all, err := d.clients()
	if err != nil {
		return 0, image.Rectangle{}, err
	}
	for _, w := range slices.Backward(all) {
		name, err := d.property(w, "_NET_WM_NAME")
		if err != nil {
			name, err = d.property(w, "WM_NAME")
		}
		if err == nil && string(name) == title {
			r, err := d.place(w)
			return w, r, err
		}
	}
	return 0, image.Rectangle{}, fmt.Errorf("no window %q", title)
}

// place is where a window lies on the screen.
func (d *display) place(w xproto.Window) (image.Rectangle, error) {
	g, err := xproto.GetGeometry(d.x, xproto.Drawable(w)).Reply()
	if err != nil {
		return image.Rectangle{}, err
	}
	o, err := xproto.TranslateCoordinates(d.x, w, d.root, 0, 0).Reply()
	if err != nil {
		return image.Rectangle{}, err
	}
	return image.Rect(0, 0, int(g.Width), int(g.Height)).Add(image.Pt(int(o.DstX), int(o.DstY))), nil
}

// shot is a picture of a part of the screen.
func (d *display) shot(r image.Rectangle) (*image.RGBA, error) {
	img := image.NewRGBA(image.Rectangle{Max: r.Size()})
	rep, err := xproto.GetImage(d.x, xproto.ImageFormatZPixmap, xproto.Drawable(d.root),
		int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0xffffffff).Reply()
	if err != nil {
		return nil, err
	}
	if len(rep.Data) < len(img.Pix) {
		return nil, errors.New("short picture")
	}
	for i := 0; i < len(img.Pix); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = rep.Data[i+2], rep.Data[i+1], rep.Data[i], 0xff
	}
	return img, nil
}

// pointer is where the mouse is.
func (d *display) pointer() (image.Point, error) {
	r, err := xproto.QueryPointer(d.x, d.root).Reply()
	if err != nil {
		return image.Point{}, err
	}
	return image.Pt(int(r.RootX), int(r.RootY)), nil
}

// xdotool does what a person does with mouse and keyboard.
func (d *display) xdotool(t *testing.T, args ...string) {
	t.Helper()
	if err := d.tool(args...); err != nil {
		t.Fatal(err)
	}
}

func (d *display) tool(args ...string) error {
	c := exec.Command("xdotool", args...)
	c.Env = append(os.Environ(), d.env()...)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("xdotool %v: %w: %s", args, err, out)
	}
	return nil
}

// jump moves the person's pointer to a pixel at once. Xdotool would only put it there,
// which is nobody's deed: no device has moved.
func (d *display) jump(t *testing.T, at image.Point) {
	t.Helper()
	if d.devices == nil { // then by a program that plays a device
		d.fake(xproto.MotionNotify, 0, at)
		return
	}
	all, err := d.place(d.root)
	if err != nil {
		t.Fatal(err)
	}
	d.devices.Jump(at, all.Size())
}

// tap presses the first button where the person's pointer is.
func (d *display) tap(t *testing.T) {
	t.Helper()
	if d.devices == nil {
		d.xdotool(t, "click", "1")
		return
	}
	d.devices.Button(1, true)
	d.devices.Button(1, false)
}

// click presses a mouse button at a pixel of the screen.
func (d *display) click(t *testing.T, at image.Point, button int) {
	t.Helper()
	d.xdotool(t, "mousemove", strconv.Itoa(at.X), strconv.Itoa(at.Y), "click", strconv.Itoa(button))
}

// keys strikes keys by their names.
func (d *display) keys(t *testing.T, names ...string) {
	t.Helper()
	d.xdotool(t, append([]string{"key", "--delay", "30"}, names...)...)
}

// write types a text of the keyboard's own characters.
func (d *display) write(t *testing.T, text string) {
	t.Helper()
	d.xdotool(t, "type", "--delay", "16", text)
}

// activate brings a window to the front and gives it the keyboard.
func (d *display) activate(t *testing.T, title string) {
	t.Helper()
	eventually(t, soon, "activate "+title, func() error {
		w, _, err := d.window(title)
		if err != nil {
			return err
		}
		if d.active() == w {
			return nil
		}
		return errors.Join(errNotYet, d.tool("windowactivate", strconv.Itoa(int(w)))) // it may just have gone
	})
}

// managed waits until the window manager has dealt with what came before. It is asked several
// times to move a window: keys are held back, one by one, until it has taken the one before.
func (d *display) managed(t *testing.T) {
	t.Helper()
	win, err := xproto.NewWindowId(d.x)
	if err != nil {
		t.Fatal(err)
	}
	err = xproto.CreateWindowChecked(d.x, 0, win, d.root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil).Check()
	if err != nil {
		t.Fatal(err)
	}
	defer xproto.DestroyWindow(d.x, win)
	for x := uint32(1); x <= 16; x++ {
		xproto.ConfigureWindow(d.x, win, xproto.ConfigWindowX, []uint32{x})
		eventually(t, soon, "the window manager", func() error {
			r, err := d.place(win)
			return errors.Join(err, yes(r.Min.X == int(x)))
		})
	}
}

// fake makes one event of mouse or keyboard without starting a program, for floods.
func (d *display) fake(kind, detail byte, at image.Point) {
	xtest.FakeInput(d.x, kind, detail, 0, d.root, int16(at.X), int16(at.Y), 0)
}
