// SPDX-License-Identifier: Apache-2.0

package view

import (
	"context"
	"image"
	"sync"
	"time"

	"assist/internal/screen"
)

// retryAfter is how long a pump waits when a picture could not be had while the
// session lives on.
const retryAfter = 200 * time.Millisecond

// pump brings the pictures of one monitor to the window: it takes the newest
// one, converts it into a buffer of the size in which it is displayed, and hands
// the buffer over. There are two buffers: the window reads one, the pump writes
// the other, and takes no further picture until the window has changed over. So
// no more than one refresh waits, and between two the newest picture wins.
type pump struct {
	id    screen.MonitorID
	from  Pictures
	paint Paint
	post  func(f func())                                 // runs f on the toolkit's goroutine
	show  func(img *image.RGBA, changed image.Rectangle) // called there
	done  chan struct{}                                  // closed when run has returned
	drawn chan struct{}                                  // one slot: show has returned
	kept  screen.Picture                                 // copy of the last picture; run's own
	bufs  [2]*image.RGBA                                 // run's own, but for the one last shown
	next  int                                            // index of the buffer to write
	fresh image.Rectangle                                // of kept: changed since it was last converted
	stale image.Rectangle                                // what the buffer to write lacks besides fresh

	mu     sync.Mutex // guards what follows
	target image.Point
	used   image.Point        // target of the last conversion
	again  context.CancelFunc // interrupts the wait for a picture
}

func newPump(id screen.MonitorID, from Pictures, paint Paint) *pump {
	return &pump{id: id, from: from, paint: paint, done: make(chan struct{}), drawn: make(chan struct{}, 1)}
}

// resize sets the size in device pixels in which the picture is displayed, and
// has the last picture converted anew.
func (p *pump) resize(size image.Point) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.target == size {
		return
	}
	p.target = size
	if p.again != nil {
		p.again()
	}
}

// run pumps until ctx ends. after, when not nil, is the end of an earlier pump of
// the same monitor: two may not take pictures at once.
func (p *pump) run(ctx context.Context, after <-chan struct{}) {
	defer close(p.done)
	defer p.forget()
	if after != nil {
		<-after
	}
	for ctx.Err() == nil {
		turn, cancel := p.turn(ctx)
		pic, err := p.from.Picture(turn, p.id)
		resized := turn.Err() != nil
		cancel()
		switch {
		case err == nil:
			p.keep(pic)
			if p.fresh.Empty() && !p.resized() {
				continue
			}
		case !resized:
			pauseFor(ctx, retryAfter)
			continue
		}
		p.draw(ctx)
	}
}

// forget lets go of the pictures: the toolkit remembers what belonged to a window for
// a minute after it is gone.
func (p *pump) forget() {
	p.kept = screen.Picture{}
	p.bufs = [2]*image.RGBA{}
	p.from = nil
}

// turn returns the context of one wait for a picture.
func (p *pump) turn(ctx context.Context) (context.Context, context.CancelFunc) {
	turn, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.again = cancel
	if p.target != p.used {
		cancel() // resized since the last conversion
	}
	return turn, cancel
}

// pauseFor waits for d or the end of ctx.
func pauseFor(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// keep copies a picture, so that it can be converted again when the window's size
// changes while the screen stands still, and notes what is new in it.
func (p *pump) keep(pic *screen.Picture) {
	k := &p.kept
	p.fresh = p.fresh.Union(differs(k, pic))
	k.Monitor, k.Size = pic.Monitor, pic.Size
	k.StrideY, k.StrideC = pic.StrideY, pic.StrideC
	k.Y = append(k.Y[:0], pic.Y...)
	k.U = append(k.U[:0], pic.U...)
	k.V = append(k.V[:0], pic.V...)
}

// resized reports whether another size is wanted than that of the last conversion.
func (p *pump) resized() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target != p.used
}

// draw converts the kept picture and hands it to the window.
func (p *pump) draw(ctx context.Context) {
	img := p.buffer()
	if img == nil {
		return
	}
	changed := p.convert(img)
	p.post(func() {
		p.show(img, changed)
		p.drawn <- struct{}{}
	})
	select {
	case <-p.drawn:
		p.next = 1 - p.next
	case <-ctx.Done():
	}
}

// convert brings a buffer up to date and returns what changed since the last one was
// shown. At 1:1 only what the buffer lacks is converted.
func (p *pump) convert(img *image.RGBA) image.Rectangle {
	changed := p.fresh
	other := p.bufs[1-p.next]
	if img.Rect.Size() != p.kept.Size || other == nil || other.Rect != img.Rect {
		changed = img.Rect
		p.paint(&p.kept, img)
	} else if lacks := p.stale.Union(changed).Intersect(img.Rect); !lacks.Empty() {
		part := window(&p.kept, lacks)
		p.paint(&part, img.SubImage(lacks).(*image.RGBA))
	}
	p.fresh, p.stale = image.Rectangle{}, changed
	return changed
}

// buffer returns the buffer to write, in the size now displayed; nil when there is
// no picture yet.
func (p *pump) buffer() *image.RGBA {
	p.mu.Lock()
	size := p.target
	p.used = size
	p.mu.Unlock()
	if p.kept.Size.X <= 0 || p.kept.Size.Y <= 0 {
		return nil
	}
	if size.X <= 0 || size.Y <= 0 || size.X > p.kept.Size.X || size.Y > p.kept.Size.Y {
		size = p.kept.Size
	}
	if b := p.bufs[p.next]; b == nil || b.Rect.Size() != size {
		p.bufs[p.next] = image.NewRGBA(image.Rectangle{Max: size})
		p.stale = p.bufs[p.next].Rect
	}
	return p.bufs[p.next]
}
