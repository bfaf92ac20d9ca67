// SPDX-License-Identifier: Apache-2.0

// Package presence tells at once when the person's session at this computer can
// no longer be watched by them: it is locked, left, given to somebody else, or
// the computer goes to sleep.
//
// It asks whoever knows that on this system. Each source is believed when it
// says that the person is away; that they are back takes all sources to say so.
// Where no source exists nothing is claimed: Sources is empty, and the app then
// has the idle watch of package consent alone.
package presence

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Cause is why the person cannot be at their screen.
type Cause uint8

// Causes, the plainest first: of several, the last is told.
const (
	Here   Cause = iota // nothing says that the person is away
	Bound               // they are there, and their mouse or keyboard was switched off
	Blank               // the screen saver runs, or the monitors are off
	Locked              // the session is locked
	Left                // logged off, or another user's session is in front
	Asleep              // the computer goes to sleep or is being shut down
)

// String names the cause, for logs.
func (c Cause) String() string {
	return [...]string{"here", "bound", "blank", "locked", "left", "asleep"}[c]
}

// firstLook is how long Away waits for the sources' first word after the start.
const firstLook = 2 * time.Second

// again is the pause before a source that was lost is looked for again.
const again = 10 * time.Second

// Options says whom to tell. OnAway is called each time that the person goes, on
// the goroutine of the source that says so: the computer falls asleep only once
// it has returned (or after the few seconds that the system allows).
type Options struct {
	OnAway  func(Cause)
	Display string // of X11, empty: $DISPLAY
	Log     *slog.Logger
}

// Watcher knows whether the person can be at their screen.
type Watcher struct {
	options Options
	stop    context.CancelFunc
	running sync.WaitGroup
	looked  chan struct{} // closed when every source was asked once

	mu      sync.Mutex
	says    map[string]Cause // by source
	working map[string]bool  // the sources that can tell
	pending int              // sources that have not been asked yet
}

// source is one that may know. It runs until the context ends or it is lost, and
// calls looked once it knows how things stand.
type source struct {
	name string
	run  func(ctx context.Context, r report) error
}

// report is how a source speaks.
type report struct {
	say    func(Cause) // how things stand now
	works  func(bool)  // whether it can tell of this session at all
	looked func()      // it has been asked once
	others func() bool // whether another source can tell
	log    *slog.Logger
}

// Watch asks every source that this system has, from now on.
func Watch(o Options) *Watcher {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnAway == nil {
		o.OnAway = func(Cause) {}
	}
	return watch(o, sources(o))
}

func watch(o Options, all []source) *Watcher {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watcher{
		options: o, stop: cancel, looked: make(chan struct{}), pending: len(all),
		says: map[string]Cause{}, working: map[string]bool{},
	}
	if len(all) == 0 {
		close(w.looked)
	}
	for _, s := range all {
		w.running.Go(func() { w.keep(ctx, s) })
	}
	return w
}

// keep runs a source, and again when it was lost. What it said last stays true
// until it says otherwise: a bus that breaks must not unlock a screen.
func (w *Watcher) keep(ctx context.Context, s source) {
	var once sync.Once
	r := report{
		say:    func(c Cause) { w.hear(s.name, c) },
		works:  func(can bool) { w.note(s.name, can) },
		looked: func() { once.Do(w.asked) },
		others: func() bool { return w.others(s.name) },
		log:    w.options.Log,
	}
	for {
		err := s.run(ctx, r)
		r.works(false)
		r.looked()
		if err != nil && ctx.Err() == nil {
			r.log.Debug("presence source lost", "source", s.name, "error", err)
		}
		pause := time.NewTimer(again)
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// asked counts a source's first word.
func (w *Watcher) asked() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending--; w.pending == 0 {
		close(w.looked)
	}
}

// hear takes in what a source says, and passes news of an absence on.
func (w *Watcher) hear(name string, c Cause) {
	w.mu.Lock()
	was := w.says[name]
	w.says[name] = c
	w.mu.Unlock()
	if c != Here && c != was {
		w.options.Log.Info("the person is away", "source", name, "cause", c)
		w.options.OnAway(c)
	}
}

func (w *Watcher) note(name string, can bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.working[name] = can
}

func (w *Watcher) others(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for other, can := range w.working {
		if can && other != name {
			return true
		}
	}
	return false
}

// Away says why the person cannot be at their screen, or Here. Right after the
// start it waits a moment for the sources to have been asked.
func (w *Watcher) Away() Cause {
	limit := time.NewTimer(firstLook)
	defer limit.Stop()
	select {
	case <-w.looked:
	case <-limit.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	worst := Here
	for _, c := range w.says {
		worst = max(worst, c)
	}
	return worst
}

// Sources names those that can tell of this session, in alphabetical order. It
// waits like Away.
func (w *Watcher) Sources() []string {
	w.Away()
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for name, can := range w.working {
		if can {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Close stops watching.
func (w *Watcher) Close() {
	w.stop()
	w.running.Wait()
}
