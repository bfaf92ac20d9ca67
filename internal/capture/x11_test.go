// SPDX-License-Identifier: Apache-2.0

//go:build linux

package capture

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"

	"assist/internal/consent"
	"assist/internal/screen"
	"assist/internal/x11"
	"assist/internal/x11/x11test"
)

// painter is another client that draws on the screens.
type painter struct {
	t  testing.TB
	c  *x11.Conn
	gc xproto.Gcontext
}

func newPainter(t testing.TB) *painter {
	t.Helper()
	c, err := x11.Dial("", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	p := &painter{t: t, c: c}
	if p.gc, err = xproto.NewGcontextId(c.X); err != nil {
		t.Fatal(err)
	}
	p.check(xproto.CreateGCChecked(c.X, p.gc, xproto.Drawable(c.Root), xproto.GcSubwindowMode,
		[]uint32{xproto.SubwindowModeIncludeInferiors}).Check())
	if _, _, err := c.Extension("RANDR"); err != nil {
		t.Fatal(err)
	}
	_, err = randr.QueryVersion(c.X, 1, 5).Reply()
	p.check(err)
	return p
}

func (p *painter) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// fill paints a rectangle of the desktop in one colour.
func (p *painter) fill(r image.Rectangle, colour uint32) {
	p.t.Helper()
	p.check(xproto.ChangeGCChecked(p.c.X, p.gc, xproto.GcForeground, []uint32{colour}).Check())
	p.check(xproto.PolyFillRectangleChecked(p.c.X, xproto.Drawable(p.c.Root), p.gc, []xproto.Rectangle{{
		X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy()),
	}}).Check())
}

// noise paints random pixels and returns them, as B, G, R, unused.
func (p *painter) noise(r image.Rectangle) []byte {
	p.t.Helper()
	rnd := rand.New(rand.NewPCG(uint64(r.Min.X), uint64(r.Dx())))
	pix := make([]byte, 4*area(r))
	for i := range pix {
		if i%4 != 3 {
			pix[i] = byte(rnd.Uint32())
		}
	}
	rows := 60000 / (4 * r.Dx())
	for y := 0; y < r.Dy(); y += rows {
		h := min(rows, r.Dy()-y)
		p.check(xproto.PutImageChecked(p.c.X, xproto.ImageFormatZPixmap, xproto.Drawable(p.c.Root), p.gc,
			uint16(r.Dx()), uint16(h), int16(r.Min.X), int16(r.Min.Y+y), 0, 24, pix[4*r.Dx()*y:4*r.Dx()*(y+h)]).Check())
	}
	return pix
}

// monitor defines a monitor, as plugging one in would.
func (p *painter) monitor(name string, r image.Rectangle) {
	p.t.Helper()
	atom, err := p.c.Atom(name)
	p.check(err)
	res, err := randr.GetScreenResourcesCurrent(p.c.X, p.c.Root).Reply()
	p.check(err)
	info := randr.MonitorInfo{
		Name: atom, X: int16(r.Min.X), Y: int16(r.Min.Y), Width: uint16(r.Dx()), Height: uint16(r.Dy()),
		WidthInMillimeters: 100, HeightInMillimeters: 100,
	}
	if name == "A" { // takes the only output, whose own monitor goes away
		info.NOutput, info.Outputs = 1, res.Outputs[:1]
	}
	p.check(randr.SetMonitorChecked(p.c.X, p.c.Root, info).Check())
}

func (p *painter) unplug(name string) {
	p.t.Helper()
	atom, err := p.c.Atom(name)
	p.check(err)
	p.check(randr.DeleteMonitorChecked(p.c.X, p.c.Root, atom).Check())
}

func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// next waits for the next frame, also until the monitor has its banner.
func next(t testing.TB, s *Screens, id screen.MonitorID) *screen.Frame {
	t.Helper()
	for ctx := limit(t); ; {
		f, err := s.Next(ctx, id)
		switch {
		case err == nil:
			return f
		case !errors.Is(err, consent.ErrPaused):
			t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// settle reads until the frame holds want in r; what comes before is what was
// drawn earlier.
func settle(t testing.TB, s *Screens, id screen.MonitorID, r image.Rectangle, want []byte) *screen.Frame {
	t.Helper()
	for {
		f := next(t, s, id)
		if holds(f, r, want) {
			return f
		}
	}
}

func holds(f *screen.Frame, r image.Rectangle, want []byte) bool {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			i, j := y*f.Stride+4*x, 4*((y-r.Min.Y)*r.Dx()+x-r.Min.X)
			if f.Pix[i] != want[j] || f.Pix[i+1] != want[j+1] || f.Pix[i+2] != want[j+2] {
				return false
			}
		}
	}
	return true
}

// still fails the test when the monitor reports a change within a while.
func still(t testing.TB, s *Screens, id screen.MonitorID) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if f, err := s.Next(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("still screen gave %v, %v", f, err)
	}
}

func TestFirstFrameIsWholeThenOnlyDamage(t *testing.T) {
	x11test.Start(t, "643x481")
	p := newPainter(t)
	all := image.Rect(0, 0, 643, 481)
	pix := p.noise(all)
	s, _ := openScreens(t)
	f := next(t, s, 0)
	if f.Size != all.Size() || !holds(f, all, pix) || len(f.Damage) != 1 || f.Damage[0] != all {
		t.Fatalf("first frame: size %v, damage %v, exact %v", f.Size, f.Damage, holds(f, all, pix))
	}
	still(t, s, 0)
	spot := image.Rect(101, 57, 142, 88)
	pix = p.noise(spot)
	f = settle(t, s, 0, spot, pix)
	for _, r := range f.Damage {
		if !r.In(spot) {
			t.Errorf("damage %v is not in what was drawn, %v", r, spot)
		}
	}
	still(t, s, 0)
}

func TestManyChangesStayBounded(t *testing.T) {
	x11test.Start(t, "1000x800")
	p := newPainter(t)
	s, _ := openScreens(t)
	next(t, s, 0)
	for i := range 400 {
		at := image.Pt(i%20*50, i/20*40)
		p.fill(image.Rectangle{Min: at, Max: at.Add(image.Pt(3, 3))}, uint32(0x10203+i))
	}
	f := next(t, s, 0)
	if len(f.Damage) > maxRects {
		t.Fatalf("%d rectangles", len(f.Damage))
	}
	last := image.Rect(950, 760, 953, 763)
	colour := uint32(0x10203 + 399)
	want := make([]byte, 0, 36)
	for range 9 {
		want = append(want, byte(colour), byte(colour>>8), byte(colour>>16), 0)
	}
	if !holds(f, last, want) {
		t.Error("the last change is not in the frame")
	}
}

func TestTwoMonitors(t *testing.T) {
	x11test.Start(t, "1000x600")
	p := newPainter(t)
	p.monitor("A", image.Rect(0, 0, 601, 600))
	p.monitor("B", image.Rect(601, 50, 1000, 450))
	s, _ := openScreens(t)
	l := s.Layout()
	if len(l) != 2 || l[0].Bounds != image.Rect(0, 0, 601, 600) || l[1].Bounds != image.Rect(601, 50, 1000, 450) {
		t.Fatalf("layout %+v", l)
	}
	next(t, s, 0)
	next(t, s, 1)
	pix := p.noise(image.Rect(700, 100, 731, 120))
	settle(t, s, 1, image.Rect(99, 50, 130, 70), pix)
	still(t, s, 0)
}

func TestHotPlug(t *testing.T) {
	x11test.Start(t, "1000x600")
	p := newPainter(t)
	p.monitor("A", image.Rect(0, 0, 600, 600))
	p.monitor("B", image.Rect(600, 0, 1000, 400))
	s, _ := openScreens(t)
	next(t, s, 1)
	if c := change(t, s); len(c.Layout) != 2 {
		t.Fatalf("first change %+v", c)
	}
	gone := make(chan error, 1)
	ctx := limit(t)
	go func() { _, err := s.Next(ctx, 1); gone <- err }()
	p.unplug("B")
	if err := <-gone; !errors.Is(err, ErrGone) {
		t.Fatalf("unplugged: %v", err)
	}
	layout := changed(t, s)
	if len(layout) != 1 || layout[0].Name != "A" {
		t.Fatalf("after unplugging: %+v", layout)
	}
	p.monitor("C", image.Rect(601, 1, 994, 378))
	if layout = changed(t, s); len(layout) != 2 || layout[1].ID != 1 || layout[1].Name != "C" {
		t.Fatalf("after plugging: %+v", layout)
	}
	if f := next(t, s, 1); f.Size != image.Pt(393, 377) {
		t.Fatalf("size of the new monitor: %v", f.Size)
	}
}

func TestResize(t *testing.T) {
	x11test.Start(t, "1024x768")
	p := newPainter(t)
	p.monitor("A", image.Rect(0, 0, 1024, 768))
	s, _ := openScreens(t)
	next(t, s, 0)
	change(t, s)
	p.unplug("A")
	p.monitor("A", image.Rect(11, 7, 812, 606))
	for changed(t, s)[0].Bounds != image.Rect(11, 7, 812, 606) {
		continue // the moment between both
	}
	if f := next(t, s, 0); f.Size != image.Pt(801, 599) || f.Damage[0] != image.Rect(0, 0, 801, 599) {
		t.Fatalf("frame %v, damage %v", f.Size, f.Damage)
	}
}

func change(t testing.TB, s *Screens) screen.Change {
	t.Helper()
	c, err := s.Change(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// changed waits for the next layout.
func changed(t testing.TB, s *Screens) screen.Layout {
	t.Helper()
	for {
		if c := change(t, s); c.Layout != nil {
			return c.Layout
		}
	}
}

func TestPointer(t *testing.T) {
	x11test.Start(t, "800x600")
	p := newPainter(t)
	s, _ := openScreens(t)
	var first [3]bool
	for range 3 {
		c := change(t, s)
		first[0] = first[0] || c.Layout != nil
		first[1] = first[1] || c.Cursor != nil
		first[2] = first[2] || c.Place != nil
	}
	if first != [3]bool{true, true, true} {
		t.Fatalf("the first three changes told layout, shape, place: %v", first)
	}
	p.check(xproto.WarpPointerChecked(p.c.X, 0, p.c.Root, 0, 0, 0, 0, 123, 234).Check())
	if c := change(t, s); c.Place == nil || c.Place.At != image.Pt(123, 234) || !c.Place.Visible {
		t.Fatalf("after a move: %+v", c.Place)
	}
	p.shape()
	c := change(t, s)
	if c.Cursor == nil || c.Cursor.Size != image.Pt(16, 16) || c.Cursor.Hot != image.Pt(3, 5) {
		t.Fatalf("after a new shape: %+v", c.Cursor)
	}
	if at := c.Cursor.Pix[:4]; at[0] != 255 || at[1] != 0 || at[2] != 0 || at[3] != 255 {
		t.Errorf("first pixel of a red pointer: %v", at)
	}
}

// shape gives the root window a red 16x16 pointer.
func (p *painter) shape() {
	p.t.Helper()
	pix, err := xproto.NewPixmapId(p.c.X)
	p.check(err)
	p.check(xproto.CreatePixmapChecked(p.c.X, 1, pix, xproto.Drawable(p.c.Root), 16, 16).Check())
	gc, err := xproto.NewGcontextId(p.c.X)
	p.check(err)
	p.check(xproto.CreateGCChecked(p.c.X, gc, xproto.Drawable(pix), xproto.GcForeground, []uint32{1}).Check())
	p.check(xproto.PolyFillRectangleChecked(p.c.X, xproto.Drawable(pix), gc,
		[]xproto.Rectangle{{Width: 16, Height: 16}}).Check())
	cur, err := xproto.NewCursorId(p.c.X)
	p.check(err)
	p.check(xproto.CreateCursorChecked(p.c.X, cur, pix, pix, 0xffff, 0, 0, 0, 0, 0, 3, 5).Check())
	p.check(xproto.ChangeWindowAttributesChecked(p.c.X, p.c.Root, xproto.CwCursor, []uint32{uint32(cur)}).Check())
}

func TestNothingAfterRevoke(t *testing.T) {
	x11test.Start(t, "400x300")
	p := newPainter(t)
	s, lease := openScreens(t)
	next(t, s, 0)
	blocked := make(chan error, 2)
	go func() { _, err := s.Next(context.Background(), 0); blocked <- err }()
	lease.Revoke(errors.New("enough"))
	p.fill(image.Rect(0, 0, 50, 50), 0xff)
	if err := <-blocked; !errors.Is(err, consent.ErrRevoked) {
		t.Errorf("waiting Next: %v", err)
	}
	<-time.After(2 * frameGap) // or else the wait between two frames would refuse, not the view
	if f, err := s.Next(limit(t), 0); f != nil || !errors.Is(err, consent.ErrRevoked) {
		t.Errorf("later Next: %v, %v", f, err)
	}
	if _, err := s.Change(limit(t)); !errors.Is(err, consent.ErrRevoked) {
		t.Errorf("later Change: %v", err)
	}
}

func TestPauseKeepsWhatChanged(t *testing.T) {
	x11test.Start(t, "400x300")
	p := newPainter(t)
	s, lease := openScreens(t)
	next(t, s, 0)
	lease.Pause()
	spot := image.Rect(10, 10, 30, 30)
	pix := p.noise(spot)
	if _, err := s.Next(limit(t), 0); !errors.Is(err, consent.ErrPaused) {
		t.Fatalf("paused: %v", err)
	}
	lease.Resume()
	settle(t, s, 0, spot, pix)
}

func TestServerDies(t *testing.T) {
	server := x11test.Start(t, "400x300")
	s, _ := openScreens(t)
	next(t, s, 0)
	for range 3 {
		change(t, s)
	}
	lost := make(chan error, 2)
	go func() { _, err := s.Next(context.Background(), 0); lost <- err }()
	go func() { _, err := s.Change(context.Background()); lost <- err }()
	server.Kill()
	for range 2 {
		if err := <-lost; !errors.Is(err, ErrLost) {
			t.Errorf("after the server's death: %v", err)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	x11test.Start(t, "400x300")
	s, _ := openScreens(t)
	next(t, s, 0)
	ended := make(chan error, 1)
	go func() { _, err := s.Next(context.Background(), 0); ended <- err }()
	s.Close()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("waiting Next: %v", err)
	}
	s.Close()
	deadline := time.After(30 * time.Second)
	for left := goroutines(); left != ""; left = goroutines() {
		select {
		case <-deadline:
			t.Fatalf("goroutines left:\n%s", left)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// goroutines returns the stacks that are in this package or the X library, but
// for the test's own.
func goroutines() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var left []string
	for _, g := range strings.Split(string(buf), "\n\n")[1:] {
		if strings.Contains(g, "jezek/xgb") || strings.Contains(g, "capture.(*") {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}

func TestWithoutSharedMemory(t *testing.T) {
	x11test.Start(t, "641x479", "-extension", "MIT-SHM")
	p := newPainter(t)
	all := image.Rect(0, 0, 641, 479)
	pix := p.noise(all)
	s, _ := openScreens(t)
	if !holds(next(t, s, 0), all, pix) {
		t.Error("pixels differ")
	}
}

func TestOpenWithoutRightOrDisplay(t *testing.T) {
	if _, err := Open(consent.View{}, slog.New(slog.DiscardHandler)); !errors.Is(err, consent.ErrNotGranted) {
		t.Errorf("zero view: %v", err)
	}
	t.Setenv("DISPLAY", "")
	if _, err := Monitors(); !errors.Is(err, x11.ErrNoDisplay) {
		t.Errorf("no display: %v", err)
	}
}

func BenchmarkNextSmall(b *testing.B) { benchmarkNext(b, image.Rect(640, 480, 704, 544)) }
func BenchmarkNextFull(b *testing.B)  { benchmarkNext(b, image.Rect(0, 0, 1920, 1080)) }

// benchmarkNext times reading what was drawn, without the drawing and the pacing.
func benchmarkNext(b *testing.B, r image.Rectangle) {
	x11test.Start(b, "1920x1080")
	p := newPainter(b)
	s, _ := openScreens(b)
	if _, err := s.Next(b.Context(), 0); err != nil {
		b.Fatal(err)
	}
	pic := &s.pictures[0]
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		news := s.feed.pixelNews()
		p.fill(r, uint32(i))
		<-news
		pic.taken = time.Time{}
		b.StartTimer()
		if _, err := s.Next(b.Context(), 0); err != nil {
			b.Fatal(err)
		}
	}
}
