// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/xproto"
)

var (
	errNotSeen = errors.New("the host's window does not appear on the viewer's display")
	errNoKeys  = errors.New("keys pressed on the viewer's display do not reach the host")
)

const (
	pollEvery  = 2 * time.Millisecond // of the viewer's display
	settleTime = 1500 * time.Millisecond
	keyLimit   = 2 * time.Second // a key that has no effect by then is lost
	keyCode    = 38              // the letter next to Caps Lock
	locateTry  = 5
)

// target is a running session between two displays: everything that is known
// about the programs that are measured.
type target struct {
	Name               string
	HostDisplay        string
	ViewDisplay        string
	HostPIDs, ViewPIDs []int
	Interface          string // whose bytes are counted
}

// options are how much is measured.
type options struct {
	At       image.Point   // where the window lies on the host's display
	Size     image.Point   // of the window
	Duration time.Duration // of each work
	FPS      int           // drawn
	Keys     int           // key presses; 0 leaves them out
}

// result is one line of the table.
type result struct {
	Target  string  `json:"target"`
	Work    string  `json:"work"`
	FPS     float64 `json:"fps"`
	Drawn   float64 `json:"drawn_fps"`
	LateP50 float64 `json:"late_p50_ms"`
	LateP90 float64 `json:"late_p90_ms"`
	Kbit    float64 `json:"kbit_s"`
	HostCPU float64 `json:"host_cpu_percent"` // of one core
	ViewCPU float64 `json:"view_cpu_percent"`
	Lost    int     `json:"lost"` // keys without effect
}

// bench measures one target. Each display is used by one goroutine at a time.
type bench struct {
	t     target
	o     options
	log   *slog.Logger
	host  *display
	view  *display
	k     *canvas
	image image.Rectangle // where the window appears on the viewer's display
}

// measure measures a running session. The session must already show the host's
// display on the viewer's, and must let keys through if keys are asked for.
func measure(ctx context.Context, t target, o options, log *slog.Logger) ([]result, error) {
	b := &bench{t: t, o: o, log: log}
	var err error
	if b.host, err = openDisplay(t.HostDisplay); err != nil {
		return nil, err
	}
	defer b.host.close()
	if b.view, err = openDisplay(t.ViewDisplay); err != nil {
		return nil, err
	}
	defer b.view.close()
	if b.k, err = newCanvas(b.host, image.Rectangle{Min: o.At, Max: o.At.Add(o.Size)}); err != nil {
		return nil, err
	}
	defer b.k.close()
	if err := b.locate(ctx); err != nil {
		return nil, err
	}
	return b.all(ctx)
}

// all does each work in turn.
func (b *bench) all(ctx context.Context) ([]result, error) {
	var out []result
	steps := []func(context.Context) (result, error){
		b.still,
		func(ctx context.Context) (result, error) { return b.play(ctx, "text scroll", newScroll(b.o.Size.X)) },
		func(ctx context.Context) (result, error) { return b.play(ctx, "film", newFilm(b.o.Size)) },
	}
	if b.o.Keys > 0 {
		steps = append([]func(context.Context) (result, error){b.keys}, steps...)
	}
	for _, step := range steps {
		r, err := step(ctx)
		if err != nil {
			return out, err
		}
		r.Target = b.t.Name
		out = append(out, r)
		b.log.Info("measured", slog.String("target", r.Target), slog.String("work", r.Work))
	}
	return out, nil
}

// locate finds the window on the viewer's display.
func (b *bench) locate(ctx context.Context) error {
	whole := image.Rectangle{Max: b.view.size}
	for range locateTry {
		var shots [2][]byte
		for i, grey := range []byte{blackest, whitest} {
			if err := b.k.fill(image.Rectangle{Max: b.o.Size}, grey); err != nil {
				return err
			}
			if err := pause(ctx, settleTime); err != nil {
				return err
			}
			pix, err := b.view.read(whole)
			if err != nil {
				return err
			}
			shots[i] = append([]byte(nil), pix...)
		}
		if r, ok := locate(shots[0], shots[1], b.view.size); ok {
			b.image = r
			b.log.Info("found the host's window", slog.Any("at", r))
			return nil
		}
	}
	return errNotSeen
}

// still measures what a screen costs on which nothing changes.
func (b *bench) still(ctx context.Context) (result, error) {
	r := result{Work: "still screen"}
	if err := pause(ctx, 2*settleTime); err != nil {
		return r, err
	}
	before, err := b.t.count()
	if err != nil {
		return r, err
	}
	if err := pause(ctx, b.o.Duration); err != nil {
		return r, err
	}
	after, err := b.t.count()
	if err == nil {
		after.since(before, &r)
	}
	return r, err
}

// keys measures the time from a key on the viewer's display to the change that
// the host's window makes of it, on the viewer's display.
func (b *bench) keys(ctx context.Context) (result, error) {
	r := result{Work: "key to photon"}
	if err := b.aim(ctx); err != nil {
		return r, err
	}
	before, err := b.t.count()
	if err != nil {
		return r, err
	}
	var took []time.Duration
	wait := dice(3) // so that keys do not fall in step with anything
	bright := true  // what the next key shows; one that is lost shows nothing
	for range b.o.Keys {
		if err := pause(ctx, time.Duration(150+wait.upTo(150))*time.Millisecond); err != nil {
			return r, err
		}
		d, err := b.key(ctx, bright)
		if err != nil {
			return r, err
		}
		if d == 0 {
			r.Lost++
			continue
		}
		took, bright = append(took, d), !bright
	}
	if len(took) == 0 {
		return r, errNoKeys
	}
	r.LateP50, r.LateP90 = percentile(took, 0.5), percentile(took, 0.9)
	after, err := b.t.count()
	if err == nil {
		after.since(before, &r)
	}
	return r, err
}

// aim gives the keyboard to the viewer's window and the host's window.
func (b *bench) aim(ctx context.Context) error {
	centre := b.image.Min.Add(b.image.Size().Div(2))
	if err := b.view.movePointer(centre); err != nil {
		return err
	}
	if err := b.view.press(xproto.ButtonPress, xproto.ButtonRelease, 1); err != nil {
		return err
	}
	if err := pause(ctx, settleTime); err != nil {
		return err
	}
	if err := b.k.fill(image.Rectangle{Max: b.o.Size}, blackest); err != nil {
		return err
	}
	return b.k.focus()
}

// key presses one key and returns how long its effect took; 0 when it is lost.
func (b *bench) key(ctx context.Context, bright bool) (time.Duration, error) {
	patch := image.Rect(0, 0, b.o.Size.X/4, b.o.Size.Y/4)
	grey := byte(blackest)
	if bright {
		grey = whitest
	}
	for len(b.k.keys) > 0 {
		<-b.k.keys
	}
	painted := make(chan error, 1)
	limit, cancel := context.WithTimeout(ctx, keyLimit)
	defer cancel()
	go func() {
		select {
		case <-b.k.keys:
			painted <- b.k.fill(patch, grey)
		case <-limit.Done():
			painted <- nil
		}
	}()
	began := time.Now()
	if err := b.view.press(xproto.KeyPress, xproto.KeyRelease, keyCode); err != nil {
		return 0, err
	}
	seen, err := b.watchPatch(limit, patch, bright)
	cancel()
	if e := <-painted; e != nil {
		return 0, e
	}
	if err != nil || seen.IsZero() {
		return 0, err
	}
	return seen.Sub(began), nil
}

// watchPatch polls the middle of a patch of the window until it has changed.
func (b *bench) watchPatch(ctx context.Context, patch image.Rectangle, bright bool) (time.Time, error) {
	centre := b.project(patch.Min.Add(patch.Size().Div(2)))
	spot := image.Rectangle{Min: centre, Max: centre.Add(image.Pt(2, 2))}
	tick := time.NewTicker(pollEvery / 2)
	defer tick.Stop()
	for {
		pix, err := b.view.read(spot)
		if err != nil {
			return time.Time{}, err
		}
		if (luma(pix) > middle) == bright {
			return time.Now(), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return time.Time{}, nil
		}
	}
}

// project is where a pixel of the window lies on the viewer's display.
func (b *bench) project(p image.Point) image.Point {
	return b.image.Min.Add(image.Pt(p.X*b.image.Dx()/b.o.Size.X, p.Y*b.image.Dy()/b.o.Size.Y))
}

// play draws a work on the host and reads its stamps on the viewer's display.
func (b *bench) play(ctx context.Context, name string, w work) (result, error) {
	r := result{Work: name}
	if err := pause(ctx, settleTime); err != nil {
		return r, err
	}
	before, err := b.t.count()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.Duration)
	defer cancel()
	var drawn [1 << 16]atomic.Int64 // when each frame was drawn, in ns since began
	began := time.Now()
	frames := make(chan int, 1)
	failed := make(chan error, 1)
	go func() {
		n, err := b.paint(ctx, w, began, &drawn)
		frames <- n
		failed <- err
	}()
	late, err := b.watchStamps(ctx, began, &drawn)
	n := <-frames
	if err := errors.Join(err, <-failed); err != nil {
		return r, err
	}
	wall := time.Since(began).Seconds()
	r.FPS, r.Drawn = float64(len(late))/wall, float64(n)/wall
	r.LateP50, r.LateP90 = percentile(late, 0.5), percentile(late, 0.9)
	after, err := b.t.count()
	if err == nil {
		after.since(before, &r)
	}
	return r, err
}

// paint draws frames until ctx ends, and returns how many.
func (b *bench) paint(ctx context.Context, w work, began time.Time, drawn *[1 << 16]atomic.Int64) (int, error) {
	tick := time.NewTicker(time.Second / time.Duration(b.o.FPS))
	defer tick.Stop()
	for n := 1; ; n++ {
		w.draw(b.k.pix(), b.o.Size, n)
		drawStamp(b.k.pix(), b.o.Size.X, uint16(n))
		drawn[uint16(n)].Store(int64(time.Since(began)))
		if err := b.k.show(); err != nil {
			return n, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return n, nil
		}
	}
}

// watchStamps reads stamps until ctx ends and returns how late each was that was
// seen for the first time.
func (b *bench) watchStamps(ctx context.Context, began time.Time, drawn *[1 << 16]atomic.Int64) ([]time.Duration, error) {
	strip := image.Rectangle{Min: b.project(image.Pt(0, stampHeight/2)), Max: b.project(image.Pt(b.o.Size.X, stampHeight/2))}
	strip.Max.Y += 2
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var late []time.Duration
	for last := uint16(0); ; {
		pix, err := b.view.read(strip)
		if err != nil {
			return late, err
		}
		now := time.Since(began)
		if n, ok := readStamp(pix, strip.Size()); ok && n > last && drawn[n].Load() != 0 {
			last = n
			late = append(late, now-time.Duration(drawn[n].Load()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return late, nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopped: %w", ctx.Err())
	}
}
