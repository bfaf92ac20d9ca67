// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"fmt"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"

	"assist/internal/consent"
)

// photos are what the dialog shows of people, all with the same picture.
func (d *question) photos() (shown []*canvas.Image) {
	for _, o := range descend(d.win.Content()) {
		if m, ok := o.(*canvas.Image); ok && m.Image == d.q.Photo && d.q.Photo != nil {
			shown = append(shown, m)
		}
	}
	return shown
}

// stands is where each word and control of the dialog is.
func (d *question) stands() (all string) {
	settle(d.win, d.win.Canvas().Size())
	for _, o := range descend(d.win.Content()) {
		switch o.(type) {
		case *press, *text, *check:
			all += fmt.Sprintln(fyne.CurrentApp().Driver().AbsolutePositionForObject(o), o.Size())
		}
	}
	return all
}

// With a photo the card is as large as without one, and everything else stands where it
// stood.
func TestPhotoMovesNothing(t *testing.T) {
	plain, _ := ask(t)
	size, want := plain.win.Canvas().Size(), plain.stands()
	d, _ := ask(t, pictured)
	if got := d.stands(); got != want || want == "" || d.win.Canvas().Size() != size {
		t.Errorf("without, %v\n%s\nwith, %v\n%s", size, want, d.win.Canvas().Size(), got)
	}
	if len(d.photos()) != 1 || len(plain.photos()) != 0 {
		t.Fatalf("%d photos, %d without one", len(d.photos()), len(plain.photos()))
	}
	if m := d.photos()[0]; m.Size().Width != m.Size().Height || m.Size().Width < 40 {
		t.Errorf("the photo is %v", m.Size())
	}
}

// It takes no part in the answer: the focus begins on refuse and goes where it went.
func TestPhotoTakesNoFocus(t *testing.T) {
	d, _ := ripe(t, pictured)
	c := d.win.Canvas()
	if c.Focused() != fyne.Focusable(d.refuse) {
		t.Fatal("the focus is not on refuse")
	}
	for range 12 {
		c.FocusNext()
		if _, is := c.Focused().(*press); !is {
			if _, is := c.Focused().(*check); !is {
				t.Errorf("the focus is on %T", c.Focused())
			}
		}
	}
}

// Where there is little room the photo is smaller, and nothing is hidden for it.
func TestPhotoOnASmallScreen(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.prefs = Preferences{Language: "fr", TextSize: 200} })
	f.layout = testPrimary()
	q := consent.Question{Who: card(), Reason: "Imprimante du 2e étage introuvable", Wanted: consent.AllRights, Words: [3]string{"citron", "valise", "orage"}, Monitors: 2}
	pictured(&q)
	d := newQuestion(a, q)
	d.show()
	settle(d.win, d.win.Canvas().Size())
	scroll := d.win.Content().(*fyne.Container).Objects[0].(*container.Scroll)
	if hidden := scroll.Content.MinSize().Height - scroll.Size().Height; hidden > 0 || !d.tight || len(d.photos()) != 1 {
		t.Errorf("%v of the question are hidden, tight: %v, %d photos", hidden, d.tight, len(d.photos()))
	}
}
