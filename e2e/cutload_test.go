// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/jezek/xgb/xproto"
)

// afterCut is for how long nothing may happen after a cut: longer than a frozen link or
// a stopped program of the technician's would need to go on.
const afterCut = 700 * time.Millisecond

// looking is until when a banner, which goes after all else, is seen to be gone on a
// machine whose processor is hogged.
const looking = time.Second

// strain is what makes cutting hard; lift ends it.
type strain struct {
	name string
	lay  func(l *live, t *testing.T, f *flood) (lift func())
}

func strains() []strain {
	return []strain{
		{"none", func(*live, *testing.T, *flood) func() { return func() {} }},
		{"processor hog", func(l *live, t *testing.T, _ *flood) func() {
			var all []*process
			for range 4 {
				all = append(all, start(t, program{path: "/bin/sh", as: l.as, log: filepath.Join(l.dir, "hog.log"), args: []string{"-c", "while :; do :; done"}}))
			}
			return func() {
				for _, p := range all {
					p.kill()
				}
			}
		}},
		{"input flood", func(l *live, t *testing.T, f *flood) func() {
			r, stop := l.both(t)[1].Inset(150), make(chan struct{})
			f.work.Go(func() {
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for n := 0; ; n++ {
					select {
					case <-f.end:
						return
					case <-stop:
						return
					case <-tick.C:
						l.tech.screen.fake(xproto.MotionNotify, 0, r.Min.Add(image.Pt(n*11%r.Dx(), n*5%r.Dy())))
					}
				}
			})
			return func() { close(stop) }
		}},
		{"network frozen", func(l *live, t *testing.T, _ *flood) func() {
			l.freeze(t)
			return func() { l.cable.mend(t) }
		}},
		{"peer and server stopped", func(l *live, _ *testing.T, _ *flood) func() {
			l.tech.proc.signal(syscall.SIGSTOP)
			l.server.proc.signal(syscall.SIGSTOP)
			return func() {
				l.tech.proc.signal(syscall.SIGCONT)
				l.server.proc.signal(syscall.SIGCONT)
			}
		}},
		{"interface stuck", func(l *live, t *testing.T, _ *flood) func() {
			l.block(t)
			return func() {}
		}},
	}
}

// knife is one way of cutting: aim brings the person's hand there, press cuts.
type knife struct {
	name  string
	aim   func(l *live, t *testing.T) image.Point
	press func(l *live, t *testing.T, at image.Point)
	stuck bool // works while the interface is stuck
}

func knives() []knife {
	nowhere := func(*live, *testing.T) (at image.Point) { return at }
	hotkey := func(l *live, t *testing.T, _ image.Point) { l.strikeHotkey(t) }
	tray := func(l *live, t *testing.T, _ image.Point) { l.cutByTray(t) }
	return []knife{
		{"hot-key", nowhere, hotkey, true},
		{"banner", (*live).aimAtBanner, (*live).strike, true},
		{"button", (*live).aimAtButton, (*live).strike, false},
		{"tray", nowhere, tray, false},
	}
}

// strikeHotkey presses the keys on the person's keyboard, the last one last.
func (l *live) strikeHotkey(t *testing.T) {
	d := l.host.screen
	if d.devices == nil {
		d.keys(t, "ctrl+alt+Escape")
		return
	}
	keys := []byte{37, 64, 9} // Control, Alt, Escape
	for _, k := range keys {
		d.devices.Key(k, true)
	}
	for _, k := range slices.Backward(keys) {
		d.devices.Key(k, false)
	}
}

func (l *live) aimAtBanner(t *testing.T) (at image.Point) {
	l.host.eventually(t, "a banner", func() error {
		_, r, err := l.banner()
		at = image.Pt(r.Max.X-40, (r.Min.Y+r.Max.Y)/2)
		return err
	})
	l.grab(t, at)
	return at
}

func (l *live) aimAtButton(t *testing.T) image.Point {
	at := l.host.aim(t, want{id: "cut", window: "Assist"})
	l.grab(t, at)
	return at
}

// slice is one cut as it was measured, from just before the press: until the last piece
// of a picture left, the last move of the technician was done, the last banner went.
type slice struct {
	Strain, Knife           string
	Picture, Input, Banners time.Duration
}

func (s slice) worst() time.Duration { return max(s.Picture, s.Input) }

// plan is every knife under every strain that it works under.
func plan(w *world) (all []func(t *testing.T) slice) {
	for _, s := range strains() {
		if s.name == "network frozen" && w.cable.space == "" {
			continue
		}
		for _, k := range knives() {
			if s.name == "interface stuck" && !k.stuck {
				continue
			}
			all = append(all, func(t *testing.T) slice { return w.slice(t, s, k) })
		}
	}
	return all
}

// slice plays one intervention and cuts it.
func (w *world) slice(t *testing.T, s strain, k knife) slice {
	w.server.forgetFailures(t)
	l := w.intervene(t, true)
	l.driving(t)
	ear := newTap(t, w.cable)
	f := l.flood(t)
	defer f.stop()
	l.noise(t, f)
	if n, _ := ear.seen(); w.cable.space != "" {
		l.host.eventually(t, "pictures flow", func() error {
			now, _ := ear.seen()
			return yes(now > n+5)
		})
	}
	if w.cable.space != "" {
		l.host.eventually(t, "pictures flow until the cut", func() error {
			_, last := ear.seen()
			return yes(time.Since(last) < 25*time.Millisecond)
		})
	}
	lift := s.lay(l, t, f)
	spot := k.aim(l, t) // last: a hand that rests for two seconds lets the technician move on
	at := time.Now()
	k.press(l, t, spot)
	var gone time.Time
	if err := wait(soon, func() error {
		all, err := w.banners()
		gone = time.Now()
		return errors.Join(err, yes(err == nil && len(all) == 0))
	}); err != nil {
		t.Errorf("%s, %s: the banner stays: %v", s.name, k.name, err)
	}
	passes(afterCut - time.Since(at))
	f.mu.Lock()
	moved := f.moved
	f.mu.Unlock()
	_, sent := ear.seen()
	ear.close()
	lift()
	f.stop()
	got := slice{s.name, k.name, max(0, w.took(at, sent)), max(0, w.took(at, moved)), w.took(at, gone)}
	if sent.IsZero() {
		got.Picture = 0
	}
	l.over(t, "")
	w.ready(t)
	return got
}

// noise changes a part of the host's screen a hundred times a second into what no codec
// makes small, so that pictures leave all the time.
func (l *live) noise(t *testing.T, f *flood) {
	t.Helper()
	p := newPad(t, l.host.screen, image.Rect(300, 400, 700, 700), 0) // clear of the app's window
	gc, err := xproto.NewGcontextId(p.x)
	if err != nil {
		t.Fatal(err)
	}
	xproto.CreateGC(p.x, gc, xproto.Drawable(p.win), 0, nil)
	f.work.Go(func() {
		defer p.close()
		random := rand.New(rand.NewPCG(1, 2))
		f.every(10*time.Millisecond, func(int) {
			for range 30 {
				xproto.ChangeGC(p.x, gc, xproto.GcForeground, []uint32{random.Uint32() & 0xffffff})
				xproto.PolyFillRectangle(p.x, xproto.Drawable(p.win), gc, []xproto.Rectangle{{
					X: int16(random.IntN(380)), Y: int16(random.IntN(280)), Width: 20, Height: 20}})
			}
		})
	})
}

// TestCutsUnderStrain cuts in every way under every strain, and more often when
// ASSIST_CUTS says how often; ASSIST_CUTS_OUT names a file that keeps the cuts of several
// runs, and the time is bounded by ASSIST_CUTS_TIME. No cut may take longer than promised.
func TestCutsUnderStrain(t *testing.T) {
	n, first, limit := 12, 0, 25*time.Minute
	file := os.Getenv("ASSIST_CUTS_OUT")
	if v, err := strconv.Atoi(os.Getenv("ASSIST_CUTS")); err == nil {
		n = v
	}
	if v, err := strconv.Atoi(os.Getenv("ASSIST_CUTS_FIRST")); err == nil {
		first = v // what a run before has left
	}
	if v, err := time.ParseDuration(os.Getenv("ASSIST_CUTS_TIME")); err == nil {
		limit = v
	}
	w := newWorld(t)
	all := plan(w)
	var done []slice
	for end := time.Now().Add(limit); len(done) < n && time.Now().Before(end); {
		got := all[(first+len(done))*5%len(all)](t) // so that a few cuts reach every strain
		done = append(done, got)
		keep(t, file, got)
		t.Logf("%d: %s, %s: pictures %v, input %v, banner %v", len(done), got.Strain, got.Knife, got.Picture, got.Input, got.Banners)
		if got.worst() > atOnce || got.Banners > looking {
			t.Errorf("a cut by %s under %s took %v, its banner %v", got.Knife, got.Strain, got.worst(), got.Banners)
		}
	}
	if file != "" {
		done = kept(t, file)
	}
	var table strings.Builder
	if err := tabulate(&table, done); err != nil {
		t.Error(err)
	}
	t.Logf("in milliseconds, from just before the press\n%s", &table)
}

// keep adds a cut to a file, if there is one.
func keep(t *testing.T, name string, s slice) {
	t.Helper()
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(json.NewEncoder(file).Encode(s), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// kept is all cuts in a file.
func kept(t *testing.T, name string) (all []slice) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for in := json.NewDecoder(file); ; {
		var s slice
		if err := in.Decode(&s); err != nil {
			return all
		}
		all = append(all, s)
	}
}

// tabulate writes what cutting took, by strain and by knife, in milliseconds.
func tabulate(out *strings.Builder, done []slice) error {
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "strain\tcut by\tcuts\tpictures min\tmedian\tp90\tmax\tinput min\tmedian\tp90\tmax\tbanner max\t")
	row := func(strain, knife string) {
		var pictures, input, banners []time.Duration
		for _, s := range done {
			if (strain == "all" || s.Strain == strain) && (knife == "all" || s.Knife == knife) {
				pictures, input, banners = append(pictures, s.Picture), append(input, s.Input), append(banners, s.Banners)
			}
		}
		if len(pictures) > 0 {
			fmt.Fprintf(tw, "%s\t%s\t%d\t%s\t%s\t%d\t\n", strain, knife, len(pictures), quartet(pictures), quartet(input), slices.Max(banners).Milliseconds())
		}
	}
	for _, s := range strains() {
		for _, k := range knives() {
			row(s.name, k.name)
		}
	}
	for _, s := range strains() {
		row(s.name, "all")
	}
	row("all", "all")
	return tw.Flush()
}

// quartet is least, median, ninth tenth and greatest, as cells.
func quartet(all []time.Duration) string {
	all = slices.Sorted(slices.Values(all))
	ms := func(at float64) int64 { return all[int(at*float64(len(all)-1)+0.5)].Milliseconds() }
	return fmt.Sprintf("%d\t%d\t%d\t%d", ms(0), ms(0.5), ms(0.9), ms(1))
}
