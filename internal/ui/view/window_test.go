// SPDX-License-Identifier: Apache-2.0

package view

import (
	"errors"
	"image"
	"image/color"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"assist/assets"
	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/wire"
)

// fake is a session in memory.
type fake struct {
	record
	film
	state   State
	changed chan struct{}
	ladder  []string
	notes   chan string
	noteErr error
	closed  int
	mu      sync.Mutex
}

func (f *fake) State() State             { return f.state }
func (f *fake) Changed() <-chan struct{} { return f.changed }
func (f *fake) Stats() Stats {
	return Stats{FPS: 58, Delay: 12 * time.Millisecond, Bitrate: 640_000, Codec: "AV1"}
}
func (f *fake) Want(r consent.Rights) error    { return f.rung("want " + r.String()) }
func (f *fake) Release(r consent.Rights) error { return f.rung("release " + r.String()) }
func (f *fake) End()                           { _ = f.rung("end") }
func (f *fake) rung(s string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ladder = append(f.ladder, s)
	return nil
}

// tester is a window on the toolkit's test driver, whose goroutines do not run.
type tester struct {
	*Window
	*fake
	t   *testing.T
	now time.Time
}

func pair() screen.Layout {
	return screen.Layout{monitor(0, 0, 0, 1280, 800), monitor(1, 1280, 100, 1024, 600)}
}

func newTester(t *testing.T, s State) *tester {
	app := test.NewTempApp(t)
	app.Settings().SetTheme(palette{app.Settings().Theme()})
	text, err := assets.Texts("view", "en")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{state: s, changed: make(chan struct{}, 1), notes: make(chan string, 1)}
	f.film.next = make(chan *screen.Picture)
	w := build(Config{App: app, Log: slog.New(slog.DiscardHandler), Watcher: f, Pictures: &f.film, Hands: &f.record,
		Ladder: f, Paint: paintLuma, Machine: "4829 1730 5566", Reason: "printer", Text: Text(text),
		Note:   func(n string) error { f.notes <- n; return f.noteErr },
		Closed: func() { f.closed++ }})
	w.win.Resize(fyne.NewSize(1200, 900))
	t.Cleanup(func() {
		if w.cancel(); f.closed == 0 {
			w.win.Close()
		}
	})
	return &tester{w, f, t, s.Since}
}

// palette adds the app's own colours to the test theme.
type palette struct{ fyne.Theme }

func (p palette) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	if n == colorDrive || n == colorOnDrive || n == colorRing {
		return color.Black
	}
	return p.Theme.Color(n, v)
}

func live(r consent.Rights) State {
	return State{Layout: pair(), Rights: consent.RightView | r, Since: time.Unix(1_700_000_000, 0),
		Words: [3]string{"lemon", "bag", "storm"}}
}

// becomes lets a second pass and changes the session's state.
func (x *tester) becomes(change func(*State)) {
	change(&x.fake.state)
	x.now = x.now.Add(time.Second)
	x.apply(x.fake.state, x.now)
}

// sent is what reached the host.
func (x *tester) sent() string {
	x.box.flush()
	return x.record.take()
}

func (x *tester) expect(want string) {
	x.t.Helper()
	if got := x.sent(); got != want {
		x.t.Errorf("sent %q, want %q", got, want)
	}
}

// at is a mouse event at a device pixel of the main pane.
func (x *tester) at(px, py int, b desktop.MouseButton) *desktop.MouseEvent {
	p := x.main.pane
	e := &desktop.MouseEvent{Button: b}
	e.Position = fyne.NewPos(p.units(px), p.units(py))
	e.AbsolutePosition = e.Position.Add(fyne.CurrentApp().Driver().AbsolutePositionForObject(p))
	return e
}

func key(usage uint16) *fyne.KeyEvent {
	return &fyne.KeyEvent{Physical: fyne.HardwareKey{ScanCode: newKeyTable("linux").scan(usage)}}
}

func TestViewOnlySendsNothing(t *testing.T) {
	x := newTester(t, live(0))
	x.main.pane.MouseMoved(x.at(500, 400, 0))
	x.main.pane.MouseDown(x.at(500, 400, desktop.MouseButtonPrimary))
	x.main.pane.MouseUp(x.at(500, 400, desktop.MouseButtonPrimary))
	x.main.pane.KeyDown(key(0x04))
	x.expect("")
	if !strings.Contains(x.status.mid.Text, "ask for control") {
		t.Errorf("a dead click says nothing: %q", x.status.mid.Text)
	}
	if x.main.pane.AcceptsTab() {
		t.Error("Tab is caught without control")
	}
}

// Clicks land on the host pixel under the middle of the displayed one, on each
// monitor, fitted and at 1:1, at scales 1 and 1.25.
func TestClicksLand(t *testing.T) {
	for _, scale := range []float32{1, 1.25} {
		for _, actual := range []bool{false, true} {
			x := newTester(t, live(consent.RightControl))
			x.win.Canvas().(interface{ SetScale(float32) }).SetScale(scale)
			x.win.Resize(fyne.NewSize(1201, 903))
			x.zoom(actual)
			x.main.pane.Refresh()
			x.sent()
			for _, s := range x.main.pane.spots {
				if s.rect.Dx() < 100 {
					t.Fatalf("scale %v: no picture at %v", scale, s.rect)
				}
				for _, at := range []image.Point{s.rect.Min, s.rect.Max.Sub(image.Pt(1, 1)), s.rect.Min.Add(image.Pt(77, 53))} {
					x.main.pane.MouseDown(x.at(at.X, at.Y, desktop.MouseButtonPrimary))
					x.main.pane.MouseUp(x.at(at.X, at.Y, desktop.MouseButtonPrimary))
					h := s.toHost(at)
					b := wire.Button{Monitor: uint8(s.id), X: uint16(h.X), Y: uint16(h.Y), Button: 1, Down: true}
					down := spell(&b)
					b.Down = false
					x.expect(down + "; " + spell(&b))
				}
			}
		}
	}
}

// A drag that leaves the picture stays on its edge, and ends there.
func TestDragStaysOnItsMonitor(t *testing.T) {
	x := newTester(t, live(consent.RightControl))
	x.choose(1)
	x.sent()
	r := x.main.pane.spots[0].rect
	p := x.main.pane
	p.MouseDown(x.at(r.Min.X, r.Min.Y, desktop.MouseButtonSecondary))
	e := x.at(r.Max.X+40, r.Max.Y+900, 0)
	p.Dragged(&fyne.DragEvent{PointEvent: e.PointEvent})
	p.MouseUp(x.at(r.Max.X+40, r.Max.Y+900, desktop.MouseButtonSecondary))
	x.expect("button 3 down 1 0,0; move 1 1023,599; button 3 up 1 1023,599")
	p.MouseMoved(x.at(r.Max.X+40, r.Max.Y+900, 0))
	x.expect("")
}

// What the toolkit does not tell happens where the mouse is now, not where the last
// move was told.
func TestTapCatchesUp(t *testing.T) {
	x := newTester(t, live(consent.RightControl))
	x.choose(1)
	r := x.main.pane.spots[0].rect
	x.main.pane.MouseIn(x.at(r.Min.X+10, r.Min.Y+10, 0))
	x.sent()
	tap := x.main.pane.tap()
	at := x.main.pane.origin.Add(r.Max).Sub(image.Pt(1, 1))
	if !tap.wheel(at, 0, 1) || !tap.button(at, 4, true) || !tap.button(at, 4, false) {
		t.Error("not taken")
	}
	x.expect("move 1 1023,599; scroll 0,120; button 4 down 1 1023,599; button 4 up 1 1023,599")
	x.main.pane.MouseOut()
	if tap.wheel(at, 0, 1) || tap.button(at, 4, true) {
		t.Error("taken from outside the picture")
	}
}

func TestHeldKeysAreReleased(t *testing.T) {
	for name, lose := range map[string]func(*tester){
		"focus":   func(x *tester) { x.win.Canvas().Unfocus() },
		"revoked": func(x *tester) { x.becomes(func(s *State) { s.Rights = consent.RightView }) },
		"cut":     func(x *tester) { x.becomes(func(s *State) { s.Ended = wire.EndUserCut }) },
		"window":  func(x *tester) { x.win.Close() },
		"menu":    func(x *tester) { test.Tap(x.bar.keys) },
	} {
		t.Run(name, func(t *testing.T) {
			x := newTester(t, live(consent.RightControl))
			x.main.focus()
			x.main.pane.KeyDown(key(usageLeftShift))
			x.sent()
			lose(x)
			x.expect("release all")
			x.main.pane.KeyUp(key(usageLeftShift))
			x.expect("")
		})
	}
}

func TestChordLeavesThePicture(t *testing.T) {
	x := newTester(t, live(consent.RightControl))
	x.main.focus()
	for _, u := range []uint16{usageLeftCtrl, usageLeftAlt, usageLeftShift} {
		x.main.pane.KeyDown(key(u))
	}
	x.main.pane.KeyUp(key(usageLeftAlt))
	if x.win.Canvas().Focused() != fyne.Focusable(x.bar.control) {
		t.Error("the toolbar has no focus")
	}
	if got := x.sent(); !strings.HasSuffix(got, "key 0xe2 up; release all") {
		t.Error(got)
	}
	x.becomes(func(*State) {})
	if !strings.Contains(x.status.mid.Text, "Ctrl+Alt+Shift") {
		t.Errorf("the chord is not written: %q", x.status.mid.Text)
	}
}

func TestAskingForControl(t *testing.T) {
	x := newTester(t, live(0))
	test.Tap(x.bar.control)
	x.becomes(func(s *State) { s.Asked = consent.RightControl })
	if x.bar.control.Text != "Asking…" {
		t.Error(x.bar.control.Text)
	}
	test.Tap(x.bar.control)
	x.becomes(func(s *State) { s.Asked, s.Denials = 0, 1 })
	if x.status.mid.Text != "Not granted by the user, or not allowed here by your unit" || x.bar.control.Text != "Ask for control" {
		t.Error(x.status.mid.Text, x.bar.control.Text)
	}
	x.becomes(func(s *State) { s.Rights |= consent.RightControl })
	x.becomes(func(s *State) { s.Pictures = wire.PauseUser })
	if !strings.HasPrefix(x.status.left.Text, "paused") {
		t.Errorf("while paused: %q", x.status.left.Text)
	}
	x.becomes(func(s *State) { s.Pictures = wire.PauseNone })
	if x.win.Canvas().Focused() != fyne.Focusable(x.main.pane) {
		t.Error("control came without the keyboard")
	}
	test.Tap(x.bar.control)
	x.sent()
	if got := strings.Join(x.ladder, "; "); got != "want control; release control" {
		t.Error(got)
	}
}

func TestTextMode(t *testing.T) {
	x := newTester(t, live(consent.RightControl))
	y := x.bar.typing
	y.open()
	if !y.root.Visible() || x.win.Canvas().Focused() != fyne.Focusable(y.text) || y.text.AcceptsTab() {
		t.Error("the row of text mode is not ready")
	}
	y.text.SetText("ñ ß\n")
	y.send()
	x.expect(`text "ñ ß"; key 0x28 down; key 0x28 up`)
	if y.text.Text != "" {
		t.Error("the text is still there")
	}
	x.becomes(func(s *State) { s.Rights = consent.RightView })
	x.sent()
	y.text.SetText("more")
	y.send()
	x.expect("")
	if y.text.Text == "" || !strings.Contains(x.status.mid.Text, "ask for control") {
		t.Error("text that could not be typed is lost, or nothing is said")
	}
	y.close()
	if y.root.Visible() {
		t.Error("the row does not close")
	}
}

func TestPointing(t *testing.T) {
	x := newTester(t, live(0))
	test.Tap(x.bar.pointer)
	x.sent()
	if got := strings.Join(x.ladder, "; "); got != "want point" {
		t.Error(got)
	}
	x.becomes(func(s *State) { s.Rights |= consent.RightPoint })
	test.Tap(x.bar.pointer)
	x.choose(0)
	x.sent()
	r := x.main.pane.spots[0].rect
	x.main.pane.MouseIn(x.at(r.Min.X, r.Min.Y, 0))
	x.expect("point 0 0,0 true")
	if x.main.pane.Cursor() != desktop.Cursor(x.look.laser) {
		t.Error("no laser")
	}
	x.main.pane.MouseOut()
	x.expect("point 0 0,0 false")
	x.becomes(func(s *State) { s.Rights = consent.RightView })
	if x.points {
		t.Error("still pointing without the right")
	}
}

func TestFrozenPictureSaysWhy(t *testing.T) {
	x := newTester(t, live(0))
	x.draw(0, image.NewRGBA(image.Rect(0, 0, 8, 8)), image.Rect(0, 0, 8, 8))
	for _, c := range []struct {
		change func(*State)
		want   string
	}{
		{func(s *State) { s.Pictures = wire.PauseUser }, "The user has paused"},
		{func(s *State) { s.Pictures = wire.PauseLamp }, "The banner is not seen"},
		{func(s *State) { s.Pictures = wire.PauseDialog }, "being asked"},
		{func(s *State) { s.Silent = x.now.Add(-2 * time.Second) }, "Network lost — 3 s"},
	} {
		x.becomes(c.change)
		if v := x.main.veil; !v.root.Visible() || !v.grey.Visible() || !strings.Contains(v.text.Text, c.want) {
			t.Errorf("%q, want %q", v.text.Text, c.want)
		}
	}
	x.becomes(func(s *State) { s.Pictures, s.Silent = 0, time.Time{} })
	if x.main.veil.root.Visible() {
		t.Error("still veiled")
	}
	x.becomes(func(s *State) { s.Rights |= consent.RightControl })
	for cause := wire.PauseUser; cause <= wire.PausePresence; cause++ {
		if held := x.c.Text.held(cause); held == "" || strings.HasPrefix(held, "view.") {
			t.Errorf("cause %d: %q", cause, held)
		}
	}
}

func TestMonitorsComeAndGo(t *testing.T) {
	x := newTester(t, live(0))
	x.choose(1)
	x.becomes(func(s *State) { s.Layout = s.Layout[:1] })
	if len(x.main.pane.spots) != 1 || x.main.pane.spots[0].id != 0 || len(x.bar.choices) != 1 {
		t.Error("the unplugged monitor is still shown")
	}
	x.becomes(func(s *State) { s.Layout = pair() })
	x.spreadOut()
	if len(x.apart) != 1 || len(x.main.pane.spots) != 1 {
		t.Errorf("%d windows apart", len(x.apart))
	}
	x.choose(-1)
	if len(x.apart) != 0 || len(x.main.pane.spots) != 2 {
		t.Error("all monitors are not back in one window")
	}
	x.sent()
	want := [][]screen.MonitorID{{0, 1}, {1}, {0}, {0, 1}}
	if got := x.film.watched; len(got) != len(want) {
		t.Errorf("watched %v, want %v", got, want)
	}
}

func TestStatusLine(t *testing.T) {
	x := newTester(t, live(0))
	x.becomes(func(*State) {})
	if got := x.status.left.Text; got != "view only · 58 fps · 12 ms · 640 kbit/s · direct · AV1" {
		t.Error(got)
	}
	if got := x.status.right.Text; got != "lemon – bag – storm    00:01" {
		t.Error(got)
	}
	if got := x.c.Text.rate(2_440_000); got != "2.4 Mbit/s" {
		t.Error(got)
	}
}

func TestPointerShape(t *testing.T) {
	x := newTester(t, live(0))
	p := x.main.pane
	x.becomes(func(s *State) {
		s.Cursor = &screen.Cursor{Serial: 1, Size: image.Pt(2, 2), Hot: image.Pt(1, 1), Pix: make([]byte, 16)}
		s.Place = screen.CursorPlace{Monitor: 0, At: image.Pt(100, 100), Visible: true}
	})
	if !p.cursor.Visible() || p.Cursor() != desktop.Cursor(desktop.DefaultCursor) {
		t.Error("while watching the host's pointer is drawn, the own one stays")
	}
	x.becomes(func(s *State) { s.Rights |= consent.RightControl })
	p.MouseIn(x.at(600, 400, 0))
	if p.cursor.Visible() || p.Cursor() != desktop.Cursor(x.look.host) {
		t.Error("while driving the own mouse wears the host's shape")
	}
	x.becomes(func(s *State) { s.Input = wire.PauseLocalInput })
	if !p.cursor.Visible() || p.Cursor() != desktop.Cursor(desktop.DefaultCursor) {
		t.Error("while the person has the mouse theirs is shown")
	}
	x.becomes(func(s *State) { s.Input, s.Place.Visible = 0, false })
	if p.cursor.Visible() || p.Cursor() != desktop.Cursor(desktop.HiddenCursor) {
		t.Error("a hidden pointer is shown")
	}
}

func TestFullScreenLeavesOnlyATab(t *testing.T) {
	x := newTester(t, live(0))
	x.fullScreen(true)
	if x.bar.root.Visible() || x.status.root.Visible() || !x.bar.tab.Visible() {
		t.Error("bars are still there")
	}
	if x.main.root.Size() != x.page.Size() {
		t.Error("the picture does not fill the screen")
	}
	test.Tap(x.bar.unfold)
	if !x.bar.root.Visible() {
		t.Error("the tab does not unfold the toolbar")
	}
	x.fullScreen(false)
	if !x.status.root.Visible() || x.bar.tab.Visible() {
		t.Error("full screen does not end")
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := Open(Config{}); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}
