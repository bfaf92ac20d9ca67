// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
)

// inFolder makes the toolkit's dialogs of files begin in a folder of this test.
func inFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	return dir
}

// filesDialog is the toolkit's dialog that lies over the main window.
func filesDialog(t *testing.T, a *App) fyne.CanvasObject {
	t.Helper()
	top := a.win.Canvas().Overlays().Top()
	d, ok := inDialog(top, func(*widget.PopUp) bool { return true })
	if !ok {
		t.Fatal("no dialog of files is open")
	}
	if s := d.Content.Size(); s.Width < 600 || s.Height < 400 {
		t.Errorf("the dialog is %v large", s)
	}
	return d
}

// inDialog finds a part of a dialog of the toolkit.
func inDialog[T fyne.CanvasObject](o fyne.CanvasObject, fits func(T) bool) (found T, ok bool) {
	if one, is := o.(T); is && fits(one) {
		return one, true
	}
	var inner []fyne.CanvasObject
	switch o := o.(type) {
	case *fyne.Container:
		inner = o.Objects
	case fyne.Widget:
		inner = test.WidgetRenderer(o).Objects()
	}
	for _, i := range inner {
		if found, ok = inDialog(i, fits); ok {
			return found, true
		}
	}
	return found, false
}

// tapIn presses the button of a dialog with this label.
func tapIn(t *testing.T, d fyne.CanvasObject, label string) {
	t.Helper()
	b, ok := inDialog(d, func(b *widget.Button) bool { return b.Text == label })
	if !ok || b.Disabled() {
		t.Fatalf("no button %q to press", label)
	}
	test.Tap(b)
}

func TestJoinByFile(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.helped.Joined = false })
	test.Tap(a.shown.(*firstPage).code)
	f.fault = &BadFile{File: "/tmp/assist.toml", Line: 3, Key: "server.pin"}
	a.shown.(*joinPage).openFile("/tmp/assist.toml")
	if said := a.shown.(*joinPage).fault.said; !strings.Contains(said, "assist.toml") || !strings.Contains(said, "ligne 3") || !strings.Contains(said, "server.pin") {
		t.Errorf("said %q", said)
	}
}

// Rules in a file that anybody can open do not count, and that is said once it has joined.
func TestJoinByFileWithRules(t *testing.T) {
	a, f := newTestApp(t, func(f *fake) { f.helped.Joined = false })
	test.Tap(a.shown.(*firstPage).code)
	f.fault = &Unruled{File: "/etc/assist/assist.toml"}
	a.shown.(*joinPage).openFile("/tmp/assist.toml")
	if _, ok := a.shown.(*homePage); !ok || said(a, "/etc/assist/assist.toml") != 1 {
		t.Errorf("shown %T", a.shown)
	}
}

// A file is chosen in the toolkit's own dialog, by keyboard, and it alone joins.
func TestJoinByChosenFile(t *testing.T) {
	dir := inFolder(t)
	path := filepath.Join(dir, "assist.toml")
	for name, text := range map[string]string{path: "[unit]\n", filepath.Join(dir, "other.txt"): ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, f := newTestApp(t, func(f *fake) { f.helped.Joined = false })
	test.Tap(a.shown.(*firstPage).code)
	test.Tap(a.shown.(*joinPage).open)
	d := filesDialog(t, a)
	files, ok := inDialog(d, func(*widget.GridWrap) bool { return true })
	if !ok || files.Length() != 2 { // the folder above, and the one file
		t.Fatal("the dialog does not list the one file that fits")
	}
	c := a.win.Canvas()
	c.FocusNext() // the favourites
	c.FocusNext()
	for _, name := range []fyne.KeyName{fyne.KeyRight, fyne.KeySpace} {
		c.Focused().TypedKey(&fyne.KeyEvent{Name: name})
	}
	c.FocusPrevious()
	c.FocusPrevious() // round to the main button
	c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	if a.win.Canvas().Overlays().Top() != nil || !f.said("file "+path) {
		t.Errorf("calls %q", f.calls)
	}
}

// A receipt is saved where the toolkit's own dialog says.
func TestReceiptIsSavedThroughItsDialog(t *testing.T) {
	dir := inFolder(t)
	a, f := newTestApp(t, func(f *fake) { f.receipts = someReceipts() })
	r := &receiptPage{a: a, before: a.shown, receipt: someReceipts()[0]}
	a.turn(placeHelped, r)
	var later func()
	a.spawn = func(call func()) { later = call }
	r.save.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	if a.win.Canvas().Overlays().Top() != nil {
		t.Error("the space that pressed the button would land in the name of the file")
	}
	a.spawn = func(call func()) { call() }
	later()
	d := filesDialog(t, a)
	name, ok := inDialog(d, func(*widget.Entry) bool { return true })
	if !ok || a.win.Canvas().Focused() != name {
		t.Fatal("the dialog does not begin at the name of the file")
	}
	name.SetText("mine.html")
	tapIn(t, d, a.say("receipt.save"))
	if a.win.Canvas().Overlays().Top() != nil || !f.said("save "+filepath.Join(dir, "mine.html")) || f.page == "" {
		t.Errorf("calls %q", f.calls)
	}
}

// Leaving a dialog of files does nothing.
func TestFilesDialogIsLeft(t *testing.T) {
	inFolder(t)
	a, f := newTestApp(t, func(f *fake) { f.receipts = someReceipts() })
	r := &receiptPage{a: a, before: a.shown, receipt: someReceipts()[0]}
	a.turn(placeHelped, r)
	test.Tap(r.save)
	tapIn(t, filesDialog(t, a), a.say("cancel"))
	if a.win.Canvas().Overlays().Top() != nil || f.said("save") {
		t.Errorf("calls %q", f.calls)
	}
}
