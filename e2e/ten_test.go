// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"
)

const (
	forgets  = 2 * time.Minute // the toolkit remembers the objects of a closed window for one
	sessions = 10              // interventions that follow each other
	loading  = 1               // of them, the one that loads what is loaded once
)

// size is what an app takes: memory, goroutines, windows.
type size struct {
	figures
	resident int
	titles   []string // of its display's managed windows
	windows  int      // of its display, whether seen or not
}

// ten plays interventions one after another in the same processes, ended in every
// way by turns: after the last, apps and displays hold what they held after the first.
func (w *world) ten(t *testing.T) {
	ends := []func(*live, *testing.T){(*live).endsByButton, (*live).end, (*live).endsByHotkey, (*live).endsTakenBack}
	apps := []*app{w.host, w.tech}
	var before [2]size
	for n := range sessions {
		if n == loading {
			for i, a := range apps {
				var err error
				if before[i], err = a.size(); err != nil {
					t.Fatal(err)
				}
			}
		}
		ends[n%len(ends)](w.intervene(t, true), t)
	}
	for i, a := range apps {
		a.isBack(t, before[i])
	}
}

// endsByButton is the person's button in the app's window.
func (l *live) endsByButton(t *testing.T) {
	l.cutByButton(t)
	l.over(t, "L’utilisateur a coupé")
	l.ready(t)
}

func (l *live) endsByHotkey(t *testing.T) {
	l.host.screen.xdotool(t, "key", "ctrl+alt+Escape")
	l.over(t, "L’utilisateur a coupé")
	l.ready(t)
}

// endsTakenBack has the person take mouse and keyboard back before the end.
func (l *live) endsTakenBack(t *testing.T) {
	l.host.press(t, want{text: "Reprendre la main", kind: "button", window: "Assist"})
	l.tech.see(t, soon, want{text: "vue seule", window: l.title})
	l.end(t)
}

// size measures an app, and what is on its display.
func (a *app) size() (s size, err error) {
	if err = a.ask("stats", &s.figures); err != nil {
		return s, err
	}
	if s.resident, err = a.proc.resident(); err != nil {
		return s, err
	}
	if s.titles, err = a.screen.titles(); err != nil {
		return s, err
	}
	slices.Sort(s.titles)
	tree, err := xproto.QueryTree(a.screen.x, a.screen.root).Reply()
	if err == nil {
		s.windows = len(tree.Children)
	}
	return s, err
}

// isBack waits until the app is as small as before, and says what is not.
func (a *app) isBack(t *testing.T, before size) {
	t.Helper()
	var now size
	err := wait(forgets, func() (err error) {
		if now, err = a.size(); err != nil {
			return err
		}
		return now.within(before)
	})
	t.Logf("%s, after session %d → %d: goroutines %d → %d, heap %d → %d kB, resident %d → %d kB, windows %d → %d", a.name, loading, sessions,
		before.Goroutines, now.Goroutines, before.Heap>>10, now.Heap>>10, before.resident>>10, now.resident>>10, before.windows, now.windows)
	if err != nil {
		t.Errorf("%s: %v\n%s", a.name, err, now.Stacks)
	}
}

// within says what is larger than before. A goroutine, a window or a picture kept by
// each of the sessions since would be seen; what the collector or the codecs' threads
// vary by would not.
func (s size) within(before size) error {
	switch {
	case s.Goroutines > before.Goroutines+2:
		return fmt.Errorf("%d goroutines, %d before", s.Goroutines, before.Goroutines)
	case s.Heap > before.Heap+before.Heap/8+4<<20:
		return fmt.Errorf("a heap of %d bytes, %d before", s.Heap, before.Heap)
	case s.resident > before.resident+before.resident/5+16<<20:
		return fmt.Errorf("%d bytes resident, %d before", s.resident, before.resident)
	case !slices.Equal(s.titles, before.titles):
		return fmt.Errorf("windows %q, %q before", s.titles, before.titles)
	case s.windows > before.windows:
		return fmt.Errorf("%d windows, %d before", s.windows, before.windows)
	}
	return nil
}
