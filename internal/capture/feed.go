// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"image"
	"slices"
	"sync"

	"assist/internal/screen"
)

// feed is what the mechanism has learnt and the callers have not yet: the
// monitors, and for each the rectangles that changed. Its news channels are
// closed, and replaced, at each piece of news.
type feed struct {
	mu      sync.Mutex
	layout  screen.Layout
	version int // of the layout; 0 before the first
	changed map[screen.MonitorID]*region
	pixels  chan struct{}
	others  chan struct{}
	err     error // why there will be no more news
}

func newFeed() *feed {
	return &feed{
		changed: map[screen.MonitorID]*region{},
		pixels:  make(chan struct{}),
		others:  make(chan struct{}),
	}
}

// setLayout replaces the monitors. One that is new, moved or resized counts as
// changed all over.
func (f *feed) setLayout(l screen.Layout) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.version > 0 && f.layout.Equal(l) {
		return
	}
	changed := make(map[screen.MonitorID]*region, len(l))
	for _, m := range l {
		before, known := f.layout.Find(m.ID)
		changed[m.ID] = f.changed[m.ID]
		if !known || before.Bounds != m.Bounds {
			changed[m.ID] = &region{}
			changed[m.ID].add(m.Bounds)
		}
	}
	f.layout, f.changed = slices.Clone(l), changed
	f.version++
	f.ring(&f.pixels)
	f.ring(&f.others)
}

// damage adds a rectangle of the desktop to what changed.
func (f *feed) damage(r image.Rectangle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.layout {
		if hit := r.Intersect(m.Bounds); !hit.Empty() {
			f.changed[m.ID].add(hit)
		}
	}
}

// wakePixels makes every Next look again.
func (f *feed) wakePixels() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring(&f.pixels)
}

// wakeOthers makes Change look again.
func (f *feed) wakeOthers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring(&f.others)
}

// fail ends the feed.
func (f *feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
	f.ring(&f.pixels)
	f.ring(&f.others)
}

// ring closes and replaces a news channel. The caller holds f.mu.
func (f *feed) ring(c *chan struct{}) {
	close(*c)
	*c = make(chan struct{})
}

func (f *feed) fault() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *feed) pixelNews() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pixels
}

func (f *feed) otherNews() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.others
}

func (f *feed) monitors() screen.Layout {
	l, _ := f.newest()
	return l
}

func (f *feed) newest() (screen.Layout, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.layout), f.version
}

// take hands over what changed on a monitor, in the monitor's own coordinates.
func (f *feed) take(id screen.MonitorID) (bounds image.Rectangle, damage []image.Rectangle, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.layout.Find(id)
	if !ok {
		return image.Rectangle{}, nil, ErrGone
	}
	damage = f.changed[id].take()
	for i := range damage {
		damage[i] = damage[i].Sub(m.Bounds.Min)
	}
	return m.Bounds, damage, nil
}
