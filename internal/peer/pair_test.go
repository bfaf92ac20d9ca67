// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"image"
	"math"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/transport/v4"

	"assist/internal/screen"
	"assist/internal/video"
)

// soon is how long a test waits for what must come, on a busy machine too.
const soon = 30 * time.Second

// wireEnd is one end of a signalling path in memory.
type wireEnd struct {
	out chan<- []byte
	in  <-chan []byte
	bad func([]byte) []byte // what a lying server does to what this end sends
}

func newWire() (a, b *wireEnd) {
	x, y := make(chan []byte, 256), make(chan []byte, 256)
	return &wireEnd{out: x, in: y}, &wireEnd{out: y, in: x}
}

func (w *wireEnd) Send(ctx context.Context, b []byte) error {
	if w.bad != nil {
		b = w.bad(b)
	}
	select {
	case w.out <- append([]byte(nil), b...):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *wireEnd) Receive(ctx context.Context) ([]byte, error) {
	select {
	case b := <-w.in:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pair is both ends of one connection in one process.
type pair struct {
	host       *Host
	technician *Technician
	hostErr    error
	techErr    error
}

// setup is how a pair differs from the usual one.
type setup struct {
	change             func(host, technician *Config)
	hostNet            transport.Net
	techNet            transport.Net
	timing             timing
	limit              time.Duration       // to connect; soon when zero
	signaled, answered func([]byte) []byte // what a lying server makes of the host's and the technician's messages
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func identity(t testing.TB) *Identity {
	t.Helper()
	i, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// tryPair connects two ends and returns what came of it.
func tryPair(t testing.TB, s setup) *pair {
	t.Helper()
	h, v := identity(t), identity(t)
	a, b := newWire()
	a.bad, b.bad = s.signaled, s.answered
	hc := Config{Identity: h, Remote: v.Fingerprint(), Signaler: a, Allow: anywhere, network: s.hostNet, timing: s.timing}
	tc := Config{Identity: v, Remote: h.Fingerprint(), Signaler: b, network: s.techNet, timing: s.timing}
	if s.change != nil {
		s.change(&hc, &tc)
	}
	p := &pair{}
	if s.limit == 0 {
		s.limit = soon
	}
	ctx := within(t, s.limit)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.technician, p.techErr = ConnectTechnician(ctx, tc)
	}()
	p.host, p.hostErr = ConnectHost(ctx, hc)
	<-done
	t.Cleanup(p.close)
	return p
}

// anywhere is a unit that lets anybody help from everywhere.
func anywhere(netip.Addr) bool { return true }

func newPair(t testing.TB, s setup) *pair {
	t.Helper()
	p := tryPair(t, s)
	if err := errors.Join(p.hostErr, p.techErr); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *pair) close() {
	if p.host != nil {
		_ = p.host.Close()
		<-p.host.released
	}
	if p.technician != nil {
		_ = p.technician.Close()
		<-p.technician.released
	}
}

// always permits.
func always(f func() error) error { return f() }

// picture draws something that differs with n: a checkered field with a bright
// square whose place tells n.
func picture(id screen.MonitorID, size image.Point, n int) *screen.Frame {
	f := &screen.Frame{Monitor: id, Size: size, Stride: 4 * size.X, Pix: make([]byte, 4*size.X*size.Y), Taken: time.Now()}
	f.Damage = []image.Rectangle{{Max: size}}
	for y := range size.Y {
		for x := range size.X {
			v := byte(60 + 40*((x/16+y/16)%2) + x%16)
			i := y*f.Stride + 4*x
			f.Pix[i], f.Pix[i+1], f.Pix[i+2] = v, v+byte(10*(n%5)), v/2
		}
	}
	mark(f, n, 230)
	return f
}

// mark draws the square of n.
func mark(f *screen.Frame, n int, c byte) image.Rectangle {
	at := image.Pt(8*(n%12), 8*(n/12%6))
	r := image.Rectangle{Min: at, Max: at.Add(image.Pt(16, 16))}.Intersect(image.Rectangle{Max: f.Size})
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			i := y*f.Stride + 4*x
			f.Pix[i], f.Pix[i+1], f.Pix[i+2] = c, c, c
		}
	}
	return r
}

// likeness is the PSNR, in dB, of a decoded picture against the frame it shows.
func likeness(f *screen.Frame, p *screen.Picture) float64 {
	if f.Size != p.Size {
		return 0
	}
	m := image.NewRGBA(image.Rectangle{Max: p.Size})
	video.ToRGBA(p, m)
	var sum float64
	for y := range f.Size.Y {
		for x := range f.Size.X {
			a, b := f.Pix[y*f.Stride+4*x:], m.Pix[y*m.Stride+4*x:]
			for c, d := range [3]byte{b[2], b[1], b[0]} {
				e := float64(a[c]) - float64(d)
				sum += e * e
			}
		}
	}
	mse := sum / float64(3*f.Size.X*f.Size.Y)
	return min(10*math.Log10(255*255/max(mse, 1e-9)), 99)
}

// awaitPicture reads pictures until one is as good as asked.
func (p *pair) awaitPicture(t testing.TB, f *screen.Frame, db float64) {
	t.Helper()
	ctx := within(t, soon)
	best := 0.0
	for {
		got, err := p.technician.Picture(ctx, f.Monitor)
		if err != nil {
			t.Fatalf("no picture above %.1f dB, best %.1f: %v; host %+v; technician %+v",
				db, best, err, p.host.Stats(), p.technician.Stats())
		}
		if best = max(best, likeness(f, got)); best >= db {
			return
		}
	}
}

func (p *pair) show(t testing.TB, f *screen.Frame) {
	t.Helper()
	if err := p.host.Show(within(t, soon), f, always); err != nil {
		t.Fatal(err)
	}
}

// refineAll refines until nothing is left to gain.
func (p *pair) refineAll(t testing.TB, id screen.MonitorID) int {
	t.Helper()
	for n := 0; ; n++ {
		more, err := p.host.Refine(within(t, soon), id, always)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return n
		}
	}
}

// gate is a permit that can be shut.
type gate struct{ shut atomic.Bool }

var errShut = errors.New("shut")

func (g *gate) do(f func() error) error {
	if g.shut.Load() {
		return errShut
	}
	return f()
}

// until waits for something that happens on another goroutine.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited until %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
