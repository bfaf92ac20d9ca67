// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"image"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"assist/internal/consent"
)

// A press of the person on something else in the dialog is none on what a sent click
// names.
func TestDialogWantsThePressOnThatVeryWidget(t *testing.T) {
	d, f := ripe(t)
	box := boxOf(t, d, consent.RightControl)
	middle := func(o fyne.CanvasObject) image.Point {
		r := d.area(o)
		return r.Min.Add(r.Size().Div(2))
	}
	corner, onBox, onRefuse, onAccept := image.Pt(12, 12), middle(box), middle(d.refuse), middle(d.accept)
	for _, at := range []image.Point{corner, onRefuse, onBox} {
		f.set(func() { f.at = &at })
		test.Tap(d.accept)
		if got, ok := d.given(); ok {
			t.Fatalf("a press at %v answered %+v", at, got)
		}
	}
	f.set(func() { f.at = &onAccept })
	test.Tap(box)
	if box.on {
		t.Error("a press on accept ticked a box")
	}
	f.set(func() { f.at = &onBox })
	if test.Tap(box); !box.on {
		t.Error("a press on the box does not count")
	}
	f.set(func() { f.at = &onAccept })
	test.Tap(d.accept)
	if _, ok := d.given(); !ok {
		t.Error("a press on accept does not count")
	}
}

// Where the gate asks strictly, a program that plays a device gives nothing, and takes away
// what it likes.
func TestDialogWantsADeviceWhereItIsAskedStrictly(t *testing.T) {
	strict := func(q *consent.Question) {
		q.Widening, q.Strict, q.Wanted = true, true, consent.RightPoint|consent.RightControl
	}
	d, f := ripe(t, strict)
	f.set(func() { f.played = true })
	box := boxOf(t, d, consent.RightPoint)
	if test.Tap(box); box.on {
		t.Error("a program cannot take a tick away")
	}
	if test.Tap(box); box.on {
		t.Error("a program ticked a box")
	}
	test.Tap(d.accept)
	if got, ok := d.given(); ok {
		t.Fatalf("a program answered %+v", got)
	}
	if said := d.left.AccessibilityLabel(); !strings.Contains(said, "vraie souris") {
		t.Errorf("said %q", said)
	}
	f.set(func() { f.played = false })
	test.Tap(d.accept)
	if got, ok := d.given(); !ok || got.rights != consent.RightControl {
		t.Errorf("a device answered %+v, %v", got, ok)
	}
	for _, act := range []func(*question){
		func(d *question) { test.Tap(d.refuse) }, func(d *question) { test.Tap(d.report) },
		func(d *question) { key(d, fyne.KeyEscape) },
	} {
		d, f := ripe(t, strict)
		f.set(func() { f.played = true })
		act(d)
		if got, ok := d.given(); !ok || got.err == nil {
			t.Errorf("a program cannot refuse: %+v, %v", got, ok)
		}
	}
	d, f = ripe(t)
	f.set(func() { f.played = true })
	test.Tap(d.accept)
	if _, ok := d.given(); !ok {
		t.Error("the first question is strict, too")
	}
}

// A press that began while nothing could be accepted was meant for something else.
func TestDialogWantsAPressBegunInTime(t *testing.T) {
	d, f := ripe(t)
	f.set(func() { f.begun = d.born.Add(inertTime - time.Millisecond) })
	test.Tap(d.accept)
	if got, ok := d.given(); ok {
		t.Fatalf("a press of the first second answered %+v", got)
	}
	f.set(func() { f.begun, f.hidden = d.born.Add(2*inertTime), true })
	f.pass(inertTime)
	d.tick()
	f.set(func() { f.hidden = false })
	f.pass(inertTime)
	d.tick()
	test.Tap(d.accept)
	if got, ok := d.given(); ok {
		t.Fatalf("a press while it was hidden answered %+v", got)
	}
	f.set(func() { f.begun = f.now })
	test.Tap(d.accept)
	if _, ok := d.given(); !ok {
		t.Error("a press in time does not count")
	}
}

// Enter says no yes, and that it does not, for a while.
func TestDialogSaysThatEnterDoesNotAccept(t *testing.T) {
	d, f := ripe(t)
	f.set(func() { f.typing = true })
	d.win.Canvas().Focus(d.accept)
	key(d, fyne.KeyReturn)
	said := d.left.seg.Text
	f.pass(missedTime)
	d.tick()
	if later := d.left.seg.Text; !strings.Contains(said, "Espace") || strings.Contains(later, "Espace") {
		t.Errorf("said %q, then %q", said, later)
	}
	if got, ok := d.given(); ok {
		t.Errorf("answer %+v", got)
	}
}

// Whatever stands between the buttons, the dialog stays as wide as it is: one that moves
// under the person's hand is pressed elsewhere.
func TestNoWordWidensTheDialog(t *testing.T) {
	for _, language := range languages() {
		a, _ := newTestApp(t, func(f *fake) { f.prefs.Language = language })
		d := newQuestion(a, consent.Question{Who: card(), Wanted: consent.RightControl, Widening: true, Strict: true})
		d.show()
		wide := d.win.Canvas().Size().Width
		for _, key := range []string{"dialog.missed", "dialog.missedStrict", "dialog.covered", "dialog.entered"} {
			d.left.set(d.a.say(key))
			if least := d.win.Content().MinSize().Width; least > wide {
				t.Errorf("%s, %s: %v of %v: %s", language, key, least, wide, d.left.seg.Text)
			}
		}
	}
}
