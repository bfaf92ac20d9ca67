// SPDX-License-Identifier: Apache-2.0

//go:build windows || darwin

package capture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"github.com/kbinani/screenshot"

	"assist/internal/screen"
)

// pollEvery is how often the portable mechanism reads a monitor that is asked for.
const pollEvery = 100 * time.Millisecond

// bandRows is the height of the bands that are compared, in rows.
const bandRows = 16

// errNoMonitor means that the system lists no monitor.
var errNoMonitor = errors.New("no monitor found")

// portable reads whole monitors at a fixed pace and compares: it works wherever
// the library does, and costs time on a still screen too.
type portable struct {
	feed *feed
	stop chan struct{}
	once sync.Once
	done chan struct{}
}

func open(f *feed, _ *slog.Logger) (source, hand, error) {
	l, err := monitors()
	if err != nil {
		return nil, nil, err
	}
	f.setLayout(l)
	p := &portable{feed: f, stop: make(chan struct{}), done: make(chan struct{})}
	go p.run()
	return p, nil, nil
}

func monitors() (screen.Layout, error) {
	n := min(screenshot.NumActiveDisplays(), screen.MaxMonitors)
	if n <= 0 {
		return nil, errNoMonitor
	}
	var l screen.Layout
	for i := range n {
		b := screenshot.GetDisplayBounds(i)
		l = append(l, screen.Monitor{
			ID: screen.MonitorID(i), Name: fmt.Sprintf("display-%d", i+1),
			Bounds: b, Primary: b.Min == image.Point{},
		})
	}
	return l, nil
}

// run marks every monitor as worth a look at each tick.
func (p *portable) run() {
	defer close(p.done)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			l, err := monitors()
			if err != nil {
				continue
			}
			p.feed.setLayout(l)
			for _, m := range l {
				p.feed.damage(m.Bounds)
			}
			p.feed.wakePixels()
		}
	}
}

func (p *portable) collect() error { return nil }

func (p *portable) read(pic *picture, _ []image.Rectangle) ([]image.Rectangle, error) {
	shot, err := screenshot.CaptureRect(pic.bounds)
	if err != nil {
		return nil, fmt.Errorf("read the screen: %w", err)
	}
	if shot.Rect.Size() != pic.frame.Size {
		return nil, errShifted
	}
	for i := 0; i+3 < len(shot.Pix); i += 4 {
		shot.Pix[i], shot.Pix[i+2] = shot.Pix[i+2], shot.Pix[i]
	}
	return merge(&pic.frame, shot), nil
}

// merge copies the bands that differ, and all of them the first time.
func merge(f *screen.Frame, shot *image.RGBA) []image.Rectangle {
	var changed region
	first := f.Taken.IsZero()
	for y := 0; y < f.Size.Y; y += bandRows {
		end := min(y+bandRows, f.Size.Y)
		old, now := f.Pix[y*f.Stride:end*f.Stride], shot.Pix[y*shot.Stride:end*shot.Stride]
		if !first && bytes.Equal(old, now) {
			continue
		}
		copy(old, now)
		changed.add(image.Rect(0, y, f.Size.X, end))
	}
	return changed.take()
}

func (p *portable) close() error {
	p.once.Do(func() { close(p.stop) })
	<-p.done
	return nil
}
