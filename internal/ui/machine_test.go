// SPDX-License-Identifier: Apache-2.0

//go:build !screens

package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
)

func TestRegroup(t *testing.T) {
	for _, c := range []struct {
		typed  string
		cursor int
		shown  string
		at     int
	}{
		{"", 0, "", 0},
		{"4829", 4, "4829", 4},
		{"48291", 5, "4829 1", 6},
		{"4829 17305566", 13, "4829 1730 5566", 14},
		{"4829-1730.5566", 14, "4829 1730 5566", 14},
		{"4829 1730 55667", 15, "4829 1730 5566", 14},
		{"48x29", 3, "4829", 2},
		{"４８", 2, "", 0},
	} {
		shown, at := regroup(c.typed, c.cursor)
		if shown != c.shown || at != c.at {
			t.Errorf("regroup(%q, %d) = %q, %d; want %q, %d", c.typed, c.cursor, shown, at, c.shown, c.at)
		}
	}
}

func TestMachineEntryGroupsWhileTyping(t *testing.T) {
	test.NewTempApp(t)
	var digits string
	e := newMachineEntry(&digits, func() {}, func() {})
	test.NewTempWindow(t, e)
	test.Type(e, "48291730x5566")
	if e.Text != "4829 1730 5566" || digits != "482917305566" {
		t.Errorf("shown %q, kept %q", e.Text, digits)
	}
	if e.CursorColumn != 14 {
		t.Errorf("cursor at %d", e.CursorColumn)
	}
}

func TestMachineEntryErases(t *testing.T) {
	test.NewTempApp(t)
	var digits string
	e := newMachineEntry(&digits, func() {}, func() {})
	test.NewTempWindow(t, e)
	test.Type(e, "48291")
	for range 2 {
		e.TypedKey(&fyne.KeyEvent{Name: fyne.KeyBackspace})
	}
	test.Type(e, "7")
	if digits != "4827" && digits != "48297" {
		t.Errorf("kept %q, shown %q", digits, e.Text)
	}
}

func TestTOTPEntry(t *testing.T) {
	test.NewTempApp(t)
	var code string
	e := newTOTPEntry(&code, func() {})
	test.NewTempWindow(t, e)
	test.Type(e, "12a 34567")
	if e.Text != "123456" || code != "123456" {
		t.Errorf("shown %q, kept %q", e.Text, code)
	}
}

func TestCheckDigitAtOnce(t *testing.T) {
	a, f := newTestApp(t)
	p := signIn(t, a, f)
	for typed, want := range map[string]string{
		"4829 1730 55":   "Encore 2 chiffres",
		"4829 1730 556":  "Encore 1 chiffre",
		"4829 1730 5567": "Chiffre de contrôle faux\u00a0: faites répéter le numéro",
		"4829 1730 5566": "Pas de faute de frappe\u00a0; pas encore cherché",
	} {
		p.machine.SetText(typed)
		if p.hint.line.seg.Text != want {
			t.Errorf("%s: %q, want %q", typed, p.hint.line.seg.Text, want)
		}
		if p.hint.ink == theme.ColorNameSuccess {
			t.Errorf("%s looks as if it had been found", typed)
		}
	}
	p.machine.SetText("4829 1730 5567")
	p.reason.SetText("Imprimante")
	p.totp.SetText("123456")
	test.Tap(p.ask)
	if len(f.asked) != 0 {
		t.Error("a mistyped number was sent")
	}
}
