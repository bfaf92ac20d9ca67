// SPDX-License-Identifier: Apache-2.0

package lamp

import (
	"encoding/binary"
	"fmt"
	"image"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/shape"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/x11"
)

// maxEvents is how many events wait for the stage; more are dropped, which the
// periodic check makes good.
const maxEvents = 1024

// opacity is the property by which compositors are asked to make a window
// transparent.
const opacity = "_NET_WM_WINDOW_OPACITY"

// eventGap bounds how often events make us look at the banners; the ticker does
// for what lies between.
const eventGap = 10 * time.Millisecond

// sizeStep is by how many percent banners shrink until they fit.
const sizeStep = 10

// leftPtr is the arrow in the server's cursor font.
const leftPtr = 68

// stage is everything that stands on one connection. Only the goroutine that
// serves it uses it, but for event.
type stage struct {
	lit  *Lit
	o    Options
	beat consent.Beat
	log  *slog.Logger

	c        *x11.Conn
	displays *x11.Displays
	events   chan x11.Event
	dropped  int // events; touched by the connection's reader alone
	raw      atomic.Pointer[x11.RawEvents]

	// watched says which events tell of monitors; unsettled is set by the reader at
	// such an event, until the banners have followed.
	watched   atomic.Pointer[x11.Displays]
	unsettled atomic.Bool

	atoms   map[string]xproto.Atom
	arrow   xproto.Cursor
	artists map[int]*artist // by scale, in percent

	layout  screen.Layout
	optics  optics
	look    look // that the banners were made for
	banners map[screen.MonitorID]*banner
	spots   map[screen.MonitorID]spot // where the person has dragged them
	sprite  sprite
	painted int64     // second of the last painting
	raised  time.Time // when the windows were last put on top
	checked time.Time // when the banners were last looked at
	told    uint32    // server time of the last ordinary press on a banner
	done    uint32    // server time of the last press acted upon without its ordinary event
}

func newStage(o Options, l *Lit, beat consent.Beat) (*stage, error) {
	st := &stage{
		lit: l, o: o, beat: beat, log: o.Log, events: make(chan x11.Event, maxEvents), look: l.wished().look,
		atoms: map[string]xproto.Atom{}, artists: map[int]*artist{},
		banners: map[screen.MonitorID]*banner{}, spots: map[screen.MonitorID]spot{},
	}
	var err error
	if st.c, err = x11.Dial(o.Display, st.event); err != nil {
		return nil, err
	}
	l.own(nil, st.c.Kill)
	defer time.AfterFunc(lightLimit, st.c.Kill).Stop()
	if err := st.prepare(); err != nil {
		st.c.Close()
		return nil, err
	}
	return st, nil
}

func (st *stage) prepare() error {
	if _, _, err := st.c.Extension("SHAPE"); err != nil {
		return err
	}
	for _, name := range []string{
		"UTF8_STRING", "_NET_WM_NAME", "_NET_WM_PID", "_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_NOTIFICATION", opacity,
	} {
		atom, err := st.c.Atom(name)
		if err != nil {
			return err
		}
		st.atoms[name] = atom
	}
	st.arrow = st.openArrow()
	var err error
	if st.displays, err = st.c.Displays(); err != nil {
		return err
	}
	st.watched.Store(st.displays)
	if err := st.displays.Watch(); err != nil {
		return fmt.Errorf("watch monitors: %w", err)
	}
	if err := st.follow(); err != nil {
		return err
	}
	st.point()
	if err := st.listen(); err != nil {
		st.log.Warn("banner's buttons are dead while another program grabs the mouse", "err", err)
	}
	return nil
}

// openArrow gets the plain arrow; without it the windows show whatever pointer
// the desktop has.
func (st *stage) openArrow() xproto.Cursor {
	font, err := xproto.NewFontId(st.c.X)
	if err != nil {
		return 0
	}
	if err := xproto.OpenFontChecked(st.c.X, font, 6, "cursor").Check(); err != nil {
		return 0
	}
	defer xproto.CloseFont(st.c.X, font)
	id, err := xproto.NewCursorId(st.c.X)
	if err != nil {
		return 0
	}
	err = xproto.CreateGlyphCursorChecked(st.c.X, id, font, font, leftPtr, leftPtr+1,
		0, 0, 0, 0xffff, 0xffff, 0xffff).Check()
	if err != nil {
		return 0
	}
	return id
}

// event runs on the connection's reader.
func (st *stage) event(e x11.Event) {
	if d := st.watched.Load(); d != nil && d.Changed(e) {
		st.unsettled.Store(true)
	}
	select {
	case st.events <- e:
	default:
		st.dropped++
	}
}

// handle acts on one event.
func (st *stage) handle(e x11.Event) {
	switch e.Code() {
	case xproto.GeGeneric:
		st.deed(e)
	case xproto.ButtonPress, xproto.ButtonRelease, xproto.MotionNotify:
		st.mouse(e)
	case xproto.VisibilityNotify, xproto.UnmapNotify, xproto.DestroyNotify, xproto.ReparentNotify:
		if time.Since(st.checked) > eventGap {
			st.check()
		}
	default:
		st.settle()
	}
}

// settle follows the monitors if they have changed.
func (st *stage) settle() {
	if !st.unsettled.Swap(false) {
		return
	}
	if err := st.follow(); err != nil {
		st.unsettled.Store(true) // and the ticker tries again
		st.log.Warn("banner cannot follow the monitors", "err", err)
	}
}

// mouse hands a pointer event to the banner it happened on.
func (st *stage) mouse(e x11.Event) {
	win := xproto.Window(binary.LittleEndian.Uint32(e[12:]))
	for _, b := range st.banners {
		if b.win == win {
			b.mouse(st, e)
			return
		}
	}
}

// dress makes the banners anew when their language or size has changed.
func (st *stage) dress() {
	wished := st.lit.wished().look
	if wished == st.look {
		return
	}
	st.look = wished
	st.beat(nil)
	for id := range st.banners {
		st.remove(id)
	}
	st.unsettled.Store(true)
	st.settle()
}

// remove takes a banner away.
func (st *stage) remove(id screen.MonitorID) {
	b := st.banners[id]
	st.destroy(b.win, b.frame)
	st.free(b)
	delete(st.banners, id)
}

// shown is the places of the monitors that have a banner.
func (st *stage) shown() []image.Rectangle {
	var places []image.Rectangle
	for _, m := range st.layout {
		if b := st.banners[m.ID]; b != nil {
			places = append(places, b.monitor.Bounds)
		}
	}
	return places
}

// follow brings the banners to the monitors that are there now. Before one goes, or
// comes elsewhere, no monitor may be read any more until all were seen again.
func (st *stage) follow() error {
	layout, err := st.displays.Layout(st.layout)
	if err != nil {
		return err
	}
	if !layout.Equal(st.layout) {
		st.beat(nil)
	}
	st.layout = layout
	st.survey()
	for id, b := range st.banners {
		if m, ok := layout.Find(id); !ok || m.Bounds != b.monitor.Bounds {
			st.remove(id)
		}
	}
	for _, m := range layout {
		if st.banners[m.ID] != nil {
			continue
		}
		b, err := st.newBanner(m)
		if err != nil {
			return err
		}
		st.banners[m.ID] = b
	}
	st.paint()
	st.tell()
	return nil
}

// tell publishes the windows that are ours.
func (st *stage) tell() {
	var own []uint32
	for _, b := range st.banners {
		own = append(own, uint32(b.win), uint32(b.frame))
	}
	if st.sprite.win != 0 {
		own = append(own, uint32(st.sprite.win))
	}
	st.lit.own(own, st.c.Kill)
}

// artist returns the artist for a monitor: everything is drawn as large as the person
// has set, twice as large on one of very many pixels, and smaller where that is too
// large for the buttons and the shortest of words.
func (st *stage) artist(m screen.Monitor) (*artist, error) {
	percent := st.look.percent()
	if min(m.Bounds.Dx(), m.Bounds.Dy()) >= 1800 {
		percent *= 2
	}
	for {
		a, err := st.artistOf(percent)
		if err != nil || percent <= 100 || a.needs(st.look.texts) <= m.Bounds.Dx() {
			return a, err
		}
		percent = max(100, percent-sizeStep)
	}
}

func (st *stage) artistOf(percent int) (*artist, error) {
	if a := st.artists[percent]; a != nil {
		return a, nil
	}
	a, err := newArtist(percent)
	if err == nil {
		st.artists[percent] = a
	}
	return a, err
}

// window makes a window that no window manager touches; r is in desktop
// coordinates. It is not mapped yet.
func (st *stage) window(r xproto.Rectangle, colour, events uint32) (xproto.Window, error) {
	id, err := xproto.NewWindowId(st.c.X)
	if err != nil {
		return 0, err
	}
	err = xproto.CreateWindowChecked(st.c.X, st.c.Screen.RootDepth, id, st.c.Root, r.X, r.Y, r.Width, r.Height, 0,
		xproto.WindowClassInputOutput, st.c.Screen.RootVisual,
		xproto.CwBackPixel|xproto.CwOverrideRedirect|xproto.CwEventMask|xproto.CwCursor,
		[]uint32{colour, 1, events, uint32(st.arrow)}).Check()
	if err != nil {
		return 0, fmt.Errorf("create window: %w", err)
	}
	st.set(id, "_NET_WM_NAME", st.atoms["UTF8_STRING"], []byte("Assist"))
	pid := binary.LittleEndian.AppendUint32(nil, uint32(os.Getpid()))
	st.set(id, "_NET_WM_PID", xproto.AtomCardinal, pid)
	kind := binary.LittleEndian.AppendUint32(nil, uint32(st.atoms["_NET_WM_WINDOW_TYPE_NOTIFICATION"]))
	st.set(id, "_NET_WM_WINDOW_TYPE", xproto.AtomAtom, kind)
	return id, nil
}

// set writes a property; bytes stand for 32-bit values but in text.
func (st *stage) set(w xproto.Window, name string, kind xproto.Atom, data []byte) {
	format, n := byte(32), len(data)/4
	if kind == st.atoms["UTF8_STRING"] {
		format, n = 8, len(data)
	}
	xproto.ChangeProperty(st.c.X, xproto.PropModeReplace, w, st.atoms[name], kind, format, uint32(n), data)
}

// clickThrough makes a window let every click through.
func (st *stage) clickThrough(w xproto.Window) {
	shape.Rectangles(st.c.X, shape.SoSet, shape.SkInput, 0, w, 0, 0, nil)
}

func (st *stage) destroy(windows ...xproto.Window) {
	for _, w := range windows {
		if w != 0 {
			xproto.DestroyWindow(st.c.X, w)
		}
	}
}

// close takes every window away, waits until the server has done so, and ends the
// connection. A server that does not answer is left: the windows go with the connection.
func (st *stage) close() {
	defer time.AfterFunc(douseLimit, st.c.Kill).Stop()
	if st.c.Alive() {
		for id := range st.banners {
			st.remove(id)
		}
		st.destroy(st.sprite.win)
		_, _ = xproto.GetInputFocus(st.c.X).Reply() // a server answers in order
	}
	st.c.Close()
}
