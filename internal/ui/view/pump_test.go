// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"errors"
	"image"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assist/internal/screen"
)

// film is a Pictures whose pictures the test releases one by one.
type film struct {
	mu      sync.Mutex
	watched [][]screen.MonitorID
	next    chan *screen.Picture
	err     error // what Picture answers next, once
}

func (f *film) Picture(ctx context.Context, _ screen.MonitorID) (*screen.Picture, error) {
	f.mu.Lock()
	err := f.err
	f.err = nil
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case p := <-f.next:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *film) Watch(ids []screen.MonitorID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watched = append(f.watched, ids)
	return nil
}

// grey is a picture of one luma.
func grey(size image.Point, luma byte) *screen.Picture {
	c := (size.X + 1) / 2 * ((size.Y + 1) / 2)
	p := &screen.Picture{Size: size, StrideY: size.X, StrideC: (size.X + 1) / 2,
		Y: make([]byte, size.X*size.Y), U: make([]byte, c), V: make([]byte, c)}
	for i := range p.Y {
		p.Y[i] = luma
	}
	return p
}

// paintLuma is the simplest Paint: the first luma everywhere.
func paintLuma(p *screen.Picture, dst *image.RGBA) {
	for i := range dst.Pix {
		dst.Pix[i] = p.Y[0]
	}
}

// bench runs a pump whose window changes over only when told to.
type bench struct {
	*pump
	film  *film
	calls chan func()
	shown []*image.RGBA
}

func newBench(ctx context.Context) *bench {
	b := &bench{film: &film{next: make(chan *screen.Picture, 8)}, calls: make(chan func(), 8)}
	b.pump = newPump(0, b.film, paintLuma)
	b.post = func(f func()) { b.calls <- f }
	b.show = func(img *image.RGBA, _ image.Rectangle) { b.shown = append(b.shown, img) }
	go b.run(ctx, nil)
	return b
}

func TestPumpWaitsForTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBench(ctx)
		size := image.Pt(8, 4)
		for luma := range byte(3) {
			b.film.next <- grey(size, 10+luma)
		}
		synctest.Wait()
		if len(b.calls) != 1 || len(b.film.next) != 2 {
			t.Fatalf("%d refreshes wait, %d pictures left", len(b.calls), len(b.film.next))
		}
		for range 3 {
			(<-b.calls)()
			synctest.Wait()
		}
		if len(b.shown) != 3 || b.shown[0] == b.shown[1] || b.shown[0] != b.shown[2] {
			t.Errorf("%d shown; two buffers must take turns", len(b.shown))
		}
		if got := b.shown[1].Pix[0]; got != 11 {
			t.Errorf("the buffer on display was written: %d", got)
		}
		cancel()
		<-b.done
	})
}

func TestPumpConvertsAnewOnResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBench(ctx)
		b.resize(image.Pt(4, 2))
		b.film.next <- grey(image.Pt(8, 4), 9)
		(<-b.calls)()
		b.resize(image.Pt(6, 3))
		(<-b.calls)()
		b.resize(image.Pt(16, 8))
		(<-b.calls)()
		synctest.Wait()
		for i, want := range []image.Point{{X: 4, Y: 2}, {X: 6, Y: 3}, {X: 8, Y: 4}} {
			if got := b.shown[i].Rect.Size(); got != want {
				t.Errorf("picture %d: %v, want %v", i, got, want)
			}
		}
		cancel()
		<-b.done
	})
}

func TestPumpGoesOnAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBench(ctx)
		synctest.Wait()
		b.film.err = errors.New("lost")
		b.film.next <- grey(image.Pt(8, 4), 1)
		(<-b.calls)()
		start := time.Now()
		b.film.next <- grey(image.Pt(8, 4), 2)
		(<-b.calls)()
		if time.Since(start) < retryAfter {
			t.Error("no pause after an error")
		}
		cancel()
		<-b.done
	})
}

func TestPumpEndsWhileTheWindowIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBench(ctx)
		b.film.next <- grey(image.Pt(8, 4), 1)
		synctest.Wait()
		cancel()
		<-b.done
		(<-b.calls)() // the window's turn comes late: it must not block
	})
}
