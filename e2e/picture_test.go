// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"path/filepath"
	"testing"
	"time"
)

// least is the likeness that a desktop with small text must reach, in decibels.
const least = 30

// smallText fills both monitors of the host with terminals of small text.
func (w *world) smallText(t *testing.T) {
	t.Helper()
	places := []string{"150x70+1030+300", "120x40+20+240"}
	for i, place := range places {
		d := w.host.screen
		title := fmt.Sprintf("text %d", i)
		start(t, program{path: "xterm", as: w.as, env: append(d.env(), "HOME="+w.host.dir, "LC_ALL=C.UTF-8"),
			log: filepath.Join(w.dir, "xterm.log"),
			args: []string{"-fn", "6x10", "-geometry", place, "-T", title, "-e", "sh", "-c",
				`i=0; while [ $i -lt 90 ]; do printf '%d the quick brown fox jumps over the lazy dog, il1|O0 {}[]()\n' $i; i=$((i+1)); done; exec cat`}})
		eventually(t, soon, title, func() error {
			_, _, err := d.window(title)
			return err
		})
	}
}

// like compares each monitor with its picture in the technician's window.
func (l *live) like() error {
	from, err := l.host.screen.monitors()
	if err != nil {
		return err
	}
	to, err := l.pictures()
	if err != nil || len(to) != len(from) {
		return fmt.Errorf("%d pictures: %w", len(to), err)
	}
	for i := range from {
		a, err := l.host.screen.shot(from[i])
		if err != nil {
			return err
		}
		b, err := l.tech.screen.shot(to[i])
		if err != nil {
			return err
		}
		if db := psnr(a, b); db < least {
			return fmt.Errorf("monitor %d: %.1f dB", i, db)
		}
	}
	return nil
}

// beforeAccept: until the person accepts, nothing of the screen leaves, and the
// technician waits.
func (w *world) beforeAccept(t *testing.T) {
	w.tidy(t)
	quiet := w.sockets(t)
	w.ask(t, request{})
	w.host.see(t, aWhile, want{id: "accept"})
	words := w.host.see(t, soon, want{id: "words"}).Text
	w.tech.see(t, soon, want{id: "wait-state", text: "En attente"})
	w.tech.see(t, soon, want{id: "words", text: words})
	before := w.sentByHost(t)
	always(t, 3*time.Second, "nothing leaves before the person accepts", func() error {
		if now := w.sockets(t); now > quiet {
			return fmt.Errorf("the host's app has %d UDP sockets, %d before", now, quiet)
		}
		if _, _, err := w.banner(); err == nil {
			return fmt.Errorf("a banner is shown")
		}
		return nil
	})
	if sent := w.sentByHost(t) - before; sent > 4000 {
		t.Errorf("the host sent %d bytes in 3 s before the person accepted", sent)
	}
	w.host.press(t, want{id: "refuse"})
	w.tech.see(t, soon, want{text: "L’utilisateur a refusé"})
	w.back(t)
}

// picturesMatch: within two seconds of the person's click both monitors are on the
// technician's screen, and changes on either show.
func (w *world) picturesMatch(t *testing.T) {
	w.smallText(t)
	w.tidy(t)
	l := &live{world: w, reason: w.ask(t, request{})}
	w.host.see(t, aWhile, want{id: "accept"})
	w.accept(t, false)
	clicked := time.Now()
	w.tech.see(t, aWhile, want{id: "pane*", window: l.reason})
	l.open(t)
	eventually(t, aWhile, "pictures alike", l.like)
	took := w.took(clicked, time.Now()).Round(time.Millisecond)
	t.Logf("from the click to like pictures: %v", took)
	if took > 2*time.Second {
		t.Errorf("the pictures took %v", took)
	}
	l.tech.keepPicture(t, "pictures")
	l.host.keepPicture(t, "pictures")
	from, err := w.host.screen.monitors()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range from {
		l.showsChange(t, i, m)
	}
	eventually(t, soon, "pictures alike after the changes", l.like)
	l.end(t)
}

// showsChange changes a part of a monitor and waits for it on the other screen.
func (l *live) showsChange(t *testing.T, i int, m image.Rectangle) {
	t.Helper()
	green := func() (bool, error) {
		to, err := l.pictures()
		if err != nil || len(to) <= i {
			return false, fmt.Errorf("%d pictures: %w", len(to), err)
		}
		img, err := l.tech.screen.shot(image.Rect(0, 0, 160, 80).Add(to[i].Min).Add(image.Pt(320, 170)))
		if err != nil {
			return false, err
		}
		c := img.RGBAAt(80, 40)
		return c.G > 0xa0 && c.R < 0x60 && c.B < 0x80, nil
	}
	eventually(t, soon, fmt.Sprintf("no change of before on monitor %d", i), func() error {
		there, err := green()
		return joinErr(err, !there)
	})
	p := newPad(t, l.host.screen, image.Rect(0, 0, 200, 120).Add(m.Min).Add(image.Pt(300, 150)), 0x20c040)
	defer p.close()
	within(t, soon, fmt.Sprintf("change on monitor %d", i), func() error {
		there, err := green()
		return joinErr(err, there)
	})
}
